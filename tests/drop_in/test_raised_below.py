"""Whatever the layers below raise, in whatever phase: an error of the tree, or one of httpx."""

import socket
import ssl
import struct
import traceback
import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from client import ClientConfig, MyAPIError, httpx2
from client.faces.facade.clients import ResilientClient, SyncResilientClient
from tests.drop_in.kits import Kit

S = "s3cr3t"
BODY = b"pay"
PHASES = {
    "connect": ("connect", False),
    "tls": ("tls", False),
    "write": ("write", False),
    "head": ("head", False),
    "body": ("body", False),
    "head-of-a-stream": ("head", True),
    "body-of-a-stream": ("body", True),
}
every_phase = pytest.mark.parametrize(("phase", "is_streamed"), PHASES.values(), ids=PHASES)
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
LIBRARIES = (
    "httpcore",
    "httpcore2",
    "h11",
    "h2.exceptions",
    "hpack",
    "hyperframe.exceptions",
    "anyio",
    "ssl",
    "aiohttp",
    "socket",
    "idna",
    "zlib",
    "asyncio",
    "struct",
)
OF_PYTHON = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BlockingIOError,
    BufferError,
    EOFError,
    ExceptionGroup,
    KeyError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    RuntimeError,
    SystemError,
    TypeError,
    UnicodeDecodeError,
    UnicodeEncodeError,
    ValueError,
    ConnectionResetError,
    TimeoutError,
    ssl.SSLCertVerificationError,
    socket.gaierror,
    struct.error,
    zlib.error,
)


def classes_of(library: str) -> Iterator[type[Exception]]:
    """The exceptions that a library has under public names."""
    module = import_module(library)
    for name in dir(module):
        found = getattr(module, name)
        if isinstance(found, type) and issubclass(found, Exception) and not is_a_signal(found):
            yield found


def is_a_signal(kind: type[Exception]) -> bool:
    """Whether an exception is a way to say something else than that something went wrong."""
    # A warning is raised where somebody asked for that; to httpcore's pool the last means: try
    # another connection.
    kinds = (Warning, StopIteration, StopAsyncIteration)
    return issubclass(kind, kinds) or kind.__name__ == "ConnectionNotAvailable"


FOUND_BEFORE = {
    "ConnectError",
    "ConnectTimeout",
    "LocalProtocolError",
    "PoolTimeout",
    "ProxyError",
    "UnsupportedProtocol",
}
CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
KINDS = sorted(
    {*OF_PYTHON, *(kind for library in LIBRARIES for kind in classes_of(library))},
    key=lambda kind: (kind.__module__, kind.__qualname__),
)


def raised(kind: type[Exception]) -> Exception:
    """An exception of a class, whatever its constructor wants."""
    if issubclass(kind, ExceptionGroup):
        return kind(f"'{S}'", [OSError(f"'{S}'"), ValueError(f"'{S}'")])
    if issubclass(kind, UnicodeEncodeError):
        return kind("ascii", S, 0, 1, "ordinal not in range")
    if issubclass(kind, UnicodeDecodeError):
        return kind("ascii", S.encode(), 0, 1, "ordinal not in range")
    made = kind.__new__(kind)
    made.args = (f"about '{S}'",)
    return made


class Backend:
    """The network under httpcore, which raises in one phase."""

    def __init__(self, phase: str) -> None:
        self._phase = phase
        self._has_answered = False
        self._error = Exception()

    def raises(self, error: Exception) -> None:
        """Raise this from now on."""
        self._error = error
        self._has_answered = False

    def get_extra_info(self, _info: str) -> None:
        """Know nothing."""

    def _fail_at(self, phase: str) -> None:
        if phase == self._phase:
            raise self._error

    def _next(self) -> bytes:
        if self._has_answered:
            self._fail_at("body")
        self._fail_at("head")
        self._has_answered = True
        return WHOLE if self._phase == "close" else ANSWER


class BlockingBackend(Backend):
    """That of a blocking client; its own stream as well."""

    def connect_tcp(self, *_: Any, **__: Any) -> Any:
        """Connect."""
        self._fail_at("connect")
        return self

    def start_tls(self, *_: Any, **__: Any) -> Any:
        """Speak TLS from now on."""
        self._fail_at("tls")
        return self

    def write(self, *_: Any, **__: Any) -> None:
        """Write."""
        self._fail_at("write")

    def read(self, *_: Any, **__: Any) -> bytes:
        """Read."""
        return self._next()

    def close(self) -> None:
        """Close."""
        self._fail_at("close")


class AsyncBackend(Backend):
    """That of an async client."""

    async def connect_tcp(self, *_: Any, **__: Any) -> Any:
        """Connect."""
        self._fail_at("connect")
        return self

    async def start_tls(self, *_: Any, **__: Any) -> Any:
        """Speak TLS from now on."""
        self._fail_at("tls")
        return self

    async def write(self, *_: Any, **__: Any) -> None:
        """Write."""
        self._fail_at("write")

    async def read(self, *_: Any, **__: Any) -> bytes:
        """Read."""
        return self._next()

    async def aclose(self) -> None:
        """Close."""
        self._fail_at("close")


def transport_over(kit: Kit, backend: Any) -> Any:
    """Make a transport of httpx over such a network."""
    kind = kit.module.AsyncHTTPTransport if kit.is_async else kit.module.HTTPTransport
    transport = kind(verify=CONTEXT)
    transport._pool._network_backend = backend
    return transport


async def ending_of(work: Any) -> BaseException | None:
    """What a call raises, or None."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - the test looks at it
        return error
    return None


def is_overlooked(kind: type[Exception], phase: str) -> bool:
    """Whether httpcore goes on after it: the server may have answered already."""
    return (
        phase == "write"
        and kind.__module__.startswith("httpcore")
        and kind.__name__ == "WriteError"
    )


def kinds_in(phase: str, *, only_some: bool) -> list[type[Exception]]:
    """All of them that end a call in a phase, or every third."""
    kinds = [each for each in KINDS if not is_overlooked(each, phase)]
    return kinds[:: 3 if only_some else 1]


def backend_of(kit: Kit, phase: str) -> Any:
    """A network of the kind this world asks for."""
    return AsyncBackend(phase) if kit.is_async else BlockingBackend(phase)


def facade_of(kit: Kit, transport: Any, **settings: Any) -> Any:
    """A facade over a transport."""
    kinds = {
        ("httpx", True): ResilientClient,
        ("httpx", False): SyncResilientClient,
        ("httpx2", True): httpx2.ResilientClient,
        ("httpx2", False): httpx2.SyncResilientClient,
    }
    config = ClientConfig(
        base_url="https://server.test", retry=None, circuit_breaker=None, **settings
    )
    return kinds[kit.family, kit.is_async](config, transport=transport)


async def called(kit: Kit, client: Any, *, is_streamed: bool) -> None:
    """Send a request, and read the body of its answer."""
    url = "https://server.test/"
    if not is_streamed:
        await kit.awaited(client.post)(url, content=BODY)
    elif kit.is_async:
        async with client.stream("POST", url, content=BODY) as response:
            await response.aread()
    else:
        with client.stream("POST", url, content=BODY) as response:
            response.read()


def shown_by(error: BaseException) -> str:
    """What a traceback says of an error and its causes, without the lines that Python quotes."""
    lines = "".join(traceback.format_exception(error, limit=0)).splitlines()
    return "\n".join(line for line in lines if not line.startswith("  "))


def what_is_wrong_with(error: Any, kind: type[Exception], phase: str) -> str:
    """What an error of the facade should not be, or nothing."""
    if not isinstance(error, MyAPIError):
        return "not of the tree"
    # Who refuses a certificate has seen no request, whenever he does so.
    is_unsent = phase in {"connect", "tls"} or issubclass(kind, ssl.SSLCertVerificationError)
    # By these names httpcore speaks of what it has found before anything was written.
    is_known = phase == "write" and kind.__name__ in FOUND_BEFORE
    if error.request_sent is is_unsent and not is_known:
        return f"request_sent={error.request_sent}"
    if error.__cause__ is None:
        return "no cause"
    return "a secret is shown" if S in shown_by(error) else ""


def what_is_wrong_in_httpx(error: Any, kit: Kit) -> str:
    """What an error of a drop-in client should not be, or nothing."""
    if not isinstance(error, kit.module.RequestError):
        return "not of httpx"
    return "" if error.request.method == "POST" else "not of this request"


@every_phase
async def test_it_comes_out_as_one_of_ours(kit: Kit, phase: str, *, is_streamed: bool) -> None:
    """Of the facade: in the tree, with the truth about the request, and with no secret shown."""
    wrong = {}
    backend = backend_of(kit, phase)
    client = facade_of(kit, transport_over(kit, backend))
    for kind in kinds_in(phase, only_some=is_streamed):  # a stream is read alike
        backend.raises(raised(kind))
        error = await ending_of(called(kit, client, is_streamed=is_streamed))
        if found := what_is_wrong_with(error, kind, phase):
            wrong[kind] = f"{found}: {error!r}"
    await kit.awaited(client.close)()
    assert wrong == {}


@every_phase
async def test_it_comes_out_as_one_of_httpx(kit: Kit, phase: str, *, is_streamed: bool) -> None:
    """Of a drop-in client: what callers of httpx catch, with its request."""
    wrong = {}
    backend = backend_of(kit, phase)
    client = kit.real_client(transport=transport_over(kit, backend), max_retries=0)
    # Where it was raised is read as for the facade; what httpx calls it goes by its class.
    for kind in kinds_in(phase, only_some=phase != "head"):
        backend.raises(raised(kind))
        error = await ending_of(called(kit, client.real, is_streamed=is_streamed))
        if found := what_is_wrong_in_httpx(error, kit):
            wrong[kind] = f"{found}: {error!r}"
    assert wrong == {}


async def test_a_facade_closes_whatever_a_connection_says(kit: Kit) -> None:
    """It was good until then, and nobody can do anything about it."""
    for error in (ssl.SSLError(1, "[SSL] protocol is shut down"), KeyError("fd"), OSError("gone")):
        backend = backend_of(kit, "close")
        backend.raises(error)
        client = facade_of(kit, transport_over(kit, backend))
        await kit.awaited(client.get)("/")
        await kit.awaited(client.close)()


async def test_a_facade_hides_no_bug_of_a_transport_s(kit: Kit) -> None:
    """One that cannot be closed says so."""
    transport = kit.wire(200)

    def fail() -> None:
        raise LookupError("a bug")

    name = "aclose" if kit.is_async else "close"
    setattr(transport, name, kit.awaited_if_async(fail))
    client = facade_of(kit, transport)
    await kit.awaited(client.get)("/")
    with pytest.raises(LookupError, match="a bug"):
        await kit.awaited(client.close)()


@pytest.mark.parametrize("leaves", [False, True], ids=["close", "with"])
async def test_a_drop_in_closes_as_httpx_does(kit: Kit, *, leaves: bool) -> None:
    """With an exception of httpx's, if any."""
    backend = backend_of(kit, "close")
    backend.raises(ssl.SSLError(1, "[SSL] protocol is shut down"))
    client = kit.real_client(transport=transport_over(kit, backend))
    if leaves:
        await client.__aenter__()
    await client.get("https://server.test/")
    with pytest.raises(kit.module.CloseError) as caught:
        await (client.__aexit__(None, None, None) if leaves else client.close())
    assert isinstance(caught.value.__cause__, ssl.SSLError)


async def test_a_drop_in_hides_no_bug_of_a_transport_s(kit: Kit) -> None:
    """Nor calls it by a name of httpx's."""
    transport = kit.wire()

    def fail() -> None:
        raise LookupError("a bug")

    name = "aclose" if kit.is_async else "close"
    setattr(transport, name, kit.awaited_if_async(fail))
    client = kit.real_client(transport=transport)
    with pytest.raises(LookupError, match="a bug"):
        await client.close()

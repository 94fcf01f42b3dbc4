"""The fast transport beside httpx's own: the same fault is the same exception, to the class."""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import httpx2
import pytest

import client
import client.httpx2
from tests.wire.catalogue.test_body import FAULTS as BODY
from tests.wire.catalogue.test_connect import unresolved_url
from tests.wire.catalogue.test_head import FAULTS as HEAD
from tests.wire.catalogue.test_head import never_stops_announcing
from tests.wire.catalogue.test_hostile_headers import FAULTS as HEADERS
from tests.wire.catalogue.test_protocol import FAULTS as PROTOCOL
from tests.wire.catalogue.test_request import FAULTS as REQUEST
from tests.wire.catalogue.test_tls import FAULTS as TLS
from tests.wire.scripted_server import head
from tests.wire.scripts import (
    LARGE,
    after_an_answer,
    healthy,
    reads_nothing,
    stalls_before_the_head,
)
from tests.wire.twins import AsyncTwin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script, ScriptedServer

__all__ = ["unresolved_url"]

until = AsyncTwin().until
FAMILIES: dict[str, tuple[Any, Any]] = {
    "httpx": (httpx, client.AiohttpTransport),
    "httpx2": (httpx2, client.httpx2.AiohttpTransport),
}
PATIENT = (10.0, 10.0, 10.0, 10.0)


class Outcome(NamedTuple):
    """What came of a request."""

    raised: str | None
    names_the_request: bool = True
    refuses_certificate: bool = False
    status: int | None = None
    body: bytes | None = None


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Any:
    """One of the two."""
    return FAMILIES[request.param][0]


@pytest.fixture
def fast(family: Any) -> Any:
    """The transport of that family."""
    return FAMILIES[family.__name__][1]


def outcome_of(error: Exception | None, request: Any, response: Any) -> Outcome:
    """What can be told of a call from outside."""
    if error is None:
        return Outcome(None, status=response.status_code, body=response.content)
    # What httpx lets escape from h11 names no request; ours is httpx's own of that name.
    is_of_h11 = type(error).__module__.startswith("h11.")
    return Outcome(
        type(error).__name__,
        is_of_h11 or getattr(error, "_request", None) is request,
        any(isinstance(each, ssl.SSLCertVerificationError) for each in causes(error)),
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


async def try_it(http: Any, request: Any, *, warm: str | None) -> Outcome:
    """Send a request, over a connection that has served where `warm` gives a URL for that."""
    async with http:
        if warm is not None:
            await http.get(warm)
        try:
            response = await http.send(request)
        except Exception as error:  # noqa: BLE001 - it is what the test looks at
            return outcome_of(error, request, None)
        return outcome_of(None, request, response)


async def compare(
    family: Any,
    make: Callable[[], tuple[Any, Any]],
    build: Callable[[], Any],
    *,
    warm: str | None = None,
) -> Outcome:
    """Have both transports meet the same, and return what came of it for both."""
    plain, fast = (family.AsyncClient(transport=transport) for transport in make())
    expected = await try_it(plain, build(), warm=warm)
    assert await try_it(fast, build(), warm=warm) == expected
    return expected


def resets_before_reading(connection: Connection) -> None:
    """Cut the connection when no more than a byte of the request has been read."""
    connection.sock.recv(1)
    connection.reset()


def resets_after_reading(connection: Connection) -> None:
    """Cut the connection when the request is there."""
    connection.read_request()
    connection.reset()


def resets_inside_the_head(connection: Connection) -> None:
    """Cut the connection within a header."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-")
    connection.stopping.wait(0.02)
    connection.reset()


def resets_in_the_body(connection: Connection) -> None:
    """Cut the connection when some of the body has been read."""
    connection.read_request()
    connection.send(head(content_length="1000") + b"x" * 10)
    connection.stopping.wait(0.02)
    connection.reset()


def resets_in_a_body_without_length(connection: Connection) -> None:
    """Cut the connection where only its end could end the body."""
    connection.read_request()
    connection.send(head() + b"x" * 10)
    connection.stopping.wait(0.02)
    connection.reset()


def closes_without_length(connection: Connection) -> None:
    """End the body by closing."""
    connection.read_request()
    connection.send(head() + b"all of it")


def surplus_of_garbage(connection: Connection) -> None:
    """Put what is no answer behind the answer."""
    connection.read_request()
    connection.send(head(content_length="2") + b"ok\0\1\2garbage")
    connection.stall()


def surplus_behind_chunks(connection: Connection) -> None:
    """Put what is no answer behind the last chunk."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked") + b"2\r\nok\r\n0\r\n\r\n\0garbage")
    connection.stall()


def trailers(connection: Connection) -> None:
    """Put headers behind the last chunk."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked") + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n")
    connection.stall()


def announces(connection: Connection) -> None:
    """Send informational answers before the answer."""
    connection.read_request()
    connection.send(b"HTTP/1.1 100 Continue\r\n\r\n" + b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n")
    connection.answer(body=b"ok")
    connection.stall()


def ends_lines_bare(connection: Connection) -> None:
    """Leave the CR out."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok")
    connection.stall()


def encodes_twice(connection: Connection) -> None:
    """Name a coding that nobody offered."""
    connection.read_request()
    connection.send(head(transfer_encoding="gzip") + b"ok")
    connection.stall()


def ends_its_head_bare(connection: Connection) -> None:
    """Leave the CR out, and put into the body what would end another head."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\nContent-Length: 8\n\nab\r\n\r\ncd")
    connection.stall()


def ends_its_head_half_bare(connection: Connection) -> None:
    """Leave the CR out of some lines."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 8\n\r\nab\n\n\r\ncd")
    connection.stall()


def names_two_codings(connection: Connection) -> None:
    """In two headers."""
    connection.read_request()
    connection.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n"
        b"2\r\nok\r\n0\r\n\r\n"
    )
    connection.stall()


def names_no_status_there_is(connection: Connection) -> None:
    """Count from zero."""
    connection.read_request()
    connection.send(b"HTTP/1.1 099 Early\r\nContent-Length: 0\r\n\r\n")
    connection.stall()


def no_status(connection: Connection) -> None:
    """Leave the number out."""
    connection.read_request()
    connection.send(b"HTTP/1.1 OK\r\n\r\n")
    connection.stall()


def one_zero(connection: Connection) -> None:
    """Answer as an old server."""
    connection.read_request()
    connection.send(b"HTTP/1.0 200 OK\r\n\r\nold")


def closes(connection: Connection) -> None:
    """Close at once."""
    connection.read_request()


SCRIPTS: list[Script] = [
    resets_before_reading,
    resets_after_reading,
    resets_inside_the_head,
    resets_in_the_body,
    resets_in_a_body_without_length,
    closes_without_length,
    closes,
    surplus_of_garbage,
    surplus_behind_chunks,
    trailers,
    announces,
    ends_lines_bare,
    ends_its_head_bare,
    ends_its_head_half_bare,
    encodes_twice,
    names_two_codings,
    names_no_status_there_is,
    no_status,
    one_zero,
]
SAME = [*BODY, *HEAD, *HEADERS, *PROTOCOL, *REQUEST, *TLS]


@pytest.mark.parametrize(
    ("family", "method"), [("httpx", "GET"), ("httpx2", "POST")], indirect=["family"]
)
@pytest.mark.parametrize("warm", [False, True], ids=["new", "used"])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_server_that_does_this(  # noqa: PLR0913 - two families, two ways, two methods
    family: Any, fast: Any, serve: Serve, script: Script, method: str, *, warm: bool
) -> None:
    """Over a new connection, and over one that has served before."""
    server = serve(after_an_answer(script) if warm else script)

    def build() -> Any:
        content = b"x" * 1000 if method == "POST" else None
        return family.Request(method, server.url, content=content, extensions=within(PATIENT))

    await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        build,
        warm=server.url if warm else None,
    )


@pytest.mark.parametrize(
    "script",
    [closes, closes_without_length, resets_in_the_body, resets_after_reading, healthy],
)
async def test_a_server_that_does_this_under_tls(
    family: Any, fast: Any, serve: Serve, script: Script, server_tls: ssl.SSLContext
) -> None:
    """Where it closes without saying so first, as many do."""
    server = serve(script, tls=server_tls)
    await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("GET", server.url, extensions=within(PATIENT)),
    )


async def test_an_upload_under_tls_that_nobody_reads(
    family: Any, fast: Any, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """A write that takes too long is one, not a silence of the server."""
    server = serve(reads_nothing, tls=server_tls, receive_buffer=4096)

    def build() -> Any:
        extensions = within((10, 0.5, 0.05, 10))
        return family.Request("POST", server.url, content=LARGE * 2, extensions=extensions)

    outcome = await compare(family, lambda: (family.AsyncHTTPTransport(), fast()), build)
    assert outcome.raised == "WriteTimeout"


async def test_an_upload_that_nobody_wants(family: Any, fast: Any, serve: Serve) -> None:
    """It ends in the middle; what the server said before it left is the answer."""

    def refuses(connection: Connection) -> None:
        connection.sock.recv(1000)
        connection.answer(413, b"too large", connection="close")
        connection.sock.shutdown(socket.SHUT_WR)
        connection.stall()

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000
            await asyncio.sleep(0.005)  # else it is all sent before it is refused

    server = serve(refuses)
    outcome = await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("POST", server.url, content=endless(), extensions=within(PATIENT)),
    )
    assert outcome.status == 413


@pytest.mark.parametrize("seconds", [0, -1])
async def test_no_time_to_write(family: Any, fast: Any, serve: Serve, seconds: float) -> None:
    """Nothing is sent."""
    server = serve(healthy)
    outcome = await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("GET", server.url, extensions=within((9, 9, seconds, 9))),
    )
    assert (outcome.raised, server.requests) == ("WriteTimeout", [])


async def test_a_client_certificate_that_is_missing(
    family: Any, fast: Any, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """Under TLS 1.3 the server says so, or just leaves, after the handshake."""
    server_tls.verify_mode = ssl.CERT_REQUIRED
    server = serve(healthy, tls=server_tls)

    def build() -> Any:
        return family.Request("GET", server.url, extensions=within(PATIENT))

    late = await try_it(family.AsyncClient(transport=fast()), build(), warm=None)
    # Which of the two, is a matter of what the system finds first: the alert, or the end.
    assert late.raised in {"ReadError", "RemoteProtocolError"}
    server_tls.maximum_version = ssl.TLSVersion.TLSv1_2
    outcome = await compare(family, lambda: (family.AsyncHTTPTransport(), fast()), build)
    assert outcome.raised == "ConnectError"


async def test_patience_that_is_shorter_than_before(family: Any, fast: Any, serve: Serve) -> None:
    """On the same connection."""
    server = serve(after_an_answer(stalls_before_the_head))
    async with family.AsyncClient(transport=fast()) as http:
        await http.get(server.url, timeout=PATIENT)
        with pytest.raises(family.ReadTimeout):
            await http.get(server.url, timeout=(10, 0.02, 10, 10))


EACH_FAULT = pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=fault.name.replace(" ", "-"))
        for fault in SAME
        if fault.script not in {None, never_stops_announcing}
    ],
)


def requests_for(fault: Any, family: Any, server: ScriptedServer) -> Callable[[], Any]:
    """What makes the request of a row."""
    url = server.url.replace("http:", "https:") if fault.is_https else server.url
    options = dict(fault.options)
    extensions = {**options.pop("extensions", {}), **within(options.pop("timeout", PATIENT))}
    return lambda: family.Request(fault.method, url, extensions=dict(extensions), **options)


@pytest.mark.parametrize("family", ["httpx"], indirect=True)
@EACH_FAULT
async def test_a_fault_of_the_catalogue(family: Any, fast: Any, serve: Serve, fault: Any) -> None:
    """Without anything of ours around the transport."""
    build = requests_for(fault, family, serve(fault.script))
    await compare(family, lambda: (family.AsyncHTTPTransport(), fast()), build)


@pytest.mark.parametrize("family", ["httpx2"], indirect=True)
@EACH_FAULT
async def test_a_drop_in_client_that_meets_it(
    family: Any, fast: Any, serve: Serve, fault: Any
) -> None:
    """It makes as many attempts, and gives the same in the end."""
    drop_in = client.AsyncClient if family is httpx else client.httpx2.AsyncClient
    seen = []
    for transport in (family.AsyncHTTPTransport(), fast()):
        server = serve(fault.script)
        http = drop_in(transport=transport, max_retries=1, backoff_factor=0.0)
        outcome = await try_it(http, requests_for(fault, family, server)(), warm=None)
        seen.append((outcome._replace(names_the_request=True), server.accepted))
    assert seen[0] == seen[1]


@pytest.mark.parametrize("url", ["http://nowhere.invalid/", "refused", "backlog"])
@pytest.mark.usefixtures("unresolved_url")
async def test_nobody_there(
    family: Any, fast: Any, url: str, unaccepting_port: int, refusing_port: int
) -> None:
    """No connection comes about."""
    where = {
        "refused": f"http://127.0.0.1:{refusing_port}/",
        "backlog": f"http://127.0.0.1:{unaccepting_port}/",
    }
    await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("GET", where.get(url, url), extensions=within((0.1, 9, 9, 9))),
    )


@pytest.fixture
def refusing_port() -> int:
    """Where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


NO_NAMES = ["http://a..b/", f"http://{'x' * 70}.invalid/", "http://[fe80::1%25none]:1/"]


@pytest.mark.parametrize(
    "url", ["ftp://a.test/", "//a.test/", "ws://127.0.0.1:1/", "http:///a", *NO_NAMES]
)
async def test_urls_that_cannot_be_called(family: Any, fast: Any, url: str) -> None:
    """And one that can, but nobody is there."""
    await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("GET", url, extensions=within(PATIENT)),
    )


async def test_an_untrusted_certificate(
    family: Any, fast: Any, serve: Serve, server_tls: ssl.SSLContext, monkeypatch: Any
) -> None:
    """Is a cause of the exception."""
    monkeypatch.delenv("SSL_CERT_FILE")
    server = serve(healthy, tls=server_tls)
    outcome = await compare(
        family,
        lambda: (family.AsyncHTTPTransport(), fast()),
        lambda: family.Request("GET", server.url, extensions=within(PATIENT)),
    )
    assert (outcome.raised, outcome.refuses_certificate) == ("ConnectError", True)


async def test_a_full_pool(family: Any, fast: Any, serve: Serve) -> None:
    """Nobody gets a connection within the pool timeout."""
    server = serve(stalls_before_the_head)
    limits = family.Limits(max_connections=1)
    names = []
    for transport in (family.AsyncHTTPTransport(limits=limits), fast(limits=limits)):
        async with family.AsyncClient(transport=transport) as http:
            first = asyncio.create_task(http.get(server.url, timeout=PATIENT))
            before = len(server.requests)
            await until(lambda before=before: len(server.requests) > before)  # type: ignore[misc] # a default
            with pytest.raises(family.PoolTimeout) as full:
                await http.get(server.url, timeout=(9, 9, 9, 0.02))
            names.append(type(full.value).__name__)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
    assert names == ["PoolTimeout"] * 2


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("GET", {"headers": [(b"X", b"a\r\nb: c")]}),
    ("GET", {"headers": [(b"X", b"a\0")]}),
    ("GET", {"headers": [(b"X", b" a")]}),
    ("GET", {"headers": [(b"X", b"a\t")]}),
    ("GET", {"headers": [(b"X y", b"a")]}),
    ("GET", {"headers": [(b"", b"a")]}),
    ("GET", {"headers": [(b"Host", b"a"), (b"Host", b"b")]}),
    ("G T", {}),
    ("", {}),
    ("G\u00e9T", {}),
    ("GET", {"extensions": {"target": b"/a b"}}),
    ("GET", {"extensions": {"target": b""}}),
    ("GET", {"extensions": {"target": "/\u00e9"}}),
    ("GET", {"extensions": {"target": b"/a HTTP/1.1\r\nX: y"}}),
    ("POST", {"content": b"ab", "headers": {"Content-Length": "3"}}),
    ("POST", {"content": b"abcd", "headers": {"Content-Length": "3"}}),
    ("POST", {"content": b"ab", "headers": {"Content-Length": "x"}}),
    ("POST", {"content": b"ab", "headers": {"Transfer-Encoding": "gzip"}}),
    ("POST", {"content": b"a", "headers": [(b"Content-Length", b"1"), (b"content-length", b"2")]}),
    ("POST", {"content": "two", "headers": {"Content-Length": "3"}}),
    ("POST", {"content": "two", "headers": {"Content-Length": "1"}}),
    ("POST", {"content": "fails"}),
]


async def in_two_pieces() -> AsyncIterator[bytes]:
    """A body that is not known beforehand."""
    yield b"a"
    yield b""
    yield b"b"


async def failing() -> AsyncIterator[bytes]:
    """A body that cannot be read."""
    yield b"a"
    raise OverflowError


@pytest.mark.parametrize(("method", "options"), MALFORMED)
async def test_requests_that_break_the_protocol(
    family: Any, fast: Any, serve: Serve, method: str, options: dict[str, Any]
) -> None:
    """They are refused, and the connection is not used again."""
    server = serve(healthy)
    bodies = {"two": in_two_pieces, "fails": failing}

    def build() -> Any:
        given = dict(options)
        if given.get("content") in bodies:
            given["content"] = bodies[given["content"]]()
        given["extensions"] = {**given.get("extensions", {}), **within(PATIENT)}
        return family.Request(method, server.url, **given)

    outcome = await compare(family, lambda: (family.AsyncHTTPTransport(), fast()), build)
    assert outcome.raised is not None
    assert [sent.headers.get("x") for sent in server.requests if "x" in sent.headers] == []


async def test_a_request_without_a_host(family: Any, fast: Any, serve: Serve) -> None:
    """And one to a port that there is not."""
    server = serve(healthy)

    def build() -> Any:
        request = family.Request("GET", server.url, extensions=within(PATIENT))
        del request.headers["Host"]
        return request

    outcome = await compare(family, lambda: (family.AsyncHTTPTransport(), fast()), build)
    assert outcome.raised == "LocalProtocolError"
    async with family.AsyncClient(transport=fast()) as http:
        with pytest.raises(OverflowError):  # over httpx it comes in an ExceptionGroup
            await http.get("http://127.0.0.1:99999/")


def refuses_tunnels(connection: Connection) -> None:
    """Want to know who is asking."""
    connection.read_request()
    connection.answer(407, b"who are you?")
    connection.stall()


def closes_tunnels(connection: Connection) -> None:
    """Say nothing to that."""
    connection.read_request()


def stalls_tunnels(connection: Connection) -> None:
    """Say nothing, for long."""
    connection.read_request()
    connection.stall()


def speaks_before_tls(connection: Connection) -> None:
    """Make a tunnel, and talk into it."""
    connection.read_request()
    connection.send(head() + b"hello, this is no handshake")
    connection.stall()


def switches_tunnels(connection: Connection) -> None:
    """Speak another protocol instead."""
    connection.read_request()
    connection.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    connection.stall()


def closes_made_tunnels(connection: Connection) -> None:
    """Make a tunnel, and close it."""
    connection.read_request()
    connection.send(head())


@pytest.mark.parametrize(
    "script",
    [
        refuses_tunnels,
        closes_tunnels,
        stalls_tunnels,
        speaks_before_tls,
        switches_tunnels,
        closes_made_tunnels,
    ],
)
async def test_a_proxy_that_does_this(family: Any, fast: Any, serve: Serve, script: Script) -> None:
    """It makes no tunnel, or one that leads nowhere."""
    proxy = serve(script)
    await compare(
        family,
        lambda: (family.AsyncHTTPTransport(proxy=proxy.url), fast(proxy=proxy.url)),
        lambda: family.Request("GET", "https://a.test/", extensions=within((1, 0.1, 5, 5))),
    )


async def test_a_proxy_that_is_not_there(family: Any, fast: Any, refusing_port: int) -> None:
    """Whether a tunnel is asked for or not."""
    proxy = f"http://127.0.0.1:{refusing_port}"
    for url in ("http://a.test/", "https://a.test/"):
        await compare(
            family,
            lambda: (family.AsyncHTTPTransport(proxy=proxy), fast(proxy=proxy)),
            lambda url=url: family.Request("GET", url, extensions=within(PATIENT)),  # type: ignore[misc] # a default
        )


def within(patience: tuple[float, ...]) -> dict[str, Any]:
    """The extension by which httpx hands timeouts on."""
    phases = ("connect", "read", "write", "pool")
    return {"timeout": dict(zip(phases, patience, strict=True))}

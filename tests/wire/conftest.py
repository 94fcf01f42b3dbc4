"""Both twins, servers to break, and the proof that no test leaves a socket behind."""

from __future__ import annotations

import inspect
import os
import select
import socket
import ssl
import stat
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Unpack

import pytest

from tests.eventually import eventually
from tests.wire.scripted_server import ScriptedServer
from tests.wire.twins import TWINS, Twin, tell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from server.testing import FailureServer
    from tests.wire.scripted_server import Script, ServerOptions

CERTIFICATES = Path(__file__).parent / "certificates"


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an `async def` test on the twin it asks for, or on an event loop."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    given = pyfuncitem.funcargs
    arguments = {name: given[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    twin = arguments.get("twin")
    run = twin.tell if isinstance(twin, Twin) else tell
    run(pyfuncitem.obj(**arguments))
    return True


@pytest.fixture(params=TWINS)
def twin(request: pytest.FixtureRequest) -> Twin:
    """One of the two."""
    return TWINS[request.param]()


class Serve(Protocol):
    """Starts a server for the time of the test."""

    def __call__(self, *scripts: Script, **options: Unpack[ServerOptions]) -> ScriptedServer:
        """Serve connection number n with script number n, and all further ones with the last."""
        ...


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Servers that do to each connection what the test wrote down."""
    with ExitStack() as servers:

        def start(*scripts: Script, **options: Unpack[ServerOptions]) -> ScriptedServer:
            return servers.enter_context(ScriptedServer(*scripts, **options))

        yield start


@pytest.fixture
def server_tls() -> ssl.SSLContext:
    """What a server for https on 127.0.0.1 needs."""
    return make_server_tls()


def make_server_tls() -> ssl.SSLContext:
    """Load the certificate for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sslsocket_class = _ClosedWhenReset
    context.load_cert_chain(CERTIFICATES / "server.pem")
    return context


class _ClosedWhenReset(ssl.SSLSocket):
    """Is not left open where the client was gone before the handshake.

    In Python 3.12.1 and 3.11.7 wrapping a socket that the peer has reset raises, with the new
    socket neither returned nor closed; in 3.13 it is closed.
    """

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except OSError:
            self.close()
            raise


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxies of the environment."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def unaccepting_port() -> Iterator[int]:
    """A port where connecting neither succeeds nor fails: the backlog is full."""
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        is_accepted = True
        while is_accepted:
            filler = sockets.enter_context(socket.socket())
            filler.settimeout(0)
            filler.connect_ex(listener.getsockname())
            is_accepted = bool(select.select([], [filler], [], 0.05)[1])
        yield listener.getsockname()[1]


@pytest.fixture(autouse=True)
def _no_socket_is_left(failure_server: FailureServer) -> Iterator[None]:
    """Count the open sockets: after each test there are as many as before."""
    before = open_sockets()
    yield
    eventually(  # a server notices in its own time
        lambda: open_sockets() <= before,
        lambda: f"{open_sockets() - before} sockets are left open",
    )


def open_sockets() -> int:
    """The number of this process's sockets."""
    return sum(1 for _ in _sockets())


def sockets_to(port: int) -> int:
    """The number of this process's sockets whose other end is at this port."""
    count = 0
    for number in _sockets():
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as sock:
            count += sock.getpeername()[1:2] == (port,)
    return count


def _sockets() -> Iterator[int]:
    for path in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone
            if stat.S_ISSOCK(os.fstat(int(path.name)).st_mode):
                yield int(path.name)

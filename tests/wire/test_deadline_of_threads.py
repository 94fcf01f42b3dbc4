"""What holds a blocked thread to its deadline: looking up names, connecting, and its own pool."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
import time
import weakref
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import httpcore
import httpx
import pytest

from client import APINetworkError, ClientClosedError, DeadlineExceededError, SyncResilientClient
from client.http.family import family_named
from client.runtime.detached_thread import DetachedThread
from client.transports.httpcore import blocking_deadline
from client.transports.httpcore.interrupts import Interrupt
from client.transports.httpcore.thread_deadline import (
    check_deadline_of_this_thread,
    cut_to_deadline,
    deadline_of_this_thread,
    interruptible_thread,
)
from tests.eventually import PATIENCE_SECONDS
from tests.wire.conftest import sockets_to
from tests.wire.scripts import LARGE, drips_the_body, healthy, stalls_before_the_head
from tests.wire.twins import BlockingTwin, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

SECONDS = 0.1


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], list[Any]]]:
    """Names that are looked up here; every other one is as the system has it."""
    answers: dict[str, Callable[[], list[Any]]] = {}
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str | bytes, *arguments: Any, **options: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else host
        return answers[name]() if name in answers else look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return answers


def address(port: int) -> tuple[Any, ...]:
    """An address on loopback, as `getaddrinfo` returns it."""
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", port))


@contextmanager
def no_hang() -> Generator[None]:
    """Fail where the block takes so long that its deadline cannot have held."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


async def test_a_name_that_is_looked_up_forever(
    twin: Twin, serve: Serve, names: dict[str, Callable[[], list[Any]]]
) -> None:
    """Resolvers have no timeout of ours; what connects too late is closed again."""
    server, is_known = serve(healthy), threading.Event()

    def look_up() -> list[Any]:
        is_known.wait(PATIENCE_SECONDS)
        return [address(server.port)]

    names["slow.invalid"] = look_up
    async with twin.client(settings(server.url)) as client:
        with no_hang(), pytest.raises(DeadlineExceededError) as failed:
            await client.get(f"http://slow.invalid:{server.port}/", deadline=SECONDS)
        assert failed.value.attempts == 1
        is_known.set()
        assert (await client.get("/")).text == "ok"
        await twin.until(lambda: sockets_to(server.port) == 1)


async def test_a_name_with_many_addresses(
    twin: Twin, unaccepting_port: int, names: dict[str, Callable[[], list[Any]]]
) -> None:
    """The deadline is not given to each of them anew."""
    names["many.invalid"] = lambda: [address(unaccepting_port)] * 100
    async with twin.client(settings("")) as client:
        with no_hang(), pytest.raises(DeadlineExceededError):
            await client.get(f"http://many.invalid:{unaccepting_port}/", deadline=SECONDS)


def test_a_connection_that_comes_too_late_is_closed(
    serve: Serve, names: dict[str, Callable[[], list[Any]]]
) -> None:
    """Nobody waits for it any more, and nobody would close it."""
    left, is_known = threading.Event(), threading.Event()

    def sees_the_client_leave(connection: Connection) -> None:
        connection.stall()
        left.set()

    server = serve(sees_the_client_leave)

    def look_up() -> list[Any]:
        is_known.wait(PATIENCE_SECONDS)
        return [address(server.port)]

    names["slow.invalid"] = look_up
    with SyncResilientClient(settings("")) as client:
        with pytest.raises(DeadlineExceededError) as failed:
            client.get(f"http://slow.invalid:{server.port}/", deadline=SECONDS)
        assert failed.value.request_sent is False
        # The thread that still waits must not keep the interpreter from ending.
        [waiting] = [each for each in threading.enumerate() if each.name == "resilient-client"]
        assert waiting.daemon
        is_known.set()
        assert left.wait(PATIENCE_SECONDS)
    assert server.requests == []


def test_a_connection_that_comes_as_the_client_closes_is_closed(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between connecting and the first use of the connection nobody else knows of it."""
    server = serve(healthy)
    client = SyncResilientClient(settings(server.url))

    class ClosedMeanwhile(DetachedThread[object]):
        def run(self, seconds: float | None) -> object:
            opened: object = super().run(seconds)
            client.close()
            return opened

    monkeypatch.setattr(blocking_deadline, "DetachedThread", ClosedMeanwhile)
    with pytest.raises(ClientClosedError):
        client.get("/")
    assert sockets_to(server.port) == 0
    assert server.requests == []


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What a detached thread is made of, for a test to replace some of it."""
    parts = SimpleNamespace(Thread=threading.Thread, Event=threading.Event, RLock=threading.RLock)
    monkeypatch.setattr("client.runtime.detached_thread.threading", parts)
    return parts


def test_without_a_thread_to_connect_in(serve: Serve, threads: SimpleNamespace) -> None:
    """When the interpreter is about to end, Python starts no more threads: calls work still."""
    server = serve(healthy)
    with SyncResilientClient(settings(server.url)) as client:
        threads.Thread = refuse_to_start
        assert client.get("/", deadline=5).text == "ok"
        with pytest.raises(APINetworkError):
            client.get("http://127.0.0.1:1/")


def refuse_to_start(**_options: Any) -> threading.Thread:
    """Raise what `Thread.start` does then."""
    raise RuntimeError("can't create new thread at interpreter shutdown")


def test_retries_of_the_transport_keep_to_the_deadline() -> None:
    """It can be told to connect again; its pauses between grow and are cut short."""
    transport = httpx.HTTPTransport(retries=20)
    with SyncResilientClient(settings(""), transport=transport) as client, no_hang():
        with pytest.raises(DeadlineExceededError) as failed:
            client.get("http://127.0.0.1:1/", deadline=SECONDS)
        assert failed.value.attempts == 1


def test_over_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    """A transport that is passed in is held to the deadline like any other."""
    serve(drips_the_body, healthy, path=tmp_path / "server")
    transport = httpx.HTTPTransport(uds=str(tmp_path / "server"))
    with SyncResilientClient(settings("http://local"), transport=transport) as client:
        with pytest.raises(DeadlineExceededError):
            client.get("/", deadline=SECONDS)
        assert client.get("/").text == "ok"


def test_to_a_peer_that_reads_slowly(serve: Serve) -> None:
    """No single write takes long, but all of them would take ten seconds."""

    def reads_slowly(connection: Connection) -> None:
        while connection.sock.recv(4096) and not connection.stopping.wait(0.005):
            pass

    server = serve(reads_slowly, receive_buffer=4096)
    small_buffer = (socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    transport = httpx.HTTPTransport(socket_options=[small_buffer])
    with SyncResilientClient(settings(server.url), transport=transport) as client:
        with no_hang(), pytest.raises(DeadlineExceededError) as failed:
            client.post("/", content=LARGE, deadline=2 * SECONDS)
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)


class Recorder:
    """A network backend and its connection, which note the timeouts they are given."""

    def __init__(self) -> None:
        self.timeouts: dict[str, float | None] = {}

    def connect_tcp(self, _host: str, _port: int, timeout: float | None) -> Recorder:
        """Connect."""
        self.timeouts["connect_tcp"] = timeout
        return self

    def connect_unix_socket(self, _path: str, timeout: float | None) -> Recorder:
        """Connect."""
        self.timeouts["connect_unix_socket"] = timeout
        return self

    def start_tls(self, _context: object, _name: str | None, timeout: float | None) -> Recorder:
        """Shake hands."""
        self.timeouts["start_tls"] = timeout
        return self

    def read(self, _most: int, timeout: float | None) -> bytes:
        """Read."""
        self.timeouts["read"] = timeout
        return b""

    def write(self, _buffer: bytes, timeout: float | None) -> None:
        """Write."""
        self.timeouts["write"] = timeout

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.timeouts["sleep"] = seconds

    def get_extra_info(self, _name: str) -> None:
        """Know nothing."""

    def close(self) -> None:
        """Close."""


@pytest.mark.parametrize(
    ("given", "deadline", "low", "high"),
    [(60.0, None, 60, 60), (60.0, 10.0, 5, 10), (1.0, 10.0, 1, 1)],
)
def test_every_call_is_cut(given: float, deadline: float | None, low: float, high: float) -> None:
    """To what is left of the deadline, if that is less than the timeout given, and only then."""
    recorder, transport = Recorder(), httpx.HTTPTransport()
    transport._pool._network_backend = cast("Any", recorder)
    with httpx.Client(transport=transport) as client:
        blocking_deadline.hold_to_deadlines(client, family_named("httpx"))
        backend: Any = transport._pool._network_backend
        with deadline_of_this_thread(time.monotonic() + deadline) if deadline else nullcontext():
            backend.connect_unix_socket("path", timeout=given)
            plain = backend.connect_tcp("host", 80, timeout=given)
            stream = plain.start_tls(None, "host", given)
            stream.read(1, given)
            stream.write(b"x", given)
            backend.sleep(given)
    assert set(recorder.timeouts) == {
        "connect_tcp",
        "connect_unix_socket",
        "read",
        "sleep",
        "start_tls",
        "write",
    }
    assert all(low <= (seconds or 0) <= high for seconds in recorder.timeouts.values())


@pytest.mark.parametrize("answer", [b"", b"data"])
def test_only_the_thread_that_uses_a_socket_closes_it(answer: bytes) -> None:
    """The number of a closed socket may be another's by the time a blocked call comes to use it."""
    is_reading, may_return = threading.Event(), threading.Event()

    class Blocking(Recorder):
        closed_in: threading.Thread | None = None

        def read(self, _most: int, timeout: float | None) -> bytes:
            is_reading.set()
            may_return.wait(PATIENCE_SECONDS)
            assert self.closed_in is None
            return answer

        def close(self) -> None:
            self.closed_in = threading.current_thread()

    inner: Any = Blocking()
    with httpx.Client() as client:
        backend = blocking_deadline._Backend(inner, httpcore, client)
        stream = backend.guard(inner)
        reader = threading.Thread(target=stream.read, args=(1,))
        reader.start()
        assert is_reading.wait(PATIENCE_SECONDS)
        backend.hang_up()
        may_return.set()
        reader.join(PATIENCE_SECONDS)
        assert inner.closed_in is reader


@pytest.mark.parametrize("step", ["connect", "handshake"])
def test_an_interrupt_at_the_end_of_a_step_closes_what_came_of_it(step: str) -> None:
    """Nobody else would."""
    interrupt = Interrupt()

    class Opened:
        """A connection that comes just as its thread is interrupted."""

        is_closed = False

        def connect_tcp(self, *_: object, **__: object) -> Opened:
            if step == "connect":
                interrupt.set()
            return Opened.last

        def start_tls(self, *_: object) -> Opened:
            interrupt.set()
            return Opened.secured

        def get_extra_info(self, _: str) -> None:
            return None

        def close(self) -> None:
            self.is_closed = True

        last: Opened
        secured: Opened

    Opened.last, Opened.secured = Opened(), Opened()
    inner: Any = Opened()
    with httpx.Client() as client:
        backend = blocking_deadline._Backend(inner, httpcore, client)
        with interruptible_thread(interrupt, None):
            if step == "connect":
                with pytest.raises(asyncio.CancelledError):
                    backend.connect_tcp("a.test", 80)
            else:
                stream = backend.connect_tcp("a.test", 443)
                with pytest.raises(asyncio.CancelledError):
                    stream.start_tls(ssl.create_default_context())
                assert Opened.secured.is_closed
        assert Opened.last.is_closed


def test_other_transports_are_left_alone() -> None:
    """What has no connection pool of httpcore's has nothing to hold to a deadline."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, text="ok"))
    with SyncResilientClient(settings("http://mock"), transport=transport) as client:
        assert client.get("/", deadline=5).text == "ok"


def test_through_a_foreign_client(serve: Serve) -> None:
    """Its sockets are not ours, but its timeouts are cut: silence ends at the deadline."""
    server = serve(stalls_before_the_head)
    with httpx.Client() as owned:
        client = SyncResilientClient(settings(server.url), http_client=owned)
        with no_hang(), pytest.raises(DeadlineExceededError) as failed:
            client.get("/", deadline=SECONDS)
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)
        client.close()


def test_the_earlier_of_two_deadlines_holds() -> None:
    """An inner block may be stricter than the outer, never more generous; each ends with it."""
    cut, now = cut_to_deadline, time.monotonic()
    assert cut(None, httpx.ReadTimeout) is None
    with deadline_of_this_thread(now + 100):
        outer = cut(None, httpx.ReadTimeout)
        assert outer is not None
        assert 90 < outer <= 100
        assert cut(5.0, httpx.ReadTimeout) == 5.0
        with deadline_of_this_thread(now + 200):
            same = cut(None, httpx.ReadTimeout)
            assert same is not None
            assert same <= 100
        with deadline_of_this_thread(now - 1), pytest.raises(httpx.ReadTimeout):
            cut(5.0, httpx.ReadTimeout)
        with pytest.raises(LookupError), deadline_of_this_thread(now + 1):
            raise LookupError
        again = cut(None, httpx.ReadTimeout)
        assert again is not None
        assert again > 90
    assert cut(None, httpx.ReadTimeout) is None


def test_a_deadline_stays_in_its_thread() -> None:
    """It is not seen by a thread that starts under it."""
    seen: list[float | None] = []
    with deadline_of_this_thread(time.monotonic() + 100):
        thread = threading.Thread(
            target=lambda: seen.append(cut_to_deadline(None, httpx.ReadTimeout))
        )
        thread.start()
        thread.join(PATIENCE_SECONDS)
    assert seen == [None]


def test_a_failed_connection_leaves_no_garbage() -> None:
    """The error, the frames of both threads and the attempt do not keep each other alive."""

    def fail(client: SyncResilientClient) -> weakref.ref[Exception] | None:
        try:
            client.get("http://127.0.0.1:1/", deadline=5)
        except APINetworkError as error:
            return weakref.ref(error)
        return None

    with SyncResilientClient(settings("", retry=None)) as client:
        gc.collect()
        gc.disable()
        try:
            error = fail(client)
            assert error is not None
            assert error() is None
        finally:
            gc.enable()


def test_an_interrupt_loses_no_connection(threads: SimpleNamespace) -> None:
    """Also where it comes just when the connection does."""
    closed: list[str] = []

    class Interrupted(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            super().wait(timeout)
            raise KeyboardInterrupt

    threads.Event = Interrupted
    attempt = DetachedThread(lambda: "connection", closed.append)
    with pytest.raises(KeyboardInterrupt):
        attempt.run(5)
    assert closed == ["connection"]


def test_an_abandoned_attempt_is_forgotten() -> None:
    """Its error is nobody's business any more: it does not stay with the attempt."""
    errors: list[weakref.ref[Exception]] = []
    may_end = threading.Event()

    class TooLateError(Exception):
        def __init__(self) -> None:
            super().__init__()
            errors.append(weakref.ref(self))

    def connect() -> None:
        may_end.wait(PATIENCE_SECONDS)
        raise TooLateError

    attempt = DetachedThread(connect, lambda _: None)
    assert attempt.run(0.01) is None
    gc.collect()
    gc.disable()
    try:
        may_end.set()
        twin = BlockingTwin()
        twin.tell(twin.until(lambda: errors))
        twin.tell(twin.until(lambda: errors[0]() is None))
    finally:
        gc.enable()


def test_an_abandoned_attempt_closes_what_it_opens() -> None:
    """Nobody else would."""
    closed: list[str] = []
    may_end = threading.Event()

    def connect() -> str:
        may_end.wait(PATIENCE_SECONDS)
        return "connection"

    attempt = DetachedThread(connect, closed.append)
    assert attempt.run(0.01) is None
    may_end.set()
    twin = BlockingTwin()
    twin.tell(twin.until(lambda: closed == ["connection"]))


def test_both_families_are_served() -> None:
    """The pool of httpx2 is another, and has errors of its own."""
    family = family_named("httpx2")
    client = family.module.Client()
    blocking_deadline.hold_to_deadlines(client, family)
    with client, deadline_of_this_thread(time.monotonic() - 1):
        with pytest.raises(family.module.ConnectTimeout):
            client.get("http://127.0.0.1:1/")
        blocking_deadline.hang_up(client)
    with pytest.raises(family.module.ConnectError, match="closed"):
        client._transport.handle_request(family.module.Request("GET", "http://127.0.0.1:1/"))


def test_a_handshake_that_begins_as_the_client_is_closed() -> None:
    """It ends at once, although the peer says nothing."""

    class ClosesBetween:
        """Ends the connection when one socket has taken the place of the other."""

        def wrap_socket(self, plain: socket.socket, **options: Any) -> ssl.SSLSocket:
            secured = ssl.create_default_context().wrap_socket(plain, **options)
            stream.close()
            return secured

    with socket.create_server(("127.0.0.1", 0)) as silent:
        backend = blocking_deadline._Backend(httpcore.SyncBackend(), httpcore, Recorder())
        stream = backend.connect_tcp("127.0.0.1", silent.getsockname()[1])
        context: Any = ClosesBetween()
        with pytest.raises(httpcore.ConnectError):
            stream.start_tls(context, "server.test", PATIENCE_SECONDS)


def test_a_connection_without_a_socket_is_left_as_it_is() -> None:
    """There is nothing to shut down."""
    blocking_deadline._shut_down(Recorder())


def test_tls_inside_tls_finds_the_context() -> None:
    """There the handshake is done by httpcore itself, with `wrap_bio`."""
    context = ssl.create_default_context()
    handshake = blocking_deadline._Handshake(context, ssl.SSLSocket.do_handshake)
    assert handshake.wrap_bio == context.wrap_bio


def test_long_work_between_two_calls_of_the_network() -> None:
    """It asks, for nobody can stop a thread that counts; without a deadline it goes on."""
    check_deadline_of_this_thread()
    with deadline_of_this_thread(time.monotonic() + PATIENCE_SECONDS):
        check_deadline_of_this_thread()
        with deadline_of_this_thread(time.monotonic()), pytest.raises(TimeoutError):
            check_deadline_of_this_thread()
        check_deadline_of_this_thread()

"""The blocking face of an HTTP/2 connection, which many threads share.

Python's sockets have one timeout for all threads, and OpenSSL allows one call at a time. So the
socket never blocks: what it can do at once is done under the lock, and each thread waits until it
can do more.
"""

from __future__ import annotations

import selectors
import ssl
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...runtime.coroutines import run_to_end
from ..httpcore.thread_deadline import (
    check_interrupt_of_this_thread,
    cut_to_deadline,
    waking_this_thread,
)
from .connection import Body, Connection
from .pool import has_failed_to_connect

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncGenerator, Callable, Iterator
    from types import ModuleType

    from ..shapes import BlockingStream, PoolRequest
    from .protocol import Stream

T = TypeVar("T")

__all__ = ["BlockingConnection", "BlockingTurn"]

_MOST_BYTES: Final = 64 * 1024
_LOOK_EVERY: Final = 0.05
"""Seconds after which a thread that may be interrupted looks whether it is: nothing but what comes
from the server could wake it, for others use the socket too."""
_Selector: Final[Any] = getattr(selectors, "PollSelector", selectors.SelectSelector)


class BlockingConnection(Connection):
    """An HTTP/2 connection of the blocking world."""

    def __init__(
        self,
        httpcore: ModuleType,
        origin: object,
        network_stream: BlockingStream,
        keepalive_expiry: float | None,
    ) -> None:
        lend = getattr(network_stream, "plain_socket", None)
        sock = None if lend is None else lend()
        wiring: _StreamWiring | _SocketWiring
        if sock is None:
            wiring = _StreamWiring(httpcore, network_stream)
        else:
            wiring = _SocketWiring(network_stream, sock)
        super().__init__(
            httpcore,
            origin=origin,
            network_stream=network_stream,
            keepalive_expiry=keepalive_expiry,
            wiring=wiring,
        )

    def handle_request(self, request: PoolRequest) -> object:
        """Send a request and return the answer once its head is there."""
        return run_to_end(self._handle(request))

    def close(self) -> None:
        """Close the connection."""
        self._end()
        self._network_stream.close()

    async def _chunks_of(self, request: PoolRequest) -> AsyncGenerator[bytes]:
        for chunk in request.stream:
            yield chunk

    def _body(self, stream: Stream, seconds: float | None) -> _Body:
        return _Body(self, stream, seconds)

    def chunks(self, stream: Stream, seconds: float | None) -> Iterator[bytes]:
        """Yield the body of an answer."""
        while (chunk := run_to_end(self._next_chunk(stream, seconds))) is not None:
            yield chunk

    def let_go(self, stream: Stream) -> None:
        """Free the stream of an answer that nobody reads on."""
        run_to_end(self._release(stream))


class _Body(Body["BlockingConnection"]):
    """The body of an answer."""

    def __iter__(self) -> Iterator[bytes]:
        return self._connection.chunks(self._stream, self._seconds)

    def close(self) -> None:
        if not self._is_released:
            self._is_released = True
            self._connection.let_go(self._stream)


class _Bell:
    """A lock, not a `threading.Event`: an interrupt within that leaves its lock held for ever."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        with suppress(RuntimeError):  # it has been rung before
            self._lock.release()

    async def wait(self, seconds: float | None) -> bool:
        with waking_this_thread(self.ring):
            return self._lock.acquire(timeout=-1 if seconds is None else seconds)


class _Wiring:
    """See `Wiring` in `wire`."""

    start = None

    def __init__(self) -> None:
        # Not a plain lock: a signal handler may close the client in the middle of its own call.
        self.lock: Any = threading.RLock()

    def make_bell(self) -> _Bell:
        return _Bell()

    def ends_at(self, seconds: float | None, expired: type[Exception]) -> float | None:
        left = cut_to_deadline(seconds, expired)
        return None if left is None else time.monotonic() + left


class _SocketWiring(_Wiring):
    """Speaks over a socket, with TLS or without."""

    def __init__(self, stream: Any, sock: socket.socket) -> None:
        super().__init__()
        self._stream = stream
        self._socket = sock
        self._waiting: set[int] = set()
        """The threads that wait, by their numbers."""
        sock.settimeout(0.0)

    async def receive(self, seconds: float | None) -> bytes | None:
        sock = self._socket
        return self._do(lambda: sock.recv(_MOST_BYTES), selectors.EVENT_READ, seconds)

    async def send(self, data: bytes, seconds: float | None) -> int:
        return self._do(lambda: self._socket.send(data), selectors.EVENT_WRITE, seconds) or 0

    def _do(self, step: Callable[[], T], usual: int, seconds: float | None) -> T | None:
        ends_at = None if seconds is None else time.monotonic() + seconds
        with self._stream.in_use():
            while True:
                try:
                    with self.lock:
                        return step()
                except BlockingIOError:
                    event = usual
                except ssl.SSLWantReadError:
                    event = selectors.EVENT_READ
                except ssl.SSLWantWriteError:
                    event = selectors.EVENT_WRITE
                left = None if ends_at is None else max(0.0, ends_at - time.monotonic())
                if not self._wait(event, left):
                    return None

    def _wait(self, event: int, left: float | None) -> bool:
        with _Selector() as selector:
            selector.register(self._socket, event)
            self._waiting.add(threading.get_ident())
            is_ready = bool(selector.select(left) if left == 0 else _select(selector, left))
            # An interrupt skips this: `was_waiting` tells by it when the interrupt came.
            self._waiting.discard(threading.get_ident())
            return is_ready

    def was_waiting(self) -> bool:
        thread = threading.get_ident()
        was_waiting = thread in self._waiting
        self._waiting.discard(thread)
        return was_waiting


def _select(selector: Any, left: float | None) -> Any:
    """Wait until a socket is ready; raise `CancelledError` where this thread is interrupted."""
    if not check_interrupt_of_this_thread():
        return selector.select(left)
    ends_at = None if left is None else time.monotonic() + left
    while not (ready := selector.select(_LOOK_EVERY)):
        check_interrupt_of_this_thread()
        if ends_at is not None and time.monotonic() >= ends_at:
            break
    return ready


class _StreamWiring(_Wiring):
    """Speaks over a stream of another kind, TLS in TLS: a write that takes too long breaks it."""

    def __init__(self, httpcore: ModuleType, stream: BlockingStream) -> None:
        super().__init__()
        self._expired = httpcore.ReadTimeout
        self._stream = stream

    async def receive(self, seconds: float | None) -> bytes | None:
        try:
            data = self._stream.read(_MOST_BYTES, timeout=seconds)
        except self._expired:
            return None
        return data

    async def send(self, data: bytes, seconds: float | None) -> int:
        if seconds == 0.0:
            return 0  # nobody knows whether it could be done at once
        self._stream.write(data, timeout=seconds)
        return len(data)

    def was_waiting(self) -> bool:
        return False  # nobody knows


class BlockingTurn:
    """The lock under which a connection is opened; see `put_in_place`."""

    def __init__(self, httpcore: ModuleType, connection: Any, _lock: object) -> None:
        self._httpcore = httpcore
        self._connection = connection
        self._lock = threading.Lock()
        self.is_taken: bool = False

    def __enter__(self) -> None:
        expired = self._httpcore.ConnectTimeout
        left = cut_to_deadline(None, expired)
        if not self._lock.acquire(timeout=-1 if left is None else left):
            raise expired("another call is still connecting")
        if has_failed_to_connect(self._connection):
            self._lock.release()
            raise self._httpcore.ConnectionNotAvailable
        self.is_taken = True

    def __exit__(self, *raised: object) -> None:
        self.is_taken = False
        self._lock.release()

"""Holds a blocking exchange to its deadline, and ends it when the client is closed.

httpx bounds each read, not the whole: a body that drips a byte a second never times out. Async
code is cancelled from outside; a blocked thread cannot be, so here the network backend under
httpx's pool cuts every timeout to what is left of the thread's deadline.

Rule 1  To look up a name has no timeout, to connect has one for each address, and neither can be
        interrupted: both are done in a thread that can be left behind.
Rule 2  Only the thread that uses a socket closes it, because the number of a closed one may go to
        another socket at once. Any other thread shuts it down, which wakes the one that uses it.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from importlib import import_module
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet, ref

from ...errors.httpcore_names import BACKEND, SYNC_STREAM
from ...runtime.detached_thread import DetachedThread
from ...runtime.forking import tell_in_child
from .pools import pools_of
from .thread_deadline import bounds, cut_to_deadline, time_left, waking_this_thread

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator
    from types import ModuleType

    from ...http.family import Family
    from ..shapes import BlockingStream

__all__ = ["hang_up", "hold_to_deadlines"]

_HTTPCORE: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
_SLICE: Final = 16 * 1024
"""Bytes written under one timeout, so that a peer that reads slowly cannot stretch it far."""
_CLOSED: Final = "the client is closed"


def hold_to_deadlines(client: Any, family: Family) -> None:
    """Put the deadline under every connection pool of a client of ours."""
    httpcore = import_module(_HTTPCORE[family.name])
    for pool in pools_of(client, BACKEND):
        backend = getattr(pool, BACKEND)
        # A transport that was passed in may have been another client's before.
        inner = backend.inner if isinstance(backend, _Backend) else backend
        setattr(pool, BACKEND, _Backend(inner, httpcore, client))


def hang_up(client: Any) -> None:
    """End for good what any thread has under way on the connections of a client of ours."""
    for pool in pools_of(client, BACKEND):
        backend = getattr(pool, BACKEND)
        if isinstance(backend, _Backend) and backend.owner() is client:
            backend.hang_up()


class _Backend:
    """A network backend whose connections keep to the thread's deadline."""

    def __init__(self, inner: Any, httpcore: ModuleType, owner: object) -> None:
        self.inner = inner
        self.owner = ref(owner)
        self._httpcore = httpcore
        # Not a plain lock: a signal handler may close the client in the middle of its own call.
        self._lock = threading.RLock()
        self._is_closed = False
        self._connecting: set[DetachedThread[BlockingStream]] = set()
        self._streams: WeakSet[_Stream] = WeakSet()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget the parent's connections: to close them here would end them there too."""
        self._lock = threading.RLock()
        self._connecting.clear()
        self._streams = WeakSet()

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: object
    ) -> _Stream:
        cut = cut_to_deadline(timeout, self._httpcore.ConnectTimeout)
        return self._connect(lambda: self.inner.connect_tcp(host, port, timeout=cut, **options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, **options: object
    ) -> _Stream:
        cut = cut_to_deadline(timeout, self._httpcore.ConnectTimeout)
        return self._connect(lambda: self.inner.connect_unix_socket(path, timeout=cut, **options))

    def sleep(self, seconds: float) -> None:
        self.inner.sleep(cut_to_deadline(seconds, self._httpcore.ConnectTimeout))

    def hang_up(self) -> None:
        """End every connection there is, and let none be made from now on."""
        with self._lock:
            self._is_closed = True
            connecting, streams = list(self._connecting), list(self._streams)
        for attempt in connecting:
            attempt.abandon()
        for stream in streams:
            stream.close()

    def guard(self, stream: BlockingStream) -> _Stream:
        """Return a new connection that ends with its client, or has ended with it already."""
        guarded = _Stream(stream, self, self._httpcore)
        with self._lock:
            self._streams.add(guarded)
            is_late = self._is_closed
        if is_late:
            guarded.close()
        return guarded

    def _connect(self, connect: Callable[[], BlockingStream]) -> _Stream:
        attempt = DetachedThread(connect, methodcaller("close"))
        with self._lock:
            if self._is_closed:
                raise self._httpcore.ConnectError(_CLOSED)
            self._connecting.add(attempt)
        stream: BlockingStream | None = None
        try:
            left = time_left(self._httpcore.ConnectTimeout)
            with waking_this_thread(attempt.abandon):
                stream = attempt.run(left)
        except BaseException:
            if stream is not None:
                stream.close()
            raise
        finally:
            with self._lock:
                self._connecting.discard(attempt)
        if stream is None:
            message = "the deadline has passed, or the client is closed"
            raise self._httpcore.ConnectTimeout(message)
        return self.guard(stream)


class _Stream:
    """A connection whose every read and write is cut to the thread's deadline."""

    def __init__(self, inner: BlockingStream, backend: _Backend, httpcore: ModuleType) -> None:
        self._inner = inner
        self._backend = backend
        self._httpcore = httpcore
        self._lock = threading.RLock()
        self._users = 0
        self._is_closed = False
        self._secured: ssl.SSLSocket | None = None
        """The socket of a handshake, which takes the one below away."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._enter()
        try:
            if bounds.deadline is None:
                return self._inner.read(max_bytes, timeout=timeout)
            timeout = cut_to_deadline(timeout, self._httpcore.ReadTimeout)
            with waking_this_thread(self._wake):
                return self._inner.read(max_bytes, timeout=timeout)
        finally:
            self._leave()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if not buffer:
            return  # the end of a body of known length has no bytes
        self._enter()
        try:
            if bounds.deadline is None:
                self._inner.write(buffer, timeout=timeout)
                return
            for start in range(0, len(buffer), _SLICE):
                cut = cut_to_deadline(timeout, self._httpcore.WriteTimeout)
                with waking_this_thread(self._wake):
                    self._inner.write(buffer[start : start + _SLICE], timeout=cut)
        finally:
            self._leave()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _Stream:
        self._enter()
        secured: BlockingStream | None = None
        try:
            cut = cut_to_deadline(timeout, self._httpcore.ConnectTimeout)
            handshake: Any = _Handshake(ssl_context, self._shake_hands)
            with waking_this_thread(self._wake):
                secured = self._inner.start_tls(handshake, server_hostname, cut)
        except BaseException:
            self._inner.close()
            if secured is not None:
                secured.close()  # an interrupt came at its end
            raise
        finally:
            self._secured = None
            self._leave()
        return self._backend.guard(secured)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)

    def plain_socket(self) -> socket.socket | None:
        """Return the socket, where what is written goes to it and nowhere else."""
        if type(self._inner).__name__ != SYNC_STREAM:
            return None
        found: socket.socket = self._inner.get_extra_info("socket")
        return found

    @contextmanager
    def in_use(self) -> Generator[None]:
        """Keep others from closing the socket while this thread waits for it."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def close(self) -> None:
        """Close the connection, or wake the thread that is using it and leave that to it."""
        with self._lock:
            self._is_closed = True
            if self._users:
                _shut_down(self._secured or self._inner.get_extra_info("socket"))
                return
        self._inner.close()

    def _wake(self) -> None:
        """Wake the only thread that uses it, which then closes it."""
        with self._lock:
            _shut_down(self._secured or self._inner.get_extra_info("socket"))

    def _shake_hands(self, secured: ssl.SSLSocket) -> None:
        with self._lock:
            self._secured = secured
            is_late = self._is_closed
        if is_late:
            _shut_down(secured)
        secured.do_handshake()

    def _enter(self) -> None:
        with self._lock:
            self._users += 1

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            is_mine_to_close = self._is_closed and not self._users
        if is_mine_to_close:
            self._inner.close()


class _Handshake:
    """A TLS context whose handshakes can be ended by others, and are cleared up after.

    Python closes the socket of a handshake that fails, but not that of an interrupted one.
    """

    def __init__(
        self, context: ssl.SSLContext, shake_hands: Callable[[ssl.SSLSocket], None]
    ) -> None:
        self._context = context
        self._shake_hands = shake_hands

    def __getattr__(self, name: str) -> object:
        return getattr(self._context, name)

    def wrap_socket(self, plain: socket.socket, **options: Any) -> ssl.SSLSocket:
        secured = self._context.wrap_socket(plain, do_handshake_on_connect=False, **options)
        try:
            self._shake_hands(secured)
        except BaseException:
            secured.close()
            raise
        return secured


def _shut_down(found: object) -> None:
    if isinstance(found, socket.socket):
        with suppress(OSError):
            # Not the method of an SSLSocket, which would begin by forgetting the encryption.
            socket.socket.shutdown(found, socket.SHUT_RDWR)

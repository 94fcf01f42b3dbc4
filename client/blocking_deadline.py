"""Holds a blocking exchange to its deadline, down to each read and write of the socket.

httpx bounds each read, not the whole: a body that drips a byte a second never times out. Async
code is cancelled from outside; a blocked thread cannot be, so here the network backend under
httpx's pool cuts every timeout to what is left of the thread's deadline.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator

    from client.family import Family

__all__ = ["deadline_of_this_thread", "hold_to_deadlines"]

_HTTPCORE: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
_SLICE: Final = 16 * 1024
"""Bytes written under one timeout, so that a peer that reads slowly cannot stretch it far."""


class _ThreadState(threading.local):
    deadline: float | None = None


_state: Final = _ThreadState()


@contextmanager
def deadline_of_this_thread(moment: float) -> Generator[None]:
    """Bound the network calls of this thread by a moment on the monotonic clock."""
    before = _state.deadline
    _state.deadline = moment if before is None else min(before, moment)
    try:
        yield
    finally:
        _state.deadline = before


def hold_to_deadlines(client: Any, family: Family) -> None:
    """Put the deadline under every connection pool of a client of ours.

    httpx has no public way to its pool's network backend, so its attributes are reached for
    here, and only here; a transport that is built otherwise is left alone.
    """
    httpcore = import_module(_HTTPCORE[family.name])
    transports = [client._transport, *client._mounts.values()]  # noqa: SLF001 - see above
    for transport in transports:
        pool = getattr(transport, "_pool", None)
        backend = getattr(pool, "_network_backend", None)
        if backend is not None:
            pool._network_backend = _Backend(backend, httpcore)  # type: ignore[union-attr]  # noqa: SLF001 - see above


def _cut(timeout: float | None, expired: type[Exception]) -> float | None:
    if _state.deadline is None:
        return timeout
    left = _state.deadline - time.monotonic()
    if left <= 0:
        message = "the deadline has passed"
        raise expired(message)
    return left if timeout is None else min(timeout, left)


class _Backend:
    """A network backend whose connections keep to the thread's deadline."""

    def __init__(self, inner: Any, httpcore: Any) -> None:
        self._inner = inner
        self._httpcore = httpcore

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> _Stream:
        left = _cut(timeout, self._httpcore.ConnectTimeout)
        stream = self._inner.connect_tcp(host, port, timeout=left, **options)
        return _Stream(stream, self._httpcore)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, **options: Any
    ) -> _Stream:
        left = _cut(timeout, self._httpcore.ConnectTimeout)
        stream = self._inner.connect_unix_socket(path, timeout=left, **options)
        return _Stream(stream, self._httpcore)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(seconds)


class _Stream:
    """A connection whose every read and write is cut to the thread's deadline."""

    def __init__(self, inner: Any, httpcore: Any) -> None:
        self._inner = inner
        self._httpcore = httpcore

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = _cut(timeout, self._httpcore.ReadTimeout)
        return self._inner.read(max_bytes, timeout=left)  # type: ignore[no-any-return]

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if _state.deadline is None:
            self._inner.write(buffer, timeout=timeout)
            return
        for start in range(0, len(buffer), _SLICE):
            left = _cut(timeout, self._httpcore.WriteTimeout)
            self._inner.write(buffer[start : start + _SLICE], timeout=left)

    def start_tls(self, ssl_context: Any, timeout: float | None = None, **options: Any) -> _Stream:
        left = _cut(timeout, self._httpcore.ConnectTimeout)
        stream = self._inner.start_tls(ssl_context, timeout=left, **options)
        return _Stream(stream, self._httpcore)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        self._inner.close()

"""The connections of httpcore's async pool, which here fail cleanly and write at once.

A cancellation during a TLS handshake would leave the socket to the garbage collector.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...errors.httpcore_names import ANYIO_STREAM
from .anyio_names import check_anyio

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine

    from ..shapes import AsyncStream

    Finish = Callable[[Coroutine[object, None, None]], Awaitable[None]]

__all__ = ["Backend"]


class Backend:
    """A network backend of httpcore's whose connections are those below.

    Args:
        inner: The one of the pool.
        finish: Does some work to its end, even where the task that awaits it is cancelled.
    """

    def __init__(self, inner: Any, finish: Finish) -> None:
        self._inner = inner
        self._finish = finish

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def connect_tcp(self, *arguments: object, **options: object) -> _Stream:
        """Open a connection."""
        stream = await self._inner.connect_tcp(*arguments, **options)
        check_anyio()
        sock = _socket_of(stream)
        if sock is None:
            return _Stream(stream, self._finish)
        return _PlainStream(stream, self._finish, sock)


class _Stream:
    """A connection that is closed where its handshake fails."""

    def __init__(self, inner: Any, finish: Finish) -> None:
        self._inner = inner
        self._finish = finish
        # Used for every request, so not by way of the method below.
        self.read: Callable[..., Awaitable[bytes]] = inner.read
        self.write: Callable[..., Awaitable[None]] = inner.write

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    async def start_tls(self, *arguments: object, **options: object) -> _Stream:
        try:
            secured = await self._inner.start_tls(*arguments, **options)
        except BaseException:
            await self._finish(self._inner.aclose())
            raise
        return _Stream(secured, self._finish)


class _PlainStream(_Stream):
    """A connection in the clear, over which a request leaves at once where the socket takes it.

    anyio spends a turn of the event loop on every write: a twentieth of a call over loopback. The
    head of a request does without. A body has these turns, in which a cancellation or a timeout can
    end the upload.
    """

    def __init__(self, inner: Any, finish: Finish, sock: socket.socket) -> None:
        from anyio.lowlevel import checkpoint_if_cancelled  # noqa: PLC0415 - httpcore needs it first

        super().__init__(inner, finish)
        self._end_if_cancelled = checkpoint_if_cancelled
        self._socket: socket.socket | None = sock
        """None while anyio writes to it."""
        self._is_head = True
        self.read = self._read
        self.write = self._write

    def _read(self, *arguments: object, **options: object) -> Awaitable[bytes]:
        self._is_head = True
        reading: Awaitable[bytes] = self._inner.read(*arguments, **options)
        return reading

    async def _write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
    ) -> None:
        if not buffer:
            return  # else a broken socket would report its error here, and not to the reader
        sock, self._socket = self._socket, None
        is_head, self._is_head = self._is_head, False
        if sock is not None and is_head and (timeout is None or timeout > 0):
            await self._end_if_cancelled()
            with suppress(OSError):  # full or broken: anyio waits, or raises
                buffer = buffer[os.write(sock.fileno(), buffer) :]
        if buffer:
            await self._inner.write(buffer, timeout)
        self._socket = sock

    async def aclose(self) -> None:
        self._socket = None
        await self._inner.aclose()


def _socket_of(stream: AsyncStream) -> socket.socket | None:
    """Return the socket under a stream of httpcore's own; others may do more than write to it."""
    name, module = type(stream).__name__, type(stream).__module__
    is_httpcores = name == ANYIO_STREAM and module.startswith("httpcore")
    return stream.get_extra_info("socket") if is_httpcores and os.name == "posix" else None

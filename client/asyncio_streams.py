"""The connections of httpcore's pool in the async world, made to fail cleanly and to write at once.

A cancellation during a TLS handshake would leave the socket to the garbage collector.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    Finish = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]

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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def connect_tcp(self, *arguments: Any, **options: Any) -> _Stream:
        """Open a connection."""
        stream = await self._inner.connect_tcp(*arguments, **options)
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

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def start_tls(self, *arguments: Any, **options: Any) -> _Stream:
        try:
            secured = await self._inner.start_tls(*arguments, **options)
        except BaseException:
            await self._finish(self._inner.aclose())
            raise
        return _Stream(secured, self._finish)


class _PlainStream(_Stream):
    """A connection in the clear, over which a request leaves at once where the socket takes it.

    anyio spends a turn of the event loop on every write: a twentieth of a call over loopback. A
    head can do without. What follows it has its turns, in which a cancellation or a timeout ends
    an upload that is not whole yet.
    """

    def __init__(self, inner: Any, finish: Finish, sock: Any) -> None:
        from anyio.lowlevel import checkpoint_if_cancelled  # noqa: PLC0415 - httpcore needs it first

        super().__init__(inner, finish)
        self._end_if_cancelled = checkpoint_if_cancelled
        self._socket = sock
        """None where something else may be on its way to it."""
        self._is_head = True
        self.read = self._read
        self.write = self._write

    def _read(self, *arguments: Any, **options: Any) -> Awaitable[bytes]:
        self._is_head = True
        reading: Awaitable[bytes] = self._inner.read(*arguments, **options)
        return reading

    async def _write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109 - as httpcore calls it
    ) -> None:
        if not buffer:
            return  # to write nothing would take a broken socket's error away from the reader
        sock, self._socket = self._socket, None
        is_head, self._is_head = self._is_head, False
        if sock is not None and is_head and (timeout is None or timeout > 0):
            await self._end_if_cancelled()
            with suppress(OSError):  # full, or broken: anyio waits, or says what it is
                buffer = buffer[os.write(sock.fileno(), buffer) :]
        if buffer:
            await self._inner.write(buffer, timeout)
        self._socket = sock

    async def aclose(self) -> None:
        self._socket = None
        await self._inner.aclose()


def _socket_of(stream: Any) -> Any:
    """Return the socket under a stream of httpcore's own; others may do more than write to it."""
    name, module = type(stream).__name__, type(stream).__module__
    is_httpcores = name == "AnyIOStream" and module.startswith("httpcore")
    return stream.get_extra_info("socket") if is_httpcores and os.name == "posix" else None

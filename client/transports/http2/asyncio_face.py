"""The async face of an HTTP/2 connection, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import anyio

from ...runtime import trio_time
from ...runtime.event_loop import runs_asyncio
from .connection import Body, Connection
from .pool import has_failed_to_connect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
    from types import ModuleType

    from ..shapes import AsyncStream, PoolRequest
    from .protocol import Stream

__all__ = ["AsyncioConnection", "AsyncioTurn"]

_MOST_BYTES = 64 * 1024


class AsyncioConnection(Connection):
    """An HTTP/2 connection of the async world."""

    def __init__(
        self,
        httpcore: ModuleType,
        origin: object,
        network_stream: AsyncStream,
        keepalive_expiry: float | None,
    ) -> None:
        super().__init__(
            httpcore,
            origin=origin,
            network_stream=network_stream,
            keepalive_expiry=keepalive_expiry,
            wiring=_Wiring(httpcore, network_stream),
        )

    async def handle_async_request(self, request: PoolRequest) -> object:
        """Send a request and return the answer once its head is there."""
        return await self._handle(request)

    async def aclose(self) -> None:
        """Close the connection."""
        self._end()
        await self._network_stream.aclose()

    async def _chunks_of(self, request: PoolRequest) -> AsyncGenerator[bytes]:
        async for chunk in request.stream:
            yield chunk

    def _body(self, stream: Stream, seconds: float | None) -> _Body:
        return _Body(self, stream, seconds)

    async def chunks(self, stream: Stream, seconds: float | None) -> AsyncIterator[bytes]:
        """Yield the body of an answer."""
        while (chunk := await self._next_chunk(stream, seconds)) is not None:
            yield chunk

    async def let_go(self, stream: Stream) -> None:
        """Free the stream of an answer that nobody reads on."""
        await self._release(stream)


class _Body(Body["AsyncioConnection"]):
    """The body of an answer."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._connection.chunks(self._stream, self._seconds)

    async def aclose(self) -> None:
        if not self._is_released:
            self._is_released = True
            await self._connection.let_go(self._stream)


class _Bell:
    def __init__(self) -> None:
        self._event = anyio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, seconds: float | None) -> bool:
        with anyio.move_on_after(seconds):
            await self._event.wait()
        return self._event.is_set()


class _Wiring:
    """See `Wiring` in `wire`."""

    def __init__(self, httpcore: ModuleType, stream: AsyncStream) -> None:
        self.lock: Any = nullcontext()
        self._expired = httpcore.ReadTimeout
        self._stream = stream
        self._tasks: set[asyncio.Task[None]] = set()

    def make_bell(self) -> _Bell:
        return _Bell()

    def ends_at(self, seconds: float | None, expired: type[Exception]) -> float | None:  # noqa: ARG002 - a cancellation holds to the deadline here
        return None if seconds is None else time.monotonic() + seconds

    def start(self, work: Callable[[], Coroutine[object, None, None]]) -> None:
        if not runs_asyncio():
            trio_time.start(work)
            return
        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def receive(self, seconds: float | None) -> bytes | None:
        try:
            data = await self._stream.read(_MOST_BYTES, timeout=seconds)
        except self._expired:
            return None
        return data

    async def send(self, data: bytes, seconds: float | None) -> int:
        await self._stream.write(data, timeout=seconds)
        return len(data)

    def was_waiting(self) -> bool:
        return True  # only a call that waits is cancelled


class AsyncioTurn:
    """The lock under which a connection is opened; see `put_in_place`."""

    def __init__(self, httpcore: ModuleType, connection: Any, lock: Any) -> None:
        self._httpcore = httpcore
        self._connection = connection
        self._lock = lock
        self.is_taken: bool = False

    async def __aenter__(self) -> None:
        await self._lock.__aenter__()
        if has_failed_to_connect(self._connection):
            await self._lock.__aexit__()
            raise self._httpcore.ConnectionNotAvailable
        self.is_taken = True

    async def __aexit__(self, *raised: object) -> None:
        self.is_taken = False
        await self._lock.__aexit__()

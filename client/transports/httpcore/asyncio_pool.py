"""Clears up what a failed or cancelled request of the async world leaves behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...errors.httpcore_names import (
    BACKEND,
    CLOSE,
    CONNECTIONS,
    HELD_CONNECTION,
    POOL_REQUEST,
)
from ...runtime import trio_time
from ...runtime.event_loop import Home, runs_asyncio
from ..http2.pool import put_in_place
from .asyncio_streams import Backend
from .pool_requests import make_fit
from .pools import (
    WrappedPool,
    is_done_with,
    speaks_http2,
    take_left_behind,
    tells_of_dead_connections,
)
from .trailing_bytes import close_after_trailing_bytes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from ..shapes import PoolRequest

__all__ = ["AsyncioPool"]


class _Uninterrupted:
    """Work that is done to its end also where the task that awaits it is cancelled."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, work: Coroutine[object, None, None]) -> None:
        """Do some work, and return when it is done."""
        if not runs_asyncio():
            await trio_time.shielded(work)
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    def forget(self) -> None:
        """Let go of what still goes on: its event loop has ended."""
        self._tasks.clear()

    async def wait(self) -> None:
        """Wait for what still goes on."""
        if self._tasks:
            await asyncio.shield(asyncio.gather(*self._tasks, return_exceptions=True))


class AsyncioPool(WrappedPool):
    """A connection pool whose failed and cancelled requests leave nothing behind."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        self._home = Home()
        self._closings = _Uninterrupted()
        setattr(pool, BACKEND, Backend(getattr(pool, BACKEND), self._closings.run))
        if speaks_http2(pool):
            from ..http2.asyncio_face import (  # noqa: PLC0415 - only where it is spoken
                AsyncioConnection,
                AsyncioTurn,
            )

            put_in_place(pool, AsyncioConnection, AsyncioTurn)

    async def handle_async_request(self, request: PoolRequest) -> object:
        """Send a request and return once the head of the answer is there."""
        self._settle()
        make_fit(request)
        standing = list(getattr(self.pool, CONNECTIONS))
        try:
            response = await self.pool.handle_async_request(request)
        except BaseException as error:
            with_idle = tells_of_dead_connections(error, standing)
            await self.clear_up(request, with_idle=with_idle)
            raise
        response.stream = _Body(response.stream, self, request)
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        self._settle()
        await self.pool.aclose()
        await self._closings.wait()

    async def __aexit__(self, *raised: object) -> None:
        # httpcore's own would close the connections of a loop that has ended.
        await self.aclose()

    def begin_anew(self) -> None:
        """Forget every connection, and the closing of others."""
        super().begin_anew()
        self._home.leave()
        self._closings.forget()

    def _settle(self) -> None:
        if self._home.moved():
            self.begin_anew()
            self._home.moved()

    async def clear_up(self, request: PoolRequest, *, with_idle: bool = False) -> None:
        """Close what a request that has ended left behind."""
        left = take_left_behind(self.pool, request, with_idle=with_idle)
        if left:
            await self._closings.run(getattr(self.pool, CLOSE)(left))


class _Body:
    """The body of an answer, whose end is the end of its request."""

    def __init__(self, inner: Any, pool: AsyncioPool, request: PoolRequest) -> None:
        self._inner = inner
        self._pool = pool
        self._request = request
        # None where a test answers in the pool's place.
        held = getattr(inner, POOL_REQUEST, None)
        self._used = None if held is None else getattr(held, HELD_CONNECTION)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._inner)

    async def aclose(self) -> None:
        close_after_trailing_bytes(self._inner)
        try:
            await self._inner.aclose()
        except BaseException:
            await self._pool.clear_up(self._request)
            raise
        if self._used is not None and not is_done_with(self._used):
            await self._pool.clear_up(self._request)

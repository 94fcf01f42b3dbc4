"""Clears up what a failed or cancelled request of the async world leaves behind; see `pools`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from client import trio_ports
from client.asyncio_home import Home, runs_asyncio
from client.asyncio_streams import Backend
from client.pools import (
    WrappedPool,
    is_done_with,
    take_left_behind,
    tells_of_dead_connections,
)
from client.surplus import close_after_surplus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

__all__ = ["AsyncioPool"]


class _Uninterrupted:
    """Work that goes on to its end even where the task that awaits it is cancelled."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do some work."""
        if not runs_asyncio():
            await trio_ports.shielded(work)
            return
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    def forget(self) -> None:
        """Leave it to itself."""
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
        backend = pool._network_backend  # noqa: SLF001 - see `pools`
        pool._network_backend = Backend(backend, self._closings.run)  # noqa: SLF001 - likewise

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request and return once the head of the answer is there."""
        self._settle()
        standing = list(self.pool._connections)  # noqa: SLF001 - see `pools`
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

    def begin_anew(self) -> None:
        """Forget every connection, and what was being closed."""
        super().begin_anew()
        self._home.leave()
        self._closings.forget()

    def _settle(self) -> None:
        if self._home.moved():
            self.begin_anew()
            self._home.moved()

    async def clear_up(self, request: Any, *, with_idle: bool = False) -> None:
        """Close what a request that has ended left behind."""
        left = take_left_behind(self.pool, request, with_idle=with_idle)
        if left:
            await self._closings.run(self.pool._close_connections(left))  # noqa: SLF001 - see `pools`


class _Body:
    """The body of an answer, whose end is the end of its request."""

    def __init__(self, inner: Any, pool: AsyncioPool, request: Any) -> None:
        self._inner = inner
        self._pool = pool
        self._request = request
        # None where a test answers in the pool's place.
        held = getattr(inner, "_pool_request", None)
        self._used = None if held is None else held.connection

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._inner)

    async def aclose(self) -> None:
        close_after_surplus(self._inner)
        try:
            await self._inner.aclose()
        except BaseException:
            await self._pool.clear_up(self._request)
            raise
        if self._used is not None and not is_done_with(self._used):
            await self._pool.clear_up(self._request)

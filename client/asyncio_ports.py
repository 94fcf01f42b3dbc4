"""The ports of the async world: asyncio's clock, timeouts and semaphore.

httpx also runs on trio, and so do its drop-in clients, by way of `trio_ports`.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from client import trio_ports
from client.asyncio_home import Home, runs_asyncio
from client.asyncio_limit import Limit
from client.asyncio_pool import AsyncioPool
from client.forking import tell_in_child
from client.pools import wrap_pools
from client.ports import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.family import Family

__all__ = ["ASYNCIO", "AsyncHttp", "AsyncioPorts", "AsyncioSlots"]

T = TypeVar("T")


class AsyncioPorts:
    """What the engine needs of a running event loop."""

    def __init__(self) -> None:
        self._home = Home()
        tell_in_child(self)
        self._sleepers: set[asyncio.Future[None]] = set()
        self._is_awake = False

    def moved(self) -> bool:
        """Tell whether this is another event loop than at the last call, which has ended.

        Raises:
            ClientClosedError: That one is at work yet.
        """
        has_moved = self._home.moved()
        if has_moved:
            self._sleepers.clear()
        return has_moved

    def begin_anew(self) -> None:
        """Forget the loop, which runs in the parent."""
        self._home.leave()
        self._sleepers.clear()

    def now(self) -> float:
        """Return the time of the loop, in seconds."""
        try:
            return asyncio.get_running_loop().time()
        except RuntimeError:
            return trio_ports.now()

    def wall_clock(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def slots(self, limit: int) -> AsyncioSlots:
        """Make the slots of a bulkhead."""
        return AsyncioSlots(limit)

    async def sleep(self, seconds: float) -> None:
        """Wait, or return at once when `wake_sleepers` is called."""
        if self._is_awake:
            return
        if not runs_asyncio():
            await trio_ports.sleep(seconds)
            return
        loop = asyncio.get_running_loop()
        alarm: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(seconds, _ring, alarm)
        self._sleepers.add(alarm)
        try:
            await alarm
        finally:
            timer.cancel()
            self._sleepers.discard(alarm)

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work, or raise `TimeoutError` once `seconds` have passed."""
        if not runs_asyncio():
            return await trio_ports.within(seconds, work)
        async with Limit(seconds):
            return await work()

    def wake_sleepers(self) -> None:
        """End every `sleep` now, and every later one at once."""
        self._is_awake = True
        for alarm in self._sleepers:
            _ring(alarm)


def _ring(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


class AsyncioSlots:
    """The bulkhead's slots on an `asyncio.Semaphore`, which serves first come, first served.

    The timeout is entered only where somebody must queue; `asyncio.timeout` around `acquire`
    loses no slot to a cancellation, which `wait_for` does.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.waiting = 0
        self._semaphore = asyncio.Semaphore(limit)
        self._holders: set[object] = set()
        self._limits: set[asyncio.Timeout] = set()

    @property
    def in_use(self) -> int:
        """How many are taken."""
        return len(self._holders)

    async def take(self, holder: object) -> bool:
        """Take a slot that is free; False where one more caller has to queue."""
        holders = self._holders
        if self.waiting or len(holders) >= self.limit:
            return False
        await self._semaphore.acquire()  # which does not suspend here
        holders.add(holder)
        return True

    async def queue(self, holder: object, timeout: float) -> bool:  # noqa: ASYNC109 - part of the port
        """Take a slot, waiting at most `timeout` seconds; False where none came free."""
        self.waiting += 1
        try:
            async with Limit(timeout) as limit:
                self._limits.add(limit)
                try:
                    await self._semaphore.acquire()
                finally:
                    self._limits.discard(limit)
        except TimeoutError:
            return False
        finally:
            self.waiting -= 1
        self._holders.add(holder)
        return True

    def turn_away(self) -> None:
        """Let nobody queue any longer."""
        for limit in self._limits:
            limit.reschedule(asyncio.get_running_loop().time())

    def release(self, holder: object) -> None:
        """Give back the slot that a holder has, if it has one, to whoever queued longest."""
        if holder in self._holders:
            self._holders.remove(holder)
            self._semaphore.release()


class AsyncHttp:
    """An `httpx.AsyncClient` as the faces use it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._under_way: set[_Exchange] = set()

    async def request(self, method: str, url: Any, **options: Any) -> Any:
        """Send a request and read the answer."""
        exchange = _Exchange()
        self._under_way.add(exchange)
        try:
            return await self.client.request(method, url, **options)
        except asyncio.CancelledError:
            await exchange.tell_hang_up()
            raise
        finally:
            self._under_way.discard(exchange)
            exchange.leave()

    async def open(self, request: Any, **options: Any) -> Any:
        """Send a built request and return once the head of the answer is there."""
        exchange = _Exchange()
        self._under_way.add(exchange)
        try:
            return await self.client.send(request, stream=True, **options)
        except asyncio.CancelledError:
            await exchange.tell_hang_up()
            raise
        finally:
            self._under_way.discard(exchange)
            exchange.leave()

    async def read(self, response: Any) -> None:
        """Read the body of an open answer."""
        await response.aread()

    async def close_response(self, response: Any) -> None:
        """Let go of an answer."""
        await response.aclose()

    def hang_up(self) -> None:
        """Make every exchange that is under way raise `TimeoutError`, whatever it waits for."""
        under_way, self._under_way = self._under_way, set()
        for exchange in under_way:
            exchange.hang_up()

    async def close(self) -> None:
        """Close the client and its connections."""
        await self.client.aclose()


class _Exchange:
    """One exchange that can be ended from outside, as by a timeout that has passed.

    What `asyncio.timeout` does, for those that mostly end by themselves.
    """

    __slots__ = ("_cancelling", "_is_cancelled", "_pending", "_task")

    def __init__(self) -> None:
        task: Any = asyncio.current_task()
        self._task: asyncio.Task[Any] = task
        self._cancelling = self._task.cancelling()
        self._is_cancelled = False
        self._pending: asyncio.Handle | None = None

    def hang_up(self) -> None:
        """End it in the next turn of the loop: the task that says so may be its own."""
        self._pending = self._task.get_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        self._is_cancelled = True
        self._task.cancel()

    async def tell_hang_up(self) -> None:
        """Raise `TimeoutError` where a cancellation is only that of `hang_up`."""
        if not self._is_cancelled:
            return
        self._is_cancelled = False
        is_cancelled_besides = self._task.uncancel() > self._cancelling
        await asyncio.sleep(0)  # see `asyncio_limit`
        if not is_cancelled_besides:
            raise TimeoutError

    def leave(self) -> None:
        """Take back a cancellation that has not come, or that somebody has swallowed."""
        if self._pending is not None:
            self._pending.cancel()
            if self._is_cancelled:
                self._task.uncancel()


def _adopt(client: Any, _family: Family) -> None:
    wrap_pools(client, AsyncioPool)


def _as_it_is(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    return function


ASYNCIO: Final = World(
    is_async=True,
    make_ports=AsyncioPorts,
    make_http=AsyncHttp,
    adopt=_adopt,
    awaitable=_as_it_is,
)

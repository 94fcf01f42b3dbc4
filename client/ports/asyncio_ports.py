"""The ports of the async world: asyncio's clock, timeouts and semaphore.

httpx also runs on trio, and so do its drop-in clients, by way of `runtime.trio_time`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..engine.ports import World
from ..runtime import trio_time
from ..runtime.asyncio_limit import Limit
from ..runtime.asyncio_timer import timer
from ..runtime.event_loop import Home, asyncio_only, runs_asyncio
from ..runtime.forking import tell_in_child
from ..runtime.seconds import seconds_to_wait
from ..transports.httpcore.asyncio_pool import AsyncioPool
from ..transports.httpcore.pools import wrap_pools
from .asyncio_tasks import AsyncioSignal, AsyncioTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

    from ..engine.ports import Bell, Signal, Task
    from ..http.family import Family
    from ..http.shapes import Request, Response
    from ..runtime.coroutines import Pausing, Waking

__all__ = ["ASYNCIO", "AsyncHttp", "AsyncioBell", "AsyncioPorts"]

T = TypeVar("T")


class AsyncioPorts:
    """What the engine needs of a running event loop."""

    def __init__(self) -> None:
        self._home = Home()
        tell_in_child(self)
        self._sleepers: set[asyncio.Future[None]] = set()
        self._under_trio: set[Callable[[], object]] = set()
        self._is_awake = False

    def moved(self) -> bool:
        """Return whether this is another event loop than at the last call, which has ended.

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
            return trio_time.now()

    def wall_clock(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def bell(self) -> Bell:
        """Make what a coroutine of this loop will wait at."""
        return AsyncioBell() if runs_asyncio() else trio_time.Bell()

    async def sleep(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Wait, or return at once when `wake_sleepers` is called, or somebody wakes."""
        if self._is_awake:
            return
        seconds = seconds_to_wait(seconds)
        if not runs_asyncio():
            await trio_time.sleep(seconds, partial(self._also_closing, waking))
            return
        loop = asyncio.get_running_loop()
        alarm: asyncio.Future[None] = loop.create_future()
        ring = partial(_ring, alarm)
        self._sleepers.add(alarm)
        try:
            with timer(loop, seconds, ring), waking(partial(loop.call_soon_threadsafe, ring)):
                await alarm
        finally:
            self._sleepers.discard(alarm)

    @contextmanager
    def _also_closing(self, waking: Waking, wake: Callable[[], object]) -> Generator[None]:
        """Wake also by `wake_sleepers` who sleeps under trio."""
        self._under_trio.add(wake)
        try:
            with waking(wake):
                yield
        finally:
            self._under_trio.discard(wake)

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work, or raise `TimeoutError` once `seconds` have passed."""
        if not runs_asyncio():
            return await trio_time.within(seconds, work)
        async with Limit(seconds):
            return await work()

    def at_home(self, work: Callable[[], object]) -> None:
        """Do some work in the loop of the client, or here, where that does not run."""
        self._home.do(work)

    async def within_own_time(self, seconds: float, work: Callable[[Pausing], Awaitable[T]]) -> T:
        """Do some work, or raise `TimeoutError` once `seconds` have passed and it is not paused."""
        if not runs_asyncio():
            return await trio_time.within_own_time(seconds, work)
        async with Limit(seconds) as limit:
            return await work(partial(_paused, limit))

    def wake_sleepers(self) -> None:
        """End every `sleep` now, and every later one at once."""
        self._is_awake = True
        for wake in list(self._under_trio):
            with suppress(RuntimeError):  # its run has ended
                wake()
        for alarm in self._sleepers:
            if not alarm.get_loop().is_closed():  # with its loop, whoever waited has ended
                _ring(alarm)

    def signal(self) -> Signal:
        """Make a signal for this task."""
        return AsyncioSignal() if runs_asyncio() else trio_time.Signal()

    def task(self) -> Task:
        """Make a task that has not begun."""
        return AsyncioTask() if runs_asyncio() else trio_time.Task()


@contextmanager
def _paused(limit: asyncio.Timeout) -> Generator[None]:
    """Keep a limit of time from ending what it bounds; not one that has ended it already."""
    moment = limit.when()
    with suppress(RuntimeError):
        limit.reschedule(None)
    try:
        yield
    finally:
        with suppress(RuntimeError):
            limit.reschedule(moment)


def _ring(alarm: asyncio.Future[None]) -> None:
    if not alarm.done():
        alarm.set_result(None)


class AsyncioBell:
    """What wakes a coroutine that queues: a semaphore that has nothing until it is rung.

    `asyncio.timeout` around `acquire` loses nothing to a cancellation, which `wait_for` does.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung = asyncio.Semaphore(0)

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next; from any thread."""
        try:
            is_here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            is_here = False
        if is_here:
            self._rung.release()
        else:
            with suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                self._ring_from_elsewhere()

    def _ring_from_elsewhere(self) -> None:
        self._loop.call_soon_threadsafe(self._rung.release)

    async def wait(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Wait until it is rung, but not longer than so many seconds."""
        with suppress(TimeoutError):
            async with Limit(seconds):
                with waking(self._ring_from_elsewhere):
                    await self._rung.acquire()


class AsyncHttp:
    """An `httpx.AsyncClient` as the faces use it."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._under_way: set[_Interruptible] = set()

    async def request(self, method: str, url: object, **options: object) -> Response:
        """Send a request and read the answer."""
        return await self._held(partial(self.client.request, method, url, **options))

    async def send(self, request: Request, **options: object) -> Response:
        """Send a built request and read the answer."""
        return await self._held(partial(self.client.send, request, **options))

    async def open(self, request: Request, **options: object) -> Response:
        """Send a built request and return once the head of the answer is there."""
        return await self._held(partial(self.client.send, request, stream=True, **options))

    async def _held(self, work: Callable[[], Awaitable[Response]]) -> Response:
        """Make an exchange that `hang_up` can end."""
        exchange = _Interruptible()
        self._under_way.add(exchange)
        try:
            return await work()
        except asyncio.CancelledError:
            await exchange.tell_hang_up()
            raise
        finally:
            self._under_way.discard(exchange)
            exchange.leave()

    async def read(self, response: Response) -> None:
        """Read the body of an open answer."""
        await response.aread()

    async def close_response(self, response: Response) -> None:
        """Close an answer."""
        await response.aclose()

    def hang_up(self) -> None:
        """Make every exchange that is under way raise `TimeoutError`, whatever it waits for."""
        under_way, self._under_way = self._under_way, set()
        for exchange in under_way:
            exchange.hang_up()

    async def close(self) -> None:
        """Close the client and its connections."""
        await self.client.aclose()


class _Interruptible:
    """One exchange that can be ended from outside, as by a timeout that has passed.

    What `asyncio.timeout` does, for those that mostly end by themselves.
    """

    __slots__ = ("_cancelling", "_is_cancelled", "_pending", "_task")

    def __init__(self) -> None:
        try:
            task: Any = asyncio.current_task()
        except RuntimeError:
            raise asyncio_only() from None
        self._task: asyncio.Task[object] = task
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
        await asyncio.sleep(0)  # see `Limit`
        if not is_cancelled_besides:
            raise TimeoutError

    def leave(self) -> None:
        """Withdraw a cancellation that has not come, or that somebody has swallowed."""
        if self._pending is not None:
            self._pending.cancel()
            if self._is_cancelled:
                self._task.uncancel()


def _adopt(client: Any, _family: Family) -> None:
    wrap_pools(client, AsyncioPool)


async def _pause() -> None:
    if runs_asyncio():
        await asyncio.sleep(0)
    else:
        await trio_time.pause()


def _as_it_is(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    return function


ASYNCIO: Final = World(
    is_async=True,
    make_ports=AsyncioPorts,
    make_http=AsyncHttp,
    adopt=_adopt,
    awaitable=_as_it_is,
    pause=_pause,
)

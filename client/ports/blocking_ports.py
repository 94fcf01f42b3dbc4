"""The ports of the blocking world: none of these `async` methods ever suspends."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..engine.ports import World
from ..runtime.seconds import seconds_to_wait
from ..transports.httpcore.blocking_deadline import hang_up, hold_to_deadlines
from ..transports.httpcore.blocking_pool import BlockingPool
from ..transports.httpcore.pools import wrap_pools
from ..transports.httpcore.thread_deadline import (
    check_deadline_of_this_thread,
    deadline_of_this_thread,
    waking_this_thread,
)
from .blocking_tasks import BlockingSignal, BlockingTask

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..http.family import Family
    from ..http.shapes import Request, Response
    from ..runtime.coroutines import Pausing, Waking

__all__ = ["BLOCKING", "BlockingBell", "BlockingHttp", "BlockingPorts"]

T = TypeVar("T")


class BlockingPorts:
    """What the engine needs of a thread."""

    def __init__(self) -> None:
        # No event of threading's: an interrupt within it would leave its lock held for ever.
        self._sleepers: set[threading.Lock] = set()
        self._is_awake = False

    def moved(self) -> bool:
        """Return False: threads may come and go, and a blocking client is bound to none."""
        return False

    def now(self) -> float:
        """Return the time of the monotonic clock, in seconds."""
        return time.monotonic()

    def wall_clock(self) -> float:
        """Return the seconds since the epoch."""
        return time.time()

    def bell(self) -> BlockingBell:
        """Make what a thread will wait at."""
        return BlockingBell()

    async def sleep(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Block, or return at once when `wake_sleepers` is called, or somebody wakes."""
        bell = threading.Lock()
        bell.acquire()
        try:
            self._sleepers.add(bell)
            with waking(partial(_ring, bell)), waking_this_thread(partial(_ring, bell)):
                if not self._is_awake:
                    bell.acquire(timeout=seconds_to_wait(seconds))
        finally:
            self._sleepers.discard(bell)

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work whose reads and writes end once `seconds` have passed."""
        with deadline_of_this_thread(time.monotonic() + seconds):
            return await work()

    def at_home(self, work: Callable[[], object]) -> None:
        """Do some work, here."""
        work()

    async def within_own_time(self, seconds: float, work: Callable[[Pausing], Awaitable[T]]) -> T:
        """Do so; what goes on in a pause keeps to the same moment by itself."""
        return await self.within(seconds, lambda: work(nullcontext))

    def wake_sleepers(self) -> None:
        """End every `sleep` now, and every later one at once."""
        self._is_awake = True
        for bell in list(self._sleepers):
            _ring(bell)

    def signal(self) -> BlockingSignal:
        """Make a signal for this thread."""
        return BlockingSignal()

    def task(self) -> BlockingTask:
        """Make a thread that has not begun."""
        return BlockingTask()


class BlockingBell:
    """What wakes a thread that queues: a lock that is held until it is rung."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next; from any thread."""
        _ring(self._lock)

    async def wait(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Block until it is rung, but not longer than so many seconds."""
        with waking(self.ring), waking_this_thread(self.ring):
            self._lock.acquire(timeout=seconds)


def _ring(bell: threading.Lock) -> None:
    """Wake the one who waits for a lock; a second time does nothing."""
    with suppress(RuntimeError):
        bell.release()


class BlockingHttp:
    """An `httpx.Client` as the faces use it."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def request(self, method: str, url: object, **options: object) -> Response:
        """Send a request and read the answer."""
        response: Response = self.client.request(method, url, **options)
        return response

    async def send(self, request: Request, **options: object) -> Response:
        """Send a built request and read the answer."""
        response: Response = self.client.send(request, **options)
        return response

    async def open(self, request: Request, **options: object) -> Response:
        """Send a built request and return once the head of the answer is there."""
        response: Response = self.client.send(request, stream=True, **options)
        return response

    async def read(self, response: Response) -> None:
        """Read the body of an open answer."""
        response.read()

    async def close_response(self, response: Response) -> None:
        """Close an answer."""
        response.close()

    def hang_up(self) -> None:
        """End every exchange that is under way on a connection of our own."""
        hang_up(self.client)

    async def close(self) -> None:
        """Close the client and its connections."""
        self.client.close()


def _adopt(client: Any, family: Family) -> None:
    hold_to_deadlines(client, family)
    wrap_pools(client, BlockingPool)


async def _pause() -> None:
    check_deadline_of_this_thread()


def _awaitable(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **options: object) -> Any:
        return function(*args, **options)

    return call


BLOCKING: Final = World(
    is_async=False,
    make_ports=BlockingPorts,
    make_http=BlockingHttp,
    adopt=_adopt,
    awaitable=_awaitable,
    pause=_pause,
)

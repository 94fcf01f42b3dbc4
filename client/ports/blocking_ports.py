"""The ports of the blocking world: none of these `async` methods ever suspends."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..engine.ports import World
from ..runtime.seconds import seconds_to_wait
from ..transports.httpcore.blocking_deadline import (
    check_deadline_of_this_thread,
    deadline_of_this_thread,
    hang_up,
    hold_to_deadlines,
)
from ..transports.httpcore.blocking_pool import BlockingPool
from ..transports.httpcore.pools import wrap_pools

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..http.family import Family
    from ..http.shapes import Request, Response
    from ..runtime.coroutines import Pausing, Waking

__all__ = ["BLOCKING", "BlockingHttp", "BlockingPorts", "BlockingSlots"]

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

    def slots(self, limit: int) -> BlockingSlots:
        """Make the slots of a bulkhead."""
        return BlockingSlots(limit)

    async def sleep(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Block, or return at once when `wake_sleepers` is called, or somebody wakes."""
        bell = threading.Lock()
        bell.acquire()
        try:
            self._sleepers.add(bell)
            with waking(partial(_ring, bell)):
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


class BlockingSlots:
    """The bulkhead's slots, first come, first served.

    `threading.Semaphore` lets a newcomer overtake those who queue, so here each waiter has a
    lock of its own, and a slot given back is handed to the one who has waited longest.

    An interrupt (Ctrl-C, a signal handler that raises) may come between any two steps. Who stands
    among the holders has a slot, whatever else was broken off; and `release`, called again, ends
    what it had begun.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        # A signal handler may call, or close the client, in the middle of any of these methods.
        self._lock = threading.RLock()
        self._holders: set[object] = set()
        self._queue: OrderedDict[object, threading.Lock] = OrderedDict()

    @property
    def in_use(self) -> int:
        """How many are taken."""
        return len(self._holders)

    @property
    def waiting(self) -> int:
        """How many callers queue."""
        return len(self._queue)

    def take(self, holder: object) -> bool:
        """Acquire a free slot; return False where the caller has to queue."""
        with self._lock:
            if len(self._holders) < self.limit:
                self._holders.add(holder)
                return True
        return False

    async def queue(
        self,
        holder: object,
        timeout: float,  # noqa: ASYNC109 - part of the port
        waking: Waking = nullcontext,
    ) -> bool:
        """Acquire a slot within `timeout` seconds, or until somebody wakes; False for none."""
        bell = threading.Lock()
        bell.acquire()
        try:
            with self._lock:
                is_free = len(self._holders) < self.limit
                if is_free:
                    self._holders.add(holder)
                else:
                    self._queue[holder] = bell
            if not is_free:
                with waking(partial(_ring, bell)):
                    self._blocked_until(bell, timeout)
            # The slot may have been handed over after the patience ended: then it is ours.
            return self._leave_queue(holder)
        except BaseException:
            self.release(holder)
            raise

    def _blocked_until(self, bell: threading.Lock, patience: float) -> bool:
        return bell.acquire(timeout=patience)

    def _leave_queue(self, holder: object) -> bool:
        with self._lock:
            self._queue.pop(holder, None)
            return holder in self._holders

    def close(self) -> None:
        """Release whoever queues."""
        with self._lock:
            for bell in list(self._queue.values()):
                _ring(bell)
            self._queue.clear()

    def release(self, holder: object) -> None:
        """Give back the slot that a holder has, if it has one, to whoever queued longest."""
        with self._lock:
            self._queue.pop(holder, None)
            if holder in self._holders:
                self._hand_over(holder)

    def _hand_over(self, holder: object) -> None:
        holders, queue = self._holders, self._queue
        while queue and (first := next(iter(queue))) in holders:
            # An interrupt broke a handing over off: whoever got the slot may not know it yet.
            _ring(queue.get(first))
            queue.pop(first, None)
        if queue and len(holders) <= self.limit:
            first = next(iter(queue))
            holders.add(first)
            _ring(queue.get(first))
            holders.discard(holder)
            queue.pop(first, None)
        else:
            holders.discard(holder)


def _ring(bell: threading.Lock | None) -> None:
    """Wake the one who waits for a lock; a second time does nothing."""
    if bell is not None:
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

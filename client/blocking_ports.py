"""The ports of the blocking world: none of these `async` methods ever suspends."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final, TypeVar

from client.blocking_deadline import deadline_of_this_thread, hang_up, hold_to_deadlines
from client.blocking_pool import BlockingPool
from client.forking import fork_safe
from client.pools import wrap_pools
from client.ports import World

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from client.family import Family

__all__ = ["BLOCKING", "BlockingHttp", "BlockingPorts", "BlockingSlots"]

T = TypeVar("T")


class BlockingPorts:
    """What the engine needs of a thread."""

    def __init__(self) -> None:
        self._closing = fork_safe(threading.Event())

    def moved(self) -> bool:
        """Tell that threads may come and go: a blocking client is bound to none."""
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

    async def sleep(self, seconds: float) -> None:
        """Block, or return at once when `wake_sleepers` is called."""
        self._closing.wait(seconds)

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work whose reads and writes end once `seconds` have passed."""
        with deadline_of_this_thread(time.monotonic() + seconds):
            return await work()

    def wake_sleepers(self) -> None:
        """End every `sleep` now, and every later one at once."""
        self._closing.set()


class BlockingSlots:
    """The bulkhead's slots, first come, first served.

    `threading.Semaphore` lets a newcomer overtake those who queue, so here each waiter has a
    lock of its own, and a slot given back is handed to the one who has waited longest.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0
        self._lock = threading.Lock()
        self._queue: deque[threading.Lock] = deque()
        self._turned_away: set[threading.Lock] = set()

    @property
    def full(self) -> bool:
        """Whether one more caller would have to queue."""
        return self.in_use >= self.limit

    @property
    def waiting(self) -> int:
        """How many callers queue."""
        return len(self._queue)

    async def acquire(self, timeout: float) -> bool:  # noqa: ASYNC109 - part of the port
        """Take a slot, blocking at most `timeout` seconds; False where none came free."""
        with self._lock:
            if self.in_use < self.limit:
                self.in_use += 1
                return True
            turn = threading.Lock()
            turn.acquire()
            self._queue.append(turn)
        return self._wait_for(turn, timeout)

    def _wait_for(self, turn: threading.Lock, patience: float) -> bool:
        try:
            self._blocked_until(turn, patience)
        except BaseException:
            # An interrupt in the middle of the wait: what was handed over is given back.
            if self._has_slot(turn):
                self.release()
            raise
        # The slot may have been handed over after the patience ended: then it is ours.
        return self._has_slot(turn)

    def _has_slot(self, turn: threading.Lock) -> bool:
        """Tell whether one was handed over; either way, queue no longer."""
        is_turned_away = turn in self._turned_away
        self._turned_away.discard(turn)
        return not self._leave_queue(turn) and not is_turned_away

    def _blocked_until(self, turn: threading.Lock, patience: float) -> bool:
        return turn.acquire(timeout=patience)

    def _leave_queue(self, turn: threading.Lock) -> bool:
        with self._lock:
            try:
                self._queue.remove(turn)
            except ValueError:
                return False
            return True

    def turn_away(self) -> None:
        """Let nobody queue any longer."""
        with self._lock:
            self._turned_away.update(self._queue)
            while self._queue:
                self._queue.popleft().release()

    def release(self) -> None:
        """Give a slot back, to whoever has queued longest."""
        with self._lock:
            if self._queue:
                self._queue.popleft().release()
            else:
                self.in_use -= 1


class BlockingHttp:
    """An `httpx.Client` as the faces use it."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def request(self, method: str, url: Any, **options: Any) -> Any:
        """Send a request and read the answer."""
        return self.client.request(method, url, **options)

    async def open(self, request: Any, **options: Any) -> Any:
        """Send a built request and return once the head of the answer is there."""
        return self.client.send(request, stream=True, **options)

    async def read(self, response: Any) -> None:
        """Read the body of an open answer."""
        response.read()

    async def close_response(self, response: Any) -> None:
        """Let go of an answer."""
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


def _awaitable(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    async def call(*args: Any, **options: Any) -> Any:
        return function(*args, **options)

    return call


BLOCKING: Final = World(
    is_async=False,
    make_ports=BlockingPorts,
    make_http=BlockingHttp,
    adopt=_adopt,
    awaitable=_awaitable,
)

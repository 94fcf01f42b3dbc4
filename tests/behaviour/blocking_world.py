"""The blocking world: real threads, of which one runs at a time, and a clock that jumps.

The ports under test are the real ones too. What is replaced is the `threading` and the `time`
that they see: a thread that would block is parked, and when all are parked the clock moves on.
"""

from __future__ import annotations

import math
import threading
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import Mock, patch

import httpx

from client.transports.httpcore.thread_deadline import cut_to_deadline, waking_this_thread
from tests.behaviour.wire import drive
from tests.behaviour.world import BEGINNING, T, Task, World

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextlib import AbstractContextManager
    from types import TracebackType


class Parked:
    """A thread that waits for a condition, for a moment, or for both."""

    def __init__(self, owner: object, ready: Callable[[], bool], until: float) -> None:
        self.owner = owner
        self.ready = ready
        self.until = until
        self.turn = threading.Semaphore(0)
        self.was_ready = False
        self.interrupt: BaseException | None = None


class Threads:
    """Lets one thread run at a time, and moves the clock when none can."""

    def __init__(self) -> None:
        self.now = BEGINNING
        self._parked: list[Parked] = []
        self._current: object = None

    def wait(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Park the running thread; tell whether what it waits for came in time."""
        me = self.park(self._current, ready, seconds)
        self.hand_over()
        return self.resume(me)

    def park(self, owner: object, ready: Callable[[], bool], seconds: float = math.inf) -> Parked:
        """Put a thread among those that wait."""
        parked = Parked(owner, ready, self.now + seconds)
        self._parked.append(parked)
        return parked

    def resume(self, parked: Parked) -> bool:
        """Wait for one's turn, for real: another thread is handing it over."""
        parked.turn.acquire()
        self._current = parked.owner
        if parked.interrupt is not None:
            raise parked.interrupt
        return parked.was_ready

    def hand_over(self) -> None:
        """Let the thread run whose turn it is."""
        chosen = self._choose()
        self._parked.remove(chosen)
        chosen.turn.release()

    def interrupt(self, owner: VirtualThread[Any]) -> None:
        """Make a parked thread raise as after Ctrl-C."""
        for parked in self._parked:
            if parked.owner is owner:
                parked.interrupt = KeyboardInterrupt()

    def _choose(self) -> Parked:
        for parked in self._parked:
            if parked.interrupt is None and parked.ready():
                parked.was_ready = True
                return parked
            if parked.interrupt is not None:
                return parked
        soonest = min(self._parked, key=lambda parked: parked.until)
        if soonest.until < math.inf:
            self.now = max(self.now, soonest.until)
            return soonest
        story = next(parked for parked in self._parked if parked.owner is None)
        story.interrupt = AssertionError("deadlock: everybody waits, and for nothing")
        return story


class VirtualLock:
    """A lock whose waiters are parked."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._is_held = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:  # noqa: FBT001, FBT002 - threading's signature
        """Take the lock, waiting for it as asked."""
        if self._take():
            return True
        if not blocking:
            return False
        return self._threads.wait(self._take, math.inf if timeout < 0 else timeout)

    def release(self) -> None:
        """Free the lock."""
        if not self._is_held:
            raise RuntimeError("release unlocked lock")  # as threading's does
        self._is_held = False

    def locked(self) -> bool:
        """Tell whether somebody holds it."""
        return self._is_held

    def _at_fork_reinit(self) -> None:
        """Be free in a forked child, as threading's are."""
        self._is_held = False

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    def _take(self) -> bool:
        was_free = not self._is_held
        self._is_held = True
        return was_free


class VirtualEvent:
    """An event whose waiters are parked."""

    def __init__(self, threads: Threads) -> None:
        self._threads = threads
        self._is_set = False

    def set(self) -> None:
        """Wake those who wait."""
        self._is_set = True

    def wait(self, timeout: float) -> bool:
        """Wait until it is set."""
        return self._is_set or self._threads.wait(lambda: self._is_set, timeout)


class ThreadGate:
    """A gate for threads."""

    def __init__(self, threads: Threads) -> None:
        self._event = VirtualEvent(threads)

    async def wait(self) -> None:
        """Wait until it is open."""
        self._event.wait(math.inf)

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._event.set()


class VirtualThread(Task[T]):
    """A real thread that runs when it is its turn."""

    def __init__(self, threads: Threads, work: Coroutine[Any, Any, T]) -> None:
        self._threads = threads
        self._work = work
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self._is_done = False
        self._parked = threads.park(self, lambda: True)
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._is_done

    def cancel(self) -> None:
        """Interrupt it where it waits, as Ctrl-C does."""
        self._threads.interrupt(self)

    async def result(self) -> T:
        """Wait for it, and return or raise what it did."""
        if not self._is_done:
            self._threads.wait(lambda: self._is_done, math.inf)
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        return self._outcome[0]

    def _run(self) -> None:
        try:
            self._threads.resume(self._parked)
            self._outcome.append(drive(self._work))
        except BaseException as error:  # noqa: BLE001 - handed to whoever asks for the result
            self._work.close()
            self._error = error
        finally:
            self._is_done = True
            self._threads.hand_over()


class ThreadOfTheClient:
    """What the client sees as `threading.Thread`."""

    def __init__(
        self,
        world: BlockingWorld,
        *,
        target: Callable[..., object],
        args: tuple[Any, ...] = (),
        name: str,
        daemon: bool,
    ) -> None:
        assert name
        assert daemon
        self._world = world
        self._work = target, args

    def start(self) -> None:
        """Begin, when its turn comes."""
        if self._world.lacks_threads:
            raise RuntimeError("can't start new thread")
        self._parked = self._world.threads.park(self, lambda: True)
        self._world.under_way.append(self)
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        threads = self._world.threads
        threads.resume(self._parked)
        try:
            target, args = self._work
            target(*args)
        finally:
            self._world.under_way.remove(self)
            threads.hand_over()


class BlockingWorld(World):
    """`SyncResilientClient` and threads."""

    is_async = False
    cancellation = KeyboardInterrupt
    patches: ClassVar = (
        "client.ports.blocking_ports.threading",
        "client.ports.blocking_ports.time",
        "client.ports.blocking_tasks.threading",
        "client.transports.httpcore.thread_deadline.time",
        "client.faces.facade.session.threading",
    )

    def __init__(self) -> None:
        super().__init__()
        self.threads = Threads()
        self.under_way: list[ThreadOfTheClient] = []
        """Threads of the client's own."""
        self.lacks_threads = False
        """Whether there are none to be had, as at the end of the interpreter."""

    def left_behind(self) -> int:
        """Return how many threads of the client's own there are."""
        return len(self.under_way)

    def replacement(self, name: str) -> object:
        """Return what stands in for `threading` or `time`."""
        threads = self.threads
        if name.endswith(".threading"):
            return SimpleNamespace(
                Lock=lambda: VirtualLock(threads),
                RLock=lambda: VirtualLock(threads),
                Thread=partial(ThreadOfTheClient, self),
            )
        return SimpleNamespace(monotonic=self.now, time=self.wall_clock)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine, none of whose awaits suspends."""
        return drive(work)

    def now(self) -> float:
        """Return the virtual seconds."""
        return self.threads.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.threads.wait(lambda: False, seconds)

    def stall(self, seconds: float) -> None:
        """Move the clock of the threads."""
        self.threads.now += seconds

    async def silence(self, request: httpx.Request, seconds: float) -> None:
        """Stay silent until the read timeout, cut as the network backend cuts it."""
        patience = cut_to_deadline(request.extensions["timeout"]["read"], httpx.ReadTimeout)
        is_patient = patience is None or seconds < patience
        event = VirtualEvent(self.threads)
        with waking_this_thread(event.set):
            event.wait(seconds if patience is None or is_patient else patience)
        if is_patient:
            return
        raise httpx.ReadTimeout("", request=request)

    def start(self, work: Coroutine[Any, Any, T]) -> VirtualThread[T]:
        """Begin a thread."""
        task = VirtualThread(self.threads, work)
        self.tasks.append(task)
        return task

    def gate(self) -> ThreadGate:
        """Make a gate, closed."""
        return ThreadGate(self.threads)

    def patch_request(self) -> AbstractContextManager[Mock]:
        """Replace `httpx.Client.request`."""
        return patch("httpx.Client.request", new_callable=Mock)

    def close_now(self, close: Callable[[], None]) -> None:
        """Call it."""
        close()

    @property
    def httpx_client(self) -> type[httpx.Client]:
        """The blocking one."""
        return httpx.Client

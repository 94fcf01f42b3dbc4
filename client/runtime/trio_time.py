"""Time under trio, by way of anyio, which httpx itself brings along.

Only the drop-in clients and transports come here: the facade's bulkhead is asyncio's. anyio is
imported where it is used, which under asyncio is nowhere.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager, nullcontext, suppress
from contextvars import Context, copy_context
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    import anyio

    from .coroutines import Pausing, Waking

__all__ = [
    "Bell",
    "Signal",
    "Task",
    "now",
    "pause",
    "shielded",
    "sleep",
    "start",
    "within",
    "within_own_time",
]

T = TypeVar("T")


def now() -> float:
    """Return the time of the monotonic clock, in seconds.

    Not of trio's own, which begins elsewhere in each run: a circuit may be shared with threads
    and with other event loops, whose clock is this one.
    """
    return time.monotonic()


async def sleep(seconds: float, waking: Waking) -> None:
    """Wait, or return at once when somebody wakes, from whatever thread."""
    import anyio  # noqa: PLC0415 - see above
    from trio.lowlevel import current_trio_token  # noqa: PLC0415 - whoever comes here runs it

    bell = anyio.Event()
    wake = partial(current_trio_token().run_sync_soon, bell.set)
    with waking(wake), anyio.move_on_after(seconds):
        await bell.wait()


async def pause() -> None:
    """Yield to other tasks."""
    import anyio.lowlevel  # noqa: PLC0415 - see above

    await anyio.lowlevel.checkpoint()


async def shielded(work: Coroutine[object, None, None]) -> None:
    """Do some work to its end, whoever cancels; none where no loop runs that could do it."""
    import anyio  # noqa: PLC0415 - see above

    try:
        shield = anyio.CancelScope(shield=True)
    except RuntimeError:
        work.close()
        return
    with shield:
        await work


async def within(seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """Do some work, or raise `TimeoutError` once `seconds` have passed."""
    import anyio  # noqa: PLC0415 - see above

    with anyio.fail_after(seconds):
        return await work()


async def within_own_time(seconds: float, work: Callable[[Pausing], Awaitable[T]]) -> T:
    """Do some work, or raise `TimeoutError` once `seconds` have passed and it is not paused."""
    import anyio  # noqa: PLC0415 - see above

    with anyio.fail_after(seconds) as scope:
        return await work(partial(_paused, scope))


@contextmanager
def _paused(scope: anyio.CancelScope) -> Generator[None]:
    moment = scope.deadline
    scope.deadline = math.inf
    try:
        yield
    finally:
        scope.deadline = moment


def start(work: Callable[[], Coroutine[object, None, None]]) -> None:
    """Start work beside the task, which may end before it."""
    import trio  # noqa: PLC0415 - it runs, or nobody would be here

    trio.lowlevel.spawn_system_task(work)


class Bell:
    """Wakes one task from any thread."""

    def __init__(self) -> None:
        import trio  # noqa: PLC0415 - as above

        self._event = trio.Event()
        self._run_soon = trio.lowlevel.current_trio_token().run_sync_soon

    def ring(self) -> None:
        """Wake the task that waits, or that waits next; from any thread."""
        with suppress(RuntimeError):  # its run has ended, and with it whoever waited
            self._run_soon(self._event.set)

    async def wait(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Wait until it is rung, but not longer than so many seconds."""
        import anyio  # noqa: PLC0415 - see above

        with waking(self.ring), anyio.move_on_after(seconds):
            await self._event.wait()


class Signal:
    """Wakes one task from others of its run."""

    def __init__(self) -> None:
        import trio  # noqa: PLC0415 - as above

        self._make = trio.Event
        self._event = trio.Event()

    def give(self) -> None:
        """Wake the task that waits, or that waits next."""
        self._event.set()

    async def wait(self, seconds: float | None) -> None:
        """Wait until it is given, or until so many seconds have passed."""
        import anyio  # noqa: PLC0415 - see above

        with anyio.move_on_after(seconds):
            await self._event.wait()
        if self._event.is_set():
            self._event = self._make()


class Task:
    """A task of the system's nursery, in a cancel scope of its own."""

    def __init__(self) -> None:
        import trio  # noqa: PLC0415 - as above

        self._scope = trio.CancelScope()
        self._now = trio.current_time
        self._spawn = trio.lowlevel.spawn_system_task

    def start(
        self,
        work: Callable[[], Coroutine[object, None, None]],
        ended: Callable[[], object],
        *,
        is_apart: bool = False,
        is_bounded: bool = True,  # noqa: ARG002 - no task of the system's is, by another
    ) -> None:
        """Begin the work, in a copy of the context or in one of its own."""
        self._spawn(self._run, work, ended, context=Context() if is_apart else copy_context())

    def cancel(self) -> None:
        """Cancel it."""
        self._scope.cancel()

    def cancel_in(self, seconds: float) -> None:
        """Cancel it after so many seconds."""
        self._scope.deadline = self._now() + seconds

    async def _run(
        self, work: Callable[[], Coroutine[object, None, None]], ended: Callable[[], object]
    ) -> None:
        try:
            with self._scope:
                await work()
        finally:
            ended()

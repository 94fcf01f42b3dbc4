"""Work that is done in a thread of its own, and what the caller's thread waits with for it."""

from __future__ import annotations

import threading
from contextlib import suppress
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Final

from ..runtime.coroutines import run_to_end
from ..transports.httpcore.interrupts import Interrupt
from ..transports.httpcore.thread_deadline import (
    bounds,
    interruptible_thread,
    waking_this_thread,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Work = Callable[[], Coroutine[object, None, None]]

__all__ = ["BlockingSignal", "BlockingTask"]

_NAME: Final = "resilient-client"


class BlockingSignal:
    """Wakes one thread from others.

    A lock, and no event of threading's: an interrupt within that leaves its own lock held for ever.
    """

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def give(self) -> None:
        """Wake the thread that waits, or that waits next."""
        with suppress(RuntimeError):  # it has been given, and nobody has waited since
            self._lock.release()

    async def wait(self, seconds: float | None) -> None:
        """Block until it is given, or until so many seconds have passed."""
        with waking_this_thread(self.give):
            self._lock.acquire(timeout=-1 if seconds is None else seconds)


class BlockingTask:
    """A thread that ends with its work, and can be cancelled where it waits for a connection."""

    __slots__ = ("_interrupt", "_over")

    def __init__(self) -> None:
        self._interrupt = Interrupt()
        self._over = BlockingSignal()

    def start(
        self,
        work: Work,
        ended: Callable[[], object],
        *,
        is_apart: bool = False,
        is_bounded: bool = True,
    ) -> None:
        """Begin the work, in a copy of the context and within the deadline of this thread.

        Or apart: in a context of its own, and bound by none.
        """
        deadline = bounds.deadline if is_bounded and not is_apart else None
        arguments = (self._run, work, ended, deadline)
        context = Context() if is_apart else copy_context()
        thread = threading.Thread(target=context.run, args=arguments, name=_NAME, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there are no threads to be had at the interpreter's end
            if is_apart:
                ended()  # nobody waits for it
            else:
                self._run(*arguments[1:])

    def cancel(self) -> None:
        """End what it waits for on the network."""
        self._interrupt.set()

    def cancel_in(self, seconds: float) -> None:
        """Do so after so many seconds, unless it is over by then."""
        keeper = threading.Thread(
            target=lambda: run_to_end(self._cancel_in(seconds)), name=_NAME, daemon=True
        )
        try:
            keeper.start()
        except RuntimeError:
            self.cancel()  # as above

    async def _cancel_in(self, seconds: float) -> None:
        await self._over.wait(seconds)
        self.cancel()

    def _run(self, work: Work, ended: Callable[[], object], deadline: float | None) -> None:
        try:
            with interruptible_thread(self._interrupt, deadline):
                if not self._interrupt.is_set:
                    run_to_end(work())
        finally:
            self._over.give()
            ended()

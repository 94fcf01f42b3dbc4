"""What bounds the network calls of one thread: a moment, and whoever may interrupt it."""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from .interrupts import Interrupt

__all__ = [
    "bounds",
    "check_deadline_of_this_thread",
    "check_interrupt_of_this_thread",
    "cut_to_deadline",
    "deadline_of_this_thread",
    "interruptible_thread",
    "time_left",
    "waking_this_thread",
]


class _ThreadState(threading.local):
    deadline: float | None = None
    interrupt: Interrupt | None = None
    """Looked for only where there is a deadline."""


bounds: Final = _ThreadState()
"""Those of the thread that looks."""


@contextmanager
def deadline_of_this_thread(moment: float) -> Generator[None]:
    """Bound the network calls of this thread by a moment on the monotonic clock."""
    before = bounds.deadline
    bounds.deadline = moment if before is None else min(before, moment)
    try:
        yield
    finally:
        bounds.deadline = before


@contextmanager
def interruptible_thread(interrupt: Interrupt, deadline: float | None) -> Generator[None]:
    """Have this thread's network calls end when an interrupt is set, or at a moment."""
    before = bounds.deadline, bounds.interrupt
    bounds.deadline = math.inf if deadline is None else deadline
    bounds.interrupt = interrupt
    try:
        yield
    finally:
        bounds.deadline, bounds.interrupt = before


def waking_this_thread(wake: Callable[[], object]) -> AbstractContextManager[object]:
    """Call `wake`, within the block, where this thread is interrupted; the block raises then."""
    interrupt = bounds.interrupt
    return nullcontext() if interrupt is None else interrupt.waking(wake)


def check_interrupt_of_this_thread() -> bool:
    """Return whether this thread may be interrupted; raise `CancelledError` where it is."""
    interrupt = bounds.interrupt
    if interrupt is not None:
        interrupt.check()
    return interrupt is not None


def check_deadline_of_this_thread() -> None:
    """Raise `TimeoutError` where the moment has passed: for long work between two calls."""
    if bounds.deadline is None:
        return
    check_interrupt_of_this_thread()
    if time.monotonic() >= bounds.deadline:
        raise TimeoutError


def time_left(expired: type[Exception]) -> float | None:
    """Return the seconds left to this thread, or None where nothing bounds it."""
    if bounds.deadline is None:
        return None
    check_interrupt_of_this_thread()
    left = bounds.deadline - time.monotonic()
    if left == math.inf:
        return None
    if left <= 0:
        message = "the deadline has passed"
        raise expired(message)
    return left


def cut_to_deadline(timeout: float | None, expired: type[Exception]) -> float | None:
    """Return a timeout, cut to what is left to this thread.

    Raises:
        Exception: `expired`, where nothing is left.
    """
    left = time_left(expired)
    if left is None or timeout is None:
        return timeout if left is None else left
    return min(timeout, left)

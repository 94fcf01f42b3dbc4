"""Hands out notices one after the other, in the order in which things happened.

Whoever makes a change puts its notice in while holding the lock of what it changes, so that their
order is that of the changes, and delivers once it is free. One thread at a time delivers, the
notices of others too; who finds it at work goes its way. So no lock is held that a listener could
wait for, and one that calls back in waits for nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from .forking import fork_safe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Notices"]


class Notices:
    """A queue of calls to make. Safe to share between threads."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._delivery = fork_safe(threading.Lock())

    def add(self, notice: Callable[[], object]) -> None:
        """Put one in; it must not raise."""
        self._waiting.append(notice)

    def deliver(self) -> None:
        """Hand out what waits, unless somebody is at it."""
        # Looked at again when the delivery is over: somebody may have come in between.
        while self._waiting and self._delivery.acquire(blocking=False):
            try:
                while self._waiting:
                    self._waiting.popleft()()
            finally:
                self._delivery.release()

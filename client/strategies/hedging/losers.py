"""Attempts that lost and whose answers are read to their end, so that their connections live."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ...runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from ...engine.ports import Ports, Signal, Task

__all__ = ["DRAIN_SECONDS", "Losers"]

DRAIN_SECONDS: Final = 1.0
"""How long an answer that nobody waits for is read."""


class Losers:
    """All of a client. Safe to share between threads.

    Args:
        most: How many are read at a time; beyond, the oldest is ended.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = fork_safe(threading.RLock())
        self._draining: dict[Task, None] = {}
        """In the order in which they lost."""
        self._ending: set[Task] = set()
        self._emptied: Signal | None = None
        tell_in_child(self)

    def __len__(self) -> int:
        return len(self._draining) + len(self._ending)

    def drain(self, task: Task) -> None:
        """Let an attempt go on for a while."""
        with self._lock:
            self._draining[task] = None
            oldest = next(iter(self._draining)) if len(self._draining) > self.most else None
        task.cancel_in(DRAIN_SECONDS)
        if oldest is not None:
            self.cancel(oldest)

    def cancel(self, task: Task) -> None:
        """End an attempt."""
        with self._lock:
            self._draining.pop(task, None)
            self._ending.add(task)
        task.cancel()

    def remove(self, task: Task) -> None:
        """Take note that it is over; it may come twice."""
        with self._lock:
            self._draining.pop(task, None)
            self._ending.discard(task)
            is_empty = not len(self)
        if is_empty and self._emptied is not None:
            self._emptied.give()

    def hang_up(self) -> None:
        """End them all."""
        with self._lock:
            tasks = list(self._draining)
        for task in tasks:
            self.cancel(task)

    async def close(self, ports: Ports) -> None:
        """End them all, and wait until they have ended, but not for long."""
        self._emptied = ports.signal()
        self.hang_up()
        if len(self):
            await self._emptied.wait(DRAIN_SECONDS)

    def begin_anew(self) -> None:
        """Forget the attempts of the parent process, in a forked child."""
        self._draining.clear()
        self._ending.clear()

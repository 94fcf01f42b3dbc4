"""The slots of endpoints that bound how many attempts may be there, and the queue for them.

Rule 1  Who stands among the holders of an endpoint has a slot there, whatever an interrupt broke
        off.
Rule 2  A slot that comes free is handed to the first of those who queue and take it, so that nobody
        who comes later is quicker.
Rule 3  To give back twice, or what was never taken, is to give it back once, or not at all.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ....runtime.forking import fork_safe

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ....engine.ports import Bell

__all__ = ["EndpointSlots", "Waiter"]


class Waiter:
    """Somebody who queues.

    Attributes:
        holder: Who will hold the slot.
        urls: Of the endpoints where that may be; None for any.
        bell: Rung when there is something to look at.
        url: Of the endpoint where a slot was handed over, or None.
    """

    __slots__ = ("bell", "holder", "url", "urls")

    def __init__(self, holder: object, urls: Collection[str] | None, bell: Bell) -> None:
        self.holder: object = holder
        self.urls: Collection[str] | None = urls
        self.bell: Bell = bell
        self.url: str | None = None


class EndpointSlots:
    """They, of all endpoints of a client. Safe to share between threads.

    Attributes:
        limits: How many there are, by URL; an endpoint that is not in it has no bound.
    """

    def __init__(self) -> None:
        # A signal handler may call in the middle of any of these methods.
        self._lock: Final = fork_safe(threading.RLock())
        self.limits: Mapping[str, int] = {}
        self._held: dict[str, set[object]] = {}
        self._queue: dict[Waiter, None] = {}

    @property
    def waiting(self) -> int:
        """How many queue."""
        return len(self._queue)

    def go_by(self, limits: Mapping[str, int]) -> None:
        """Have so many slots from now on; who queues looks again."""
        with self._lock:
            self.limits = limits
            self.wake()

    def full(self) -> set[str]:
        """Return the URLs of the endpoints that have no slot free."""
        with self._lock:
            return {url for url, limit in self.limits.items() if self._in_use(url) >= limit}

    def take(self, url: str, holder: object, *, beyond: bool = False) -> bool:
        """Acquire a slot of an endpoint, or return False where none is free.

        Args:
            url: Of the endpoint; one without a bound has always one.
            holder: Who has it.
            beyond: Whether to acquire it whether or not there is one.
        """
        limit = self.limits.get(url)
        if limit is None:
            return True
        with self._lock:
            if self._in_use(url) >= limit and not beyond:
                return False
            self._held.setdefault(url, set()).add(holder)
            return True

    def release(self, holder: object) -> None:
        """Give back what a holder has, wherever, to whoever is next there."""
        for url, held in tuple(self._held.items()):
            if holder in held:
                with self._lock:
                    held.discard(holder)
                    self._hand_over(url, held)

    def _hand_over(self, url: str, held: set[object]) -> None:
        limit = self.limits.get(url)
        if limit is not None and len(held) >= limit:
            return
        for waiter in self._queue:
            if waiter.urls is None or url in waiter.urls:
                held.add(waiter.holder)
                waiter.url = url
                del self._queue[waiter]
                waiter.bell.ring()
                return

    def join(self, waiter: Waiter) -> None:
        """Queue."""
        with self._lock:
            self._queue[waiter] = None

    def withdraw(self, waiter: Waiter) -> None:
        """Leave the queue, if it is still there; what was handed over is there to be released."""
        with self._lock:
            self._queue.pop(waiter, None)

    def wake(self) -> None:
        """Have all who queue look again."""
        with self._lock:
            for waiter in self._queue:
                waiter.bell.ring()

    def begin_anew(self) -> None:
        """Forget who holds and who queues: they are of a parent process, or an ended event loop."""
        self._held.clear()
        self._queue.clear()

    def _in_use(self, url: str) -> int:
        return len(self._held.get(url, ()))

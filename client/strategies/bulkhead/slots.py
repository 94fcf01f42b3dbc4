"""The slots of a bulkhead, and the queue for them, in both worlds.

Rule 1  Who stands among the holders has a slot, whatever an interrupt broke off.
Rule 2  A place in the queue is entered before it is seen whether a slot is free, and a slot is free
        before it is seen whether anybody queues: so one of the two sees the other.
Rule 3  `release` may come twice, and for whoever has nothing: it ends what it had begun.

While a slot is free and nobody queues, no lock is taken: sets and dicts change in one step.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.ports import Bell

__all__ = ["Place", "Slots", "TurnedAway"]

TurnedAway: TypeAlias = Literal["timeout", "deadline", "priority"]
"""Why somebody gets no slot: none came free in time, too little time would be left with one, or
the queue is long and others are more important."""


class Place:
    """A place in the queue, of one holder to be.

    Attributes:
        holder: Who queues.
        priority: 0 is the most important.
        bell: Rung when there is something to look at: a slot, a refusal, or the client's end.
        refusal: Why there will be no slot, or None.
    """

    __slots__ = ("bell", "holder", "priority", "refusal")

    def __init__(self, holder: object, priority: int, bell: Bell) -> None:
        self.holder: object = holder
        self.priority: int = priority
        self.bell: Bell = bell
        self.refusal: TurnedAway | None = None


class Slots:
    """So many slots at once; the most important first, and of those who came first.

    A holder is whatever took a slot, told apart by identity, so that to give one back twice is to
    give it back once.

    Args:
        limit: How many there are; may change at any time.
        make_bell: Makes what somebody is woken by who queues.
        is_too_late: Whether it is no use any more to give a holder the slot that came free.
    """

    def __init__(
        self,
        limit: int,
        make_bell: Callable[[], Bell],
        is_too_late: Callable[[Any], bool] = lambda _: False,
    ) -> None:
        self.limit: int = limit
        self._make_bell = make_bell
        self._is_too_late = is_too_late
        # A signal handler may call, or close the client, in the middle of any of these methods.
        self._lock: Final = threading.RLock()
        self._holders: set[object] = set()
        self._lines: dict[int, OrderedDict[object, Place]] = {}
        """Who queues, by priority and in the order of coming; none of them is ever empty."""

    @property
    def in_use(self) -> int:
        """How many are taken."""
        return len(self._holders)

    @property
    def waiting(self) -> int:
        """How many holders to be queue."""
        return sum(map(len, list(self._lines.values())))

    def ahead_of(self, priority: int) -> int:
        """Return how many are served before somebody who comes now."""
        lines = list(self._lines.items())
        return sum(len(line) for each, line in lines if each <= priority)

    def take(self, holder: object) -> bool:
        """Acquire a free slot; return False where the holder has to queue."""
        holders = self._holders
        if self._lines or len(holders) >= self.limit:
            return False
        holders.add(holder)
        return len(holders) <= self.limit or self._keeps(holder)

    def _keeps(self, holder: object) -> bool:
        """Settle who steps back, where two threads took the last slot, or the limit has fallen.

        Nothing comes free by that: there were too many.
        """
        with self._lock:
            if len(self._holders) <= self.limit:
                return True
            self._holders.discard(holder)
            return False

    def take_beyond(self, holder: object) -> None:
        """Acquire a slot whether or not there is one."""
        self._holders.add(holder)

    def holds(self, holder: object) -> bool:
        """Return whether it has a slot."""
        return holder in self._holders

    def join(self, holder: object, priority: int) -> Place:
        """Queue; who has a slot at once, or is refused at once, sees it from what is returned.

        Where more queue than there are slots, and some are less important than others, the newest
        of the least important is refused.
        """
        place = Place(holder, priority, self._make_bell())
        with self._lock:
            line = self._lines.get(priority)
            if line is None:
                self._lines[priority] = OrderedDict({holder: place})
            else:
                line[holder] = place
            self._fill()
            if len(self._lines) > 1 and self.waiting > self.limit:
                self._refuse(next(reversed(self._lines[max(self._lines)].values())), "priority")
        return place

    def withdraw(self, holder: object) -> bool:
        """Leave the queue; return whether a slot has been handed over meanwhile."""
        with self._lock:
            self._drop(holder)
            return holder in self._holders

    def release(self, holder: object) -> None:
        """Give back the slot that a holder has, or its place in the queue, if it has either."""
        self._holders.discard(holder)
        if self._lines:
            with self._lock:
                self._drop(holder)
                self._fill()

    def set_limit(self, limit: int) -> None:
        """Have more slots, which go to those who queue, or fewer, as they are given back."""
        self.limit = limit
        if self._lines:
            with self._lock:
                self._fill()

    def close(self) -> None:
        """Wake whoever queues: the client is closed."""
        with self._lock:
            for line in self._lines.values():
                for place in line.values():
                    place.bell.ring()
            self._lines.clear()

    def _fill(self) -> None:
        """Hand the slots over that are free. Whoever calls this, and the next two, has the lock."""
        holders, lines = self._holders, self._lines
        while lines:
            place = next(iter(lines[min(lines)].values()))
            # Where it holds one already, an interrupt broke this off: it may not know it yet.
            if place.holder not in holders:
                if len(holders) >= self.limit:
                    return
                if self._is_too_late(place.holder):
                    self._refuse(place, "deadline")
                    continue
                holders.add(place.holder)
            place.bell.ring()
            self._drop(place.holder)

    def _refuse(self, place: Place, why: TurnedAway) -> None:
        place.refusal = why
        place.bell.ring()
        self._drop(place.holder)

    def _drop(self, holder: object) -> None:
        """Take a holder out of the queue, in one step, if it is there."""
        for priority, line in self._lines.items():
            if holder in line:
                if len(line) == 1:
                    del self._lines[priority]  # a line is never empty, not even for one step
                else:
                    del line[holder]
                return

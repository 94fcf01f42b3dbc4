"""Token buckets on a clock that is handed in: how many tokens there are, and when there are more.

A bucket is the GCRA in its other form (ITU-T I.371: continuous-state leaky bucket). What it lets
through in any window of time is at most its capacity and what flows in during the window.

Rule 1  Who takes more than the bucket can hold waits until it is full, and leaves a debt. So in any
        window all but the last takes, and of that one what the bucket can hold, keep to the bound.
Rule 2  Taking is never refused: whoever takes has asked before, or sends whatever it says.
Rule 3  What is put back changes what may be sent in no window: it is as if it had never been taken.
Rule 4  Time that goes backwards changes nothing.
"""

from __future__ import annotations

from collections import deque
from math import exp, inf, log, log1p
from typing import Final

__all__ = ["SAME_TIME", "Bucket", "Ramp"]

SAME_TIME: Final = 1e-9
"""Seconds within which two moments are one: sums of floats come no nearer."""
GROWTH: Final = 1.1
"""A ramp's rate grows by this factor each second."""
_GROWN: Final = log(GROWTH)
_MOST_MARKS: Final = 256
_FREE: Final = 1_000_000.0
"""A rate above which a ramp holds nobody back."""


class Bucket:
    """Tokens that flow in evenly.

    Args:
        rate: Tokens a second.
        capacity: The most it holds, 1 or more.
        now: The time.
        level: Tokens that it holds now; full where that is None.
    """

    __slots__ = ("_at", "_level", "_marks", "capacity", "rate")

    def __init__(
        self, rate: float, capacity: float, now: float, level: float | None = None
    ) -> None:
        self.rate: float = rate
        self.capacity: float = capacity
        self._at = now
        self._level = capacity if level is None else min(capacity, level)
        self._marks: deque[tuple[float, float]] = deque(maxlen=_MOST_MARKS)
        """When it was how full, falling: of two, the later is left out where it is the lower."""

    def level(self, now: float) -> float:
        """Return the tokens there are, below zero for a debt."""
        if now > self._at:
            self._level = min(self.capacity, self._level + self._inflow(self._at, now))
            self._at = now
        return self._level

    def wait(self, ahead: float, cost: float, now: float) -> float:
        """Return the seconds until `cost` may be taken, once `ahead` was taken before it."""
        missing = ahead + min(cost, self.capacity) - self.level(now)
        return max(0.0, self._at - now) + self._seconds_for(missing) if missing > 0 else 0.0

    def take(self, cost: float, now: float) -> None:
        """Take tokens, of which there may be too few: then others wait for longer."""
        self._mark(now)
        self._level -= cost

    def give(self, cost: float, taken_at: float, now: float) -> None:
        """Put in tokens that were taken in vain, as far as the bucket would have kept them.

        Where it has been full since, they would have flowed over.
        """
        level = self.level(now)
        room = self.capacity - max(level, self._highest_since(taken_at))
        self._level = level + max(0.0, min(cost, room))

    def hold(self, until: float) -> None:
        """Hold at most one token at a moment to come, and let nothing flow in before it."""
        self._mark(until)
        self._level = min(1.0, self._level)

    def tune(self, rate: float, capacity: float, now: float) -> None:
        """Change how fast it fills and how much it holds; what is in it stays."""
        self._mark(now)
        self.rate, self.capacity = rate, capacity
        self._level = min(capacity, self._level)

    def fill_to(self, level: float, now: float) -> None:
        """Hold as many tokens as somebody knows better than we do."""
        self._mark(now)
        self._level = min(self.capacity, level)

    def _mark(self, now: float) -> None:
        """Note how full it is before that is changed."""
        level, marks = self.level(now), self._marks
        while marks and marks[-1][1] <= level:
            marks.pop()
        marks.append((now, level))

    def _highest_since(self, moment: float) -> float:
        """Return how full it was at most before a change since then, as far as that is known."""
        marks = self._marks
        if len(marks) == _MOST_MARKS and marks[0][0] > moment:
            return self.capacity
        return next((level for at, level in marks if at > moment), -inf)

    def _inflow(self, start: float, end: float) -> float:
        return self.rate * (end - start)

    def _seconds_for(self, tokens: float) -> float:
        return tokens / self.rate


class Ramp(Bucket):
    """A bucket of one token whose rate grows by a tenth a second.

    Args:
        rate: Tokens a second at the beginning.
        begins: When it begins.
        level: Tokens that it holds then, 1 at most.
    """

    __slots__ = ("begins",)

    def __init__(self, rate: float, begins: float, level: float = 1.0) -> None:
        super().__init__(rate, 1.0, begins, level)
        self.begins: float = begins

    def rate_at(self, now: float) -> float:
        """Return the tokens a second that flow in at a moment."""
        return self.rate * exp(min(_GROWN * max(0.0, now - self.begins), 500.0))

    def is_free(self, now: float) -> bool:
        """Whether it has grown so much that it holds nobody back."""
        return self.rate_at(now) >= _FREE

    def _inflow(self, start: float, end: float) -> float:
        return (self.rate_at(end) - self.rate_at(start)) / _GROWN

    def _seconds_for(self, tokens: float) -> float:
        return log1p(tokens * _GROWN / self.rate_at(self._at)) / _GROWN

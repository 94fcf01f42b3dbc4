"""The deadline of an operation: one moment on the monotonic clock that everything is cut to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["Deadline", "cut"]

_TOLERANCE: Final = 0.001
"""Clocks and timers tick in milliseconds: this close to the deadline, it has passed."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment `at` which an operation must have ended, `total` seconds after it began."""

    at: float
    total: float

    @classmethod
    def after(cls, total: float | None, now: float) -> Deadline | None:
        """Return the deadline `total` seconds from now, or None where nothing bounds it."""
        return None if total is None else cls(now + total, total)

    def left(self, now: float) -> float:
        """Return the seconds left, 0.0 when it has passed."""
        return max(0.0, self.at - now)

    def passed(self, now: float) -> bool:
        """Tell whether it has passed."""
        return now >= self.at - _TOLERANCE

    def allows(self, wait: float, now: float) -> bool:
        """Tell whether anything would be left after a wait."""
        return now + wait < self.at


def cut(timeout: float | None, left: float) -> float:
    """Return a timeout cut to what is left, which also bounds what was unbounded."""
    return left if timeout is None else min(timeout, left)

"""The deadline of an operation: one moment on the monotonic clock that everything is cut to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Deadline", "cut_phases"]

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
        # A clock that was set back adds nothing.
        return max(0.0, min(self.at - now, self.total))

    def bound(self, now: float) -> float | None:
        """Return the seconds that what is begun now may take; None where it is ended by others."""
        return self.left(now)

    def passed(self, now: float) -> bool:
        """Return whether it has passed."""
        return now >= self.at - _TOLERANCE

    def allows(self, wait: float, now: float) -> bool:
        """Return whether anything would be left after a wait."""
        return now + wait < self.at


def cut_phases(timeouts: Mapping[str, float | None], left: float) -> dict[str, float]:
    """Return the timeouts of an attempt's phases, none longer than what is left."""
    phases = ("connect", "read", "write", "pool")
    given = ((phase, timeouts.get(phase)) for phase in phases)
    return {phase: left if timeout is None else min(timeout, left) for phase, timeout in given}

"""Time that never runs backwards, whatever clock it is read from."""

from __future__ import annotations

from typing import Final

__all__ = ["Steady"]

_OUT_OF_STEP: Final = 1.0
"""Seconds by which moments of several threads may come in the wrong order."""


class Steady:
    """Follows a clock, and goes on from where it stood where that is set back.

    Tests that freeze time do so. Not safe on its own between threads: who holds it locks.
    """

    def __init__(self) -> None:
        self._last: float | None = None
        self._ahead = 0.0

    def seen(self, now: float) -> float:
        """Return the moment that `at` would, and remember nothing."""
        moment = now + self._ahead
        return moment if self._last is None else max(moment, self._last)

    def at(self, now: float) -> float:
        """Return the moment, not before any that was returned already."""
        moment = now + self._ahead
        if self._last is not None and moment < self._last:
            if self._last - moment > _OUT_OF_STEP:
                self._ahead += self._last - moment
            moment = self._last
        self._last = moment
        return moment

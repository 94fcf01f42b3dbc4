"""How many attempts at an endpoint failed of late."""

from __future__ import annotations

from typing import Final

__all__ = ["WINDOW", "RecentFailures"]

WINDOW: Final = 10.0
"""Seconds of which it speaks; a tenth of them is forgotten at a time."""
_BUCKETS: Final = 10


class RecentFailures:
    """Attempts and failures of the last ten seconds. Whoever uses it holds a lock."""

    __slots__ = ("_calls", "_failures", "_tick")

    def __init__(self) -> None:
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._tick = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Count one."""
        self._forget(now)
        bucket = self._tick % _BUCKETS
        self._calls[bucket] += 1
        self._failures[bucket] += failed

    def is_over(self, ratio: float, minimum: int, now: float) -> bool:
        """Return whether there were enough attempts, and this share of them failed."""
        self._forget(now)
        calls = sum(self._calls)
        return calls >= minimum and sum(self._failures) / calls >= ratio

    def _forget(self, now: float) -> None:
        """Empty the buckets that time has passed."""
        tick = int(now * _BUCKETS / WINDOW)
        for step in range(min(tick - self._tick, _BUCKETS)):
            bucket = (tick - step) % _BUCKETS
            self._calls[bucket] = self._failures[bucket] = 0
        self._tick = max(tick, self._tick)

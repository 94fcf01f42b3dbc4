"""Counts latencies in classes 5 % wide, in a room that does not grow with the run."""

from __future__ import annotations

import math
from collections import Counter
from typing import Final

__all__ = ["PERCENTILES", "Histogram"]

PERCENTILES: Final = (50, 95, 99)
_WIDTH: Final = math.log(1.05)
_LEAST: Final = 1e-4
_CLASSES: Final = 300
"""Up to some four minutes, longer than any call may take."""


class Histogram:
    """Latencies by class."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()

    def add(self, seconds: float) -> None:
        """Count one."""
        place = round(math.log(max(seconds, _LEAST) / _LEAST) / _WIDTH)
        self._counts[min(place, _CLASSES)] += 1

    def __add__(self, other: Histogram) -> Histogram:
        together = Histogram()
        together._counts = self._counts + other._counts
        return together

    def percentile(self, percent: float) -> float | None:
        """Return the latency that so many percent do not exceed, None if there are none."""
        left = math.ceil(self._counts.total() * percent / 100)
        for place in sorted(self._counts):
            left -= self._counts[place]
            if left <= 0:
                return _LEAST * math.exp(place * _WIDTH)
        return None

    def percentiles(self) -> tuple[float | None, ...]:
        """Return those that are reported."""
        return tuple(self.percentile(percent) for percent in PERCENTILES)

"""How long the first attempts at one place took of late, in order, for their percentiles."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from typing import Final

__all__ = ["MOST_SAMPLES", "Latencies"]

MOST_SAMPLES: Final = 1000


class Latencies:
    """The last thousand. Whoever uses it holds a lock."""

    __slots__ = ("_by_age", "_by_size")

    def __init__(self) -> None:
        self._by_age: deque[float] = deque()
        self._by_size: list[float] = []

    def __len__(self) -> int:
        return len(self._by_age)

    def add(self, seconds: float) -> None:
        """Add one, and forget the oldest beyond a thousand."""
        self._by_age.append(seconds)
        insort(self._by_size, seconds)
        if len(self._by_age) > MOST_SAMPLES:
            oldest = self._by_age.popleft()
            del self._by_size[bisect_left(self._by_size, oldest)]

    def percentile(self, share: float) -> float:
        """Return the least of them that at least this share of all is no longer than."""
        return self._by_size[max(0, math.ceil(share * len(self._by_size)) - 1)]

"""Counts of values by size, for the metrics by their bounds, and finer ones for percentiles."""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from .instruments import SECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FINE_SECONDS", "Histogram", "HistogramPoint", "Recent", "percentile"]

_STEPS_A_DECADE: Final = 20
_DECADES: Final = 7
_EVEN: Final = tuple(
    10.0 ** (step / _STEPS_A_DECADE - 4) for step in range(_DECADES * _STEPS_A_DECADE + 1)
)
FINE_SECONDS: Final[tuple[float, ...]] = tuple(sorted({*_EVEN, *SECONDS}))
"""From 0.1 ms to 1000 s, each at most twelve per cent above the one before. Those of the metrics
are among them, so that a duration is looked up once for both."""
_EDGES: Final = (0.0, *FINE_SECONDS, FINE_SECONDS[-1])
"""What each bucket lies between; what is above the last bound counts as that."""
_SLICES: Final = 6
_SLICE_SECONDS: Final = 10.0


class HistogramPoint:
    """What was counted under one combination of labels; it does not change any more.

    Attributes:
        counts: How many values lie at or below each bound and above the one before; one more for
            those above the last.
        sum: Of all values.
    """

    __slots__ = ("counts", "sum")

    def __init__(self, counts: tuple[int, ...], total: float) -> None:
        self.counts: tuple[int, ...] = counts
        self.sum: float = total

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self.counts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HistogramPoint):
            return NotImplemented
        return (self.counts, self.sum) == (other.counts, other.sum)

    def __hash__(self) -> int:
        return hash((self.counts, self.sum))

    def __repr__(self) -> str:
        return f"HistogramPoint(counts={self.counts!r}, sum={self.sum!r})"


class Histogram:
    """The counts while they grow. Whoever changes it holds the aggregator's lock."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds: Sequence[float] = bounds
        self.counts: list[int] = [0] * (len(bounds) + 1)
        self.sum: float = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def point(self, bounds: Sequence[float]) -> HistogramPoint:
        """Return what was counted so far, by bounds that are all among those of its own."""
        if bounds is self.bounds:
            return HistogramPoint(tuple(self.counts), self.sum)
        cuts = _cuts(tuple(self.bounds), tuple(bounds))
        return HistogramPoint(tuple(sum(self.counts[start:end]) for start, end in cuts), self.sum)


@cache
def _cuts(fine: tuple[float, ...], coarse: tuple[float, ...]) -> list[tuple[int, int | None]]:
    """Return which counts by fine bounds are together one by coarse ones: a snapshot needs many."""
    ends = [fine.index(bound) + 1 for bound in coarse]
    return list(zip([0, *ends], [*ends, None], strict=True))


class Recent:
    """How many durations of the last minute lie in each fine bucket, in slices of ten seconds."""

    __slots__ = ("_slices", "counts", "ends", "starts")

    def __init__(self) -> None:
        self._slices: dict[float, list[int]] = {}
        """By their beginning; the newest is the one that is counted in."""
        self.starts: float = 0.0
        self.ends: float = 0.0
        """What slice is counted in; when it is over somebody must turn to the next."""
        self.counts: list[int] = []

    def turn_to(self, now: float) -> None:
        """Count in the slice that is now, and forget those that are over for long."""
        self.starts = now // _SLICE_SECONDS * _SLICE_SECONDS
        self.ends = self.starts + _SLICE_SECONDS
        self._slices = {start: self._slices[start] for start in self._among_last(now)}
        self.counts = self._slices.setdefault(self.starts, [0] * (len(FINE_SECONDS) + 1))

    def summed(self, now: float) -> list[int]:
        """Return the counts of the last minute."""
        counts = [self._slices[start] for start in self._among_last(now)]
        return list(map(sum, zip(*counts, strict=True)))

    def _among_last(self, now: float) -> list[float]:
        newest = now // _SLICE_SECONDS * _SLICE_SECONDS
        oldest = newest - (_SLICES - 1) * _SLICE_SECONDS
        return [start for start in self._slices if oldest <= start <= newest]


def percentile(counts: Sequence[int], share: float) -> float | None:
    """Return the duration that a share of all lie below, or None where there is none.

    Between two fine bounds it is interpolated, so that it is off by six per cent at most.
    """
    below = list(accumulate(counts))
    if not below or not below[-1]:
        return None
    rank = share * below[-1]
    at = bisect_left(below, rank)
    lower, upper = _EDGES[at], _EDGES[at + 1]
    return upper - (upper - lower) * (below[at] - rank) / counts[at]

"""Measurements taken at regular times, and the line through them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.soak.plan import Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sample", "Slope", "memory_slope", "slope_of"]

_SETTLING_SHARE: Final = 0.25
"""Of the mixed faults, in which caches, pools and the allocator are still filling."""
_MEGABYTE: Final = 1024 * 1024
_SECONDS_PER_HOUR: Final = 3600
_FEWEST_POINTS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One measurement."""

    at: float
    phase: Phase
    resident_bytes: int
    descriptors: int
    threads: int
    tasks: int
    slots_in_use: int


@dataclass(frozen=True, slots=True)
class Slope:
    """How memory grew over the steady part of a run.

    Attributes:
        megabytes_per_hour: The slope of the line of least squares; None for too few samples.
        seconds: The time that the samples span.
        samples: How many there are.
    """

    megabytes_per_hour: float | None
    seconds: float
    samples: int


def memory_slope(samples: Sequence[Sample]) -> Slope:
    """Return the slope of memory while the mixed faults last, without their beginning.

    Only there is the load the same all the time. An outage, whose every call keeps an error, and
    an idle minute have other levels, which would pass for growth.
    """
    mixed = [sample for sample in samples if sample.phase is Phase.MIXED]
    steady = mixed[int(len(mixed) * _SETTLING_SHARE) :]
    seconds = steady[-1].at - steady[0].at if steady else 0.0
    slope = slope_of([(each.at, each.resident_bytes / _MEGABYTE) for each in steady])
    per_hour = None if slope is None else slope * _SECONDS_PER_HOUR
    return Slope(per_hour, seconds, len(steady))


def slope_of(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope of the line of least squares, None for fewer than three points."""
    if len(points) < _FEWEST_POINTS:
        return None
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if not spread:
        return None
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread

"""Statistics of repeated measurements. No clock here, so that it can be tested with numbers."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Self

__all__ = ["Spread", "paired_ratios"]

_FEWEST_FOR_QUARTILES: Final = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """A median, and how far the measurements lie apart.

    Attributes:
        median: Half of them are lower.
        low: The first quartile; of fewer than four measurements the least.
        high: The third quartile; of fewer than four measurements the most.
        rounds: How many measurements there were.
    """

    median: float
    low: float
    high: float
    rounds: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Summarise measurements.

        Raises:
            ValueError: There are none.
        """
        ordered = sorted(values)
        if not ordered:
            raise ValueError("a spread needs at least one measurement")
        if len(ordered) < _FEWEST_FOR_QUARTILES:
            low, high = ordered[0], ordered[-1]
        else:
            low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
        return cls(statistics.median(ordered), low, high, len(ordered))

    def times(self, factor: float) -> Spread:
        """Return it in another unit."""
        return Spread(self.median * factor, self.low * factor, self.high * factor, self.rounds)


def paired_ratios(measured: Sequence[float], baseline: Sequence[float]) -> Spread:
    """Divide round by round, and only then take the median.

    What slows the machine down in one round slows both down, and drops out of their ratio.

    Raises:
        ValueError: There are not as many of one as of the other.
    """
    return Spread.of(mine / other for mine, other in zip(measured, baseline, strict=True))

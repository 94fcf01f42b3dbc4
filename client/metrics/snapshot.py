"""What an aggregator hands out: everything it has counted, as it stood at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .histogram import HistogramPoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .instruments import Instrument

__all__ = ["Metric", "MetricsSnapshot"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of a client.

    Attributes:
        instrument: What it is.
        points: By the values of its labels, in the order of `instrument.labels`: a number, or the
            counts of a histogram. Of counters and histograms what has come together since the
            client was made, of gauges what stands now.
    """

    instrument: Instrument
    points: Mapping[tuple[str, ...], float | HistogramPoint]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSnapshot:
    """All metrics of one client at one moment.

    Attributes:
        client: The client's name: the value of the label `client`.
        client_id: A number that no other client of the process has, for those who work out what
            has grown: several may have the same name.
        started_at: When the client was made, in seconds since the epoch.
        taken_at: When this was taken, likewise.
        metrics: Those that have a value.
    """

    client: str
    client_id: int
    started_at: float
    taken_at: float
    metrics: tuple[Metric, ...]

    def points(self, instrument: Instrument) -> Mapping[tuple[str, ...], float | HistogramPoint]:
        """Return the values of one metric by its labels; none where nothing came."""
        for metric in self.metrics:
            if metric.instrument is instrument:
                return metric.points
        return {}

    def counts(self, instrument: Instrument) -> dict[tuple[str, ...], int]:
        """Return how often each combination of labels came."""
        return {
            labels: point.count if isinstance(point, HistogramPoint) else int(point)
            for labels, point in self.points(instrument).items()
        }

    def gauge(self, instrument: Instrument) -> float | None:
        """Return what a gauge without labels stands at, or None where there is no such thing."""
        value = self.points(instrument).get(())
        return value if isinstance(value, float | int) else None

"""The one place that imports `prometheus_client`: who comes here wants Prometheus."""

# It leaves some of its functions without types; those are written here.
# pyright: reportUnknownVariableType=false

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Tally
from typing import TYPE_CHECKING

try:
    from prometheus_client import (
        REGISTRY,
        CollectorRegistry,
        Counter,
        Gauge,
        Histogram,
        values,
    )
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.metrics_core import Metric as Family
    from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
    from prometheus_client.registry import Collector
    from prometheus_client.utils import floatToGoString
except ModuleNotFoundError as _missing:
    raise ImportError(
        "PrometheusMetrics needs the package prometheus_client: "
        "pip install 'resilient-http-client[prometheus]'"
    ) from _missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Protocol

    class Registry(Protocol):
        """What an encoder asks."""

        def collect(self) -> Iterable[Family]:
            """Return everything that it shows."""
            ...

    Encoder = Callable[[Registry], bytes]

__all__ = [
    "REGISTRY",
    "Collector",
    "CollectorRegistry",
    "Counter",
    "CounterMetricFamily",
    "Family",
    "Gauge",
    "GaugeMetricFamily",
    "Histogram",
    "HistogramMetricFamily",
    "Registry",
    "choose_encoder",
    "forget_dead",
    "observe_all",
    "shown",
    "values",
    "written_in",
]


def observe_all(histogram: Histogram, bounds: Sequence[float], amounts: list[float]) -> None:
    """Count several values at once, by private names; one by one where these are missing."""
    total, buckets = getattr(histogram, "_sum", None), getattr(histogram, "_buckets", None)
    if total is None or buckets is None:
        for amount in amounts:
            histogram.observe(amount)
        return
    total.inc(sum(amounts))
    for at, count in Tally(bisect_left(bounds, amount) for amount in amounts).items():
        buckets[at].inc(count)


def shown(number: float) -> str:
    """Return a number as it is written in a line."""
    text: str = floatToGoString(number)  # type: ignore[no-untyped-call]  # theirs
    return text


def written_in(folder: Path) -> Iterable[Family]:
    """Return what processes have written into a directory."""
    collector = MultiProcessCollector(None, str(folder))  # type: ignore[no-untyped-call]  # theirs
    families: Iterable[Family] = collector.collect()  # type: ignore[no-untyped-call]  # theirs
    return families


def forget_dead(process: str, folder: Path) -> None:
    """Remove what stands there of a process that has died."""
    mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]  # theirs

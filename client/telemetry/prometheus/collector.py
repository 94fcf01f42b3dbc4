"""Shows what the clients of this process count, at each scrape and never in between.

Clients come and go, and what they have counted stays: a counter that went back would look like a
restart. So the last numbers of those that are gone are kept, by name.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, cast
from weakref import WeakKeyDictionary

from ...metrics import instruments
from ...metrics.histogram import HistogramPoint
from ...metrics.instruments import Instrument
from ...metrics.targets import MOST_TARGETS, OTHER
from ...runtime.forking import fork_safe, tell_in_child
from .families import ClientsFamily
from .library import REGISTRY, Collector, CollectorRegistry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ...metrics.snapshot import MetricsSnapshot
    from ..sinks import MetricsSource
    from .library import Family

    Value = float | HistogramPoint

__all__ = [
    "BoundedTotals",
    "ClientsCollector",
    "FirstTargets",
    "Totals",
    "collector_of",
    "registry_of",
]

_TARGET: Final = "target"
_MOST_GONE: Final = 100
"""Names of clients that are gone whose counters are kept: those that went last."""


class Totals:
    """The values of several clients together, by instrument and labels, `client` first."""

    def __init__(self) -> None:
        self.points: dict[Instrument, dict[tuple[str, ...], Value]] = {}

    def add(
        self, client: str, instrument: Instrument, points: Mapping[tuple[str, ...], Value]
    ) -> None:
        """Add the values of one client."""
        totals = self.points.setdefault(instrument, {})
        for labels, value in points.items():
            key = (client, *labels)
            before = totals.get(key)
            totals[key] = value if before is None else _joined(instrument, before, value)

    def add_all(self, taken: MetricsSnapshot) -> None:
        """Add everything that one client counts, and what stands now if it is not gone."""
        for metric in taken.metrics:
            self.add(taken.client, metric.instrument, metric.points)

    def add_gauges(self, source: MetricsSource) -> None:
        """Add what stands now in one client."""
        for instrument, points in source.gauges().items():
            self.add(source.client, instrument, points)

    def numbers(self) -> dict[tuple[Instrument, tuple[str, ...]], float]:
        """Return what is no histogram, by instrument and labels."""
        return {
            (instrument, labels): value
            for instrument, points in self.points.items()
            for labels, value in points.items()
            if not isinstance(value, HistogramPoint)
        }

    def add_totals(self, other: Totals) -> None:
        """Add what was added up elsewhere."""
        for instrument, points in other.points.items():
            for (client, *labels), value in points.items():
                self.add(client, instrument, {tuple(labels): value})


class FirstTargets:
    """The targets that clients of one name may show: a hundred together, for good.

    Each has as many, but may live no longer than a call, and call another host than the last.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def bounded(self, instrument: Instrument, labels: tuple[str, ...]) -> tuple[str, ...]:
        """Return labels with their target, or with `_OTHER` where that comes too late."""
        if _TARGET not in instrument.labels:
            return labels
        place = instrument.labels.index(_TARGET)
        target = labels[place]
        # What is no origin is the name of a circuit, or `_OTHER` already.
        if "://" in target and target not in self._known:
            if len(self._known) >= MOST_TARGETS:
                return (*labels[:place], OTHER, *labels[place + 1 :])
            self._known.add(target)
        return labels


class BoundedTotals(Totals):
    """The values of clients of one name.

    Args:
        targets: Those that are shown.
    """

    def __init__(self, targets: FirstTargets) -> None:
        super().__init__()
        self._targets = targets

    def add(
        self, client: str, instrument: Instrument, points: Mapping[tuple[str, ...], Value]
    ) -> None:
        """Add the values of one client."""
        for labels, value in points.items():
            super().add(client, instrument, {self._targets.bounded(instrument, labels): value})


class ClientsCollector(Collector):
    """What a registry of `prometheus_client` asks at each scrape.

    Args:
        registry: The one that it is put into.

    Raises:
        ValueError: The registry has metrics of these names.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lock = fork_safe(threading.RLock())
        self._sources: list[MetricsSource] = []
        self._gone: dict[str, BoundedTotals] = {}
        registry.register(self)
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget those of the parent that are gone, in a forked child."""
        self._gone.clear()

    def attach(self, source: MetricsSource) -> None:
        """Show one more client; one that is shown already has two objects for one registry."""
        with self._lock:
            self._settle()
            if source not in self._sources:
                self._sources.append(source)

    def describe(self) -> Iterable[Family]:
        """Return what may be shown, without values: so a registry sees names that are taken."""
        known = [each for each in vars(instruments).values() if isinstance(each, Instrument)]
        return [ClientsFamily(each, {}) for each in known]

    def collect(self) -> Iterator[Family]:
        """Return what is counted now."""
        for instrument, points in self._totals().points.items():
            yield ClientsFamily(instrument, points)

    def _totals(self) -> Totals:
        totals = Totals()
        with self._lock:
            self._settle()
            for gone in self._gone.values():
                totals.add_totals(gone)
            sources = list(self._sources)
            for source in sources:
                totals.add_all(source.snapshot())
        return totals

    def _settle(self) -> None:
        """Move the numbers of clients that are gone to those of their name."""
        for source in [each for each in self._sources if each.is_over]:
            self._sources.remove(source)
            gone = self._gone.pop(source.client, None) or BoundedTotals(FirstTargets())
            gone.add_all(source.snapshot())
            self._gone[source.client] = gone
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]


_lock: Final = fork_safe(threading.RLock())
_collectors: Final[WeakKeyDictionary[CollectorRegistry, ClientsCollector]] = WeakKeyDictionary()


def registry_of(given: object) -> CollectorRegistry:
    """Return the registry that was given, or that of the process.

    Raises:
        TypeError: It is none.
    """
    if given is None:
        return REGISTRY
    if not isinstance(given, CollectorRegistry):
        raise TypeError(f"registry is {given!r}: give a prometheus_client.CollectorRegistry")
    return given


def collector_of(registry: CollectorRegistry) -> ClientsCollector:
    """Return the one collector of a registry.

    Raises:
        ValueError: The registry has metrics of these names.
    """
    with _lock:
        collector = _collectors.get(registry)
        if collector is None:
            collector = _collectors[registry] = ClientsCollector(registry)
        return collector


def _joined(instrument: Instrument, one: Value, other: Value) -> Value:
    if isinstance(one, HistogramPoint) and isinstance(other, HistogramPoint):
        counts = tuple(a + b for a, b in zip(one.counts, other.counts, strict=True))
        return HistogramPoint(counts, one.sum + other.sum)
    numbers = cast("tuple[float, float]", (one, other))  # of one instrument: both are
    return max(numbers) if instrument.of_several == "max" else sum(numbers)

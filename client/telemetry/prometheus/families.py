"""One metric of all clients as `prometheus_client` takes it, and as lines of its text format.

There are thousands of lines, and what the library makes of each, an object with a dictionary, costs
more than the line. It is made for those alone who ask for it: other ways to show a registry.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, cast

from ...metrics.histogram import HistogramPoint
from .library import CounterMetricFamily, Family, GaugeMetricFamily, HistogramMetricFamily, shown
from .names import family_name, label_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ...metrics.instruments import Instrument

    Value = float | HistogramPoint
    Points = Mapping[tuple[str, ...], Value]

__all__ = ["ClientsFamily", "lines_of"]

_BUCKET_LABEL: Final = "le"
_FEW: Final = 1_000_000
"""From here on the library writes an exponent."""


class ClientsFamily(Family):
    """What several clients count of one metric.

    Args:
        instrument: The metric.
        points: Its values by those of all labels, `client` first.
    """

    def __init__(self, instrument: Instrument, points: Points) -> None:
        super().__init__(family_name(instrument), instrument.help, instrument.kind)
        del self.samples  # see `__getattr__`
        self._instrument = instrument
        self._points = points

    def __getattr__(self, name: str) -> Any:
        """Make the samples when they are asked for."""
        if name != "samples":
            raise AttributeError(name)
        samples = vars(self)["samples"] = _with_samples(self._instrument, self._points).samples
        return samples

    def lines(self) -> Iterator[str]:
        """Return what the samples are in the text format, each with its end of line."""
        names = sorted(label_names(self._instrument))
        places = [label_names(self._instrument).index(name) for name in names]
        for values, value in self._points.items():
            labels = [
                f'{name}="{_escaped(values[place])}"'
                for name, place in zip(names, places, strict=True)
            ]
            if isinstance(value, HistogramPoint):
                # Labels stand in the order of their names.
                at = bisect_left(names, _BUCKET_LABEL)
                yield from self._lines_of_histogram(value, labels[:at], labels[at:])
            else:
                ending = "_total" if self._instrument.kind == "counter" else ""
                yield f"{self.name}{ending}{{{','.join(labels)}}} {shown(value)}\n"

    def _lines_of_histogram(
        self, point: HistogramPoint, before: list[str], after: list[str]
    ) -> Iterator[str]:
        start = f"{self.name}_bucket{{{''.join(f'{each},' for each in before)}{_BUCKET_LABEL}="
        end = f"{''.join(f',{each}' for each in after)}}}"
        bounds = _shown_bounds(self._instrument)
        for bound, count in zip(bounds, accumulate(point.counts), strict=True):
            yield f'{start}"{bound}"{end} {_count(count)}\n'
        labels = ",".join([*before, *after])
        yield f"{self.name}_count{{{labels}}} {_count(point.count)}\n"
        yield f"{self.name}_sum{{{labels}}} {shown(point.sum)}\n"


def lines_of(family: Family) -> Iterator[str]:
    """Return the lines of one of our metrics that comes from the library: all have labels."""
    for sample in family.samples:
        labels = [f'{name}="{_escaped(value)}"' for name, value in sorted(sample.labels.items())]
        yield f"{sample.name}{{{','.join(labels)}}} {shown(sample.value)}\n"


def _count(count: int) -> str:
    return f"{count}.0" if count < _FEW else shown(count)


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _shown_bounds(instrument: Instrument) -> list[str]:
    return [*map(shown, instrument.bounds), "+Inf"]


def _with_samples(instrument: Instrument, points: Points) -> Family:
    name, labels = family_name(instrument), label_names(instrument)
    if instrument.kind == "histogram":
        histograms = HistogramMetricFamily(name, instrument.help, labels=labels)
        bounds = _shown_bounds(instrument)
        for values, point in cast("Mapping[tuple[str, ...], HistogramPoint]", points).items():
            counts = accumulate(point.counts)
            histograms.add_metric(values, list(zip(bounds, counts, strict=True)), point.sum)
        return histograms
    kind = CounterMetricFamily if instrument.kind == "counter" else GaugeMetricFamily
    numbers = kind(name, instrument.help, labels=labels)
    for values, number in cast("Mapping[tuple[str, ...], float]", points).items():
        numbers.add_metric(values, number)
    return numbers

"""`OpenTelemetryMetrics`: what clients count, as instruments of OpenTelemetry.

Counters and gauges are observed when somebody collects. Histograms cannot be observed, so each of
their values is handed over as it comes. Nothing of this harms a call.
"""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from ...events import AttemptEnded
from ...metrics import instruments
from ...metrics.instruments import SECONDS, Instrument
from ...metrics.targets import METHODS, OTHER
from ...runtime.forking import fork_safe
from ...version import __version__
from .api import OURS, context, is_of_httpx_instrumentation, metrics, trace
from .conventions import error_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..sinks import MetricsSource

    Labels = tuple[str, ...]
    Values = dict[tuple[str, Labels], float]

__all__ = ["OpenTelemetryMetrics"]

_PREFIX: Final = "resilient_http."
_KNOWN: Final = tuple(each for each in vars(instruments).values() if isinstance(each, Instrument))
_OTHERS: Final = ("HTTPXClientInstrumentor", "HTTPX2ClientInstrumentor")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class OpenTelemetryMetrics:
    """Hands what clients count to OpenTelemetry, for those that have it in their `telemetry=`.

    The metrics are those of `client.metrics`, as `resilient_http.` and their name, with the label
    `client`. Besides there is `http.client.request.duration` for each attempt, also for those that
    raise; not where opentelemetry-instrumentation-httpx is at work, which makes it too. Clients
    with one name count together. The series of one that is gone end, when it was the last of its
    name.

    Args:
        meter_provider: Makes the meter; None for the global one.

    Raises:
        TypeError: That is something else.
        ImportError: The extra `opentelemetry` is not installed.
    """

    listens_to: Final = (AttemptEnded,)

    def __init__(self, meter_provider: metrics.MeterProvider | None = None) -> None:
        if not (meter_provider is None or hasattr(meter_provider, "get_meter")):
            raise TypeError(f"meter_provider is {meter_provider!r}: give a MeterProvider")
        self._meter = metrics.get_meter("resilient_http", __version__, meter_provider)
        self._lock = fork_safe(threading.RLock())
        self._sources: list[MetricsSource] = []
        self._gone: dict[Instrument, Values] = {}
        """What clients counted that are gone, while another of their name is there."""
        self._requests = self._meter.create_histogram(
            "http.client.request.duration",
            "s",
            "Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self._histograms: dict[Instrument, metrics.Histogram] = {}
        self._observed: set[Instrument] = set()
        for each in _KNOWN:
            self._create(each)

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __call__(self, event: AttemptEnded, /) -> None:
        """Hand over how long an attempt took, as the conventions for HTTP clients have it."""
        if not _is_another_at_work():
            self._requests.record(event.seconds, _of_request(event))

    def attach(self, source: MetricsSource) -> None:
        """Take note of one more client."""
        with self._lock:
            self._fold_gone()
            self._sources.append(source)
            source.recorders = (*source.recorders, _Recorder(self, source.client))

    def record(self, client: str, instrument: Instrument, labels: Labels, value: float) -> None:
        """Hand over one value of a client."""
        self._create(instrument)
        if (histogram := self._histograms.get(instrument)) is None:
            return
        histogram.record(value, _named(instrument, client, labels))

    def _create(self, instrument: Instrument) -> None:
        """Make an instrument at the first use: strategies bring their own."""
        if instrument in self._histograms or instrument in self._observed:
            return
        with self._lock:
            if instrument in self._histograms or instrument in self._observed:
                return
            about = _PREFIX + instrument.name, instrument.unit, instrument.help
            if instrument.kind == "histogram":
                self._histograms[instrument] = self._meter.create_histogram(
                    *about, explicit_bucket_boundaries_advisory=instrument.bounds
                )
                return
            self._observed.add(instrument)
        name, unit, description = about
        create = (
            self._meter.create_observable_counter
            if instrument.kind == "counter"
            else self._meter.create_observable_gauge
        )
        create(name, [partial(self._observe, instrument)], unit, description)

    def _observe(
        self, instrument: Instrument, _options: metrics.CallbackOptions
    ) -> Iterable[metrics.Observation]:
        """Return what clients have counted, or what stands now."""
        with self._lock:
            self._fold_gone()
            values = dict(self._gone.get(instrument, {}))
            for source in self._sources:
                _add(values, source.client, _points(source, instrument), instrument)
        return [
            metrics.Observation(value, _named(instrument, client, labels))
            for (client, labels), value in values.items()
        ]

    def _fold_gone(self) -> None:
        """Keep what clients have counted that are gone, as long as their name is in use."""
        gone = [source for source in self._sources if source.is_over]
        if not gone:
            return
        self._sources = [source for source in self._sources if not source.is_over]
        names = {source.client for source in self._sources}
        for source in gone:
            for metric in source.snapshot().metrics:
                if metric.instrument.kind == "counter":
                    kept = self._gone.setdefault(metric.instrument, {})
                    _add(kept, source.client, metric.points, metric.instrument)
        self._gone = {
            instrument: {key: value for key, value in values.items() if key[0] in names}
            for instrument, values in self._gone.items()
        }


class _Recorder:
    """Tells of the values of one client."""

    def __init__(self, owner: OpenTelemetryMetrics, client: str) -> None:
        self._owner = owner
        self._client = client

    def record(self, instrument: Instrument, labels: Labels, value: float) -> None:
        """Take in one value."""
        self._owner.record(self._client, instrument, labels, value)


def _points(source: MetricsSource, instrument: Instrument) -> Any:
    if instrument.kind == "gauge":
        return source.gauges().get(instrument, {})
    return source.snapshot().points(instrument)


def _add(values: Values, client: str, points: Any, instrument: Instrument) -> None:
    """Add up what clients of one name have; a circuit's state is that of any."""
    is_flag = instrument is instruments.CIRCUIT_STATE
    for labels, value in points.items():
        before = values.get((client, labels), 0)
        values[client, labels] = max(before, value) if is_flag else before + value


def _named(instrument: Instrument, client: str, labels: Labels) -> dict[str, str]:
    return {"client": client, **dict(zip(instrument.labels, labels, strict=True))}


def _of_request(event: AttemptEnded) -> dict[str, str | int]:
    """Return the attributes of an attempt by the conventions."""
    parts = urlsplit(event.target)
    about: dict[str, str | int] = {
        "http.request.method": event.method if event.method in METHODS else OTHER,
        "server.address": parts.hostname or "",
        "server.port": parts.port or _DEFAULT_PORTS.get(parts.scheme, 0),
        "url.scheme": parts.scheme,
    }
    if event.status_code is not None:
        about["http.response.status_code"] = event.status_code
    if (kind := error_type(event.status_code, event.error)) is not None:
        about["error.type"] = kind
    return about


def _is_another_at_work() -> bool:
    """Whether opentelemetry-instrumentation-httpx measures this attempt, too.

    Where `OpenTelemetryTracing` follows the attempt it does so only from the outside, if at all.
    """
    ours: Any = context.get_value(OURS)
    if ours is not None:
        return bool(getattr(ours, "is_followed", False))
    if is_of_httpx_instrumentation(trace.get_current_span()):
        return True
    package: Any = sys.modules.get("opentelemetry.instrumentation.httpx")
    if package is None:
        return False
    instrumentors = (getattr(package, name, None) for name in _OTHERS)
    return any(
        each is not None and each().is_instrumented_by_opentelemetry for each in instrumentors
    )

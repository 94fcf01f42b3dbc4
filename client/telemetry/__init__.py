"""What happens, told to logs, callbacks, metrics and traces.

What `telemetry=` takes is found here by name, and imported when it is asked for: most need extras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ..metrics.snapshot import MetricsSnapshot as MetricsSnapshot
    from .opentelemetry.metrics import OpenTelemetryMetrics as OpenTelemetryMetrics
    from .opentelemetry.tracing import OpenTelemetryTracing as OpenTelemetryTracing
    from .prometheus.metrics import PrometheusMetrics as PrometheusMetrics
    from .sinks import MetricSink as MetricSink
    from .statsd import StatsD as StatsD

_HOME_OF: Final = {
    "MetricSink": ".sinks",
    "MetricsSnapshot": "..metrics.snapshot",
    "OpenTelemetryMetrics": ".opentelemetry.metrics",
    "OpenTelemetryTracing": ".opentelemetry.tracing",
    "PrometheusMetrics": ".prometheus.metrics",
    "StatsD": ".statsd",
}
# The imports above say the same, which is what the two checkers do not see.
__all__ = [*_HOME_OF]  # noqa: PLE0604 # pyright: ignore[reportUnsupportedDunderAll]


if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        """Import a public name, and keep it for the next time."""
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOME_OF[name], __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)

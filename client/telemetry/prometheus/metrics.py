"""What users hand to their clients to have metrics in Prometheus."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...metrics.snapshot import MetricsSnapshot
    from ..sinks import MetricsSource
    from .exposition import ASGIApp
    from .library import CollectorRegistry

__all__ = ["PrometheusMetrics"]


class PrometheusMetrics:
    """The metrics of clients for Prometheus, given to them as `telemetry=[PrometheusMetrics()]`.

    One object may serve all clients, and several with the same registry are as good as one. Clients
    of the same name are shown together: their numbers are added up.

    Where the environment variable `PROMETHEUS_MULTIPROC_DIR` is set, as for several workers of one
    server, every process writes its numbers there, and `text()` and `asgi_app()` show those of all
    processes together, without what dead ones had under way.

    Args:
        registry: Where the metrics are shown, besides here; by default where `prometheus_client`
            shows its own. Not used by several processes: those have their directory.

    Raises:
        ImportError: `prometheus_client` is not installed.
        TypeError: That is no registry.
        ValueError: The registry has metrics of these names, `PROMETHEUS_MULTIPROC_DIR` names no
            directory, or it was set after `prometheus_client` had been imported.
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        from .collector import collector_of, registry_of  # noqa: PLC0415 - an extra, imported when it is used

        # Now: a child that was forked while a scrape imports it would wait for ever for that.
        from .exposition import app_of, text_of  # noqa: PLC0415 - likewise

        self._text_of, self._app_of = text_of, app_of
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            self._registry = registry_of(registry)
            self._attach = collector_of(self._registry).attach
            return
        from .processes import AllProcesses  # noqa: PLC0415 - likewise

        processes = AllProcesses.here()
        self._registry = processes.registry
        self._attach = processes.attach
        self.export: Callable[[MetricsSnapshot], None] = processes.export
        """Called once a second, as of any sink: gauges are shown as they stood then."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def attach(self, source: MetricsSource) -> None:
        """Show what one more client counts."""
        self._attach(source)

    def text(self) -> str:
        """Return everything that the registry shows, in Prometheus' text format."""
        return self._text_of(self._registry).decode()

    def asgi_app(self) -> ASGIApp:
        """Return an app that answers with it: `app.mount("/metrics", metrics.asgi_app())`.

        In OpenMetrics for those who ask for that. The text is put together in a thread.
        """
        return self._app_of(self._registry)

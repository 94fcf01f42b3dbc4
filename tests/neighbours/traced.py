"""Calls through each face, traced by us, beside tools that trace httpx; prints what all have seen.

`traced RUNS` takes a JSON list of tools and times. A program of its own, as `program` is.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.neighbours.faces import FACES, load
from tests.neighbours.tools import TOOLS
from tests.neighbours.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.neighbours.faces import Face
    from tests.neighbours.tools import Tool

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http/dup"  # so that both make the same metric
METRIC = "http.client.request.duration"


class Ours:
    """What the client makes of it, kept by OpenTelemetry's SDK."""

    def __init__(self) -> None:
        kept: Any = import_module("opentelemetry.sdk.trace.export.in_memory_span_exporter")
        export: Any = import_module("opentelemetry.sdk.trace.export")
        traces: Any = import_module("opentelemetry.sdk.trace")
        sdk: Any = import_module("opentelemetry.sdk.metrics")
        readers: Any = import_module("opentelemetry.sdk.metrics.export")
        api: Any = import_module("opentelemetry.metrics")
        self._spans = kept.InMemorySpanExporter()
        provider = traces.TracerProvider()
        provider.add_span_processor(export.SimpleSpanProcessor(self._spans))
        self._provider = provider
        self._reader = readers.InMemoryMetricReader()
        self._meters = sdk.MeterProvider([self._reader])
        api.set_meter_provider(self._meters)  # the tool's, too

    def telemetry(self) -> list[Any]:
        """Return what a client is given."""
        package: Any = import_module("client.telemetry")
        return [
            package.OpenTelemetryTracing(self._provider),
            package.OpenTelemetryMetrics(self._meters),
        ]

    def clear(self) -> None:
        """Forget the spans."""
        self._spans.clear()

    def clients(self) -> list[Any]:
        """Return the spans of kind CLIENT."""
        return [span for span in self._spans.get_finished_spans() if span.kind.name == "CLIENT"]

    def measured(self) -> int:
        """Return how many requests were measured, by whomever."""
        data = self._reader.get_metrics_data()
        metrics = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]
        points = (metric.data.data_points for metric in metrics if metric.name == METRIC)
        return sum(point.count for each in points for point in each)


async def call(face: Face, tool: Tool, upstream: Upstream, ours: Ours) -> dict[str, Any]:
    """Call once, and return what was seen of that call."""
    ours.clear()
    before = ours.measured()
    path = f"/{FACES.index(face)}"
    client = face.make(telemetry=ours.telemetry())
    tool.adopt(client, face)
    with tool.call():
        status = await face.use(client, upstream.url + path)
    await face.close(client)
    spans = ours.clients()
    carried = [headers.get_all("traceparent", []) for headers in upstream.arrived[path]]
    mine = [[f"{span.context.span_id:016x}"] for span in spans]
    return {
        "status": status,
        "by_us": [span.attributes["http.response.status_code"] for span in spans],
        "by_tool": tool.seen(path),
        "resend": [span.attributes.get("http.request.resend_count") for span in spans],
        "versions": [span.attributes.get("network.protocol.version") for span in spans],
        "is_carried": [[each.split("-")[2] for each in values] for values in carried] == mine,
        "measured": ours.measured() - before,
    }


async def run(tool: Tool, when: str) -> dict[str, Any]:
    """Patch at that time, and call through all that take telemetry."""
    assert ("client" in sys.modules) is (when != "before our import")
    with Upstream() as upstream:
        ours = Ours()
        tool.start(upstream.url)
        load()
        faces = [face for face in FACES if face.name != "function"]
        return {str(face): await call(face, tool, upstream, ours) for face in faces}


def report(tool: str, when: str) -> None:
    """Write what comes of one run, in a child of this process."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        said: object = asyncio.run(run(TOOLS[tool](), when))
    except BaseException:  # noqa: BLE001 - whatever it is, the test shows it
        said = traceback.format_exc()
    os.write(1, f"{json.dumps([tool, when, said])}\n".encode())
    os._exit(0)


def main(runs: Sequence[tuple[str, str]]) -> None:
    """Report all runs; first those that patch before the client is imported."""
    for tool, when in sorted(runs, key=lambda each: each[1] != "before our import"):
        if when != "before our import":
            load()
        report(tool, when)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

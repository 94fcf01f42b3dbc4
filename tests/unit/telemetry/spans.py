"""Spans of a test, kept in memory by OpenTelemetry's own SDK."""

from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from client.telemetry import OpenTelemetryTracing

__all__ = ["Spans"]


class Spans:
    """What was traced."""

    def __init__(self, **provider: Any) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(**provider)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))

    def tracing(self, **options: Any) -> OpenTelemetryTracing:
        """Something for `telemetry=`."""
        return OpenTelemetryTracing(self.provider, **options)

    @property
    def operations(self) -> list[ReadableSpan]:
        """Those of kind INTERNAL, in the order of their ends."""
        return [span for span in self._kept.get_finished_spans() if span.kind is SpanKind.INTERNAL]

    @property
    def attempts(self) -> list[ReadableSpan]:
        """Those of kind CLIENT."""
        return [span for span in self._kept.get_finished_spans() if span.kind is SpanKind.CLIENT]


def attribute(span: ReadableSpan, name: str) -> Any:
    """One attribute of a span, or None."""
    return (span.attributes or {}).get(name)


def traceparent(span: ReadableSpan) -> str:
    """What a request carries that was sent within a span."""
    context = span.get_span_context()
    assert context is not None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

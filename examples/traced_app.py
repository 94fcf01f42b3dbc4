"""The example service, with each span of its traces as a line on the terminal."""

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

from examples.fastapi_app import app

__all__ = ["app"]


def line(span: ReadableSpan) -> str:
    """Write which trace a span belongs to, what it is, and how it ended."""
    context = span.context or trace.INVALID_SPAN_CONTEXT
    trace_id = trace.format_trace_id(context.trace_id)
    resend = (span.attributes or {}).get("http.request.resend_count", 0)
    again = f", resend {resend}" if resend else ""
    status = span.status.status_code.name
    return f"trace {trace_id}: {span.kind.name} {span.name}{again}, {status}\n"


provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
trace.set_tracer_provider(provider)

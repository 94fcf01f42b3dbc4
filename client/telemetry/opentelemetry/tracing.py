"""`OpenTelemetryTracing`: a span for each operation, and one for each of its attempts under it.

By OpenTelemetry's semantic conventions for HTTP clients, as far as these go. Nothing that is done
here harms a call: what OpenTelemetry, a propagator or a sampler raises is logged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ... import events
from ...engine.operation import under_way
from ...metrics.targets import METHODS, OTHER
from ...version import __version__
from .api import OURS, context, is_suppressed, trace
from .conventions import begun_with, class_of
from .harmless import harmless
from .traces import Recorded, Unrecorded

if TYPE_CHECKING:
    from ...engine.operation import Attempt, Call
    from .conventions import Attributes

__all__ = ["OpenTelemetryTracing"]


class OpenTelemetryTracing:
    """Traces the operations of the clients that have it in their `telemetry=`.

    One span of kind INTERNAL an operation, named by the caller's `operation=` or by method and
    client, and under it one of kind CLIENT an attempt, which ends with the head of the answer. The
    context of each attempt goes out in its headers (`traceparent` and what else the global
    propagator knows), and not to another origin. Other instrumentations of HTTP clients make no
    span meanwhile.

    Args:
        tracer_provider: Makes the tracer; None for the global one.
        query: Whether `url.full` shows the query, but for what is known to be a signature.

    Raises:
        TypeError: One of these is something else.
        ImportError: The extra `opentelemetry` is not installed.
    """

    listens_to: Final = (
        events.BulkheadRejected,
        events.CircuitRejected,
        events.HedgeLost,
        events.HedgeSent,
        events.RateLimitRejected,
        events.RateLimitWaited,
        events.RetryRefused,
        events.RetryScheduled,
        events.SlotWaited,
    )

    def __init__(
        self, tracer_provider: trace.TracerProvider | None = None, *, query: bool = False
    ) -> None:
        if not (tracer_provider is None or hasattr(tracer_provider, "get_tracer")):
            raise TypeError(f"tracer_provider is {tracer_provider!r}: give a TracerProvider")
        if query is not True and query is not False:
            raise TypeError(f"query is {query!r}: give True or False")
        self._tracer = trace.get_tracer("resilient_http", __version__, tracer_provider)
        self._shows_query = query

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __call__(self, event: events.Event, /) -> None:
        """Note an event in the span of its operation, which is under way here."""
        followed = context.get_value(OURS)
        if isinstance(followed, Recorded):
            followed.note(event, *_told(event))

    def begin_operation(self, call: Call) -> Recorded | Unrecorded | None:
        """Begin the span of an operation, and make it the current one."""
        with harmless:
            outer = context.get_current()
            if is_suppressed(outer) or _is_within_a_request():
                return None
            client = call.notify.client
            name = call.operation or f"{call.method if call.method in METHODS else OTHER} {client}"
            attributes: Attributes = {"resilient_http.client": client}
            if call.request_id is not None:
                attributes["resilient_http.request_id"] = call.request_id
            span = self._tracer.start_span(name, outer, trace.SpanKind.INTERNAL, attributes)
            followed: Recorded | Unrecorded = (
                Recorded(call, span, outer, self._start_attempt)
                if span.is_recording()
                else Unrecorded(span, outer)
            )
            context.attach(followed.within)
            return followed
        return None

    def _start_attempt(
        self, attempt: Attempt, within: context.Context, kind: trace.SpanKind, began: int
    ) -> trace.Span:
        """Begin the span of an attempt; where that fails it goes on in that of its operation."""
        with harmless:
            attributes = begun_with(attempt, shows_query=self._shows_query)
            method = attempt.call.method
            name = method if method in METHODS else "HTTP"
            return self._tracer.start_span(name, within, kind, attributes, start_time=began)
        return trace.NonRecordingSpan(trace.get_current_span(within).get_span_context())


def _is_within_a_request() -> bool:
    """Whether it makes a request of an attempt that is followed, as a transport of ours does."""
    attempt = under_way.get()
    return attempt is not None and attempt.has_sent and attempt.headed is None


def _told(event: events.Event) -> tuple[str, dict[str, Any]]:  # noqa: PLR0911 - one for each
    match event:
        case events.RetryScheduled(wait=wait, error=error, attempt=attempt):
            about = {"wait": wait, "error.type": class_of(error), "attempt": attempt}
            return "retry scheduled", about
        case events.RetryRefused(reason=reason, attempt=attempt):
            return "retry refused", {"reason": reason, "attempt": attempt}
        case events.HedgeSent(attempt=attempt, after=after):
            return "hedge sent", {"attempt": attempt, "after": after}
        case events.HedgeLost(attempt=attempt, seconds=seconds):
            return "hedge lost", {"attempt": attempt, "seconds": seconds}
        case events.SlotWaited(seconds=seconds):
            return "slot waited", {"seconds": seconds}
        case events.RateLimitWaited(seconds=seconds):
            return "rate limit waited", {"seconds": seconds}
        case events.RateLimitRejected(retry_after=seconds):
            return "rate limit rejected", {"retry_after": seconds}
        case events.CircuitRejected(retry_after=seconds):
            return "circuit rejected", {"retry_after": seconds}
        case _:
            return "bulkhead rejected", {"reason": str(getattr(event, "reason", ""))}

"""Follows one operation in spans: it is recorded, or only handed on to those who are called."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from ...http.outcomes import outcome_of
from .api import (
    OURS,
    context,
    is_of_httpx_instrumentation,
    others_are_there,
    trace,
    without_other_spans,
)
from .carried import carried_by
from .conventions import ended_with, error_type, is_of_status
from .harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...engine.operation import Attempt, Call
    from ...events import Event
    from ...http.shapes import Response
    from .conventions import Attributes

    Start = Callable[[Attempt, context.Context, trace.SpanKind, int], trace.Span]

__all__ = ["Recorded", "Unrecorded"]

_NANOSECONDS: Final = 1_000_000_000


class _Followed:
    """What both have in common: the operation's span is current as long as it is under way.

    Args:
        span: The operation's.
        outer: The context that it was begun in.
    """

    def __init__(self, span: trace.Span, outer: context.Context) -> None:
        self._span = span
        self._outer = outer
        self.within: context.Context = context.set_value(
            OURS, self, trace.set_span_in_context(span, outer)
        )
        """The context of the operation; what it was begun in, once that has ended."""

    @property
    def is_followed(self) -> bool:
        """Whether somebody follows it from the outside, as a client whose transport is ours."""
        return others_are_there() and is_of_httpx_instrumentation(
            trace.get_current_span(self._outer)
        )

    def enter(self) -> None:
        """Make the span the current one."""
        with harmless:
            self._outer = context.get_current()
            context.attach(self.within)

    def leave(self) -> None:
        """Make the one before current again."""
        with harmless:
            self._go_back_to(self._outer)

    def _go_back_to(self, outer: context.Context) -> None:
        if context.get_value(OURS) is self:  # a coroutine may be closed elsewhere
            context.attach(outer)  # and so not by a token

    def _end(self) -> None:
        self._span.end()
        self.within = self._outer  # it leads back here: the two would keep each other alive


class Unrecorded(_Followed):
    """An operation that nobody will see: its requests say so, and its attempts have no spans."""

    is_recording: Final = False

    def __init__(self, span: trace.Span, outer: context.Context) -> None:
        super().__init__(span, outer)
        self._outers: dict[Attempt, context.Context] = {}

    def begin_attempt(self, attempt: Attempt, *, sees_requests: bool) -> None:
        """Have it carry its context."""
        with harmless:
            outer = self.within if attempt.number == 1 else context.get_current()
            attempt.carried = carried_by(outer)
            attempt.has_sent = not sees_requests  # nobody will tell when
            if others_are_there():
                self._outers[attempt] = outer
                context.attach(without_other_spans(outer))

    def leave_attempt(self, attempt: Attempt) -> None:
        """Let others make spans again."""
        if (outer := self._outers.pop(attempt, None)) is not None:
            with harmless:
                self._go_back_to(outer)

    def begin_request(self, attempt: Attempt) -> None:
        """Do nothing: there is no span."""

    def end_request(self, attempt: Attempt) -> None:
        """Do nothing, likewise."""

    def end_attempt(
        self,
        attempt: Attempt,
        outcome: str,
        error: BaseException | None,
        response: Response | None,
    ) -> None:
        """Do nothing, likewise."""

    def end(self, call: Call, error: BaseException | None, response: object = None) -> None:  # noqa: ARG002 - see `Recorded`
        """End the span of the operation."""
        with harmless:
            self._end()


class Recorded(_Followed):
    """An operation that is recorded, with its attempts.

    Args:
        call: The operation.
        span: Its own.
        outer: The context that it was begun in.
        start: Begins the span of an attempt.
    """

    is_recording: Final = True

    def __init__(self, call: Call, span: trace.Span, outer: context.Context, start: Start) -> None:
        super().__init__(span, outer)
        self._call: Call | None = call
        self._start = start
        self._attempts: dict[Attempt, _Following] = {}

    def note(self, event: Event, name: str, about: dict[str, Any]) -> None:
        """Note an event, if it is about this operation."""
        if self._call is not None and self._call.operation_id == event.operation_id:
            self._span.add_event(name, about)

    def begin_attempt(self, attempt: Attempt, *, sees_requests: bool) -> None:
        """Begin its span, and have it carry its context."""
        with harmless:
            outer = self.within if attempt.number == 1 else context.get_current()
            kind = trace.SpanKind.INTERNAL if self.is_followed else trace.SpanKind.CLIENT
            began = time.time_ns()
            span = self._start(attempt, outer, kind, began)
            self._attempts[attempt] = _Following(span, began, outer)
            within = trace.set_span_in_context(span, outer)
            attempt.has_sent = not sees_requests  # nobody will tell when
            is_hidden = not sees_requests and others_are_there()
            context.attach(without_other_spans(within) if is_hidden else within)
            attempt.carried = carried_by(within)

    def leave_attempt(self, attempt: Attempt) -> None:
        """Make the span of the operation current again."""
        with harmless:
            if (following := self._attempts.get(attempt)) is not None:
                self._go_back_to(following.outer)

    def begin_request(self, attempt: Attempt) -> None:
        """Keep other instrumentations from following it; what is at work besides, they may."""
        if not others_are_there():
            return
        with harmless:
            if (following := self._attempts.get(attempt)) is not None:
                following.before = before = context.get_current()
                context.attach(without_other_spans(before))

    def end_request(self, attempt: Attempt) -> None:
        """End that: from here on hooks run, and auth flows, and the body is read."""
        following = self._attempts.get(attempt)
        if following is None or following.before is None:
            return
        with harmless:
            self._go_back_to(following.before)
            following.before = None

    def end_attempt(
        self,
        attempt: Attempt,
        outcome: str,
        error: BaseException | None,
        response: Response | None,
    ) -> None:
        """End its span at the head of its answer."""
        with harmless:
            following = self._attempts.pop(attempt, None)
            if following is None:
                return
            span = following.span
            if span.is_recording():
                attributes = ended_with(response, attempt.status)
                if attempt.is_lost:
                    attributes["resilient_http.is_lost"] = True
                _note_end(span, attributes, attempt.status, outcome, error)
            span.end(following.began + round(attempt.seconds * _NANOSECONDS))

    def end(self, call: Call, error: BaseException | None, response: object = None) -> None:
        """End the span of the operation."""
        with harmless:
            self._call = None  # as in `_end`
            status = getattr(response if error is None else error, "status_code", None)
            outcome = outcome_of(error, status)
            attributes: Attributes = {"resilient_http.attempts": call.attempts}
            if call.cache_status is not None:
                attributes["resilient_http.cache"] = call.cache_status
            _note_end(self._span, attributes, None, outcome, error)
            self._end()


class _Following:
    """What is kept of an attempt under way."""

    __slots__ = ("before", "began", "outer", "span")

    def __init__(self, span: trace.Span, began: int, outer: context.Context) -> None:
        self.span = span
        self.began = began
        self.outer = outer
        self.before: context.Context | None = None
        """The context to go back to after the request that is on the wire."""


def _note_end(
    span: trace.Span,
    attributes: Attributes,
    status: int | None,
    outcome: str,
    error: BaseException | None,
) -> None:
    attributes["resilient_http.outcome"] = outcome
    if (kind := error_type(status, error)) is not None:
        attributes["error.type"] = kind
        # Not its text, which may be anything.
        says_enough = error is None or is_of_status(status, error)
        span.set_status(trace.StatusCode.ERROR, None if says_enough else type(error).__name__)
    span.set_attributes(attributes)

"""Tells listeners what happens to every operation; what a strategy does it tells itself.

A caller looks whether anybody listens before it calls one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import events
from ..exceptions import MyAPIError
from ..metrics.strategy_instruments import WOULD_REJECT

if TYPE_CHECKING:
    from ..http.shapes import Response
    from .notifiers import Notifiers
    from .operation import Attempt, Call

__all__ = [
    "end_attempt",
    "tell_attempt",
    "tell_failed",
    "tell_id_made",
    "tell_reconfigured",
    "tell_succeeded",
    "tell_would_reject",
]


def tell_id_made(call: Call) -> None:
    """Announce that a request id was made."""
    _tell(call, events.RequestIdMade(**call.about()))


def tell_attempt(call: Call) -> None:
    """Announce that an attempt begins."""
    _tell(call, events.AttemptStarted(attempt=call.attempts, **call.about()))


def end_attempt(
    call: Call, attempt: Attempt, response: Response | None, error: BaseException | None
) -> None:
    """Count an attempt that ended, and announce it where somebody listens.

    An only and good one, as most are, is counted with its operation: that halves what it costs.
    """
    if (trace := call.trace) is not None:
        trace.leave_attempt(attempt)
    attempt.note_end(response)
    for observer in call.plan.observers:
        observer.end_attempt(call, attempt, response, error)
    is_told = call.notify[events.AttemptEnded] is not None
    is_only = error is None and call.attempts == 1 and attempt.endpoint is None
    is_counted_later = is_only and not is_told
    if is_counted_later:
        call.uncounted = attempt
        if trace is None or not trace.is_recording:
            return
    outcome = attempt.outcome(error) if is_counted_later else attempt.count(error)
    if trace is not None:
        trace.end_attempt(attempt, outcome, error, response)
    if is_told:
        _tell(
            call,
            events.AttemptEnded(
                attempt=attempt.number,
                target=attempt.target,
                seconds=attempt.seconds,
                status_code=attempt.status,
                outcome=outcome,
                error=error,
                is_hedge=attempt.is_hedge,
                is_lost=attempt.is_lost,
                **call.about(),
            ),
        )


def tell_failed(call: Call, error: BaseException, now: float) -> None:
    """Announce that an operation ended in an error."""
    _tell(
        call,
        events.OperationFailed(
            error=error,
            attempts=call.attempts,
            elapsed=now - call.started,
            is_own=not isinstance(error, MyAPIError) or call.is_own(error),
            **call.about(),
        ),
    )


def tell_succeeded(call: Call, response: Response, now: float) -> None:
    """Announce that an operation brought an answer."""
    _tell(
        call,
        events.OperationSucceeded(
            status_code=response.status_code,
            response=response,
            attempts=call.attempts,
            elapsed=now - call.started,
            **call.about(),
        ),
    )


def tell_would_reject(call: Call, by: str, wait: float | None = None) -> None:
    """Count and announce an operation that a strategy that only observes would not have let in.

    Args:
        call: The operation.
        by: The strategy.
        wait: Seconds after which it would have been let in, or None; see `WouldReject`.
    """
    call.host.metrics.add(WOULD_REJECT, (call.counted_as, by))
    if call.notify[events.WouldReject] is not None:
        _tell(call, events.WouldReject(by=by, wait=wait, **call.about()))


def tell_reconfigured(notifiers: Notifiers, changed: tuple[str, ...]) -> None:
    """Announce that a client goes by other settings."""
    if (notify := notifiers[events.Reconfigured]) is not None:
        notify(events.Reconfigured(client=notifiers.client, changed=changed))


def _tell(call: Call, event: Any) -> None:
    notify: Any = call.notify[type(event)]
    notify(event)

"""Tells listeners what happens to an operation: each function makes the record of one event.

A caller looks whether anybody listens before he calls one of these, so that an event nobody wants
costs a comparison.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client import events
from client.circuit_state import CircuitState

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.call import Call
    from client.circuit_state import Guard, Transition
    from client.ports import Slots
    from client.retry import Failure

    Notify = Callable[[Any], None]

__all__ = [
    "tell_attempt",
    "tell_failed",
    "tell_half_opened",
    "tell_id_made",
    "tell_no_slot",
    "tell_rejected",
    "tell_retry",
    "tell_slot",
    "tell_succeeded",
    "tell_transition",
    "tell_waiting",
]


def tell_id_made(notify: Notify, call: Call) -> None:
    """Tell that a request id was made."""
    notify(events.RequestIdMade(**_about(call)))


def tell_waiting(notify: Notify, call: Call, slots: Slots) -> None:
    """Tell that an operation queues."""
    notify(events.BulkheadWaiting(waiting=slots.waiting, limit=slots.limit, **_about(call)))


def tell_slot(notify: Notify, call: Call, slots: Slots) -> None:
    """Tell that an operation has its slot."""
    notify(events.BulkheadAcquired(slots_left=slots.limit - slots.in_use, **_about(call)))


def tell_no_slot(notify: Notify, call: Call, patience: float) -> None:
    """Tell that an operation queued in vain."""
    notify(events.BulkheadRejected(timeout=patience, **_about(call)))


def tell_rejected(notify: Notify, call: Call, seconds: float) -> None:
    """Tell that the circuit turned an operation away."""
    notify(events.CircuitRejected(retry_after=seconds, **_about(call)))


def tell_half_opened(notify: Notify, call: Call, circuit: Guard) -> None:
    """Tell that an operation is the first probe."""
    notify(events.CircuitHalfOpened(scope=circuit.scope, **_about(call)))


def tell_attempt(notify: Notify, call: Call) -> None:
    """Tell that an attempt begins."""
    notify(events.AttemptStarted(attempt=call.attempts, **_about(call)))


def tell_retry(notify: Notify, call: Call, wait: float, failure: Failure) -> None:
    """Tell that a wait begins, after which comes another attempt."""
    notify(
        events.RetryScheduled(
            attempt=call.attempts,
            max_attempts=call.retry.config.max_attempts if call.retry is not None else 1,
            wait=wait,
            error=failure.error or ValueError("retry_if asked for another attempt"),
            response=failure.response,
            **_about(call),
        )
    )


def tell_transition(call: Call, circuit: Guard, transition: Transition) -> None:
    """Tell that an operation's outcome opened or closed its circuit."""
    notify = call.notify
    if transition.state is CircuitState.OPEN:
        if notify.opened is not None:
            notify.opened(
                events.CircuitOpened(
                    scope=circuit.scope,
                    failures=transition.failures,
                    recovery_timeout=transition.seconds,
                    last_error=transition.last_error,
                    **_about(call),
                )
            )
    elif notify.closed is not None:
        seconds = transition.seconds
        notify.closed(
            events.CircuitClosed(scope=circuit.scope, open_seconds=seconds, **_about(call))
        )


def tell_failed(notify: Notify, call: Call, error: BaseException, now: float) -> None:
    """Tell that an operation ended in an error."""
    elapsed = now - call.started
    notify(
        events.OperationFailed(error=error, attempts=call.attempts, elapsed=elapsed, **_about(call))
    )


def tell_succeeded(notify: Notify, call: Call, response: Any, now: float) -> None:
    """Tell that an operation brought an answer."""
    notify(
        events.OperationSucceeded(
            status_code=response.status_code,
            response=response,
            attempts=call.attempts,
            elapsed=now - call.started,
            **_about(call),
        )
    )


def _about(call: Call) -> dict[str, Any]:
    return {"request_id": call.request_id, "method": call.method, "url": call.shown_url}

"""One attempt: sent, timed, and its outcome turned into an answer or a failure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..events import AttemptStarted
from ..exceptions import APIConnectionError, MyAPIError
from .layer import Failure
from .operation import under_way
from .telling import end_attempt, tell_attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from ..http.shapes import Response
    from .layer import Exchange
    from .operation import Attempt, Call

__all__ = ["explain", "make_attempt"]


async def make_attempt(call: Call, exchange: Exchange) -> Response | Failure:
    """Make an attempt; return its answer, or the `Failure` that it amounts to.

    Raises:
        MyAPIError: Another client's error came through.
        BaseException: What cancelled the call, or a bug in what it was given: untouched.
    """
    left = None if call.deadline is None else call.deadline.bound(call.host.ports.now())
    if left is not None and left <= 0:
        return Failure(call.host.errors.late(call))
    attempt = _begin(call, exchange)
    response: Any = None
    failure: Failure | None = None
    outer = under_way.get()
    try:
        under_way.set(attempt)
        if call.plan.sends_requests:
            response = await _send_through(call, exchange, attempt, left)
        elif left is None:
            response = await exchange.send(attempt, None)
        else:
            response = await call.host.ports.within(left, lambda: exchange.send(attempt, left))
    except BaseException as error:
        failure = _outcome_of(call, exchange, attempt, error)
        if failure is None:
            end_attempt(call, attempt, None, error)
            raise
    finally:
        under_way.set(outer)  # not by a token: whoever closes a coroutine has a context of his own
    try:
        if failure is None:
            failure = exchange.failure_of(attempt, response)
        answer = response if failure is None else failure.response
        end_attempt(call, attempt, answer, None if failure is None else failure.error)
    except BaseException as bug:
        await exchange.abandon(failure or Failure(None, response, attempt=attempt))
        if not attempt.is_over:  # nobody could say what came of it
            end_attempt(call, attempt, response, bug)
        raise
    else:
        return response if failure is None else failure
    finally:
        # This frame is in the traceback of what was raised, and must not lead back to it.
        failure = None


def _begin(call: Call, exchange: Exchange) -> Attempt:
    call.attempts += 1
    attempt = exchange.attempt_kind(call)
    for observer in call.plan.observers:
        observer.begin_attempt(call, attempt)
    if call.notify[AttemptStarted] is not None:
        tell_attempt(call)
    if call.trace is not None:
        call.trace.begin_attempt(attempt, sees_requests=exchange.sees_requests)
    return attempt


def _send_through(
    call: Call, exchange: Exchange, attempt: Attempt, left: float | None
) -> Awaitable[Response]:
    """Send an attempt through what goes around that, within what is left of the time."""
    send = partial(call.plan.send, exchange, attempt)
    return send() if left is None else call.host.ports.within(left, send)


def _outcome_of(
    call: Call, exchange: Exchange, attempt: Attempt, error: BaseException
) -> Failure | None:
    """Return the failure that an exception amounts to, which may be known already."""
    number, known = getattr(attempt, "left_with", (None, None))
    if number is None:
        return explain(call, exchange, attempt, error)
    attempt.left_with = None, None  # it would keep the error alive, and that this frame
    if number != id(error):
        return explain(call, exchange, attempt, error)
    if known is None:
        # Of code that goes around the sending: to the gates, no more than an interrupt.
        call.failure = KeyboardInterrupt()
    else:
        error.__traceback__ = None
    return known


def explain(
    call: Call, exchange: Exchange, attempt: Attempt, error: BaseException
) -> Failure | None:
    """Return what an exception of an attempt means to its operation, or None."""
    if isinstance(error, MyAPIError) or not isinstance(error, Exception):
        return None  # of another client, or a rejection, or a cancellation: as it is
    failure = exchange.failure_from(attempt, error)
    host, deadline = call.host, call.deadline
    if host.is_closed:
        sent = failure is None or failure.may_have_been_sent
        return Failure(_caused(host.errors.closed(call, request_sent=sent), error), attempt=attempt)
    is_late = deadline is not None and deadline.passed(host.ports.now())
    if is_late and failure is not None and isinstance(failure.error, APIConnectionError):
        was_sent = failure.error.request_sent
        late = host.errors.late(call, request_sent=was_sent, attempt=attempt)
        return Failure(_caused(late, error), attempt=attempt)
    return failure


def _caused(error: MyAPIError, cause: Exception) -> MyAPIError:
    error.__cause__ = cause
    return error

"""The order of things, written once: bulkhead -> circuit -> retries -> send.

No I/O and no clock of its own: all that differs between the async and the blocking world comes
in through the ports, all that decides through the policies. What happens is told to listeners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from client import events
from client.call import CallReport
from client.circuit_state import CircuitState, Outcome, Rejection
from client.deadline import Deadline
from client.exceptions import (
    APIConnectionError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
    TLSVerificationError,
)
from client.forking import tell_in_child
from client.notifiers import Notifiers
from client.rejections import PLAIN, Rejections
from client.retry import Failure
from client.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client.breaker import Breaker
    from client.call import Call
    from client.circuit import Circuit
    from client.circuit_state import Transition
    from client.config import BulkheadConfig
    from client.ports import Ports, Slots

__all__ = ["Engine", "Exchange"]

_OPEN: Final = "Circuit breaker is OPEN"
_CLOSED: Final = "the client is closed; make a new one"

_REJECTIONS: Final = (CircuitOpenError, DeadlineExceededError, PoolTimeoutError)
"""What turns a call away, here or in a client further in: never another attempt's business."""

ErrorT = TypeVar("ErrorT", bound=MyAPIError)


class Exchange(Protocol):
    """One operation's way to the wire, and what its outcomes mean: supplied by a face."""

    async def send(self, left: float | None) -> Any:
        """Make one attempt, in at most `left` seconds where that is not None."""
        ...

    async def discard(self, response: Any) -> None:
        """Let go of an answer that a retry replaces, so that its connection is free."""
        ...

    async def abandon(self, response: Any) -> None:
        """Let go of an answer at once, because the operation ends without it."""
        ...

    async def keep(self, response: Any) -> None:
        """Read the answer that an error will carry."""
        ...

    def can_replay(self) -> bool:
        """Tell whether the next attempt would send the same bytes."""
        ...

    def failure_of(self, call: Call, response: Any) -> Failure | None:
        """Return why an answer is a failure, or None for a good one."""
        ...

    def look_again(self, call: Call, response: Any) -> Failure:
        """Return a good answer as what somebody may want to retry all the same."""
        ...

    def failure_from(self, call: Call, error: Exception) -> Failure | None:
        """Return what an exception means, or None where it is not about the exchange."""
        ...


class Engine:
    """Runs operations through the layers that are switched on.

    Args:
        ports: The world to run in.
        bulkhead: Slots and patience, or None.
        breaker: The circuits, or None.
        listeners: Told what happens, unless the call brings notifiers of its own.
        rejections: The errors for calls that are turned away.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        bulkhead: BulkheadConfig | None,
        breaker: Breaker | None,
        listeners: Iterable[events.Listener] = (),
        rejections: Rejections = PLAIN,
    ) -> None:
        self.rejections = rejections
        self.ports = ports
        self.breaker = breaker
        self._bulkhead = bulkhead
        self.slots = ports.slots(bulkhead.max_concurrency) if bulkhead else None
        self._patience = bulkhead.acquisition_timeout if bulkhead else 0.0
        self.notifiers = Notifiers(listeners)
        self.tally = Tally()
        self.is_closed = False
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Have all slots free: who held them is in another process, or in a loop that has ended."""
        if self._bulkhead is not None:
            self.slots = self.ports.slots(self._bulkhead.max_concurrency)
        if self.breaker is not None:
            self.breaker.forget_probes()

    async def run(self, call: Call, exchange: Exchange) -> Any:
        """Run an operation from the queue to its answer.

        Raises:
            MyAPIError: The operation failed or was turned away.
            BaseException: What cancelled the call, or a bug in what it was given: untouched.
        """
        try:
            await self.admit(call)
            response = await self.attempt(call, exchange)
        except BaseException as error:
            self.finish(call, error)
            raise
        self.finish(call, None, response)
        return response

    async def admit(self, call: Call) -> None:
        """Take a slot and a permit, in this order, or none of them."""
        ports = self.ports
        call.started = now = ports.now()
        if call.total is not None:
            call.deadline = Deadline.after(call.total, now)
        if call.id_was_made and call.notify.id_made is not None:
            call.notify.id_made(events.RequestIdMade(**_about(call)))
        if call.retry is not None and call.retry.budget is not None:
            call.retry.budget.deposit(now)
        breaker = self.breaker
        if breaker is not None:
            call.circuit = breaker.single or breaker.circuit_for(call.origin)
        if self.slots is not None:
            await self._take_slot(call, self.slots)
        if call.circuit is not None:
            self._take_permit(call, call.circuit)

    async def attempt(self, call: Call, exchange: Exchange) -> Any:
        """Make attempts until one succeeds or none may follow; return its answer."""
        while True:
            failure, response = await self._attempt_once(call, exchange)
            if failure is None:
                return response
            try:
                wait = self._wait_before_next(call, failure, exchange)
                if wait is None:
                    if failure.error is None:
                        return response
                    await exchange.keep(response)
                    raise failure.error  # noqa: TRY301 - a function of its own would hold on to it
                await exchange.discard(response)
                await self._pause(call, wait, failure)
            except BaseException:
                await exchange.abandon(response)
                raise
            finally:
                # An exception whose traceback leads back to it would keep the request alive.
                failure = response = None

    def finish(self, call: Call, error: BaseException | None, response: Any = None) -> None:
        """Give slot and permit back and tell how it ended; called once for each that was begun."""
        now = self.ports.now()
        try:
            if call.slots is not None:
                call.slots.release()
        finally:  # an interrupt in here must not lose the permit
            if call.permit is not None and call.circuit is not None:
                outcome = self._outcome(call, error)
                transition = call.circuit.record(call.permit, outcome, now, error)
                if transition is not None:
                    self._tell_transition(call, call.circuit, transition)
        self.tally.count(call, error)
        self._tell_end(call, error, response, now)

    def report(self, call: Call) -> CallReport:
        """Return how the operation has gone so far."""
        elapsed = self.ports.now() - call.started
        return CallReport(call.attempts, call.waits, elapsed, call.request_id)

    # Admission.

    async def _take_slot(self, call: Call, slots: Slots) -> None:
        patience = self._patience
        if call.deadline is not None:
            patience = min(patience, call.deadline.left(self.ports.now()))
        if slots.full:
            self._begin_queueing(call, slots)
        if not await slots.acquire(patience):
            self.check_open(call)
            raise self._no_slot(call, slots)
        call.slots = slots
        if call.notify.slot is not None:
            left = slots.limit - slots.in_use
            call.notify.slot(events.BulkheadAcquired(slots_left=left, **_about(call)))
        self.check_open(call)

    def _begin_queueing(self, call: Call, slots: Slots) -> None:
        """Fail at once where the circuit would turn the operation away after the queue anyway."""
        rejection = call.circuit.peek(self.ports.now()) if call.circuit is not None else None
        if rejection is not None:
            raise self._turned_away(call, rejection)
        if call.notify.waiting is not None:
            waiting, limit = slots.waiting, slots.limit
            about = _about(call)
            call.notify.waiting(events.BulkheadWaiting(waiting=waiting, limit=limit, **about))

    def _no_slot(self, call: Call, slots: Slots) -> MyAPIError:
        if call.deadline is not None and call.deadline.passed(self.ports.now()):
            return self.deadline_error(call)
        patience = self._patience
        if call.notify.no_slot is not None:
            call.notify.no_slot(events.BulkheadRejected(timeout=patience, **_about(call)))
        reason = f"none of the bulkhead's {slots.limit} slots came free within {patience:g} s"
        return self.error(self.rejections.pool_timeout, call, reason, request_sent=False)

    def _take_permit(self, call: Call, circuit: Circuit) -> None:
        decision = circuit.admit(self.ports.now())
        if isinstance(decision, Rejection):
            raise self._turned_away(call, decision)
        call.permit = decision
        if decision.half_opened and call.notify.half_opened is not None:
            about = {**_about(call), "scope": circuit.scope}
            call.notify.half_opened(events.CircuitHalfOpened(**about))

    def _turned_away(self, call: Call, rejection: Rejection) -> CircuitOpenError:
        seconds = rejection.retry_after
        if call.notify.rejected is not None:
            call.notify.rejected(events.CircuitRejected(retry_after=seconds, **_about(call)))
        when = f"a probe may go in {seconds:.3g} s" if seconds > 0 else "a probe is out"
        last = rejection.last_error
        why = f"; it opened on {type(last).__name__}" if last is not None else ""
        kind, reason = self.rejections.circuit_open, f"{_OPEN}: {when}{why}"
        error = self.error(kind, call, reason, retry_after=seconds, request_sent=False)
        error.last_error = last
        return error

    # Attempts.

    async def _attempt_once(self, call: Call, exchange: Exchange) -> tuple[Failure | None, Any]:
        try:
            response = await self._send(call, exchange)
        except Exception as error:
            failure = self.explain(call, exchange, error)
            if failure is None:
                raise
            try:
                return failure, failure.response
            finally:
                # The caught exception's traceback holds this frame, and this frame must not
                # hold what leads back to the exception: that would keep the request alive.
                failure = None
        failure = exchange.failure_of(call, response)
        if failure is None and call.retry is not None and call.retry.looks_at_success:
            failure = exchange.look_again(call, response)
        return failure, response

    async def _send(self, call: Call, exchange: Exchange) -> Any:
        deadline = call.deadline
        if deadline is None:
            self._begin_attempt(call)
            return await exchange.send(None)
        left = deadline.left(self.ports.now())
        if left <= 0:
            raise self.deadline_error(call)
        self._begin_attempt(call)
        return await self.ports.within(left, lambda: exchange.send(left))

    def _begin_attempt(self, call: Call) -> None:
        call.attempts += 1
        if call.notify.attempt is not None:
            call.notify.attempt(events.AttemptStarted(attempt=call.attempts, **_about(call)))

    def explain(self, call: Call, exchange: Exchange, error: Exception) -> Failure | None:
        """Return what an exception of an exchange means to its operation, or None."""
        if isinstance(error, _REJECTIONS):
            return Failure(error)
        failure = exchange.failure_from(call, error)
        if self.is_closed:
            sent = failure is None or _may_have_been_sent(failure)
            closed = self.error(ClientClosedError, call, _CLOSED, request_sent=sent)
            return Failure(_caused(closed, error))
        deadline = call.deadline
        is_late = deadline is not None and deadline.passed(self.ports.now())
        if is_late and failure is not None and isinstance(failure.error, APIConnectionError):
            late = self.deadline_error(call, request_sent=failure.error.request_sent)
            return Failure(_caused(late, error))
        return failure

    def _wait_before_next(self, call: Call, failure: Failure, exchange: Exchange) -> float | None:
        """Return the wait before the next attempt, or None where this one was the last."""
        policy = call.retry
        if policy is None or self.is_closed:
            return None
        now = self.ports.now()
        wait = policy.wait_after(call, failure, now)
        if wait is None or not exchange.can_replay():
            return None
        if call.deadline is not None and not call.deadline.allows(wait, now):
            return None
        return wait if policy.pay(now) else None

    async def _pause(self, call: Call, wait: float, failure: Failure) -> None:
        if call.notify.retry is not None and call.retry is not None:
            most = call.retry.config.max_attempts
            error = failure.error or ValueError("retry_if asked for another attempt")
            call.notify.retry(
                events.RetryScheduled(
                    attempt=call.attempts,
                    max_attempts=most,
                    wait=wait,
                    error=error,
                    response=failure.response,
                    **_about(call),
                )
            )
        # Once sent, an operation stays so, even if a later attempt never leaves.
        call.was_sent |= _may_have_been_sent(failure)
        call.waits = (*call.waits, wait)
        await self.ports.sleep(wait)
        self.check_open(call)

    # Endings.

    def _outcome(self, call: Call, error: BaseException | None) -> Outcome:
        if error is None:
            return Outcome.SUCCESS
        if call.attempts == 0 or isinstance(error, TLSVerificationError | ClientClosedError):
            return Outcome.IGNORED
        if call.circuit is not None and call.circuit.expects(error):
            return Outcome.FAILURE
        # An error status is an answer: the server is there.
        is_answer = isinstance(error, MyAPIError) and error.status_code is not None
        return Outcome.SUCCESS if is_answer else Outcome.IGNORED

    def _tell_transition(self, call: Call, circuit: Circuit, transition: Transition) -> None:
        about = {**_about(call), "scope": circuit.scope}
        if transition.state is CircuitState.OPEN and call.notify.opened is not None:
            call.notify.opened(
                events.CircuitOpened(
                    failures=transition.failures,
                    recovery_timeout=transition.seconds,
                    last_error=transition.last_error,
                    **about,
                )
            )
        elif transition.state is CircuitState.CLOSED and call.notify.closed is not None:
            call.notify.closed(events.CircuitClosed(open_seconds=transition.seconds, **about))

    def _tell_end(self, call: Call, error: BaseException | None, response: Any, now: float) -> None:
        elapsed = now - call.started
        if error is not None:
            if call.notify.failed is not None:
                call.notify.failed(
                    events.OperationFailed(
                        error=error, attempts=call.attempts, elapsed=elapsed, **_about(call)
                    )
                )
        elif call.notify.succeeded is not None:
            call.notify.succeeded(
                events.OperationSucceeded(
                    status_code=response.status_code,
                    response=response,
                    attempts=call.attempts,
                    elapsed=elapsed,
                    **_about(call),
                )
            )

    # Errors.

    def error(self, kind: type[ErrorT], call: Call, reason: str, **more: Any) -> ErrorT:
        """Make an error of the tree that carries the operation's context."""
        elapsed = self.ports.now() - call.started
        named = f" (request id {call.request_id})" if call.request_id else ""
        made = f" after {call.attempts} attempts" if call.attempts > 1 else ""
        text = f"{call.method} {call.shown_url} failed{made}: {reason}{named}"
        if call.was_sent:
            more["request_sent"] = True
        return kind(
            text,
            method=call.method,
            url=call.shown_url,
            request_id=call.request_id,
            attempts=call.attempts,
            elapsed=elapsed,
            **more,
        )

    def deadline_error(
        self, call: Call, *, request_sent: bool | None = False
    ) -> DeadlineExceededError:
        """Make the error for an operation whose time is used up."""
        reason = f"the {call.total:g} s that the whole operation may take are used up"
        kind = self.rejections.deadline_exceeded
        return self.error(kind, call, reason, request_sent=request_sent)

    def check_open(self, call: Call) -> None:
        """Refuse to go on with an operation of a closed client."""
        if self.is_closed:
            raise self.error(ClientClosedError, call, _CLOSED, request_sent=False)


def _about(call: Call) -> dict[str, Any]:
    return {"request_id": call.request_id, "method": call.method, "url": call.shown_url}


def _may_have_been_sent(failure: Failure) -> bool:
    return getattr(failure.error, "request_sent", True) is not False


def _caused(error: MyAPIError, cause: Exception) -> MyAPIError:
    error.__cause__ = cause
    return error

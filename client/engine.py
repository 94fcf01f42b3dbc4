"""The order of things, written once: bulkhead -> circuit -> retries -> send.

No I/O and no clock of its own: all that differs between the async and the blocking world comes
in through the ports, all that decides through the policies. What happens is told to listeners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from client.announcements import (
    tell_attempt,
    tell_failed,
    tell_half_opened,
    tell_id_made,
    tell_no_slot,
    tell_rejected,
    tell_retry,
    tell_slot,
    tell_succeeded,
    tell_transition,
    tell_waiting,
)
from client.call import CallReport
from client.call_errors import CallErrors
from client.circuit_state import Outcome, Rejection
from client.deadline import Deadline
from client.exceptions import (
    APIConnectionError,
    CircuitOpenError,
    ClientClosedError,
    MyAPIError,
    TLSVerificationError,
)
from client.forking import tell_in_child
from client.notifiers import Notifiers
from client.rejections import PLAIN, Rejections, is_rejection
from client.retry import Failure
from client.stats import Tally

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from client.breaker import Breaker
    from client.call import Call
    from client.circuit_state import Guard
    from client.config import BulkheadConfig
    from client.events import Listener
    from client.ports import Ports, Slots

__all__ = ["Engine", "Exchange"]


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
        listeners: Iterable[Listener] = (),
        rejections: Rejections = PLAIN,
    ) -> None:
        self.ports = ports
        self.breaker = breaker
        self.errors = CallErrors(ports, rejections)
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

    def turn_away(self, call: Call) -> None:
        """Refuse an operation before anything is prepared, where it would be refused for sure.

        Raises:
            ClientClosedError: The client is closed.
            CircuitOpenError: Its circuit is open.
        """
        if self.is_closed:
            call.started = self.ports.now()
            raise self.errors.closed(call)
        circuit = self.breaker.single if self.breaker is not None else None
        if circuit is None or circuit.is_closed:
            return
        rejection = circuit.peek(self.ports.now())
        if rejection is None:
            return
        self._begin(call)
        error = self._turned_away(call, rejection)
        self.finish(call, error)
        try:
            raise error
        finally:
            # Its traceback leads back to this frame: the two would keep each other alive.
            del error

    async def run(self, call: Call, exchange: Exchange) -> Any:
        """Run an operation from the queue to its answer.

        Raises:
            MyAPIError: The operation failed or was turned away.
            BaseException: What cancelled the call, or a bug in what it was given: untouched.
        """
        try:
            await self.admit(call)
            response = await self.attempt(call, exchange)
            self.finish(call, None, response)
        except BaseException as error:
            self.finish(call, error)
            raise
        finally:
            if not call.is_over:
                self.give_back(call)
        return response

    async def admit(self, call: Call) -> None:
        """Take a slot and a permit, in this order, or raise."""
        now = self._begin(call)
        slots = self.slots
        if slots is not None:
            # Set before there is one, so that what an interrupt leaves behind is found.
            call.slots = slots
            if not await slots.take(call):
                await self._queue(call, slots, now)
                now = self.ports.now()
            if call.notify.slot is not None:
                tell_slot(call.notify.slot, call, slots)
            if self.is_closed:
                raise self.errors.closed(call)
        if call.circuit is not None:
            self._take_permit(call, call.circuit, now)

    async def attempt(self, call: Call, exchange: Exchange) -> Any:
        """Make attempts until one succeeds or none may follow; return its answer."""
        while True:
            try:
                response = await self._send(call, exchange)
            except Exception as error:
                failure = self.explain(call, exchange, error)
                if failure is None:
                    raise
                response = failure.response
            else:
                failure = exchange.failure_of(call, response)
                if failure is None:
                    if call.retry is None or not call.retry.looks_at_success:
                        return response
                    failure = exchange.look_again(call, response)
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
        """Give slot and permit back and tell how it ended; a second time does nothing."""
        if call.is_over:
            return
        if call.slots is not None:
            call.slots.release(call)
        permit, circuit = call.permit, call.circuit
        transition = None
        if permit is not None and circuit is not None:
            outcome = Outcome.SUCCESS if error is None else self._outcome(call, error)
            if not circuit.is_unmoved_by(permit, outcome):
                transition = circuit.record(permit, outcome, self.ports.now(), error)
        call.is_over = True
        if transition is not None and circuit is not None:
            tell_transition(call, circuit, transition)
        self.tally.count(call.attempts, error)
        if error is None:
            if call.notify.succeeded is not None:
                tell_succeeded(call.notify.succeeded, call, response, self.ports.now())
        elif call.notify.failed is not None:
            tell_failed(call.notify.failed, call, error, self.ports.now())

    def give_back(self, call: Call) -> None:
        """Return what an operation holds yet, where an interrupt ended `finish` before its end."""
        if call.is_over:
            return
        if call.slots is not None:
            call.slots.release(call)
        if call.permit is not None and call.circuit is not None:
            call.circuit.record(call.permit, Outcome.IGNORED, self.ports.now())
        call.is_over = True

    def report(self, call: Call) -> CallReport:
        """Return how the operation has gone so far."""
        elapsed = self.ports.now() - call.started
        return CallReport(call.attempts, call.waits, elapsed, call.request_id)

    def check_open(self, call: Call) -> None:
        """Refuse to go on with an operation of a closed client."""
        if self.is_closed:
            raise self.errors.closed(call)

    # Admission.

    def _begin(self, call: Call) -> float:
        """Start the clock of an operation, and return its moment."""
        call.started = now = self.ports.now()
        if call.total is not None:
            call.deadline = Deadline.after(call.total, now)
        if call.id_was_made and call.notify.id_made is not None:
            tell_id_made(call.notify.id_made, call)
        retry = call.retry
        if retry is not None and retry.budget is not None:
            retry.budget.deposit(now)
        breaker = self.breaker
        if breaker is not None:
            call.circuit = breaker.single or breaker.guard_for(call.origin)
        return now

    async def _queue(self, call: Call, slots: Slots, now: float) -> None:
        """Wait for a slot; fail at once where the circuit would turn the call away after it."""
        rejection = call.circuit.peek(now) if call.circuit is not None else None
        if rejection is not None:
            raise self._turned_away(call, rejection)
        if call.notify.waiting is not None:
            tell_waiting(call.notify.waiting, call, slots)
        patience = self._patience
        if call.deadline is not None:
            patience = min(patience, call.deadline.left(now))
        if not await slots.queue(call, patience):
            self.check_open(call)
            raise self._no_slot(call, slots)

    def _no_slot(self, call: Call, slots: Slots) -> MyAPIError:
        if call.deadline is not None and call.deadline.passed(self.ports.now()):
            return self.errors.late(call)
        if call.notify.no_slot is not None:
            tell_no_slot(call.notify.no_slot, call, self._patience)
        return self.errors.no_slot(call, slots.limit, self._patience)

    def _take_permit(self, call: Call, circuit: Guard, now: float) -> None:
        permit = circuit.admit(now, call)
        if isinstance(permit, Rejection):
            raise self._turned_away(call, permit)
        call.permit = permit
        if permit.half_opened and call.notify.half_opened is not None:
            tell_half_opened(call.notify.half_opened, call, circuit)

    def _turned_away(self, call: Call, rejection: Rejection) -> CircuitOpenError:
        if call.notify.rejected is not None:
            tell_rejected(call.notify.rejected, call, rejection.retry_after)
        return self.errors.circuit_open(call, rejection)

    # Attempts.

    def _send(self, call: Call, exchange: Exchange) -> Awaitable[Any]:
        """Begin an attempt, for the caller to await."""
        deadline = call.deadline
        left = None if deadline is None else deadline.left(self.ports.now())
        if left is not None and left <= 0:
            raise self.errors.late(call)
        call.attempts += 1
        if call.notify.attempt is not None:
            tell_attempt(call.notify.attempt, call)
        if left is None:
            return exchange.send(None)
        return self.ports.within(left, lambda: exchange.send(left))

    def explain(self, call: Call, exchange: Exchange, error: Exception) -> Failure | None:
        """Return what an exception of an exchange means to its operation, or None."""
        if is_rejection(error):  # never another attempt's business
            return Failure(error)
        failure = exchange.failure_from(call, error)
        if self.is_closed:
            sent = failure is None or _may_have_been_sent(failure)
            return Failure(_caused(self.errors.closed(call, request_sent=sent), error))
        deadline = call.deadline
        is_late = deadline is not None and deadline.passed(self.ports.now())
        if is_late and failure is not None and isinstance(failure.error, APIConnectionError):
            late = self.errors.late(call, request_sent=failure.error.request_sent)
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
        if call.notify.retry is not None:
            tell_retry(call.notify.retry, call, wait, failure)
        # Once sent, an operation stays so, even if a later attempt never leaves.
        call.was_sent |= _may_have_been_sent(failure)
        call.waits = (*call.waits, wait)
        await self.ports.sleep(wait)
        self.check_open(call)

    # Endings.

    def _outcome(self, call: Call, error: BaseException) -> Outcome:
        if call.attempts == 0 or isinstance(error, TLSVerificationError | ClientClosedError):
            return Outcome.IGNORED
        if call.circuit is not None and call.circuit.expects(error):
            return Outcome.FAILURE
        # An error status is an answer: the server is there.
        is_answer = isinstance(error, MyAPIError) and error.status_code is not None
        return Outcome.SUCCESS if is_answer else Outcome.IGNORED


def _may_have_been_sent(failure: Failure) -> bool:
    return getattr(failure.error, "request_sent", True) is not False


def _caused(error: MyAPIError, cause: Exception) -> MyAPIError:
    error.__cause__ = cause
    return error

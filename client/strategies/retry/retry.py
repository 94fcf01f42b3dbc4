"""Retries in the pipeline: makes attempts until one succeeds or none may follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...engine.layer import Failure, Refusal
from ...engine.ports import wait_for
from ...events import RetryRefused, RetryScheduled
from ...http.outcomes import outcome_of_attempt
from ...metrics.instruments import BUDGET_AVAILABLE, RETRIES, RETRY_WAIT
from .policy import NOT_RETRYABLE

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import About, Call
    from ...http.shapes import Response
    from ...metrics.aggregator import Gauge
    from .policy import RetryPolicy

    class _About(About):
        attempt: int
        max_attempts: int
        error: Exception
        response: object


__all__ = ["NOTE", "Retry"]

NOTE: Final = "no other attempt was made: "
"""How the note begins that the error carries."""

_BODY: Final = Refusal("body", "the request's body cannot be sent a second time")
_BUDGET: Final = Refusal("budget", "the retry budget is used up")


class Retry:
    """The layer around attempts that repeats those that failed.

    Args:
        policy: Decides whether another follows, and when.
    """

    def __init__(self, policy: RetryPolicy) -> None:
        self.policy = policy

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return the answer of the first attempt that succeeds, or the failure of the last."""
        policy = self.policy
        if policy.budget is not None:
            policy.budget.deposit(call.entered)
        failure: Failure | None
        ending: Failure | None = None
        failed_as: str | None = None
        while True:
            result = await inner(call, exchange)
            if isinstance(result, Failure):
                failure = result
            elif policy.looks_at_success:
                failure = exchange.look_again(result)
            else:
                if failed_as is not None:
                    self._count(call, failed_as, "succeeded")
                return result
            try:
                ending = await self._ending(call, failure, exchange)
                if ending is not None:
                    return ending.answer if ending.error is None else ending
                failed_as = _outcome(failure)
            except BaseException:
                await exchange.abandon(failure)
                raise
            finally:
                # Not kept while the next attempt is under way: an answer may be large.
                failure = ending = None
                del result

    def gauges(self, now: float) -> tuple[Gauge, ...]:
        """Return what is left of the budget."""
        budget = self.policy.budget
        return () if budget is None else ((BUDGET_AVAILABLE, (), budget.available(now)),)

    async def _ending(self, call: Call, failure: Failure, exchange: Exchange) -> Failure | None:
        """Wait for the next attempt, or return the failure that the operation ends with."""
        wait = self._wait_before_next(call, failure, exchange)
        if wait is None:
            return failure
        await exchange.discard(failure)
        await self._pause(call, wait, failure)
        objection = await _objection(call)
        if call.host.is_closed:
            return Failure(call.host.errors.closed(call))
        if objection is None:
            if not self._lost_its_body(call, failure, exchange):
                return None
        else:
            self._refuse(call, failure, objection)
            if not exchange.settle_for(failure) and objection.ending is not None:
                return Failure(objection.ending(call))
        return failure if failure.error is None else Failure(failure.error)  # its answer is gone

    def _wait_before_next(self, call: Call, failure: Failure, exchange: Exchange) -> float | None:
        """Return the wait before the next attempt, or None where this one was the last."""
        if call.host.is_closed:
            return None
        now = call.host.ports.now()
        wait = self.policy.wait_after(call, failure, now)
        if isinstance(wait, Refusal):
            self._note_last(call, failure, wait)
            return None
        folded = call.objection() or call.delay(wait)
        if not isinstance(folded, Refusal):
            refusal = self._refusal(call, folded, now, exchange)
            if refusal is None:
                return folded
            folded = refusal
        self._refuse(call, failure, folded)
        return None

    def _refusal(self, call: Call, wait: float, now: float, exchange: Exchange) -> Refusal | None:
        """Return why no attempt may follow after `wait` seconds, or None and pay for it."""
        if call.deadline is not None and not call.deadline.allows(wait, now):
            text = f"the wait of {wait:.3g} s would outlast the deadline"
            return Refusal("deadline", text)
        if not exchange.can_replay():
            return _BODY
        return None if self.policy.pay(now) else _BUDGET

    def _refuse(self, call: Call, failure: Failure, refusal: Refusal) -> None:
        """Leave a trace of an attempt that is not made: a note on the error, and an event."""
        call.refusal = refusal
        if failure.error is not None:
            failure.error.add_note(f"{NOTE}{refusal.text}")
        self._tell_refused(call, failure, refusal)

    def _note_last(self, call: Call, failure: Failure, refusal: Refusal) -> None:
        """Tell of an attempt that is the last by the policy, which the error need not say."""
        is_good = failure.error is None and refusal is NOT_RETRYABLE
        if self.policy.rules.max_attempts > 1 and not is_good:
            self._tell_refused(call, failure, refusal)

    def _tell_refused(self, call: Call, failure: Failure, refusal: Refusal) -> None:
        self._count(call, _outcome(failure), refusal.reason)
        if (notify := call.notify[RetryRefused]) is not None:
            notify(RetryRefused(reason=refusal.reason, **self._about(call, failure)))

    async def _pause(self, call: Call, wait: float, failure: Failure) -> None:
        self._count(call, _outcome(failure), "scheduled")
        call.host.metrics.add(RETRY_WAIT, (call.counted_as,), wait)
        if (notify := call.notify[RetryScheduled]) is not None:
            notify(RetryScheduled(wait=wait, **self._about(call, failure)))
        # Once sent, an operation stays so, even if a later attempt never leaves.
        call.was_sent |= failure.may_have_been_sent
        call.waits = (*call.waits, wait)
        await wait_for(call.host.ports, wait, call.waking)

    def _lost_its_body(self, call: Call, failure: Failure, exchange: Exchange) -> bool:
        """Whether a file was closed in the wait, and the operation can end with its failure."""
        if exchange.can_replay() or not exchange.settle_for(failure):
            return False
        self._refuse(call, failure, _BODY)
        return True

    def _count(self, call: Call, reason: str, decision: str) -> None:
        call.host.metrics.add(RETRIES, (call.counted_as, reason, decision))

    def _about(self, call: Call, failure: Failure) -> _About:
        return {
            "attempt": call.attempts,
            "max_attempts": self.policy.rules.max_attempts,
            "error": failure.error or ValueError("retry_if asked for another attempt"),
            "response": failure.response,
            **call.about(),
        }


async def _objection(call: Call) -> Refusal | None:
    """Return why the attempt that was waited for is not made; wait on while it may not be yet."""
    while not call.host.is_closed:
        if (objection := call.objection()) is not None:
            return objection
        left = call.delay(0.0)
        if isinstance(left, Refusal):
            return left
        if not left or not await wait_for(call.host.ports, left, call.waking):
            break
    return None


def _outcome(failure: Failure) -> str:
    status = None if failure.response is None else failure.response.status_code
    return outcome_of_attempt(failure.error, status)

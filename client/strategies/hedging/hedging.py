"""Hedging in the pipeline: sends an attempt beside one that is late, within what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from ...engine.layer import Observer
from ...events import HedgeLost, HedgeSent
from ...exceptions import APIConnectionError, APITimeoutError
from ...metrics.strategy_instruments import HEDGES
from ...metrics.targets import shown_origin
from .race import Race

if TYPE_CHECKING:
    from ...config.parts.hedge import HedgeConfig
    from ...engine.layer import Exchange, Failure, Inner
    from ...engine.operation import Attempt, Call
    from ...http.shapes import Response
    from .lane import Lane
    from .losers import Losers
    from .places import Places

    class Budget(Protocol):
        """What retries are paid from."""

        def available(self, now: float) -> float:
            """Return how many it would pay for."""
            ...

        def withdraw(self, now: float) -> bool:
            """Pay for one."""
            ...

    class Rules(Protocol):
        """Those of retries."""

        @property
        def max_attempts(self) -> int:
            """Attempts in all."""
            ...

    class Retries(Protocol):
        """What hedges have in common with retries."""

        @property
        def is_off(self) -> bool:
            """Whether there are none, so that hedges are bounded by themselves."""
            ...

        @property
        def rules(self) -> Rules:
            """How many."""
            ...

        @property
        def budget(self) -> Budget | None:
            """Who pays."""
            ...

        def is_retryable(self, call: Call, failure: Failure, /) -> bool:
            """Return whether a failed attempt may be followed by another."""
            ...


__all__ = ["Hedging"]

_TOO_MANY_REQUESTS: Final = 429
_FIRST_SERVER_ERROR: Final = 500


class Hedging(Observer):
    """The layer around each attempt that sends another beside it.

    Args:
        config: When, and how many.
        retries: With what it shares attempts and budget; None where there are no retries.
        places: What is known of each origin.
        losers: Where attempts go on that have lost.
    """

    def __init__(
        self, config: HedgeConfig, retries: Retries | None, places: Places, losers: Losers
    ) -> None:
        self.config = config
        self._retries = retries
        self._places = places
        self._losers = losers

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return the first good answer of one attempt or more, or the failure of the first."""
        config = self.config
        if call.method.upper() not in config.methods:
            return await inner(call, exchange)
        place = self._places.at(call.origin)
        if not _made(call):
            place.begin(config)
        delay = place.delay(config)
        if delay is None or not self._is_worth_it(call, delay, exchange):
            return await inner(call, exchange)
        race = Race(inner, call, exchange, delay=delay, referee=self, losers=self._losers)
        result = await race.run()
        if call.uncounted is not None and call.attempts > 1:
            call.uncounted.count(None)  # it ended while another began
        return result

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,  # noqa: ARG002 - an observer's signature
        error: BaseException | None,
    ) -> None:
        """Take note of what a first attempt took, or of how long that is known to be too short."""
        # The first of all may have lost in a pass that is over.
        is_first = attempt.number in {1, call.passed + 1}
        if not is_first or call.method.upper() not in self.config.methods:
            return
        if attempt.is_lost or isinstance(error, APITimeoutError) or _was_served(attempt):
            self._places.at(call.origin).note(attempt.seconds)

    def may_send(self, race: Race) -> bool:
        """Whether another attempt may be sent now, which is then paid for."""
        call = race.call
        if len(race.lanes) > self.config.max_hedged_attempts or call.host.is_closed:
            return False
        refused = self._refusal(call)
        if refused is not None:
            self._count(call, refused)
        return refused is None

    def ends_it(self, call: Call, failure: Failure) -> bool:
        """Whether a failure is an answer that another attempt would get too."""
        if failure.response is None:
            return False
        if self._retries is not None:
            return not self._retries.is_retryable(call, failure)
        return not isinstance(failure.error, APIConnectionError)

    def forbids_more(self, failure: Failure) -> bool:
        """Whether the server has asked for fewer requests, or nothing is gained by another."""
        error = failure.error
        status = None if failure.response is None else failure.response.status_code
        is_asked = failure.retry_after is not None or status == _TOO_MANY_REQUESTS
        return is_asked or not isinstance(error, APIConnectionError)

    def note_sent(self, race: Race, after: float) -> None:
        """Count and announce a hedge."""
        call = race.call
        self._count(call, "sent")
        if (notify := call.notify[HedgeSent]) is not None:
            target = shown_origin(call.origin)
            notify(HedgeSent(attempt=call.attempts + 1, target=target, after=after, **call.about()))

    def note_won(self, call: Call) -> None:
        """Count a hedge that won."""
        self._count(call, "won")

    def note_lost(self, call: Call, lane: Lane, *, is_drained: bool) -> None:
        """Count and announce an attempt that lost."""
        attempt = lane.attempt
        if attempt is None:
            return  # it had not begun
        if lane.is_hedge:
            self._count(call, "lost")
        if (notify := call.notify[HedgeLost]) is not None:
            notify(
                HedgeLost(
                    attempt=attempt.number,
                    target=attempt.target,
                    seconds=max(0.0, call.host.ports.now() - attempt.started),
                    is_hedge=lane.is_hedge,
                    is_drained=is_drained,
                    **call.about(),
                )
            )

    def drains(self, *, speaks_http2: bool) -> bool:
        """Whether attempts that lost are read to their end."""
        return self.config.on_lose == "drain" and not speaks_http2

    def _is_worth_it(self, call: Call, delay: float, exchange: Exchange) -> bool:
        """Whether a hedge could come at all."""
        if _made(call) + 1 >= self._most or call.host.is_closed:
            return False
        now = call.host.ports.now()
        if call.deadline is not None and call.deadline.left(now) <= delay:
            return False
        return call.objection() is None and exchange.can_share(self.config.max_body_bytes)

    @property
    def _most(self) -> int:
        """Attempts that an operation may make each time it passes the gates."""
        retries = self._retries
        if retries is None or retries.is_off:
            return 1 + self.config.max_hedged_attempts
        return retries.rules.max_attempts

    def _refusal(self, call: Call) -> str | None:
        """Return why no hedge is sent, in one word, or None and pay for it."""
        if _made(call) >= self._most:
            return "attempts"
        if (objection := call.objection()) is not None:
            return objection.reason
        now = call.host.ports.now()
        if call.deadline is not None and call.deadline.passed(now):
            return "deadline"
        place = self._places.at(call.origin)
        if not place.pay():
            return "load"
        budget = None if self._retries is None else self._retries.budget
        # Only looked at, for the token that may be missing could not be returned to it.
        if budget is not None and budget.available(now) < 1:
            reason = "budget"
        elif not call.spare():
            reason = "rate_limit"
        elif budget is not None and not budget.withdraw(now):
            reason = "budget"
        else:
            return None
        place.refund()
        return reason

    def _count(self, call: Call, decision: str) -> None:
        call.host.metrics.add(HEDGES, (call.counted_as, decision))


def _made(call: Call) -> int:
    """Return how many attempts were made since the operation passed the gates last."""
    return call.attempts - call.passed


def _was_served(attempt: Attempt) -> bool:
    """Whether an attempt was answered, and not by a server that had something else to do."""
    status = attempt.status
    return status is not None and status < _FIRST_SERVER_ERROR and status != _TOO_MANY_REQUESTS

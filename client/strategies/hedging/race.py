"""A race: one attempt, and those that are sent beside it while no good answer is there.

It is decided by whoever called, who waits for a signal and looks what the lanes have come to. So
nothing here is done by two at once.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Protocol

from ...engine.layer import Failure
from .lane import Lane, is_http2

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Attempt, Call
    from ...engine.ports import Signal
    from ...http.shapes import Response
    from .losers import Losers

__all__ = ["Finish", "Race", "Referee"]

_SHORTEST: Final = 0.001
"""Seconds after which it looks again whether an attempt that was started has begun."""
_SETTLING: Final = 1.0
"""Seconds that a cancelled call waits for what it had under way."""


class Referee(Protocol):
    """Knows the rules of a race."""

    def may_send(self, race: Race) -> bool:
        """Whether another attempt may be sent now, which is then paid for."""
        ...

    def delay_for(self, attempt: Attempt, otherwise: float) -> float:
        """Return the seconds after which another is sent beside this one."""
        ...

    def ends_it(self, call: Call, failure: Failure) -> bool:
        """Whether a failure is what the operation came for, as a 404 is, so that it wins."""
        ...

    def forbids_more(self, failure: Failure) -> bool:
        """Whether the server has asked for fewer requests."""
        ...

    def note_sent(self, race: Race, after: float) -> None:
        """Take note that a hedge is sent, so many seconds after the attempt before."""
        ...

    def note_won(self, call: Call) -> None:
        """Take note that a hedge brought the answer."""
        ...

    def note_lost(self, call: Call, lane: Lane, *, is_drained: bool) -> None:
        """Take note that an attempt has lost."""
        ...

    def drains(self, *, speaks_http2: bool) -> bool:
        """Whether attempts that lost are read to their end."""
        ...


class Finish:
    """What the lanes of a race come to, in the order in which they do.

    Args:
        signal: Of whoever waits for it.
    """

    def __init__(self, signal: Signal) -> None:
        self.signal = signal
        self.heads: list[Lane] = []
        """Those that have the head of a good answer."""
        self.ended: list[Lane] = []
        self.is_alone = True
        """Whether only one attempt is under way, so that its end alone is worth waking for."""

    def note_head(self, lane: Lane) -> None:
        """Take note of a good answer, whose body is not there yet."""
        self.heads.append(lane)
        if not self.is_alone:
            self.signal.give()

    def note_end(self, lane: Lane) -> None:
        """Take note that a lane is over."""
        if not lane.is_given_up:
            self.ended.append(lane)
        self.signal.give()


class Race:
    """The race for one attempt of an operation.

    Args:
        inner: Makes an attempt.
        call: The operation.
        exchange: Its way to the wire.
        delay: Seconds after which the next attempt is sent.
        referee: Knows the rules.
        losers: Where those go on that have lost.

    Attributes:
        lanes: All attempts.
    """

    def __init__(  # noqa: PLR0913 - what a layer is given, and what the race goes by
        self,
        inner: Inner,
        call: Call,
        exchange: Exchange,
        *,
        delay: float,
        referee: Referee,
        losers: Losers,
    ) -> None:
        self.call = call
        self.lanes: list[Lane] = []
        self.delay = delay
        self._inner = inner
        self._exchange = exchange
        self._referee = referee
        self._losers = losers
        self._ports = call.host.ports
        self._finish = Finish(self._ports.signal())
        self._sent_at = 0.0
        self._seen = 0
        """How many of those that have ended have been looked at."""
        self._is_closed = False
        """Whether no more are sent."""

    async def run(self) -> Response | Failure:
        """Return the first good answer, or the failure of the first attempt."""
        try:
            self._send(is_hedge=False)
            while (winner := self._winner()) is None:
                await self._finish.signal.wait(self._seconds_to_next())
                self._send_if_due()
            self._give_up(winner)
            while not winner.is_over:
                await self._finish.signal.wait(None)
            return await self._outcome(winner)
        except BaseException:
            await self._break_off()
            raise
        finally:
            # They lead to one another.
            self.lanes.clear()
            self._finish.heads.clear()
            self._finish.ended.clear()

    def _send(self, *, is_hedge: bool) -> None:
        now = self._ports.now()
        if is_hedge:
            self._referee.note_sent(self, now - self._sent_at)
            self._finish.is_alone = False
        self._sent_at = now
        lane = Lane(self._finish, self._ports.task(), self._losers, is_hedge=is_hedge)
        self.lanes.append(lane)
        lane.start(self._inner, self.call, self._exchange)

    def _seconds_to_next(self) -> float | None:
        if self._is_closed:
            return None
        if self.call.service is not None and self.lanes[-1].attempt is None:
            return _SHORTEST  # by where it goes the delay may be another
        delay = self._delay()
        due = self._sent_at + delay - self._ports.now()
        # Where it is over: the last has not begun yet, which nobody tells.
        return due if due > 0 else max(_SHORTEST, delay / 4)

    def _delay(self) -> float:
        """Return the seconds after which the next attempt is sent, by where the last one is."""
        last = self.lanes[-1].attempt
        return self.delay if last is None else self._referee.delay_for(last, self.delay)

    def _send_if_due(self) -> None:
        """Send the next attempt where the last is late, and where it had begun at all."""
        if self._is_closed or self._finish.heads or self.lanes[-1].is_over:
            return
        is_due = self._ports.now() >= self._sent_at + self._delay()
        if is_due and self.lanes[-1].attempt is not None:
            self._send_next()

    def _send_next(self) -> None:
        if self._referee.may_send(self):
            self._send(is_hedge=True)
        else:
            self._is_closed = True

    def _winner(self) -> Lane | None:
        """Return the lane that has won, where that is settled; where one has failed, send another.

        Where all have failed it is the first.
        """
        if self._finish.heads:
            return self._finish.heads[0]
        while self._seen < len(self._finish.ended):
            lane = self._finish.ended[self._seen]
            self._seen += 1
            if self._has_won(lane):
                return lane
            if not self._is_closed:
                self._send_next()
        # Not by who is over: a thread may be, and not have said yet what it brought.
        return self.lanes[0] if self._seen == len(self.lanes) else None

    def _has_won(self, lane: Lane) -> bool:
        """Whether an attempt that is over brought what the operation came for, or a bug."""
        failure = lane.result
        if not isinstance(failure, Failure):
            return True
        if self._referee.ends_it(self.call, failure):
            return True
        self._is_closed |= self._referee.forbids_more(failure)
        return False

    def _give_up(self, winner: Lane) -> None:
        """Give up all but one."""
        others = [lane for lane in self.lanes if lane is not winner and not lane.is_over]
        if not others:
            return
        is_http2_spoken = winner.speaks_http2 or is_http2(winner.result)
        is_drained = self._referee.drains(speaks_http2=is_http2_spoken)
        for lane in others:
            if lane.lose(is_drained=is_drained):
                self._referee.note_lost(self.call, lane, is_drained=is_drained)

    async def _outcome(self, winner: Lane) -> Response | Failure:
        """Return what the winner brought, or raise what it raised; let go of all else."""
        failures = await self._let_go_but_of(winner)
        # Only now: where that was broken off, its answer would be nobody's.
        error, result = winner.error, winner.result
        winner.error = winner.result = None
        if error is not None:
            try:
                raise error
            finally:
                del error
        if result is None:
            raise asyncio.CancelledError  # before it had begun
        if winner.attempt is not None:
            self._exchange.choose(winner.attempt)
        if isinstance(result, Failure):
            return self._summed(result, failures)
        if winner.is_hedge:
            self._referee.note_won(self.call)
        return result

    async def _let_go_but_of(self, kept: Lane | None) -> list[Failure]:
        """Close the answers of those that are over, whoever interrupts; return the failures."""
        failures: list[Failure] = []
        interrupt: BaseException | None = None
        for lane in self.lanes:
            if lane is kept or lane.lets_go or lane.result is None:
                continue
            result, lane.result = lane.result, None
            failures.append(result if isinstance(result, Failure) else Failure(None, result))
            try:
                await self._exchange.abandon(failures[-1])
            except BaseException as error:  # noqa: BLE001 - raised when all are closed
                interrupt = error
        if interrupt is not None:
            try:
                raise interrupt
            finally:
                del interrupt
        return failures

    def _summed(self, first: Failure, others: list[Failure]) -> Failure:
        """Return the failure of the first attempt, with what the others tell of all of them."""
        error = first.error
        if error is not None and any(each.may_have_been_sent for each in others):
            error.request_sent = True
        asked = [each.retry_after for each in (first, *others) if each.retry_after is not None]
        return replace(
            first,
            retry_after=max(asked, default=None),
            is_unsent=first.is_unsent and all(each.is_unsent for each in others),
        )

    async def _break_off(self) -> None:
        """End all that is under way, because the call ends without it."""
        for lane in self.lanes:
            lane.break_off()
        await self._let_go_but_of(None)
        while any(not lane.is_over for lane in self.lanes):
            since = self._ports.now()
            await self._finish.signal.wait(_SETTLING)
            if self._ports.now() - since >= _SETTLING:
                break

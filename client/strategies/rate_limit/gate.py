"""The rate limit in the pipeline: a turn for each attempt, and a pause where a server asks for one.

The first attempt gets its turn before there is a slot for it, so that who waits holds none; a retry
waits for it together with its backoff; what goes out beside another takes one only if it is free.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ...engine.layer import WAIT, Gate, Observer, Refusal
from ...engine.ports import wait_for
from ...engine.telling import tell_would_reject
from ...events import RateLimitRejected, RateLimitWaited
from ...exceptions import RateLimitError, RateLimitRejectedError
from ...metrics.instruments import REJECTIONS
from ...metrics.strategy_instruments import (
    RATE_LIMIT_PAUSED,
    RATE_LIMIT_WAIT,
    RATE_LIMIT_WAITING,
)
from ...runtime.forking import tell_in_child
from .answers import Answers
from .asking import cost_of, key_of, rate_of
from .lanes import Lanes
from .ticket import Stage, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from ...config.parts.rate_limit import RateLimitConfig
    from ...engine.layer import Wait
    from ...engine.operation import Attempt, Call
    from ...engine.ports import Ports
    from ...exceptions import MyAPIError
    from ...http.shapes import Response
    from ...metrics.aggregator import Gauge
    from ...runtime.coroutines import Waking
    from .lane import Lane

__all__ = ["RateLimit"]

_FORBIDDEN: Final = 403
_NO_MORE: Final = frozenset({Stage.SENT, Stage.NEW})
"""Stages of a ticket that is of no use to another attempt."""


class _Grant:
    """What one operation has of the rate limit."""

    __slots__ = ("cost", "key", "lane", "next", "sent", "spare")

    def __init__(self, lane: Lane, key: str, cost: float) -> None:
        self.lane: Lane = lane
        self.key: str = key
        self.cost: float = cost
        self.next: Ticket = Ticket(cost)
        """Of the attempt that comes next, or came last."""
        self.spare: Ticket | None = None
        """Of one that goes out beside another."""
        self.sent: dict[Attempt, Ticket] = {}
        """Of attempts under way."""


class RateLimit(Gate, Observer):
    """Spaces what is sent, for each key by itself.

    Args:
        config: How fast, and for whom.
        ports: The world that it runs in.
    """

    def __init__(self, config: RateLimitConfig, ports: Ports) -> None:
        self._config = config
        self._ports = ports
        self.lanes: Lanes = Lanes(rate_of(config))
        self._answers = Answers(config)
        tell_in_child(self)

    @property
    def reads_request(self) -> bool:  # type: ignore[override] # read, and never set
        """Whether a function of the user's decides by the request."""
        asked = (self._config.key, self._config.cost, self._config.settle)
        return any(function is not None for function in asked)

    def reconfigure(self, config: RateLimitConfig) -> None:
        """Go by other settings from now on. Pauses stay, and who waits keeps his place."""
        self._config = config
        self._answers.config = config
        self.lanes.reconfigure(rate_of(config), self._ports.now())

    def enter(self, call: Call) -> MyAPIError | Wait | None:
        """Give a call its turn, or answer `WAIT`."""
        config, now = self._config, call.entered
        key, cost = key_of(config, call), cost_of(config, call)
        lane = self.lanes.lane(key, now)
        grant = _Grant(lane, key, cost)
        call.grants.append((self, grant))
        if config.mode != "enforce":
            self._observe(call, lane, cost, now)
            return None
        return WAIT if lane.ask(grant.next, now) else None

    async def wait(self, call: Call) -> MyAPIError | None:
        """Wait for one's turn, until the patience or the deadline ends or the call is stopped."""
        grant: _Grant = call.grants[-1][1]
        began = call.host.ports.now()
        refused = await self._turn(call, grant, began)
        if refused is None:
            seconds = max(0.0, call.host.ports.now() - began)
            call.host.metrics.observe(RATE_LIMIT_WAIT, (), seconds)
            if (notify := call.notify[RateLimitWaited]) is not None:
                notify(RateLimitWaited(seconds=seconds, **call.about()))
        return refused

    async def renew(self, call: Call, grant: _Grant) -> MyAPIError | None:
        """Exchange a turn that has passed, while its call waited for a slot, for the next."""
        now = call.host.ports.now()
        if self._config.mode != "enforce" or not grant.lane.exchange(grant.next, now):
            return None
        return await self._turn(call, grant, now)

    def leave(self, call: Call, grant: _Grant, error: BaseException | None) -> None:  # noqa: ARG002 - a gate's signature
        """Leave the queue, and give back what was not used."""
        lane, now = grant.lane, call.host.ports.now()
        lane.withdraw(grant.next, now)
        if grant.spare is not None:
            lane.withdraw(grant.spare, now)
        if grant.sent:
            lane.forget(grant.sent)

    def delay(self, call: Call, grant: _Grant, wait: float) -> float | Refusal:
        """Return when it is the turn of a retry, at the earliest after what it waits anyway."""
        lane, config, now = grant.lane, self._config, call.host.ports.now()
        if config.mode != "enforce":
            return wait
        ticket = grant.next
        if ticket.stage in _NO_MORE:
            ticket = grant.next = Ticket(grant.cost)
            ticket.not_before = now + wait
        seconds = lane.ask(ticket, now)
        pause = lane.pause_left(now)
        if pause > max(config.max_pause, wait):
            text = f"the server asks everybody to pause for {pause:.3g} s"
        elif seconds - wait > config.acquisition_timeout:
            text = f"its turn would come in {seconds:.3g} s"
        else:
            return max(wait, seconds)
        lane.withdraw(ticket, now)
        return Refusal("rate_limit", text)

    def spare(self, call: Call, grant: _Grant) -> bool:
        """Take a turn for an attempt beside another, where nobody waits for it."""
        lane, now = grant.lane, call.host.ports.now()
        if self._config.mode != "enforce":
            return True
        if grant.spare is not None and grant.spare.stage is Stage.HELD:
            return True
        grant.spare = Ticket(grant.cost)
        return lane.take_spare(grant.spare, now)

    def waking(self, grant: _Grant, wake: Callable[[], object]) -> AbstractContextManager[object]:
        """Wake who waits for another attempt where its turn comes sooner."""
        return grant.lane.waking(grant.next, wake)

    def error_for(self, call: Call, grant: _Grant, response: Response) -> type[MyAPIError] | None:
        """Take a 403 for a 429 where it asks to come back later."""
        if response.status_code != _FORBIDDEN or self._config.mode != "enforce":
            return None
        told = self._answers.told(call, grant.key, response)
        return None if told is None or told.pause is None else RateLimitError

    def excuses(self, error: BaseException) -> bool:
        """Return whether the server asked to go slower: it is in good health."""
        return isinstance(error, RateLimitError) and self._config.mode == "enforce"

    def begin_attempt(self, call: Call, attempt: Attempt) -> None:
        """Note that an attempt goes out, and with which turn."""
        grant = _found(call, self)
        if grant is None or self._config.mode != "enforce":
            return
        ticket: Ticket | None = grant.next
        if grant.next.stage in _NO_MORE:
            ticket = grant.spare
        if ticket is None or ticket.stage in _NO_MORE:
            ticket = Ticket(grant.cost)  # nobody has asked for one: it counts all the same
        grant.sent[attempt] = ticket
        grant.lane.send(ticket, attempt, call.host.ports.now())

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,
        error: BaseException | None,  # noqa: ARG002 - an observer's signature
    ) -> None:
        """Give back the turn of an attempt that never went out, and learn from an answer."""
        grant = _found(call, self)
        if grant is None:
            return  # it is of a pass through the gates that is over
        lane, now = grant.lane, call.host.ports.now()
        ticket = grant.sent.get(attempt)
        if ticket is not None:
            lane.end(ticket, attempt, now, is_unsent=attempt.is_unsent)
            del grant.sent[attempt]
        if response is not None:
            self._answers.read(call, lane, grant.key, response, now)
            if ticket is not None:
                self._answers.settle(call, lane, ticket, response, now)

    def gauges(self, now: float) -> tuple[Gauge, ...]:
        """Return who waits, and who has to pause."""
        lanes = self.lanes
        return (
            (RATE_LIMIT_WAITING, (), lanes.waiting),
            (RATE_LIMIT_PAUSED, (), lanes.paused(now)),
        )

    def begin_anew(self) -> None:
        """Forget whoever waits: they are of a parent process, or of an event loop that ended."""
        self.lanes.begin_anew()

    async def _turn(self, call: Call, grant: _Grant, began: float) -> MyAPIError | None:
        """Wait for one's turn, which began then; return the error of a call that gets none."""
        lane, ticket, host = grant.lane, grant.next, call.host
        while True:
            watching = call.plan.watching(call)  # before the look, lest something come in between
            now = host.ports.now()
            if host.is_closed:
                return host.errors.closed(call)
            if (refused := call.plan.stopped(call) or call.plan.peek(call)) is not None:
                return refused
            if self._config.mode != "enforce":
                lane.admit(ticket)
                return None
            wait = lane.ask(ticket, now)
            if not wait:
                return None
            if (refused := self._impatience(call, lane, wait, began, now)) is not None:
                lane.withdraw(ticket, now)
                return refused
            if not await wait_for(host.ports, wait, _both(lane, ticket, watching)):
                lane.admit(ticket)

    def _impatience(
        self, call: Call, lane: Lane, wait: float, began: float, now: float
    ) -> MyAPIError | None:
        """Return the error of a call whose turn would come too late."""
        config, deadline = self._config, call.deadline
        pause = lane.pause_left(now)
        if deadline is not None and deadline.passed(now):
            return call.host.errors.late(call)
        if pause > config.max_pause:
            reason = f"the server asks everybody to pause for {pause:.3g} s"
        elif now - began + wait > config.acquisition_timeout:
            limit = config.acquisition_timeout
            reason = f"its turn would come in {wait:.3g} s, and it waits for {limit:g} s at most"
        elif deadline is not None and not deadline.allows(wait, now):
            reason = f"its turn would come in {wait:.3g} s, after its deadline"
        else:
            return None
        return _rejected(call, reason, max(pause, wait))

    def _observe(self, call: Call, lane: Lane, cost: float, now: float) -> None:
        """Tell of a call that would have been turned away, or had to wait."""
        config = self._config
        most = config.acquisition_timeout
        if call.deadline is not None:
            most = min(most, call.deadline.left(now))
        wait = lane.book(cost, now, most)
        if not wait:
            return
        is_rejected = wait > most or lane.pause_left(now) > config.max_pause
        tell_would_reject(call, "rate_limit", None if is_rejected else wait)


def _found(call: Call, gate: RateLimit) -> _Grant | None:
    """Return what a call was granted."""
    for each, grant in call.grants:
        if each is gate:
            found: _Grant = grant
            return found
    return None


def _rejected(call: Call, reason: str, seconds: float) -> RateLimitRejectedError:
    call.host.metrics.add(REJECTIONS, (call.counted_as, "rate_limit"))
    if (notify := call.notify[RateLimitRejected]) is not None:
        notify(RateLimitRejected(retry_after=seconds, **call.about()))
    return call.host.errors.make(
        RateLimitRejectedError,
        call,
        f"the rate limit turned it away: {reason}",
        retry_after=seconds,
        request_sent=False,
    )


def _both(lane: Lane, ticket: Ticket, watching: Waking) -> Waking:
    """Wake by either: by the turn that comes sooner, and by what would turn the call away."""

    @contextmanager
    def waking(wake: Callable[[], object]) -> Generator[None]:
        with watching(wake), lane.waking(ticket, wake):
            yield

    return waking

"""The gate by itself: turns beside another attempt, and attempts that nobody let in."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from client import APINetworkError, RateLimitConfig, RateLimitError
from client.engine.layer import Refusal
from client.engine.operation import Attempt
from client.exceptions import ServerError
from client.ports.blocking_ports import BLOCKING
from client.strategies.rate_limit.gate import RateLimit
from client.strategies.rate_limit.ticket import Stage, Ticket
from tests.unit.calls import call_of


def gate_of(**settings: Any) -> RateLimit:
    """A gate of these settings, by default with one turn in a very long time."""
    return RateLimit(RateLimitConfig(**{"rate": 0.001, **settings}), BLOCKING.make_ports())


def let_in(gate: RateLimit) -> Any:
    """A call that has its turn."""
    call = call_of(attempts=0)
    call.entered = call.host.ports.now()
    assert gate.enter(call) is None
    return call


def attempt_of(gate: RateLimit, call: Any) -> Attempt:
    """An attempt of it that goes out."""
    call.attempts += 1
    attempt = Attempt(call)
    gate.begin_attempt(call, attempt)
    return attempt


def test_an_attempt_beside_another_takes_what_is_free_now() -> None:
    """And nothing twice; unused it is given back."""
    gate = gate_of(burst=3)
    call = let_in(gate)
    attempt_of(gate, call)
    assert call.spare()
    assert call.spare()
    lane = gate.lanes.all()[0]
    now = call.host.ports.now()
    last = Ticket(1)
    assert lane.ask(last, now) == 0
    assert not let_in_spare(gate, call)
    lane.withdraw(last, now)
    attempt_of(gate, call)
    assert call.spare()
    assert not let_in_spare(gate, call)
    gate.leave(call, call.grants[0][1], None)
    assert lane.ask(Ticket(1), now) == 0


def let_in_spare(gate: RateLimit, call: Any) -> bool:
    """Whether one more than those may go beside them."""
    other = call_of()
    other.grants.append((gate, type(call.grants[0][1])(gate.lanes.all()[0], "", 1.0)))
    return other.spare()


def test_whoever_observes_has_always_one_to_spare() -> None:
    """It enforces nothing."""
    gate = gate_of(mode="observe")
    call = let_in(gate)
    assert all(call.spare() for _ in range(5))
    attempt = attempt_of(gate, call)
    gate.end_attempt(call, attempt, None, APINetworkError())
    assert call.delay(1.5) == 1.5
    gate.leave(call, call.grants[0][1], None)


def test_an_attempt_that_goes_out_unasked_counts() -> None:
    """Others wait for longer."""
    gate = gate_of(rate=1.0)
    call = let_in(gate)
    for _ in range(3):
        attempt_of(gate, call)
    lane = gate.lanes.all()[0]
    assert lane.ask(Ticket(1), call.host.ports.now()) == pytest.approx(3, abs=0.1)


def test_others_gates_are_none_of_its_own() -> None:
    """An attempt is noted where it was let in."""
    gate, other = gate_of(), gate_of()
    call = let_in(other)
    call.grants.append((gate, None))
    attempt_of(other, call)
    call.grants.reverse()
    attempt_of(other, call)
    assert len(call.grants[1][1].sent) == 2


def test_an_attempt_of_a_pass_that_is_over_is_nobody_s() -> None:
    """A loser that is told of when its call has begun anew."""
    gate = gate_of()
    call = let_in(gate)
    attempt = attempt_of(gate, call)
    call.leave_gates(None)
    call.grants.clear()
    gate.end_attempt(call, attempt, None, None)
    gate.begin_attempt(call, attempt)
    assert gate.lanes.all()[0].is_idle(call.host.ports.now())


def test_a_retry_that_does_not_wait_for_its_turn_takes_none() -> None:
    """A test has switched the waits off."""
    gate = gate_of(acquisition_timeout=10_000.0)
    call = let_in(gate)
    attempt_of(gate, call)
    assert call.delay(5.0) == pytest.approx(1000, abs=1)
    waiting: Ticket = call.grants[0][1].next
    assert waiting.stage == Stage.RESTING
    attempt_of(gate, call)
    assert waiting is call.grants[0][1].next
    assert gate.lanes.waiting == 0
    assert gate.lanes.all()[0].ask(Ticket(1), call.host.ports.now()) == pytest.approx(1000, abs=1)


def test_a_retry_that_is_refused_leaves_the_queue_at_once() -> None:
    """Though its operation may go on for a while."""
    gate = gate_of(acquisition_timeout=1.0)
    call = let_in(gate)
    attempt_of(gate, call)
    assert isinstance(call.delay(0.5), Refusal)
    assert gate.lanes.waiting == 0


def test_only_what_asks_to_go_slower_is_excused() -> None:
    """Where the limit is enforced."""
    assert gate_of().excuses(RateLimitError())
    assert not gate_of().excuses(ServerError())
    assert not gate_of(mode="observe").excuses(RateLimitError())


def test_a_stand_in_for_an_answer_says_nothing() -> None:
    """It may have nothing but a status; and an answer need not have a request."""
    gate = gate_of()
    call = let_in(gate)
    attempt = attempt_of(gate, call)

    class StandIn:
        status_code = 200

    gate.end_attempt(call, attempt, StandIn(), None)  # type: ignore[arg-type] # a mock of a user's
    attempt = attempt_of(gate, call)
    gate.end_attempt(call, attempt, httpx.Response(429, headers={"Retry-After": "7"}), None)
    assert gate.lanes.all()[0].pause_left(call.host.ports.now()) == pytest.approx(7, abs=0.5)


def test_whoever_waits_is_forgotten_where_it_begins_anew() -> None:
    """In a forked child, or in another event loop."""
    gate = gate_of()
    call = let_in(gate)
    lane = gate.lanes.all()[0]
    lane.ask(Ticket(1), call.host.ports.now())
    assert gate.lanes.waiting == 1
    gate.begin_anew()
    assert gate.lanes.waiting == 0
    gate.close()

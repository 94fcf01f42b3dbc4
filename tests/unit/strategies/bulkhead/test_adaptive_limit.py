"""What a limit hears of attempts, by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import AdaptiveLimitConfig, BulkheadConfig
from client.engine.operation import Attempt
from client.exceptions import ServiceUnavailableError
from client.ports.blocking_ports import BLOCKING
from client.strategies.bulkhead.adaptive import AdaptiveLimit
from client.strategies.bulkhead.gate import Bulkhead
from tests.unit.calls import call_of

if TYPE_CHECKING:
    from client.engine.operation import Call
    from client.strategies.bulkhead.gradient import Change

BROKEN = ServiceUnavailableError("broken", status_code=503)


class Limit:
    """A limit whose changes are kept, and calls whose attempts it hears of."""

    def __init__(self, **settings: Any) -> None:
        self.changes: list[Change] = []
        self.queueing = False
        config = AdaptiveLimitConfig(window=0.01, minimum_samples=4, **settings)
        self.found = AdaptiveLimit(
            config, 200, lambda _, change: self.changes.append(change), lambda: self.queueing
        )

    def begin(self, call: Call) -> Attempt:
        """Begin an attempt of a call."""
        attempt = Attempt(call)
        self.found.begin_attempt(call, attempt)
        return attempt

    def end(self, attempt: Attempt, status: int = 200) -> None:
        """End it."""
        attempt.note_end(httpx.Response(status))
        self.found.end_attempt(attempt.call, attempt, None, BROKEN if status == 503 else None)


def ages(limit: Limit, seconds: float = 1.0) -> None:
    """Let the window be that old."""
    assert limit.found._began is not None
    limit.found._began -= seconds


def test_a_lost_attempt_of_a_hedge_says_nothing() -> None:
    """It was sent beside one that won."""
    limit = Limit()
    for number in range(8):
        attempt = limit.begin(call_of())
        attempt.is_lost = number < 7
        limit.end(attempt, 503)
        ages(limit)
    assert limit.changes == []


def test_two_attempts_at_once_use_one_slot() -> None:
    """And the slot is used until both have ended."""
    limit, call = Limit(), call_of()
    one, other = limit.begin(call), limit.begin(call)
    assert limit.found.on_the_wire == 1
    limit.end(one)
    assert limit.found.on_the_wire == 1
    limit.end(other)
    assert limit.found.on_the_wire == 0


def test_an_attempt_whose_end_was_broken_off_is_forgotten_with_its_operation() -> None:
    """An interrupt may keep it from being told."""
    limit, call = Limit(), call_of()
    assert limit.found.enter(call) is None
    limit.begin(call)
    [(gate, grant)] = call.grants
    assert gate is limit.found
    for _ in range(2):
        gate.leave(call, grant, KeyboardInterrupt())
    assert limit.found.on_the_wire == 0


def test_what_is_of_an_ended_loop_is_forgotten() -> None:
    """An attempt of that time that ends now says nothing."""
    limit = Limit()
    attempts = [limit.begin(call_of()) for _ in range(5)]
    limit.found.begin_anew()
    assert limit.found.on_the_wire == 0
    for attempt in attempts:
        limit.end(attempt, 503)
    assert limit.changes == []


def test_a_clock_that_is_set_back_does_not_stop_it() -> None:
    """The window ends then."""
    limit = Limit()
    attempts = [limit.begin(call_of()) for _ in range(4)]
    ages(limit, -1000.0)
    for attempt in attempts:
        limit.end(attempt, 503)
    assert limit.changes == ["drops"]


@pytest.mark.parametrize("reached", ["before", "by a caller", "at the end", "on the wire", "never"])
def test_a_limit_that_was_reached_measures_nothing_usual(reached: str) -> None:
    """At the beginning of the window, within it, or at its end."""
    limit = Limit(initial_limit=8)
    first = [limit.begin(call_of()) for _ in range(4)]
    ages(limit)
    limit.queueing = reached == "before"
    for attempt in first:
        limit.end(attempt)
    usual = limit.found.long_term
    assert usual is not None
    limit.queueing = False
    second = [limit.begin(call_of()) for _ in range(4)]
    ages(limit)
    limit.end(second.pop())
    others = [limit.begin(call_of()) for _ in range(8 if reached == "on the wire" else 3)]
    if reached == "by a caller":
        limit.found.note_full()
    limit.queueing = reached == "at the end"
    ages(limit)
    for attempt in (*second, *others):
        attempt.started -= 1.0
        limit.end(attempt)
    assert limit.found.long_term is not None
    assert (limit.found.long_term > usual + 0.1) is (reached == "never")


def test_what_was_under_way_when_a_window_began_is_in_use_in_it() -> None:
    """Though no attempt begins in it: those of before use half of the limit, and it grows."""
    limit = Limit(initial_limit=8, smoothing=1.0)
    attempts = [limit.begin(call_of()) for _ in range(12)]
    for first in (0, 4):
        ages(limit)
        for attempt in attempts[first : first + 4]:
            limit.end(attempt)
    assert limit.found.limit == 16


def test_a_bulkhead_begins_anew_with_the_limit_that_was_found() -> None:
    """All of its slots are free."""
    config = BulkheadConfig(adaptive=AdaptiveLimitConfig(initial_limit=7))
    bulkhead, call = Bulkhead(config, BLOCKING.make_ports()), call_of()
    assert bulkhead.enter(call) is None
    assert bulkhead.adaptive is not None
    bulkhead.adaptive.begin_attempt(call, Attempt(call))
    bulkhead.begin_anew()
    assert (bulkhead.slots.in_use, bulkhead.slots.limit) == (0, 7)
    assert bulkhead.adaptive.on_the_wire == 0

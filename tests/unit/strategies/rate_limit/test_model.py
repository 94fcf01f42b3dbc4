"""The lane under everything at once, in every order that hypothesis finds."""

from __future__ import annotations

from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from client.strategies.rate_limit.ticket import Stage
from tests.unit.strategies.rate_limit.callers import NEAR, Caller, Crowd

SECONDS = st.sampled_from([0.0, 0.125, 0.25, 0.5, 1.0, 3.0, 10.0])
COSTS = st.sampled_from([0.5, 1.0, 1.0, 2.0, 5.0])


class Machine(RuleBasedStateMachine):
    """Callers come, rest, give up, are held up with their token, and are sent or not."""

    @initialize(rate=st.sampled_from([0.5, 1.0, 4.0]), burst=st.sampled_from([1.0, 3.0]))
    def begin(self, rate: float, burst: float) -> None:
        """A lane of any rate."""
        self.crowd = Crowd(rate, burst)
        self.pauses: list[tuple[float, float]] = []

    @rule(cost=COSTS, rest=SECONDS)
    def come(self, cost: float, rest: float) -> None:
        """Somebody comes, with or without a backoff."""
        self.crowd.come(cost=cost, rest=rest)

    @rule(seconds=SECONDS)
    def pass_time(self, seconds: float) -> None:
        """Who is due asks."""
        self.crowd.pass_time(seconds)

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        """Somebody leaves: from the queue, or with a token in his hand."""
        if caller := self.any_caller(data, Stage.QUEUED, Stage.RESTING, Stage.HELD):
            self.crowd.give_up(caller)

    @rule(data=st.data())
    def send(self, data: st.DataObject) -> None:
        """Somebody uses his token, old or new."""
        if caller := self.any_caller(data, Stage.HELD):
            self.crowd.send(caller)

    @rule(data=st.data())
    def send_in_vain(self, data: st.DataObject) -> None:
        """Somebody uses his token, and does not get as far as the wire."""
        caller = self.any_caller(data, Stage.HELD)
        if caller and self.crowd.send(caller):
            self.crowd.sent.pop()
            self.crowd.lane.end(caller.ticket, caller, self.crowd.now, is_unsent=True)

    @rule(seconds=st.sampled_from([0.25, 1.0, 7.0]))
    def pause(self, seconds: float) -> None:
        """The server asks for a pause."""
        crowd = self.crowd
        crowd.lane.pause(seconds, crowd.now)
        self.pauses.append((crowd.now, crowd.now + seconds))

    @rule(cost=COSTS)
    def take_spare(self, cost: float) -> None:
        """A hedge takes what nobody waits for, or nothing."""
        crowd = self.crowd
        caller = Caller("hedge", crowd.come(cost=cost).ticket)
        crowd.give_up(crowd.callers.pop())
        waiting = crowd.lane.waiting - len(self.of_stage(Stage.RESTING))
        if crowd.lane.take_spare(caller.ticket, crowd.now):
            assert waiting == 0
            crowd.lane.send(caller.ticket, caller, crowd.now)
            crowd.sent.append((crowd.now, cost))

    @invariant()
    def no_window_holds_too_much(self) -> None:
        """What was sent in it, but of the last only what the bucket holds at once."""
        crowd = self.crowd
        assert crowd.rate is not None
        rate, burst = crowd.rate
        for begin, (start, _) in enumerate(crowd.sent):
            total = 0.0
            for at, cost in crowd.sent[begin:]:
                total += min(cost, burst)
                assert total <= burst + rate * (at - start) + NEAR
                total += cost - min(cost, burst)

    @invariant()
    def nobody_goes_in_a_pause(self) -> None:
        """At no moment of it."""
        for begin, end in self.pauses:
            assert not any(begin < at < end - NEAR for at, _ in self.crowd.sent)

    @invariant()
    def nobody_waits_for_longer_than_needed(self) -> None:
        """The first of the queue asks as soon as there is a token, and others plan to ask."""
        crowd = self.crowd
        crowd.settle()
        waiting = self.of_stage(Stage.QUEUED)
        assert all(caller.asks_at < inf for caller in waiting)
        if waiting:
            first = min(waiting, key=lambda caller: caller.ticket.number)
            due = crowd.lane._wait_of(first.ticket, crowd.now)
            assert first.asks_at <= crowd.now + due + NEAR
            assert due > 0

    @invariant()
    def the_books_are_right(self) -> None:
        """As many wait as there are, and for as much."""
        crowd = self.crowd
        waiting = self.of_stage(Stage.QUEUED)
        assert crowd.lane.waiting == len(waiting) + len(self.of_stage(Stage.RESTING))
        cost = sum(caller.ticket.cost for caller in waiting)
        assert abs(crowd.lane._queued_cost - cost) < NEAR

    def of_stage(self, *stages: Stage) -> list[Caller]:
        """The callers that have come so far."""
        return [each for each in self.crowd.callers if each.ticket.stage in stages]

    def any_caller(self, data: st.DataObject, *stages: Stage) -> Caller | None:
        """One of them, or None where there is none."""
        found = self.of_stage(*stages)
        return data.draw(st.sampled_from(found)) if found else None


TestMachine: Any = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

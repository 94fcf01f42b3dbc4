"""The circuit against a model: every rule at once, in every order that hypothesis finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from client.config.models import CircuitBreakerConfig
from client.exceptions import ServerError
from client.strategies.circuit.circuit import Circuit, CircuitOutcome, Permit, Rejection
from client.strategies.circuit.control import CircuitControl
from client.strategies.circuit.scopes import Breaker
from tests.unit.calls import call_of

# Multiples of a half second, so that sums are exact.
PAUSES = [0.0, 0.5, 1.0, 4.5, 9.5, 10.0, 20.0, 59.5, 60.0, 200.0]


@dataclass
class Model:
    """The rules in the plainest words. A permit is its generation and, for probes, a number."""

    threshold: int
    recovery: float
    successes_needed: int
    most_probes: int
    growth: float
    state: str = "closed"
    generation: int = 0
    streak: int = 0
    successes: int = 0
    failed_probes: int = 0
    opens_until: float = 0.0
    probes: dict[int, float] = field(default_factory=dict)
    reported: set[int] = field(default_factory=set)
    last_number: int = 0
    isolated_until: float | None = None
    """Forever is infinity; None where it is not isolated."""

    def isolate(self, until: float) -> None:
        """Nothing from before counts any more, and nobody is admitted."""
        self.isolated_until = until
        self.generation += 1
        self.probes.clear()

    def end_isolation(self, state: str) -> None:
        """By hand it closes; when its time is over a probe decides."""
        self.isolated_until = None
        if state == "closed":
            self.failed_probes = 0
        self.move(state)

    def shown(self, now: float) -> str:
        """What somebody sees who looks."""
        if self.isolated_until is not None:
            return "isolated" if now < self.isolated_until else "half-open"
        is_over = self.state == "open" and now >= self.opens_until
        return "half-open" if is_over else self.state

    def admit(self, now: float) -> tuple[int, int] | None:
        """A permit, or None."""
        if self.isolated_until is not None:
            if now < self.isolated_until:
                return None
            self.end_isolation("half-open")
        if self.state == "open" and now >= self.opens_until:
            self.move("half-open")
        if self.state == "closed":
            return self.generation, 0
        if self.state == "open" or self.probes_out(now) >= self.most_probes:
            return None
        self.last_number += 1
        self.probes[self.last_number] = now + max(60.0, self.recovery)
        return self.generation, self.last_number

    def probes_out(self, now: float) -> int:
        """Those whose lease runs."""
        return sum(ends > now for ends in self.probes.values())

    def record(self, permit: tuple[int, int], outcome: CircuitOutcome, now: float) -> None:
        """Note an outcome, unless it is out of date or told already."""
        generation, probe = permit
        if generation != self.generation or probe in self.reported:
            return
        if probe:
            self.reported.add(probe)
            self.probes.pop(probe, None)
        if outcome is CircuitOutcome.FAILURE:
            self.streak += 1
            if probe or self.streak >= self.threshold:
                self.failed_probes += bool(probe)
                self.opens_until = now + min(600.0, self.recovery * self.growth**self.failed_probes)
                self.move("open")
        if outcome is CircuitOutcome.SUCCESS:
            self.streak = 0
            self.successes += bool(probe)
            if self.successes >= self.successes_needed:
                self.failed_probes = 0
                self.move("closed")

    def move(self, state: str) -> None:
        """A transition begins a generation and forgets the probes of the one before."""
        self.state, self.generation = state, self.generation + 1
        self.streak = self.successes = 0
        self.probes.clear()


class Clock:
    """The time of a machine."""

    def __init__(self, machine: CircuitMachine) -> None:
        self._machine = machine

    def now(self) -> float:
        """Return its time."""
        return self._machine.now

    def wall_clock(self) -> float:
        """Return the same, for want of another."""
        return self._machine.now


class CircuitMachine(RuleBasedStateMachine):
    """Operations start and end in any order, while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0
        self.out: list[tuple[Permit, tuple[int, int]]] = []
        self.ended: list[tuple[Permit, tuple[int, int]]] = []

    @initialize(
        threshold=st.integers(1, 4),
        recovery=st.sampled_from([0.0, 1.0, 10.0, 100.0]),
        successes=st.integers(1, 3),
        probes=st.integers(1, 4),
        growth=st.sampled_from([1.0, 2.0]),
    )
    def configure(
        self, threshold: int, recovery: float, successes: int, probes: int, growth: float
    ) -> None:
        """Any circuit will do."""
        config: dict[str, Any] = {
            "failure_threshold": threshold,
            "recovery_timeout": recovery,
            "success_threshold": successes,
            "half_open_max_calls": probes,
            "recovery_multiplier": growth,
        }
        self.circuit = Circuit(CircuitBreakerConfig(**config))
        breaker = Breaker(self.circuit.config, single=self.circuit)
        self.control = CircuitControl(breaker, Clock(self))
        self.model = Model(threshold, recovery, successes, probes, growth)

    @rule()
    def start(self) -> None:
        """An operation asks for leave."""
        before = self.model.state
        is_isolated = self.model.shown(self.now) == "isolated"
        is_over = self.model.isolated_until is not None and not is_isolated
        expected = self.model.admit(self.now)
        isolations = self.control.isolations
        if isolations.is_on:  # as a call does
            assert (isolations.refusal(call_of()) is not None) is is_isolated
        if is_isolated:
            assert expected is None
            assert isinstance(self.circuit.admit(self.now), Rejection)
            return
        peeked = self.circuit.peek(self.now)
        decision = self.circuit.admit(self.now)
        if isinstance(decision, Rejection):
            assert expected is None
            left = self.model.opens_until - self.now if self.model.state == "open" else 0.0
            assert decision.retry_after == left
            assert peeked == (decision if self.model.state == "open" else None)
            return
        assert expected is not None
        assert peeked is None
        assert decision.is_probe is bool(expected[1])
        assert decision.half_opened is (before == "open" and not is_over)
        self.out.append((decision, expected))

    @rule(seconds=st.sampled_from([None, 0.5, 10.0]))
    def isolate(self, seconds: float | None) -> None:
        """Somebody takes it out of service, once more perhaps."""
        if self.model.shown(self.now) == "half-open" and self.model.isolated_until is not None:
            self.model.end_isolation("half-open")  # its time is over, and now that is noticed
        self.control.isolate("maintenance", seconds=seconds)
        self.model.isolate(inf if seconds is None else self.now + seconds)

    @rule(how=st.sampled_from(["release", "reset"]))
    def release(self, how: str) -> None:
        """Somebody puts it back, or closes it."""
        if self.model.isolated_until is not None and self.now >= self.model.isolated_until:
            self.model.end_isolation("half-open")
        getattr(self.control, how)()
        if self.model.isolated_until is not None:
            self.model.end_isolation("closed")
        if how == "reset":
            self.model.end_isolation("closed")

    @precondition(lambda self: self.out)
    @rule(which=st.integers(0, 50), outcome=st.sampled_from(CircuitOutcome))
    def end(self, which: int, outcome: CircuitOutcome) -> None:
        """Any operation that is under way ends, early ones late."""
        ending = self.out.pop(which % len(self.out))
        self.ended.append(ending)
        self.report(ending, outcome)

    @precondition(lambda self: self.ended)
    @rule(which=st.integers(0, 50), outcome=st.sampled_from(CircuitOutcome))
    def end_again(self, which: int, outcome: CircuitOutcome) -> None:
        """A probe reports a second time."""
        permit, expected = self.ended[which % len(self.ended)]
        if permit.is_probe:
            self.report((permit, expected), outcome)

    def report(self, ending: tuple[Permit, tuple[int, int]], outcome: CircuitOutcome) -> None:
        """Tell both, and compare what they make of it."""
        before = self.model.generation
        permit, expected = ending
        self.model.record(expected, outcome, self.now)
        transition = self.circuit.record(permit, outcome, self.now, ServerError("x"))
        assert (transition is not None) is (self.model.generation != before)
        if transition is not None:
            assert transition.state == self.model.state
        if transition is not None and transition.state == "open":
            assert transition.seconds == self.model.opens_until - self.now

    @rule(pause=st.sampled_from(PAUSES))
    def let_time_pass(self, pause: float) -> None:
        """Leases and breaks end."""
        self.now += pause

    @invariant()
    def they_agree(self) -> None:
        """On the state, and on how many probes are out."""
        if hasattr(self, "circuit"):
            assert self.circuit.state == self.model.state
            assert self.control.state == self.model.shown(self.now)
            assert self.model.probes_out(self.now) <= self.model.most_probes


TestCircuit = CircuitMachine.TestCase
TestCircuit.settings = settings(max_examples=80, stateful_step_count=50, deadline=None)

"""The circuits of a client: one for all, or one per origin, and never too many (rule 8)."""

from collections.abc import Iterable
from typing import Any

import pybreaker
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from client.config.models import CircuitBreakerConfig
from client.exceptions import ServerError
from client.strategies.circuit.circuit import Circuit, CircuitOutcome, CircuitState, Permit
from client.strategies.circuit.scopes import Breaker
from tests.unit.strategies.circuit.circuits import (
    AFTER,
    START,
    admitted,
    fail_times,
    is_admitted,
    succeed,
)

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


def breaker_of(most_origins: int = 3, **more: Any) -> Breaker:
    """A breaker by origin whose circuits open at the first failure."""
    config = CircuitBreakerConfig(
        **{"scope": "origin", "failure_threshold": 1, "recovery_timeout": 10.0, **more}
    )
    return Breaker(config, most_origins)


def circuit_for(breaker: Breaker, origin: str) -> Circuit:
    """The circuit of an origin, which must have one."""
    circuit = breaker.circuit_for(origin)
    assert circuit is not None
    return circuit


def open_all(breaker: Breaker, origins: Iterable[str]) -> None:
    """Open the circuits of origins that are named by a letter each."""
    for origin in origins:
        fail_times(circuit_for(breaker, origin), 1)


def origins_of(breaker: Breaker) -> str:
    """Those that have a circuit, in no order that means anything."""
    return "".join(sorted(breaker.states()))


def test_by_client_there_is_one_circuit() -> None:
    """Named so, and known before the first operation."""
    config = CircuitBreakerConfig()
    breaker = Breaker(config)
    assert breaker.config is config
    assert breaker.single is not None
    assert breaker.states() == {"client": CLOSED}
    fail_times(breaker.single, 5)
    assert breaker.states() == {"client": OPEN}


def test_by_origin_each_has_its_own() -> None:
    """The failures of one are none of another's."""
    breaker = breaker_of()
    assert breaker.single is None
    assert breaker.states() == {}
    fail_times(circuit_for(breaker, "https://a:443"), 1)
    assert is_admitted(circuit_for(breaker, "https://b:443")) is True
    assert breaker.states() == {"https://a:443": OPEN, "https://b:443": CLOSED}


def test_an_origin_keeps_its_circuit() -> None:
    """As long as there is room."""
    breaker = breaker_of()
    first = circuit_for(breaker, "a")
    circuit_for(breaker, "b")
    assert circuit_for(breaker, "a") is first
    assert first.scope == "a"


def test_a_client_remembers_ten_thousand_origins() -> None:
    """And no more, however many redirects there are to follow."""
    breaker = Breaker(CircuitBreakerConfig(scope="origin"))
    first = circuit_for(breaker, "0")
    for number in range(1, 10_000):
        circuit_for(breaker, str(number))
    assert circuit_for(breaker, "0") is first
    circuit_for(breaker, "one more")
    assert len(breaker.states()) == 10_000
    assert "1" not in breaker.states()


def test_rule_8_the_least_recently_used_goes_first() -> None:
    """Used means asked for, not made."""
    breaker = breaker_of()
    for origin in "abcab":
        circuit_for(breaker, origin)
    circuit_for(breaker, "d")
    assert origins_of(breaker) == "abd"


def test_rule_8_an_open_circuit_is_never_forgotten() -> None:
    """However long nobody asked for it."""
    breaker = breaker_of()
    open_all(breaker, "a")
    circuit = circuit_for(breaker, "a")
    for number in range(50):
        circuit_for(breaker, str(number))
    assert len(breaker.states()) == 3
    assert circuit_for(breaker, "a") is circuit
    assert is_admitted(circuit) is False


def test_rule_8_a_half_open_circuit_is_never_forgotten() -> None:
    """Its probe is out."""
    breaker = breaker_of()
    open_all(breaker, "a")
    circuit = circuit_for(breaker, "a")
    admitted(circuit, AFTER)
    for number in range(50):
        circuit_for(breaker, str(number))
    assert breaker.states()["a"] is HALF_OPEN
    assert circuit_for(breaker, "a") is circuit


def test_rule_8_where_all_are_open_a_new_origin_goes_without() -> None:
    """It is not protected, and neither turned away."""
    breaker = breaker_of()
    open_all(breaker, "abc")
    assert breaker.circuit_for("d") is None
    assert origins_of(breaker) == "abc"


def test_rule_8_a_circuit_that_closed_again_can_be_forgotten() -> None:
    """Though it was passed over while it was open."""
    breaker = breaker_of()
    open_all(breaker, "abc")
    assert breaker.circuit_for("d") is None
    circuit = circuit_for(breaker, "b")
    succeed(circuit, admitted(circuit, AFTER), AFTER)
    assert breaker.circuit_for("d") is not None
    assert origins_of(breaker) == "acd"


def test_rule_8_making_room_looks_at_a_hundred_circuits_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each look asks a storage, maybe the user's; the next origin goes on where this one ended."""
    breaker = breaker_of(150)
    origins = [str(number) for number in range(150)]
    open_all(breaker, [origin for origin in origins if origin != "130"])
    for origin in origins:
        circuit_for(breaker, origin)
    looks: list[str] = []

    def look(circuit: Circuit) -> CircuitState:
        looks.append(circuit.scope)
        return CLOSED if circuit.scope == "130" else OPEN

    monkeypatch.setattr(Circuit, "state", property(look))
    assert breaker.circuit_for("new") is None
    assert looks == origins[:100]
    assert breaker.circuit_for("new") is not None
    assert looks[100:] == origins[100:131]
    assert "130" not in breaker.states()


class BreakerMachine(RuleBasedStateMachine):
    """Any use of a small table, against the two things that it promises."""

    @initialize(most=st.integers(1, 4))
    def make(self, most: int) -> None:
        """A table of few."""
        self.most, self.now = most, START
        self.breaker = breaker_of(most)
        self.not_closed: dict[str, Circuit] = {}

    @rule(origin=st.sampled_from("abcdefgh"), what=st.sampled_from(["fail", "succeed", "ask"]))
    def use(self, origin: str, what: str) -> None:
        """An operation on an origin, if it has a circuit that lets it through."""
        self.now += 3
        circuit = self.breaker.circuit_for(origin)
        if circuit is None:
            assert origin not in self.not_closed
            assert len(self.not_closed) == self.most
            return
        assert self.not_closed.get(origin, circuit) is circuit
        if is_admitted(circuit, self.now) and what != "ask":
            self.now += 120  # past the lease of the probe that was taken here
            end = fail_times if what == "fail" else self.succeed
            end(circuit, 1, self.now)
        if circuit.state is CLOSED:
            self.not_closed.pop(origin, None)
        else:
            self.not_closed[origin] = circuit

    def succeed(self, circuit: Circuit, times: int, now: float) -> None:
        """Let operations end well."""
        for _ in range(times):
            succeed(circuit, admitted(circuit, now), now)

    @invariant()
    def it_is_bounded_and_forgets_no_open_one(self) -> None:
        """After every step."""
        if hasattr(self, "breaker"):
            states = self.breaker.states()
            assert len(states) <= self.most
            assert {o for o, state in states.items() if state is not CLOSED} == set(self.not_closed)


TestBreaker = BreakerMachine.TestCase
TestBreaker.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("scope", ["client", "origin"])
def test_a_storage_is_asked_for_by_scope(scope: str) -> None:
    """Each circuit has its own."""
    asked: list[str] = []

    def make(name: str) -> pybreaker.CircuitMemoryStorage:
        asked.append(name)
        return pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)

    breaker = breaker_of(scope=scope, storage=make)
    if scope == "origin":
        for origin in "aba":
            circuit_for(breaker, origin)
    assert asked == {"client": ["client"], "origin": ["a", "b"]}[scope]


def test_an_origin_that_never_failed_takes_no_place() -> None:
    """Its first failure makes it a circuit, which counts from there."""
    breaker = breaker_of(failure_threshold=2)
    guard = breaker.guard_for("a")
    assert guard is not None
    permit = guard.admit(0.0)
    assert isinstance(permit, Permit)
    assert guard.peek(0.0) is None
    assert guard.is_unmoved_by(permit, CircuitOutcome.SUCCESS)
    assert guard.is_unmoved_by(permit, CircuitOutcome.IGNORED)
    assert breaker.states() == {}
    assert not guard.is_unmoved_by(permit, CircuitOutcome.FAILURE)
    assert guard.record(permit, CircuitOutcome.FAILURE, 0.0, ServerError()) is None
    assert breaker.states() == {"a": "closed"}
    opened = guard.record(permit, CircuitOutcome.FAILURE, 0.0, ServerError())
    assert opened is not None
    assert breaker.states() == {"a": "open"}
    assert isinstance(breaker.guard_for("a"), Circuit)


def test_a_success_that_began_before_the_first_failure_ends_the_row() -> None:
    """It came later than the failure."""
    breaker = breaker_of(failure_threshold=2)
    early, failing = breaker.guard_for("a"), breaker.guard_for("a")
    assert early is not None
    assert failing is not None
    permit = early.admit(0.0)
    assert isinstance(permit, Permit)
    failing.record(permit, CircuitOutcome.FAILURE, 0.0, ServerError())
    assert not early.is_unmoved_by(permit, CircuitOutcome.SUCCESS)
    early.record(permit, CircuitOutcome.SUCCESS, 0.0)
    assert circuit_for(breaker, "a").failures == 0


def test_where_the_table_is_full_of_open_ones_a_failure_is_not_noted() -> None:
    """Rule 8: the bound holds."""
    breaker = breaker_of(most_origins=1)
    fail_times(circuit_for(breaker, "a"), 1)
    guard = breaker.guard_for("b")
    assert guard is not None
    permit = guard.admit(0.0)
    assert isinstance(permit, Permit)
    assert guard.record(permit, CircuitOutcome.FAILURE, 0.0, ServerError()) is None
    assert breaker.states() == {"a": "open"}


def test_where_success_counts_each_origin_has_its_circuit_from_the_first_call() -> None:
    """A share of failures is one of all calls."""
    breaker = breaker_of(failure_rate=0.5)
    assert isinstance(breaker.guard_for("a"), Circuit)

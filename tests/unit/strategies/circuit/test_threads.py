"""The circuit between threads: they begin together at barriers, and nobody sleeps."""

from collections import Counter
from threading import Event, Lock, Thread

import pybreaker
import pytest

from client.config.models import CircuitBreakerConfig
from client.strategies.circuit.circuit import CircuitState, Permit
from client.strategies.circuit.scopes import Breaker
from tests.eventually import PATIENCE_SECONDS
from tests.unit.strategies.circuit.circuits import (
    START,
    admitted,
    circuit_of,
    fail,
    fail_times,
    ignore,
    is_admitted,
    opened,
    succeed,
)
from tests.unit.threads import together

THREADS = 16
ROUNDS = 40


@pytest.mark.parametrize("most", [1, 3])
def test_exactly_half_open_max_calls_get_through(most: int) -> None:
    """Round after round, in which all probes come back ignored."""
    circuit = opened(half_open_max_calls=most)
    now = START + 10
    for _ in range(ROUNDS):
        decisions = together(lambda: circuit.admit(now))
        probes = [decision for decision in decisions if isinstance(decision, Permit)]
        assert len(probes) == most
        for probe in probes:
            assert ignore(circuit, probe, now) is None


def test_exactly_one_probe_half_opens_it() -> None:
    """Each time that it has been open."""
    circuit = opened(half_open_max_calls=THREADS)
    now = START
    for _ in range(ROUNDS):
        now += 10
        at = now
        permits = together(lambda: admitted(circuit, at))  # noqa: B023 - run within the round
        assert Counter(permit.half_opened for permit in permits)[True] == 1
        fail(circuit, permits[0], now)


def test_exactly_one_failure_opens_it() -> None:
    """However many there are at once; the others are out of date by then."""
    for _ in range(ROUNDS):
        circuit = circuit_of(failure_threshold=3)
        permits = [admitted(circuit) for _ in range(THREADS)]
        transitions = together(lambda: fail(circuit, permits.pop()))  # noqa: B023 - run within the round
        assert len([each for each in transitions if each is not None]) == 1
        assert circuit.state is CircuitState.OPEN


def test_exactly_one_success_closes_it() -> None:
    """However many probes come back at once."""
    for _ in range(ROUNDS):
        circuit = opened(half_open_max_calls=THREADS, success_threshold=THREADS)
        probes = [admitted(circuit, START + 10) for _ in range(THREADS)]
        transitions = together(lambda: succeed(circuit, probes.pop(), START + 10))  # noqa: B023 - run within the round
        assert len([each for each in transitions if each is not None]) == 1
        assert circuit.state is CircuitState.CLOSED


def test_no_failure_is_lost() -> None:
    """Every one of them counts."""
    circuit = circuit_of(failure_threshold=THREADS * ROUNDS)
    together(lambda: fail_times(circuit, ROUNDS))
    assert circuit.state is CircuitState.OPEN


def test_every_change_is_told_once() -> None:
    """Threads that ask at once do not tell of the same change twice, nor of none."""

    class Counting(pybreaker.CircuitBreakerListener):
        def __init__(self) -> None:
            self.lock = Lock()
            self.told: Counter[str] = Counter()

        def state_change(
            self, cb: object, old_state: object, new_state: pybreaker.CircuitBreakerState
        ) -> None:
            with self.lock:
                self.told[new_state.name] += 1

    listener = Counting()
    circuit = opened(listeners=[listener], half_open_max_calls=THREADS)
    now = START
    for _ in range(ROUNDS):
        now += 10
        at = now
        permits = together(lambda: admitted(circuit, at))  # noqa: B023 - run within the round
        together(lambda: fail(circuit, permits.pop(), at))  # noqa: B023 - run within the round
    assert listener.told == {"open": ROUNDS + 1, "half-open": ROUNDS}


def test_rule_6_a_listener_that_takes_its_time_holds_up_nobody() -> None:
    """Other threads are admitted, and report, while it is being told."""
    told, go_on = Event(), Event()

    class Slow(pybreaker.CircuitBreakerListener):
        def state_change(self, cb: object, old_state: object, new_state: object) -> None:
            told.set()
            assert go_on.wait(PATIENCE_SECONDS)

    circuit = circuit_of(listeners=[Slow()], failure_threshold=1, half_open_max_calls=2)
    late = admitted(circuit)
    thread = Thread(target=fail_times, args=(circuit, 1))
    thread.start()
    assert told.wait(PATIENCE_SECONDS)
    try:
        assert is_admitted(circuit) is False
        assert succeed(circuit, late) is None
        assert circuit.state is CircuitState.OPEN
    finally:
        go_on.set()
        thread.join()


def test_an_origin_has_one_circuit() -> None:
    """However many threads ask for it first."""
    for number in range(ROUNDS):
        breaker = Breaker(CircuitBreakerConfig(scope="origin"))
        origin = f"https://host{number}:443"
        found = together(lambda: breaker.circuit_for(origin))  # noqa: B023 - run within the round
        assert len(set(found)) == 1
        assert None not in found

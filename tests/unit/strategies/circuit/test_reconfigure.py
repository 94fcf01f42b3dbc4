"""Circuits that go by other thresholds and times, in the state they are in."""

from __future__ import annotations

from typing import Any

import pybreaker
import pytest

from client.config.models import CircuitBreakerConfig
from client.strategies.circuit.circuit import Circuit, CircuitState
from client.strategies.circuit.failure_window import FailureWindow
from client.strategies.circuit.scopes import Breaker
from tests.unit.strategies.circuit.circuits import (
    AFTER,
    START,
    admitted,
    circuit_of,
    fail,
    fail_times,
    is_admitted,
    opened,
    rejected,
    succeed,
)

RATE: dict[str, Any] = {"failure_rate": 0.5, "minimum_calls": 4, "window_seconds": 10}


def state_of(circuit: Circuit) -> CircuitState:
    """Where it stands."""
    return circuit.state


def reconfigured(circuit: Circuit, **settings: Any) -> Circuit:
    """The same circuit, by other settings."""
    defaults: dict[str, Any] = {"failure_threshold": 2, "recovery_timeout": 10.0}
    circuit.reconfigure(CircuitBreakerConfig(**{**defaults, **settings}))
    return circuit


def test_thresholds_hold_from_then_on() -> None:
    """Of failures, of probes that are good, and of those out at once."""
    circuit = reconfigured(circuit_of(), failure_threshold=3)
    fail_times(circuit, 2)
    assert state_of(circuit) is CircuitState.CLOSED
    fail_times(circuit, 1)
    assert state_of(circuit) is CircuitState.OPEN
    reconfigured(circuit, success_threshold=2, half_open_max_calls=2)
    first, second = admitted(circuit, AFTER), admitted(circuit, AFTER)
    assert not is_admitted(circuit, AFTER)
    succeed(circuit, first, AFTER)
    assert state_of(circuit) is CircuitState.HALF_OPEN
    succeed(circuit, second, AFTER)
    assert state_of(circuit) is CircuitState.CLOSED


def test_a_break_lasts_as_long_as_it_was_to() -> None:
    """The next one is of the new length."""
    circuit = reconfigured(opened(), recovery_timeout=3)
    assert rejected(circuit, START + 9).retry_after == 1
    fail(circuit, admitted(circuit, AFTER), AFTER)
    assert rejected(circuit, AFTER + 1).retry_after == 2


def test_pybreaker_is_told() -> None:
    """Its listeners may look at it."""
    kept: Any = reconfigured(
        circuit_of(), failure_threshold=7, recovery_timeout=8, success_threshold=9
    )._pybreaker
    assert (kept.fail_max, kept.reset_timeout, kept.success_threshold) == (7, 8, 9)


def test_a_window_that_comes_is_empty() -> None:
    """What was counted in a row stays, where that decides too."""
    circuit = circuit_of(failure_threshold=5)
    fail_times(circuit, 3)
    circuit.reconfigure(CircuitBreakerConfig(**RATE))
    fail_times(circuit, 3)
    assert state_of(circuit) is CircuitState.CLOSED
    fail_times(circuit, 1)
    assert state_of(circuit) is CircuitState.OPEN


def test_a_window_that_goes_decides_no_more() -> None:
    """Then failures in a row do."""
    circuit = circuit_of(**RATE, failure_threshold=100)
    fail_times(circuit, 3)
    circuit.reconfigure(CircuitBreakerConfig(failure_threshold=6))
    fail_times(circuit, 2)
    assert state_of(circuit) is CircuitState.CLOSED
    fail_times(circuit, 1)
    assert state_of(circuit) is CircuitState.OPEN


def test_what_a_window_of_the_same_length_holds_stays() -> None:
    """By another rate and another number of calls."""
    circuit = circuit_of(**RATE, failure_threshold=100)
    fail_times(circuit, 3)
    reconfigured(circuit, **{**RATE, "minimum_calls": 100}, failure_threshold=100)
    fail_times(circuit, 3)
    assert state_of(circuit) is CircuitState.CLOSED
    reconfigured(circuit, **{**RATE, "minimum_calls": 7}, failure_threshold=100)
    fail_times(circuit, 1)
    assert state_of(circuit) is CircuitState.OPEN


def test_a_window_of_another_length_begins_empty() -> None:
    """Its buckets are of another length too."""
    circuit = circuit_of(**RATE, failure_threshold=100)
    fail_times(circuit, 3)
    reconfigured(circuit, **{**RATE, "window_seconds": 20}, failure_threshold=100)
    fail_times(circuit, 3)
    assert state_of(circuit) is CircuitState.CLOSED


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ({}, {}, True),
        ({}, RATE, False),
        (RATE, {}, False),
        (RATE, {**RATE, "failure_rate": 0.9, "minimum_calls": 9}, True),
        (RATE, {**RATE, "window_seconds": 11}, False),
        ({"failure_rate": 0.5}, {"failure_rate": 0.5, "window_seconds": 60}, True),
        ({"failure_rate": 0.5}, {"failure_rate": 0.5, "window_seconds": 61}, False),
    ],
    ids=["none", "comes", "goes", "length", "other-length", "default", "other-default"],
)
def test_windows_are_the_same_by_their_length(
    one: dict[str, Any], other: dict[str, Any], *, is_same: bool
) -> None:
    """Given, or by default."""
    configs = CircuitBreakerConfig(**one), CircuitBreakerConfig(**other)
    assert FailureWindow.is_same(*configs) is is_same


def test_a_window_goes_by_the_default_where_nothing_is_given() -> None:
    """Of calls, that is twenty."""
    circuit = circuit_of(**RATE, failure_threshold=100)
    rate = {"failure_rate": 0.5, "window_seconds": 10}
    reconfigured(circuit, **rate, failure_threshold=100)
    fail_times(circuit, 19)
    assert state_of(circuit) is CircuitState.CLOSED
    fail_times(circuit, 1)
    assert state_of(circuit) is CircuitState.OPEN


def test_listeners_come_with_their_circuits() -> None:
    """Those that a circuit has are told of what a new one does not do."""
    listener = pybreaker.CircuitBreakerListener()
    circuit = circuit_of(listeners=[listener])
    assert circuit._is_plain is False
    reconfigured(circuit, listeners=[listener], failure_threshold=3)
    assert circuit._is_plain is False


def test_all_circuits_of_a_client_go_by_them() -> None:
    """Those of origins that come later, too; how success counts is looked at anew."""
    breaker = Breaker(CircuitBreakerConfig(scope="origin", failure_threshold=5))
    one = breaker.circuit_for("a")
    assert one is not None
    breaker.reconfigure(CircuitBreakerConfig(scope="origin", failure_threshold=1))
    other = breaker.circuit_for("b")
    assert other is not None
    for circuit in (one, other):
        fail_times(circuit, 1)
        assert state_of(circuit) is CircuitState.OPEN
    assert breaker.guard_for("c") is not None
    assert breaker.found("c") is None
    breaker.reconfigure(CircuitBreakerConfig(scope="origin", failure_rate=0.5))
    assert breaker.guard_for("c") is breaker.found("c")


def test_a_circuit_that_retires_hears_no_one_any_more() -> None:
    """Neither those who are in, nor a probe."""
    circuit = circuit_of()
    permit = admitted(circuit)
    circuit.retire()
    for _ in range(5):
        fail(circuit, permit)
    assert (circuit.state, circuit.failures) == (CircuitState.CLOSED, 0)
    half_open = opened()
    probe = admitted(half_open, AFTER)
    half_open.retire()
    succeed(half_open, probe, AFTER)
    assert state_of(half_open) is CircuitState.HALF_OPEN
    assert is_admitted(half_open, AFTER)

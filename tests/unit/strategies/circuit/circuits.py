"""Circuits, and the way of operations through them."""

from typing import Any

from client.config.models import CircuitBreakerConfig
from client.exceptions import ServerError
from client.strategies.circuit.circuit import (
    Circuit,
    CircuitOutcome,
    CircuitState,
    Permit,
    Rejection,
    Transition,
)

START = 1_000.0
AFTER = START + 10
"""When the break is over of a circuit that opened at the start."""


def circuit_of(**settings: Any) -> Circuit:
    """A circuit that opens at the second failure, for ten seconds, unless told otherwise."""
    defaults: dict[str, Any] = {"failure_threshold": 2, "recovery_timeout": 10.0}
    return Circuit(CircuitBreakerConfig(**{**defaults, **settings}))


def admitted(circuit: Circuit, now: float = START) -> Permit:
    """The permit of an operation that must get one."""
    decision = circuit.admit(now)
    assert isinstance(decision, Permit), decision
    return decision


def rejected(circuit: Circuit, now: float = START) -> Rejection:
    """The rejection of an operation that must get one."""
    decision = circuit.admit(now)
    assert isinstance(decision, Rejection), decision
    return decision


def is_admitted(circuit: Circuit, now: float = START) -> bool:
    """Whether an operation gets its permit."""
    return isinstance(circuit.admit(now), Permit)


def succeed(circuit: Circuit, permit: Permit, now: float = START) -> Transition | None:
    """Let an operation end well."""
    return circuit.record(permit, CircuitOutcome.SUCCESS, now)


def fail(
    circuit: Circuit, permit: Permit, now: float = START, error: BaseException | None = None
) -> Transition | None:
    """Let an operation fail."""
    return circuit.record(permit, CircuitOutcome.FAILURE, now, error or ServerError("it failed"))


def ignore(circuit: Circuit, permit: Permit, now: float = START) -> Transition | None:
    """Let an operation end in a way that says nothing about the server."""
    return circuit.record(permit, CircuitOutcome.IGNORED, now)


def fail_times(circuit: Circuit, times: int, now: float = START) -> None:
    """Let operations fail one after the other."""
    for _ in range(times):
        fail(circuit, admitted(circuit, now), now)


def opened(now: float = START, **settings: Any) -> Circuit:
    """A circuit that two failures have just opened."""
    circuit = circuit_of(**settings)
    fail_times(circuit, 2, now)
    assert circuit.state is CircuitState.OPEN
    return circuit

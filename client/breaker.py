"""Finds the circuit of an operation: one for the client, or one per origin.

Rule 8 of the circuit is kept here: what is stored per origin is bounded, the least recently used
goes first, and a circuit that is not closed is never forgotten. Where even those fill the bound,
a new origin goes without a circuit rather than into the table. What has never failed is not stored
at all, unless the circuit's rules make success count.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final

from client.circuit_state import CircuitState, Outcome, Permit, is_expected
from client.forking import fork_safe

if TYPE_CHECKING:
    from client.circuit import Circuit
    from client.circuit_state import Guard, Holder, Rejection, Transition
    from client.config import CircuitBreakerConfig

__all__ = ["Breaker"]

_FIRST: Final = Permit(0)
_MOST_ORIGINS: Final = 10_000
_MOST_LOOKED_AT: Final = 100
"""Circuits looked at to make room for one, so that it costs little even where none is closed."""


class Breaker:
    """The circuits of one client, safe to share between threads and tasks."""

    def __init__(self, config: CircuitBreakerConfig, most_origins: int = _MOST_ORIGINS) -> None:
        self.config = config
        self._most_origins = most_origins
        self._lock = fork_safe(threading.RLock())
        self.single = _new_circuit(config) if config.scope == "client" else None
        """The one circuit of the client, or None where each origin has its own."""
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        # Otherwise success counts too, or somebody wants to hear of it.
        self._only_failures_count = (
            config.failure_rate is None and config.storage is None and not config.listeners
        )

    def guard_for(self, origin: str) -> Guard | None:
        """Return what an operation to an origin goes through.

        Where only failures count, an origin has no circuit until its first: what is healthy takes
        neither time nor a place in the table.
        """
        if self._only_failures_count and origin not in self._circuits:
            return _Untouched(self, origin)
        return self.circuit_for(origin)

    def circuit_for(self, origin: str) -> Circuit | None:
        """Return the circuit of an origin, or None where the table is full of open ones."""
        with self._lock:
            circuit = self._circuits.get(origin)
            if circuit is not None:
                self._circuits.move_to_end(origin)
            elif self._make_room():
                circuit = self._circuits[origin] = _new_circuit(self.config, origin)
            return circuit

    def forget_probes(self) -> None:
        """Have the probes that are out come back to nobody."""
        with self._lock:
            circuits = [*self._circuits.values(), *([self.single] if self.single else [])]
        for circuit in circuits:
            circuit.begin_anew()

    def has_circuit(self, origin: str) -> bool:
        """Tell whether an origin has a circuit already."""
        return origin in self._circuits

    def states(self) -> dict[str, CircuitState]:
        """Return the state of each circuit, by scope."""
        if self.single is not None:
            return {self.single.scope: self.single.state}
        with self._lock:
            circuits = list(self._circuits.values())
        return {circuit.scope: circuit.state for circuit in circuits}

    def _make_room(self) -> bool:
        """Forget the least recently used closed circuit where the table is full.

        Those that are not closed count as just used: the next search does not meet them again.
        """
        if len(self._circuits) < self._most_origins:
            return True
        for origin in list(islice(self._circuits, _MOST_LOOKED_AT)):
            if self._circuits[origin].state is CircuitState.CLOSED:
                del self._circuits[origin]
                return True
            self._circuits.move_to_end(origin)
        return False


def _new_circuit(config: CircuitBreakerConfig, scope: str = "client") -> Circuit:
    # Here, because it takes pybreaker along, and that redis where it is installed.
    from client.circuit import Circuit  # noqa: PLC0415 - see above

    return Circuit(config, scope)


class _Untouched:
    """Stands for the circuit of an origin that has not failed, and is made when it does."""

    __slots__ = ("_breaker", "scope")

    def __init__(self, breaker: Breaker, origin: str) -> None:
        self._breaker = breaker
        self.scope = origin

    def admit(self, now: float, holder: Holder | None = None) -> Permit | Rejection:  # noqa: ARG002 - a circuit's signature
        """Return leave of the first generation, which a circuit that is made later begins with."""
        return _FIRST

    def peek(self, now: float) -> Rejection | None:
        """Return None: it is closed."""

    def expects(self, error: BaseException) -> bool:
        """Tell whether an error counts as a failure."""
        return is_expected(self._breaker.config, error)

    def is_unmoved_by(self, permit: Permit, outcome: Outcome) -> bool:  # noqa: ARG002 - likewise
        """Tell whether there is nothing to note: no failure, and no circuit has been made since."""
        return outcome is not Outcome.FAILURE and not self._breaker.has_circuit(self.scope)

    def record(
        self, permit: Permit, outcome: Outcome, now: float, error: BaseException | None = None
    ) -> Transition | None:
        """Tell the circuit, which is made now."""
        circuit = self._breaker.circuit_for(self.scope)
        return None if circuit is None else circuit.record(permit, outcome, now, error)

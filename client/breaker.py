"""Finds the circuit of an operation: one for the client, or one per origin.

Rule 8 of the circuit is kept here: what is stored per origin is bounded, the least recently used
goes first, and a circuit that is not closed is never forgotten. Where even those fill the bound,
a new origin goes without a circuit rather than into the table.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from client.circuit import Circuit, CircuitState

if TYPE_CHECKING:
    from client.config import CircuitBreakerConfig

__all__ = ["Breaker"]

_MOST_ORIGINS: Final = 10_000


class Breaker:
    """The circuits of one client, safe to share between threads and tasks."""

    def __init__(self, config: CircuitBreakerConfig, most_origins: int = _MOST_ORIGINS) -> None:
        self.config = config
        self._most_origins = most_origins
        self._lock = threading.Lock()
        self.single = Circuit(config) if config.scope == "client" else None
        """The one circuit of the client, or None where each origin has its own."""
        self._recent: OrderedDict[str, Circuit] = OrderedDict()
        self._pinned: dict[str, Circuit] = {}

    def circuit_for(self, origin: str) -> Circuit | None:
        """Return the circuit of an origin, or None where the table is full of open ones."""
        with self._lock:
            circuit = self._recent.get(origin)
            if circuit is not None:
                self._recent.move_to_end(origin)
                return circuit
            return self._pinned_or_new(origin)

    def states(self) -> dict[str, CircuitState]:
        """Return the state of each circuit, by scope."""
        if self.single is not None:
            return {self.single.scope: self.single.state}
        with self._lock:
            circuits = [*self._recent.values(), *self._pinned.values()]
        return {circuit.scope: circuit.state for circuit in circuits}

    def _pinned_or_new(self, origin: str) -> Circuit | None:
        circuit = self._pinned.get(origin)
        if circuit is not None and circuit.state is not CircuitState.CLOSED:
            return circuit
        if circuit is not None:
            del self._pinned[origin]
        elif not self._make_room():
            return None
        else:
            circuit = Circuit(self.config, origin)
        self._recent[origin] = circuit
        return circuit

    def _make_room(self) -> bool:
        """Forget the least recently used closed circuits, setting aside those that are not."""
        while len(self._recent) + len(self._pinned) >= self._most_origins:
            if not self._recent:
                return False
            origin, oldest = self._recent.popitem(last=False)
            if oldest.state is not CircuitState.CLOSED:
                self._pinned[origin] = oldest
        return True

"""Finds the circuit of an operation: one for the client, or one per origin.

Rule 8 of the circuit is kept here: what is stored per origin is bounded, the least recently used
goes first, and a circuit that is not closed is never forgotten. Where even those fill the bound,
a new origin goes without a circuit rather than into the table. What has never failed is not stored
at all, unless the circuit's rules make success count.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import ExitStack, nullcontext
from itertools import islice
from typing import TYPE_CHECKING, Final

from ...errors.complaints import complain
from ...runtime.forking import fork_safe
from ...runtime.notices import Notices
from .audience import Audience
from .state import CircuitOutcome, CircuitState, Permit, is_expected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from ...config.models import CircuitBreakerConfig
    from ...metrics.stats import CircuitStats
    from .circuit import Circuit
    from .state import Guard, Holder, Mover, Rejection, Transition

__all__ = ["Breaker"]

_FIRST: Final = Permit(0)
_MOST_ORIGINS: Final = 10_000
_MOST_LOOKED_AT: Final = 100
"""Circuits looked at to make room for one, so that it costs little even where none is closed."""


class Breaker:
    """The circuits of one client, safe to share between threads and tasks.

    Args:
        config: Their thresholds and times.
        most_origins: How many are kept.
        single: A circuit that is there already, in place of those that `config` asks for.
        wall_clock: Returns the seconds since the epoch.
        audience: Told of their transitions; by default one of its own.
    """

    def __init__(
        self,
        config: CircuitBreakerConfig,
        most_origins: int = _MOST_ORIGINS,
        *,
        single: Circuit | None = None,
        wall_clock: Callable[[], float] = time.time,
        audience: Audience | None = None,
    ) -> None:
        self.config: CircuitBreakerConfig = config
        self._most_origins = most_origins
        self._wall_clock = wall_clock
        self._lock = fork_safe(threading.RLock())
        own = Audience() if audience is None else audience
        self.audience: Audience = own if single is None else single.audience
        """Who is told of their transitions."""
        self.notices: Notices = Notices() if single is None else single.notices
        """What is told of all of them, in the order in which it happened."""
        if single is None and config.scope == "client":
            single = self._new_circuit("client")
        self.single: Circuit | None = single
        """The one circuit of the client, or None where each origin has its own."""
        self._isolated_at: float | None = None
        self._circuits: OrderedDict[str, Circuit] = OrderedDict()
        self._only_failures_count = _only_failures_count(config)

    def reconfigure(self, config: CircuitBreakerConfig) -> None:
        """Have all circuits go by other thresholds and times, each in the state that it is in.

        Their scope, storage and listeners stay.
        """
        with self._lock:
            self.config = config
            self._only_failures_count = _only_failures_count(config)
            for circuit in self.circuits():
                circuit.reconfigure(config)

    def retire(self) -> None:
        """Have calls under way move nothing any more: others have taken the place of these."""
        for circuit in self.circuits():
            circuit.retire()

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
                circuit = self._new_circuit(origin)
                if self._isolated_at is not None:
                    circuit.isolate(self._isolated_at)
                self._circuits[origin] = circuit
            return circuit

    def forget_probes(self) -> None:
        """Forget the probes that are out: they report to nobody."""
        for circuit in self.circuits():
            circuit.begin_anew()

    def circuits(self) -> list[Circuit]:
        """Return those that there are."""
        if self.single is not None:
            return [self.single]
        with self._lock:
            return list(self._circuits.values())

    def found(self, origin: str) -> Circuit | None:
        """Return the circuit that an origin has already, or None."""
        return self._circuits.get(origin)

    def stats_at(self, now: float) -> list[CircuitStats]:
        """Return how each circuit stands, apart from being isolated."""
        return [circuit.stats_at(now) for circuit in self.circuits()]

    def states(self) -> dict[str, CircuitState]:
        """Return the state that each circuit was last moved to, by scope."""
        return {circuit.scope: circuit.state for circuit in self.circuits()}

    def own(self, origin: str | None) -> Circuit | None:
        """Return the circuit of an origin alone, or of everything, where there is such a one."""
        return self.single if origin is None else self._circuits.get(origin)

    def isolate(self, origin: str | None, now: float) -> None:
        """Isolate the circuit of an origin, or all of them, those to come too."""
        with self._lock:
            if origin is None:
                self._isolated_at = now
                isolated: list[Circuit | None] = [*self.circuits()]
            else:
                isolated = [None if self.single else self._circuit_if_possible(origin)]
            for circuit in isolated:
                if circuit is not None:
                    circuit.isolate(now)

    def end_isolation(
        self, origin: str | None, state: CircuitState, now: float, isolated: Collection[str]
    ) -> None:
        """End it, but for those that are `isolated` by themselves yet, or with all others.

        It ends for all of them, even where the storage of one raises.
        """
        with self._lock:
            if origin is None:
                self._isolated_at = None
            if self._isolated_at is not None:
                return
            own = self.own(origin)
            with ExitStack() as ends:  # which goes through them from the last one on
                for circuit in self.circuits()[::-1] if origin is None else [own]:
                    if circuit is not None and circuit.scope not in isolated:
                        ends.callback(circuit.end_isolation, state, now)

    def _circuit_if_possible(self, origin: str) -> Circuit | None:
        """Return the circuit of an origin, or None where its storage is not to be had."""
        try:
            return self.circuit_for(origin)
        except Exception:  # noqa: BLE001 - a user's; an origin is isolated without it
            complain("the storage of a circuit raised")
            return None

    def _make_room(self) -> bool:
        """Forget the least recently used closed circuit where the table is full.

        Those that are not closed count as just used: the next search does not meet them again.
        """
        if len(self._circuits) < self._most_origins:
            return True
        for origin in list(islice(self._circuits, _MOST_LOOKED_AT)):
            circuit = self._circuits[origin]
            if circuit.state is CircuitState.CLOSED and not circuit.is_isolated:
                del self._circuits[origin]
                return True
            self._circuits.move_to_end(origin)
        return False

    def _new_circuit(self, scope: str) -> Circuit:
        # Here, because it takes pybreaker along, and that redis where it is installed.
        from .circuit import Circuit  # noqa: PLC0415 - see above

        return Circuit(
            self.config,
            scope,
            audience=self.audience,
            notices=self.notices,
            wall_clock=self._wall_clock,
        )


def _only_failures_count(config: CircuitBreakerConfig) -> bool:
    """Whether nobody wants to hear of success, and it moves nothing."""
    return config.failure_rate is None and config.storage is None and not config.listeners


class _Untouched:
    """Stands for the circuit of an origin that has not failed, and is made when it does."""

    __slots__ = ("_breaker", "scope")

    def __init__(self, breaker: Breaker, origin: str) -> None:
        self._breaker = breaker
        self.scope = origin

    @property
    def permit(self) -> Permit:
        """One of the first generation."""
        return _FIRST

    def admit(
        self,
        now: float,  # noqa: ARG002 - a circuit's signature
        holder: Holder | None = None,  # noqa: ARG002 - likewise
        by: Mover | None = None,  # noqa: ARG002 - likewise
    ) -> Permit | Rejection:
        """Return leave of the first generation, which a circuit that is made later begins with."""
        return _FIRST

    def has_opened_since(self, permit: Permit, now: float) -> bool:
        """Whether a circuit was made since, and has opened."""
        circuit = self._breaker.found(self.scope)
        return circuit is not None and circuit.has_opened_since(permit, now)

    def waking(self, permit: Permit, wake: Callable[[], object]) -> AbstractContextManager[object]:
        """Hand over to the circuit, which is made now: others may fail while one waits."""
        circuit = self._breaker.circuit_for(self.scope)
        return nullcontext() if circuit is None else circuit.waking(permit, wake)

    def peek(self, now: float) -> Rejection | None:
        """Return None: it is closed."""

    def expects(self, error: BaseException) -> bool:
        """Return whether an error counts as a failure."""
        return is_expected(self._breaker.config, error)

    def is_unmoved_by(self, permit: Permit, outcome: CircuitOutcome) -> bool:  # noqa: ARG002 - likewise
        """Return whether an outcome changes nothing: no failure, and no circuit was made since."""
        return outcome is not CircuitOutcome.FAILURE and self._breaker.found(self.scope) is None

    def record(
        self,
        permit: Permit,
        outcome: CircuitOutcome,
        now: float,
        error: BaseException | None = None,
        by: Mover | None = None,
    ) -> Transition | None:
        """Report to the circuit, which is made now."""
        circuit = self._breaker.circuit_for(self.scope)
        return None if circuit is None else circuit.record(permit, outcome, now, error, by)

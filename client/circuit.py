"""One circuit: admits operations, records their outcomes, and drives pybreaker's state.

pybreaker keeps the state, the counters and the storage, and tells its listeners; its `call` is
never used, because it holds a lock across the call, counts a cancellation as a failure or as a
success, and lets everybody through when half open. What decides here are these rules:

Rule 1  A permit carries the generation it was given in; every transition begins a new one. An
        outcome from an older generation changes nothing.
Rule 2  There are three outcomes: success, failure and ignored. An ignored probe gives its permit
        back.
Rule 3  While half open, exactly `half_open_max_calls` probes are out; the rest is turned away.
Rule 4  A probe that never reports is reclaimed after a lease, so the circuit cannot wedge. One that
        reports late all the same is heard, as long as the circuit is still in its generation.
Rule 5  Time is monotonic and handed in.
Rule 6  The lock is held for transitions, never across a call, a listener or a callback.
Rule 7  The break may be jittered and grow with repeated failures; by default it does neither.
(Rule 8, state per origin is bounded, is kept in `breaker`.)
"""

from __future__ import annotations

import copy
import logging
import random
import threading
from typing import TYPE_CHECKING, Any, Final

import pybreaker

from client.circuit_state import (
    CircuitState,
    Outcome,
    Permit,
    Rejection,
    Transition,
    is_expected,
)
from client.exceptions import MyAPIError
from client.failure_window import FailureWindow
from client.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.circuit_state import Holder
    from client.config import CircuitBreakerConfig

__all__ = ["Circuit", "CircuitState", "Outcome", "Permit", "Rejection", "Transition"]

_SHORTEST_LEASE: Final = 60.0
_logger: Final = logging.getLogger("resilient_client")


class _Relay(pybreaker.CircuitBreakerListener):
    """Takes down what pybreaker tells, so that it can be passed on once the lock is free."""

    def __init__(self) -> None:
        self._changes: list[tuple[Any, Any]] = []

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:  # noqa: ARG002 - pybreaker's signature
        self._changes.append((old_state, new_state))

    def take(self) -> list[tuple[Any, Any]]:
        """Return the changes since the last time, for whoever takes them to pass on."""
        taken, self._changes = self._changes, []
        return taken


class Circuit:
    """One circuit, safe to share between threads and tasks.

    Args:
        config: Thresholds and times.
        scope: What the circuit stands for: "client", or an origin.
        draw: Returns a number from 0 to 1; for the jitter of the break.
        on_state_change: Given the old and the new state, once the lock is free.
    """

    def __init__(
        self,
        config: CircuitBreakerConfig,
        scope: str = "client",
        draw: Callable[[], float] = random.random,
        *,
        on_state_change: Callable[[CircuitState, CircuitState], object] | None = None,
    ) -> None:
        self.scope = scope
        self._on_state_change = on_state_change
        self._config = config
        self._draw = draw
        self._lock = fork_safe(threading.RLock())
        self._relay = _Relay()
        make_storage = config.storage or _in_memory
        # Otherwise somebody else may move it, by a storage that is shared or from a listener.
        self._is_private = config.storage is None and not config.listeners
        self._storage: Any = make_storage(scope)
        self._pybreaker = pybreaker.CircuitBreaker(
            fail_max=config.failure_threshold,
            reset_timeout=config.recovery_timeout,
            success_threshold=config.success_threshold,
            listeners=[self._relay],
            state_storage=self._storage,
            name=scope,
            throw_new_error_on_trip=False,
        )
        fork_safe(vars(self._pybreaker)["_lock"])  # a child could wait for it for ever
        self._window = FailureWindow.of(config)
        self._counts_streak = self._window is None or "failure_threshold" in config.model_fields_set
        self._lease = max(_SHORTEST_LEASE, config.recovery_timeout)
        self._permit = Permit(0)
        self._seen: str = pybreaker.STATE_CLOSED
        self.is_closed = True
        """Whether it was when it was last looked at; somebody else may have moved it since."""
        self._opened_at = 0.0
        self._first_opened_at = 0.0
        self._break = 0.0
        self._longest_break = max(config.recovery_timeout, config.max_recovery_timeout)
        self._grown = config.recovery_timeout
        self._probes: dict[Permit, float] = {}
        self._last_error: BaseException | None = None
        self._is_plain = self._window is None and not config.listeners
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Wait for no probe any longer: whose it is does not live in this process, or loop."""
        with self._lock:
            self._probes.clear()

    @property
    def state(self) -> CircuitState:
        """The state as pybreaker keeps it."""
        return CircuitState(self._storage.state)

    @property
    def failures(self) -> int:
        """Consecutive failures so far."""
        return int(self._storage.counter)

    def expects(self, error: BaseException) -> bool:
        """Tell whether an error, or the exception of httpx behind it, counts as a failure."""
        return is_expected(self._config, error)

    def reset(self) -> None:
        """Close it by hand and forget what was counted."""
        with self._lock:
            self._storage.reset_counter()
            self._pybreaker.close()
            self._begin_generation()
            changes = self._relay.take()
        self._tell_changes(changes)

    def admit(self, now: float, holder: Holder | None = None) -> Permit | Rejection:
        """Return leave to begin an operation, or why there is none.

        Args:
            now: The time on a monotonic clock, in seconds.
            holder: Given a probe's permit before the circuit knows of it, so that an interrupt
                on the way back loses none.
        """
        # Read before the states: should the circuit open in between, this permit is out of date.
        permit = self._permit
        if self.is_closed and (self._is_private or self._storage.state == pybreaker.STATE_CLOSED):
            if self._config.listeners:
                self._tell("before_call", self.admit)
            return permit
        with self._lock:
            self._notice_change_elsewhere(now)
            decision = self._admit_guarded(now, holder)
            changes = self._relay.take()
        self._tell_changes(changes)
        if isinstance(decision, Permit):
            self._tell("before_call", self.admit)
        return decision

    def peek(self, now: float) -> Rejection | None:
        """Tell, without taking a permit, whether an operation would be turned away for sure."""
        if self._seen != pybreaker.STATE_OPEN or self._storage.state != pybreaker.STATE_OPEN:
            return None
        left = self._opened_at + self._break - now
        return Rejection(left, self._last_error) if left > 0 else None

    def record(
        self, permit: Permit, outcome: Outcome, now: float, error: BaseException | None = None
    ) -> Transition | None:
        """Take note of how an operation ended, and return the transition it caused."""
        if self.is_unmoved_by(permit, outcome):
            return None
        with self._lock:
            self._notice_change_elsewhere(now)
            transition = self._record_guarded(permit, outcome, now, error)
            changes = self._relay.take()
        # In the order of pybreaker's own calls.
        if outcome is Outcome.FAILURE:
            self._tell("failure", error)
        self._tell_changes(changes)
        if outcome is Outcome.SUCCESS:
            self._tell("success")
        return transition

    def is_unmoved_by(self, permit: Permit, outcome: Outcome) -> bool:
        """Tell whether there is nothing to note about an outcome, at what time ever it comes."""
        return (
            self._is_plain
            and permit is self._permit
            and outcome is not Outcome.FAILURE
            and (outcome is Outcome.IGNORED or self._storage.counter == 0)
        )

    # The methods below are called with the lock held.

    def _admit_guarded(self, now: float, holder: Holder | None) -> Permit | Rejection:
        if self._seen == pybreaker.STATE_CLOSED:
            return self._permit
        if self._seen == pybreaker.STATE_OPEN:
            left = self._opened_at + self._break - now
            if left > 0:
                return Rejection(left, self._last_error)
            self._pybreaker.half_open()
            self._begin_generation()
            return self._send_probe(now, holder, half_opened=True)
        self._reclaim_probes(now)
        if len(self._probes) >= self._config.half_open_max_calls:
            return Rejection(0.0, self._last_error)
        return self._send_probe(now, holder)

    def _send_probe(
        self, now: float, holder: Holder | None, *, half_opened: bool = False
    ) -> Permit:
        permit = Permit(self._permit.generation, is_probe=True, half_opened=half_opened)
        if holder is not None:
            holder.permit = permit
        self._probes[permit] = now + self._lease
        return permit

    def _reclaim_probes(self, now: float) -> None:
        for permit in [probe for probe, ends in self._probes.items() if ends <= now]:
            del self._probes[permit]

    def _record_guarded(
        self, permit: Permit, outcome: Outcome, now: float, error: BaseException | None
    ) -> Transition | None:
        if permit.generation != self._permit.generation:
            return None
        if permit.is_probe:
            self._probes.pop(permit, None)  # first: what is broken off after it is no matter
            if permit.is_used:
                return None
            permit.is_used = True
        if outcome is Outcome.IGNORED:
            return None
        if outcome is Outcome.FAILURE:
            return self._record_failure(now, error)
        return self._record_success(now)

    def _record_success(self, now: float) -> Transition | None:
        if self._seen == pybreaker.STATE_CLOSED:
            self._storage.reset_counter()
            if self._window is not None:
                self._window.add(now, failed=False)
            return None
        self._storage.increment_success_counter()
        if self._storage.success_counter < self._config.success_threshold:
            return None
        self._pybreaker.close()
        self._begin_generation()
        return Transition(CircuitState.CLOSED, now - self._first_opened_at)

    def _record_failure(self, now: float, error: BaseException | None) -> Transition | None:
        self._storage.increment_counter()
        if self._seen == pybreaker.STATE_CLOSED:
            if not self._is_tripped(now):
                return None
            self._first_opened_at = now
        else:
            grown = self._grown * self._config.recovery_multiplier
            self._grown = min(grown, self._longest_break)
        self._last_error = _without_ballast(error)
        failures = max(self._storage.counter, self._window.failures if self._window else 0)
        self._pybreaker.open()
        self._begin_generation()
        self._begin_break(now)
        return Transition(CircuitState.OPEN, self._break, failures, self._last_error)

    def _is_tripped(self, now: float) -> bool:
        by_rate = False
        if self._window is not None:
            self._window.add(now, failed=True)
            by_rate = self._window.is_over(now)
        by_streak = self._storage.counter >= self._config.failure_threshold
        return by_rate or (self._counts_streak and by_streak)

    def _begin_generation(self) -> None:
        self._seen = self._storage.state
        self.is_closed = self._seen == pybreaker.STATE_CLOSED
        self._permit = Permit(self._permit.generation + 1)
        self._probes.clear()
        if self._seen == pybreaker.STATE_CLOSED:
            self._grown = self._config.recovery_timeout
            self._last_error = None
            if self._window is not None:
                self._window.clear()

    def _begin_break(self, now: float) -> None:
        self._break = self._grown * (1 + self._config.recovery_jitter * self._draw())
        self._opened_at = now

    def _notice_change_elsewhere(self, now: float) -> None:
        """Follow a storage that another process, or the user, has moved."""
        if self._storage.state == self._seen:
            return
        _ = self._pybreaker.state  # lets pybreaker follow too, and tell its listeners
        if self._seen == pybreaker.STATE_CLOSED:
            self._first_opened_at = now
        self._begin_generation()
        if self._seen == pybreaker.STATE_OPEN:
            self._last_error = None
            self._begin_break(now)

    # The methods below are called without the lock.

    def _tell_changes(self, changes: list[tuple[Any, Any]]) -> None:
        for old_state, new_state in changes:
            self._tell("state_change", old_state, new_state)
            if self._on_state_change is not None and old_state.name != new_state.name:
                _call_back(self._on_state_change, old_state.name, new_state.name)

    def _tell(self, what: str, *values: object) -> None:
        for listener in self._config.listeners:
            try:
                getattr(listener, what)(self._pybreaker, *values)
            except Exception:
                _logger.exception("a pybreaker listener raised in %s", what)


def _call_back(
    callback: Callable[[CircuitState, CircuitState], object], old: str, new: str
) -> None:
    try:
        callback(CircuitState(old), CircuitState(new))
    except Exception:
        _logger.exception("on_state_change raised")


def _in_memory(_scope: str) -> pybreaker.CircuitBreakerStorage:
    return pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)


def _without_ballast(error: BaseException | None) -> BaseException | None:
    """Copy an error without response, cause and traceback, which would keep a request alive."""
    try:
        light = copy.copy(error)
    except Exception:  # noqa: BLE001 - a foreign exception may refuse to be copied in any way
        return None
    if isinstance(light, MyAPIError):
        light.response = light.__cause__ = None
    return light

"""One circuit: admits operations, records their outcomes, and drives pybreaker's state.

pybreaker keeps the state, the counters and the storage, and tells its listeners; its `call` is
never used, because it holds a lock across the call, counts a cancellation as a failure or as a
success, and lets everybody through when half open. What decides here are these rules:

Rule 1  A permit carries the generation it was given in; every transition begins a new one. An
        outcome from an older generation changes nothing.
Rule 2  There are three outcomes: success, failure and ignored. An ignored probe gives its permit
        back.
Rule 3  While half open, exactly `half_open_max_calls` probes are out; the rest is turned away. That
        a probe makes one attempt is a rule of `gate`.
Rule 4  A probe that never reports is reclaimed after a lease, so the circuit cannot wedge. One that
        reports late all the same is heard, as long as the circuit is still in its generation.
Rule 5  Time is monotonic and handed in.
Rule 6  The lock is held for transitions, never across a call, a listener or a callback. These hear
        of transitions in the order in which they were made, whichever threads made them.
Rule 7  The break may be jittered and grow with repeated failures; by default it does neither.
(Rule 8, state per origin is bounded, is kept in `scopes`.)

While a circuit is isolated none of this counts: it is in nobody's hands but those of `isolation`,
which ends that too. It is no state of pybreaker's, so that no storage can move it.
"""

from __future__ import annotations

import copy
import random
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pybreaker

from ...errors.complaints import complain
from ...events import CircuitClosed, CircuitHalfOpened, CircuitOpened
from ...exceptions import MyAPIError
from ...metrics.stats import CircuitStats
from ...runtime.forking import fork_safe, tell_in_child
from ...runtime.notices import Notices
from ...runtime.steady import Steady
from .audience import Audience, as_told
from .failure_window import FailureWindow
from .state import (
    CircuitOutcome,
    CircuitState,
    Permit,
    Rejection,
    Transition,
    is_expected,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from ...config.models import CircuitBreakerConfig
    from .state import Holder, Mover

__all__ = ["Circuit", "CircuitOutcome", "CircuitState", "Permit", "Rejection", "Transition"]

_SHORTEST_LEASE: Final = 60.0


class _Relay(pybreaker.CircuitBreakerListener):
    """Takes down what pybreaker tells, so that it can be passed on once the lock is free."""

    def __init__(self) -> None:
        self._changes: list[tuple[Any, Any]] = []

    def state_change(self, cb: object, old_state: Any, new_state: Any) -> None:  # noqa: ARG002 - pybreaker's signature
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
        audience: Told of every transition, in its turn among the notices.
        notices: Where its own stand, in order with those of other circuits.
        wall_clock: Returns the seconds since the epoch, for since when it is in its state.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, nearly all by keyword
        self,
        config: CircuitBreakerConfig,
        scope: str = "client",
        draw: Callable[[], float] = random.random,
        *,
        on_state_change: Callable[[CircuitState, CircuitState], object] | None = None,
        audience: Audience | None = None,
        notices: Notices | None = None,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.scope = scope
        self._on_state_change = on_state_change
        self.audience: Audience = Audience() if audience is None else audience
        self.notices: Notices = Notices() if notices is None else notices
        """What is told of it, in the order in which it happened."""
        self._wall_clock = wall_clock
        self._since = wall_clock()
        self._time = Steady()
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
        self._go_by(config)
        self._permit = Permit(0)
        self._opened_generation = 0
        self._wakers: set[Callable[[], object]] = set()
        self._seen: str = pybreaker.STATE_CLOSED
        self.is_closed: bool = True
        """Whether it was when it was last looked at; somebody else may have moved it since."""
        self.is_isolated: bool = False
        """Whether somebody isolated it: then no call comes here, and nothing moves it."""
        self._opened_at = 0.0
        self._first_opened_at = 0.0
        self._break = 0.0
        self._grown = config.recovery_timeout
        self._probes: dict[Permit, float] = {}
        self._last_error: BaseException | None = None
        self._last_failure: str | None = None
        tell_in_child(self)

    def _go_by(self, config: CircuitBreakerConfig) -> None:
        self.config = config
        self._counts_streak = self._window is None or "failure_threshold" in config.model_fields_set
        self._lease = max(_SHORTEST_LEASE, config.recovery_timeout)
        self._longest_break = max(config.recovery_timeout, config.max_recovery_timeout)
        self._is_plain = self._window is None and not config.listeners

    def reconfigure(self, config: CircuitBreakerConfig) -> None:
        """Go by other thresholds and times from now on, in the state it is in.

        A break that has begun lasts as long as it was to. What was counted stays, but for a window
        of another length.
        """
        with self._lock:
            before = self.config
            if not FailureWindow.is_same(before, config):
                self._window = FailureWindow.of(config)
            elif self._window is not None:
                self._window.reconfigure(config)
            self._go_by(config)
            if config.recovery_timeout != before.recovery_timeout:
                self._grown = config.recovery_timeout
            self._grown = min(self._grown, self._longest_break)
            self._pybreaker.fail_max = config.failure_threshold
            self._pybreaker.reset_timeout = config.recovery_timeout
            self._pybreaker.success_threshold = config.success_threshold

    def retire(self) -> None:
        """Begin a generation in the state it is in: what is under way says nothing any more."""
        with self._lock:
            self._permit = Permit(self._permit.generation + 1)
            self._probes.clear()

    def begin_anew(self) -> None:
        """Wait for no probe any longer: whose it is does not live in this process, or loop."""
        with self._lock:
            self._probes.clear()
            self._wakers.clear()

    @property
    def state(self) -> CircuitState:
        """The state as pybreaker keeps it."""
        return CircuitState(self._storage.state)

    @property
    def failures(self) -> int:
        """Consecutive failures so far."""
        return int(self._storage.counter)

    def expects(self, error: BaseException) -> bool:
        """Return whether an error, or the exception of httpx behind it, counts as a failure."""
        return is_expected(self.config, error)

    def stats_at(self, now: float) -> CircuitStats:
        """Return how it stands, without moving it and apart from being isolated."""
        with self._lock:
            state, since = self._state_to_show(), self._since
            if state is CircuitState.OPEN and self._seen == state:
                is_over = self._time.seen(now) >= self._opened_at + self._break
                if is_over:
                    state, since = CircuitState.HALF_OPEN, since + self._break
        return CircuitStats(
            scope=self.scope, state=state, since=since, last_error=self._last_failure
        )

    def reset(self, now: float) -> None:
        """Close it by hand and forget what was counted."""
        with self._lock:
            if self.is_isolated:  # in this moment: then it is as it would be afterwards
                return
            self._last_failure = None
            self._move_by_hand(CircuitState.CLOSED, now)
        self.notices.deliver()

    def isolate(self, now: float) -> None:
        """Leave it to whoever isolates it: what is under way says nothing any more, and ends.

        Notices are not delivered yet, here and by `end_isolation`: more may follow. The storage is
        not asked, so that this works where that fails.
        """
        with self._lock:
            if self._seen == pybreaker.STATE_CLOSED:
                self._first_opened_at = self._time.at(now)
            if not self.is_isolated:
                self._call_back(self._seen, CircuitState.ISOLATED)
            self.is_isolated = True
            self.is_closed = False  # before the new permit: who has that one sees this
            self._begin_generation(self._seen)

    def end_isolation(self, state: CircuitState, now: float) -> None:
        """Go on closed, or half open.

        What a storage raises that cannot be brought there is raised when it is over: the circuit
        then goes on as the storage has it.
        """
        with self._lock:
            self.is_isolated = False
            self._move_by_hand(state, now, old=CircuitState.ISOLATED)

    def admit(
        self,
        now: float,
        holder: Holder | None = None,
        by: Mover | None = None,
    ) -> Permit | Rejection:
        """Return leave to begin an operation, or why there is none.

        Args:
            now: The time on a monotonic clock, in seconds.
            holder: Given a probe's permit before the circuit knows of it, so that an interrupt
                on the way back loses none.
            by: Who asks, for those who are told that the circuit is half open now.
        """
        # Read before the states: should the circuit open in between, this permit is out of date.
        permit = self._permit
        if self.is_closed and (self._is_private or self._storage.state == pybreaker.STATE_CLOSED):
            if self.config.listeners:
                self._tell("before_call", self.admit)
            return permit
        with self._lock:
            now = self._time.at(now)
            self._notice_change_elsewhere(now)
            decision = self._admit_guarded(now, holder)
            self._note_changes()
            if isinstance(decision, Permit):
                if decision.half_opened:
                    self._announce(CircuitHalfOpened, by)
                self._note("before_call", self.admit)
        self.notices.deliver()
        return decision

    def peek(self, now: float) -> Rejection | None:
        """Return the rejection of an operation that would be rejected for sure, or None."""
        if self._seen != pybreaker.STATE_OPEN or self._storage.state != pybreaker.STATE_OPEN:
            return None
        with self._lock:
            left = self._opened_at + self._break - self._time.at(now)
        return Rejection(left, self._last_error) if left > 0 else None

    def has_opened_since(self, permit: Permit, now: float) -> bool:
        """Whether the circuit has opened since it gave a permit, here or by a shared storage."""
        with self._lock:
            self._notice_change_elsewhere(self._time.at(now))
            self._note_changes()
        self.notices.deliver()
        return permit.generation < self._opened_generation

    @property
    def permit(self) -> Permit:
        """One of the generation that it is in, to ask by whether it has opened since."""
        return self._permit

    @contextmanager
    def waking(self, permit: Permit, wake: Callable[[], object]) -> Generator[None]:
        """Call `wake` where the circuit opens, or has opened since the permit, within a block.

        It is called from any thread, and must not block.
        """
        self._wakers.add(wake)
        try:
            if permit.generation < self._opened_generation:
                wake()
            yield
        finally:
            self._wakers.discard(wake)

    def record(
        self,
        permit: Permit,
        outcome: CircuitOutcome,
        now: float,
        error: BaseException | None = None,
        by: Mover | None = None,
    ) -> Transition | None:
        """Record how an operation ended, and return the transition it caused.

        Args:
            permit: The operation's.
            outcome: How it ended.
            now: The time on a monotonic clock, in seconds.
            error: What it ended with.
            by: Whose outcome it is, for those who are told of the transition.
        """
        if self.is_unmoved_by(permit, outcome):
            return None
        with self._lock:
            now = self._time.at(now)
            self._notice_change_elsewhere(now)
            # In the order of pybreaker's own calls.
            if outcome is CircuitOutcome.FAILURE:
                self._note("failure", error)
            transition = self._record_guarded(permit, outcome, now, error)
            self._note_changes()
            if transition is not None:
                self._announce_transition(transition, by)
            if outcome is CircuitOutcome.SUCCESS:
                self._note("success")
        self.notices.deliver()
        return transition

    def is_unmoved_by(self, permit: Permit, outcome: CircuitOutcome) -> bool:
        """Return whether an outcome changes nothing, whenever it comes."""
        return (
            self._is_plain
            and permit is self._permit
            and outcome is not CircuitOutcome.FAILURE
            and (outcome is CircuitOutcome.IGNORED or self._storage.counter == 0)
        )

    # The methods below are called with the lock held.

    def _state_to_show(self) -> CircuitState:
        """Return the state, of a storage that fails the last one that was seen."""
        try:
            return CircuitState(self._storage.state)
        except Exception:  # noqa: BLE001 - a user's, which calls are told of
            return CircuitState(self._seen)

    def _admit_guarded(self, now: float, holder: Holder | None) -> Permit | Rejection:
        if self.is_isolated:
            return Rejection(0.0, self._last_error)
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
        if len(self._probes) >= self.config.half_open_max_calls:
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
        self, permit: Permit, outcome: CircuitOutcome, now: float, error: BaseException | None
    ) -> Transition | None:
        if permit.generation != self._permit.generation:
            return None
        if permit.is_probe:
            self._probes.pop(permit, None)  # first: what is broken off after it is no matter
            if permit.is_used:
                return None
            permit.is_used = True
        if outcome is CircuitOutcome.IGNORED:
            return None
        if outcome is CircuitOutcome.FAILURE:
            return self._record_failure(now, error)
        return self._record_success(now)

    def _record_success(self, now: float) -> Transition | None:
        if self._seen == pybreaker.STATE_CLOSED:
            self._storage.reset_counter()
            if self._window is not None:
                self._window.add(now, failed=False)
            return None
        self._storage.increment_success_counter()
        if self._storage.success_counter < self.config.success_threshold:
            return None
        self._pybreaker.close()
        self._begin_generation()
        return Transition(CircuitState.CLOSED, now - self._first_opened_at)

    def _record_failure(self, now: float, error: BaseException | None) -> Transition | None:
        self._last_failure = None if error is None else type(error).__name__
        self._storage.increment_counter()
        if self._seen == pybreaker.STATE_CLOSED:
            if not self._is_tripped(now):
                return None
            self._first_opened_at = now
        else:
            grown = self._grown * self.config.recovery_multiplier
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
        by_streak = self._storage.counter >= self.config.failure_threshold
        return by_rate or (self._counts_streak and by_streak)

    def _begin_generation(self, state: str | None = None) -> None:
        self._seen = self._storage.state if state is None else state
        self._since = self._wall_clock()
        self.is_closed = self._seen == pybreaker.STATE_CLOSED and not self.is_isolated
        self._permit = Permit(self._permit.generation + 1)
        self._probes.clear()
        if self._seen == pybreaker.STATE_OPEN or self.is_isolated:
            self._opened_generation = self._permit.generation
            for wake in list(self._wakers):
                with suppress(RuntimeError):  # its loop has ended
                    wake()
        if self._seen == pybreaker.STATE_CLOSED:
            self._grown = self.config.recovery_timeout
            self._last_error = None
            if self._window is not None:
                self._window.clear()

    def _begin_break(self, now: float) -> None:
        self._break = self._grown * (1 + self.config.recovery_jitter * self._draw())
        self._opened_at = now

    def _notice_change_elsewhere(self, now: float) -> None:
        """Follow a storage that another process, or the user, has moved."""
        if self._storage.state == self._seen or self.is_isolated:
            return
        _ = self._pybreaker.state  # lets pybreaker follow too, and tell its listeners
        if self._seen == pybreaker.STATE_CLOSED:
            self._first_opened_at = now
        self._begin_generation()
        if self._seen == pybreaker.STATE_OPEN:
            self._last_error = None
            self._begin_break(now)
        self._note_changes()
        self._announce_state(now, "storage")

    def _move_by_hand(
        self, state: CircuitState, now: float, *, old: CircuitState | None = None
    ) -> None:
        now, before = self._time.at(now), self._storage.state
        self._storage.reset_counter()
        self._storage.reset_success_counter()
        if before != state:
            (self._pybreaker.close if state is CircuitState.CLOSED else self._pybreaker.half_open)()
        self._begin_generation()
        self._note_changes(called_back=old is None)
        if old is not None:
            self._call_back(old, state)
        if before != state or old is not None:
            self._announce_state(now, "manual")

    def _announce_transition(self, transition: Transition, by: Mover | None) -> None:
        if transition.state is CircuitState.CLOSED:
            self._announce(CircuitClosed, by, open_seconds=transition.seconds)
            return
        self._announce(
            CircuitOpened,
            by,
            failures=transition.failures,
            recovery_timeout=transition.seconds,
            last_error=transition.last_error,
        )

    def _announce_state(self, now: float, cause: str) -> None:
        """Tell of the state that somebody else has brought it to."""
        if self._seen == pybreaker.STATE_HALF_OPEN:
            self._announce(CircuitHalfOpened, None, cause=cause)
        elif self._seen == pybreaker.STATE_CLOSED:
            seconds = now - self._first_opened_at
            self._announce(CircuitClosed, None, cause=cause, open_seconds=seconds)
        else:
            self._announce(
                CircuitOpened,
                None,
                cause=cause,
                failures=int(self._storage.counter),
                recovery_timeout=self._break,
                last_error=None,
            )

    def _announce(self, kind: type[object], by: Mover | None, **fields: object) -> None:
        told = {"scope": self.scope, **fields}
        self.notices.add(partial(self.audience.tell, kind, told, as_told(by)))

    def _note_changes(self, *, called_back: bool = True) -> None:
        for old_state, new_state in self._relay.take():
            self._note("state_change", old_state, new_state)
            if called_back:
                self._call_back(old_state.name, new_state.name)

    def _call_back(self, old: str, new: str) -> None:
        if self._on_state_change is not None and old != new:
            self.notices.add(partial(_call_back, self._on_state_change, old, new))

    def _note(self, what: str, *values: object) -> None:
        if self.config.listeners:
            self.notices.add(partial(self._tell, what, *values))

    # The methods below are called without the lock.

    def _tell(self, what: str, *values: object) -> None:
        for listener in self.config.listeners:
            try:
                getattr(listener, what)(self._pybreaker, *values)
            except Exception:  # noqa: BLE001 - it is told
                complain("a pybreaker listener raised in %s", what)


def _call_back(
    callback: Callable[[CircuitState, CircuitState], object], old: str, new: str
) -> None:
    try:
        callback(CircuitState(old), CircuitState(new))
    except Exception:  # noqa: BLE001 - it is told
        complain("on_state_change raised")


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

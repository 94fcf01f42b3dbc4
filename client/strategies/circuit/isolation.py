"""What was isolated by hand: turns calls away whatever the circuits say, until that ends.

Rule 1  It ends by hand, or when its time is over; nothing else ends it. What belongs to calls that
        were under way changes nothing: their circuits begin a new generation.
Rule 2  While nothing is isolated nobody asks here: `is_on` is all that a call looks at.
Rule 3  Lock order: this one, the breaker's, the circuit's. None is held while somebody is told.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from ...engine.layer import Refusal, Stop
from ...events import CircuitIsolated, CircuitRejected, CircuitReleased
from ...exceptions import CircuitIsolatedError
from ...metrics.instruments import REJECTIONS
from ...runtime.forking import fork_safe, tell_in_child
from ...runtime.notices import Notices
from .state import CircuitState

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Protocol

    from ...engine.operation import Call
    from .audience import Audience
    from .scopes import Breaker

    class Clock(Protocol):
        """Where the time comes from."""

        def now(self) -> float:
            """Return the time on a monotonic clock, in seconds."""
            ...

        def wall_clock(self) -> float:
            """Return the seconds since the epoch."""
            ...


__all__ = ["Isolation", "Isolations"]

_MOST_SCOPES: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """That something is isolated, why, and for how long."""

    scope: str
    origin: str | None
    """None for everything."""
    reason: str
    begun: float
    ends: float | None
    """On the monotonic clock; None where only a release ends it."""
    since: float
    """In seconds since the epoch."""

    def is_over(self, now: float) -> bool:
        """Return whether its time is over."""
        return self.ends is not None and now >= self.ends


class Isolations(Stop):
    """The table of what is isolated of one client, or for all that share a circuit.

    Safe to share between threads.

    Args:
        breaker: The circuits that it takes out of service; None where there are none.
        audience: Told when something is isolated, and released.
        clock: Tells the time.
        name: The scope that stands for everything.
    """

    def __init__(
        self, breaker: Breaker | None, audience: Audience, clock: Clock, name: str
    ) -> None:
        self._breaker = breaker
        self._audience = audience
        self.clock: Clock = clock
        self._name = name
        self._lock = fork_safe(threading.RLock())
        self._notices = Notices() if breaker is None else breaker.notices
        self._table: dict[str | None, Isolation] = {}
        """By origin; None for everything."""
        self._wakers: dict[object, tuple[str, Callable[[], object]]] = {}
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Wake nobody any longer: who waits does not live in this process."""
        self._wakers.clear()

    def pass_on_to(self, breaker: Breaker | None) -> None:
        """Take other circuits out of service from now on, those of what is isolated at once."""
        with self._lock:
            self._breaker = breaker
            if breaker is None:
                return
            self._notices = breaker.notices
            now = self.clock.now()
            for origin in self._table:
                breaker.isolate(origin, now)
        self._notices.deliver()

    def begin(self, origin: str | None, reason: str, seconds: float | None) -> None:
        """Isolate an origin, or everything; what it was isolated with before is replaced.

        Raises:
            RuntimeError: As many origins are isolated as there is room for.
        """
        with self._lock:
            now = self.clock.now()
            self._end_those_over(now)
            self._check_room(origin)
            self._table[origin] = Isolation(
                scope=self._name if origin is None else origin,
                origin=origin,
                reason=reason,
                begun=now,
                ends=None if seconds is None else now + seconds,
                since=self.clock.wall_clock(),
            )
            self.is_on = True
            if self._breaker is not None:
                self._breaker.isolate(origin, now)
            self._tell(origin, CircuitIsolated, CircuitState.ISOLATED, reason, seconds)
            self._wake(origin)
        self._notices.deliver()

    def end(self, origin: str | None) -> None:
        """Close what was isolated: an origin, or everything, single origins too.

        What a circuit's storage raises is raised when all of it has ended.
        """
        try:
            with self._lock:
                now = self.clock.now()
                self._end_those_over(now)
                ended = [each for each in self._table.values() if origin in (None, each.origin)]
                self._end_all(ended, CircuitState.CLOSED, now)
        finally:
            self._notices.deliver()

    def isolated(self) -> dict[str | None, Isolation]:
        """Return what is isolated by origin, with what is over and nobody has noticed yet."""
        return dict(self._table)

    def refusal(self, call: Call) -> Callable[[], CircuitIsolatedError] | None:
        """Return what makes the error for a call to something that is isolated, or None."""
        found = self._found(call)
        return None if found is None else partial(self._turned_away, call, found)

    def objection(self, call: Call) -> Refusal | None:
        """Return why a call may make no further attempt, or None."""
        found = self._found(call)
        if found is None:
            return None
        return Refusal("circuit", "the circuit was isolated", partial(self._overtaken, found))

    @contextmanager
    def waking(self, call: Call, wake: Callable[[], object]) -> Generator[None]:
        """Call `wake`, within the block, when what the call goes to is isolated."""
        key = object()
        self._wakers[key] = (call.origin, wake)
        try:
            if self._found(call) is not None:
                wake()
            yield
        finally:
            self._wakers.pop(key, None)

    def _found(self, call: Call) -> Isolation | None:
        """Return what keeps a call away; what is over ends now."""
        table = self._table
        while (found := table.get(None) or table.get(call.origin)) is not None:
            if not found.is_over(self.clock.now()):
                return found
            try:
                with self._lock:
                    self._end_those_over(self.clock.now())
            finally:
                self._notices.deliver()
        return None

    def _turned_away(self, call: Call, found: Isolation) -> CircuitIsolatedError:
        call.host.metrics.add(REJECTIONS, (call.counted_as, "circuit"))
        left = self._left(found)
        if (notify := call.notify[CircuitRejected]) is not None:
            notify(CircuitRejected(retry_after=left, **call.about()))
        return self._error(call, found, request_sent=False)

    def _overtaken(self, found: Isolation, call: Call) -> CircuitIsolatedError:
        """Make the error for an operation whose answer was let go of before it was isolated."""
        return self._error(call, found, request_sent=True)

    def _error(self, call: Call, found: Isolation, *, request_sent: bool) -> CircuitIsolatedError:
        left = self._left(found)
        when = "" if left is None else f", for {left:.3g} s more"
        error = call.host.errors.make(
            CircuitIsolatedError,
            call,
            f"Circuit breaker is OPEN: isolated by hand{when}: {found.reason}",
            retry_after=left,
            request_sent=request_sent,
        )
        error.reason = found.reason
        return error

    def _left(self, found: Isolation) -> float | None:
        return None if found.ends is None else max(0.0, found.ends - self.clock.now())

    # The methods below are called with the lock held.

    def _check_room(self, origin: str | None) -> None:
        if origin is not None and origin not in self._table and len(self._table) >= _MOST_SCOPES:
            raise RuntimeError(
                f"{_MOST_SCOPES} origins are isolated already: release some of them, or isolate "
                "everything by scope=None"
            )

    def _end_those_over(self, now: float) -> None:
        over = [each for each in self._table.values() if each.is_over(now)]
        self._end_all(over, CircuitState.HALF_OPEN, now)

    def _end_all(self, ended: list[Isolation], state: CircuitState, now: float) -> None:
        with ExitStack() as ends:  # which goes through them from the last one on
            for each in ended[::-1]:
                ends.callback(self._end, each, state, now)

    def _end(self, ended: Isolation, state: CircuitState, now: float) -> None:
        del self._table[ended.origin]
        self.is_on: bool = bool(self._table)
        seconds = now - ended.begun
        to = None if None in self._table or self._has_circuit(ended.origin) else CircuitState.CLOSED
        self._tell(ended.origin, CircuitReleased, to, ended.reason, seconds)
        if self._breaker is not None:
            still = {each.scope for each in self._table.values()}
            self._breaker.end_isolation(ended.origin, state, now, still)

    def _wake(self, origin: str | None) -> None:
        for called, wake in list(self._wakers.values()):
            if origin in (None, called):
                with suppress(RuntimeError):  # its loop has ended
                    wake()

    def _has_circuit(self, origin: str | None) -> bool:
        """Return whether a circuit goes on by itself when this ends, and tells so."""
        if self._breaker is None:
            return False
        return bool(self._breaker.circuits() if origin is None else self._breaker.own(origin))

    def _tell(
        self,
        origin: str | None,
        kind: type[object],
        to: CircuitState | None,
        reason: str,
        seconds: float | None,
    ) -> None:
        scope = self._name if origin is None else origin
        if to is not None:
            self._notices.add(partial(self._audience.count, scope, to, "manual"))
        fields = {"scope": scope, "reason": reason, "seconds": seconds}
        self._notices.add(partial(self._audience.tell, kind, fields))

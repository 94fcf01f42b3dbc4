"""`client.circuit`: the circuit steered by hand, and how it stands."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ...errors.urls import mask_url, origin_of
from ...metrics.instruments import CIRCUIT_STATE
from ...metrics.stats import CircuitStats
from .audience import Audience
from .isolation import Isolations
from .state import WORST_FIRST, CircuitState

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config.models import CircuitBreakerConfig
    from ...metrics.aggregator import Gauge, Measured
    from .audience import Member
    from .isolation import Clock, Isolation
    from .scopes import Breaker

__all__ = ["CircuitControl"]

_LONGEST_REASON: Final = 200
_LONGEST_SECONDS: Final = sys.float_info.max
_UNPRINTABLE: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029"  # control characters and ends of lines
    r"\u202a-\u202e\u2066-\u2069"  # what turns the direction of a text around
    r"\ud800-\udfff]"  # halves of characters, which nobody can encode
)
_ORIGIN: Final = re.compile(r"https?://[^/?#@\s]+/?", re.IGNORECASE)


class CircuitControl:
    """Isolates and releases circuits by hand. Safe to be called from any thread.

    That of a client whose `CircuitBreaker` others share steers it for all of them.

    Args:
        breaker: The circuits; None where none is configured, which can be isolated all the same.
        clock: Tells the time.
        name: The scope that stands for everything.
    """

    def __init__(self, breaker: Breaker | None, clock: Clock, name: str = "client") -> None:
        self._breaker = breaker
        self.name: str = name
        """The scope that stands for everything."""
        self.audience: Audience = Audience() if breaker is None else breaker.audience
        """The clients that are told."""
        self.isolations: Isolations = Isolations(breaker, self.audience, clock, name)
        """What is isolated, for the engine to ask."""

    def __repr__(self) -> str:
        return f"<CircuitControl {self.state}>"

    def isolate(self, reason: str, scope: str | None = None, seconds: float | None = None) -> None:
        """Turn calls away from now on, with `CircuitIsolatedError`, and end what waits for a retry.

        To isolate what is isolated already replaces reason and seconds.

        Args:
            reason: Why, for errors, logs and events: 1 to 200 characters.
            scope: An origin such as "https://api.example", with or without its usual port. None
                for everything, origins that were never called included.
            seconds: How long; then a circuit goes on half open. None: until it is released.

        Raises:
            ValueError: An argument is not allowed.
            RuntimeError: 1,000 origins are isolated already.
        """
        _check_reason(reason)
        _check_seconds(seconds)
        self.isolations.begin(self._origin(scope), reason, seconds)

    def release(self, scope: str | None = None) -> None:
        """End what was isolated and close its circuit; nothing happens where nothing was.

        Args:
            scope: An origin; None for everything, single origins included.

        Raises:
            ValueError: There is no such scope, or it is isolated together with everything else.
        """
        origin = self._origin(scope)
        if origin is not None:
            self._check_apart(origin)
        self.isolations.end(origin)

    def reset(self, scope: str | None = None) -> None:
        """Close the circuit, isolated or not, and forget what it has counted.

        Outcomes of calls under way no longer count.

        Args:
            scope: As in `release`.

        Raises:
            ValueError: As `release` does.
        """
        self.release(scope)
        if self._breaker is None:
            return
        origin, now = self._origin(scope), self.isolations.clock.now()
        own = self._breaker.own(origin)
        for circuit in self._breaker.circuits() if origin is None else [own]:
            if circuit is not None:
                circuit.reset(now)

    def renewal(self, config: CircuitBreakerConfig | None) -> Callable[[], Breaker | None]:
        """Return what goes by other thresholds and times; what may be refused is done by then.

        Called, it returns the circuits. They keep their state, unless their scope, their storage or
        their listeners are others: then they are new, and what calls under way report to the old
        ones moves nothing. What is isolated stays so.
        """
        before = self._breaker
        if before is not None and config is not None and _is_same_kind(before.config, config):
            return partial(_reconfigured, before, config)
        clock = self.isolations.clock
        made = None if config is None else self._new_breaker(config, clock.wall_clock)
        return partial(self._replaced, before, made)

    def _replaced(self, before: Breaker | None, breaker: Breaker | None) -> Breaker | None:
        if before is not None:
            before.retire()
        self._breaker = breaker
        self.isolations.pass_on_to(breaker)
        return breaker

    def _new_breaker(
        self, config: CircuitBreakerConfig, wall_clock: Callable[[], float]
    ) -> Breaker:
        from .scopes import Breaker  # noqa: PLC0415 - who has none does without it

        return Breaker(config, wall_clock=wall_clock, audience=self.audience)

    @property
    def is_configured(self) -> bool:
        """Whether there is a circuit breaker at work, besides what is isolated by hand."""
        return self._breaker is not None and self._breaker.config.mode != "off"

    @property
    def observes(self) -> bool:
        """Whether it lets in whom it would turn away, unless that was isolated by hand."""
        return self._breaker is not None and self._breaker.config.mode == "observe"

    @property
    def state(self) -> CircuitState | None:
        """The worst state of any circuit; None where there is none and nothing is isolated."""
        states = set(self.states.values())
        return next((state for state in WORST_FIRST if state in states), self._at_rest)

    @property
    def states(self) -> dict[str, CircuitState]:
        """The state of each circuit, by its scope. To read it moves nothing."""
        return {each.scope: CircuitState(each.state) for each in self.stats()}

    def stats(self) -> tuple[CircuitStats, ...]:
        """Return how each circuit stands, and what else is isolated."""
        now, isolated = self.isolations.clock.now(), self.isolations.isolated()
        breaker = self._breaker if self.is_configured else None
        circuits = [] if breaker is None else breaker.stats_at(now)
        found = {each.scope: each for each in circuits}
        everything = isolated.pop(None, None)
        if everything is not None:
            found = {scope: _under(everything, each, now) for scope, each in found.items()}
            if not everything.is_over(now):
                found.setdefault(self.name, _alone(everything))
        for each in isolated.values():
            if each.scope in found:
                found[each.scope] = _under(each, found[each.scope], now)
            elif not each.is_over(now):
                found[each.scope] = _alone(each)
        return tuple(found.values())

    def join(self, member: Member) -> Measured:
        """Have a client told of what happens here; return what its gauges are read from."""
        self.audience.join(member)
        return _Gauges(self, member)

    @property
    def _at_rest(self) -> CircuitState | None:
        return CircuitState.CLOSED if self.is_configured else None

    def _origin(self, scope: object) -> str | None:
        """Return the origin that a scope names, None for everything."""
        if scope is None or scope == self.name:
            return None
        if isinstance(scope, str) and _ORIGIN.fullmatch(scope):
            origin = origin_of(scope)
            if origin and "//:" not in origin:
                return origin
        shown = repr(mask_url(scope)) if isinstance(scope, str) else f"a {type(scope).__name__}"
        raise ValueError(
            f"scope is {shown}: give an origin such as 'https://api.example', or None "
            f"(or {self.name!r}) for everything"
        )

    def _check_apart(self, origin: str) -> None:
        isolated, now = self.isolations.isolated(), self.isolations.clock.now()
        everything = isolated.get(None)
        if everything is not None and origin not in isolated and not everything.is_over(now):
            raise ValueError(
                f"{origin} is isolated together with everything else: release() without a scope "
                "ends that"
            )


class _Gauges:
    """How the circuits of a client stand, for its metrics."""

    is_labelled: bool = True

    def __init__(self, control: CircuitControl, member: Member) -> None:
        self._control = control
        self._member = member

    def gauges(self, now: float) -> list[Gauge]:  # noqa: ARG002 - a part's signature
        """Return for each target which state it is in: of circuits counted as one the worst."""
        worst: dict[str, CircuitState] = {}
        for each in self._control.stats():
            label = self._member.label(each.scope)
            known = worst.get(label, CircuitState.CLOSED)
            worst[label] = min(known, CircuitState(each.state), key=WORST_FIRST.index)
        return [
            (CIRCUIT_STATE, (label, state), float(state is found))
            for label, found in worst.items()
            for state in CircuitState
        ]


def _reconfigured(breaker: Breaker, config: CircuitBreakerConfig) -> Breaker:
    breaker.reconfigure(config)
    return breaker


def _is_same_kind(one: CircuitBreakerConfig, other: CircuitBreakerConfig) -> bool:
    """Return whether circuits of one configuration can go on by the other."""
    return (one.scope, one.storage, one.listeners) == (other.scope, other.storage, other.listeners)


def _under(isolation: Isolation, circuit: CircuitStats, now: float) -> CircuitStats:
    """Return how a circuit stands that is isolated, or was until its time was over."""
    if circuit.state is CircuitState.ISOLATED:
        return circuit  # with everything else, which does not end with this
    if not isolation.is_over(now):
        return replace(
            circuit,
            state=CircuitState.ISOLATED,
            since=isolation.since,
            reason=isolation.reason,
        )
    lasted = (isolation.ends or 0.0) - isolation.begun
    return replace(circuit, state=CircuitState.HALF_OPEN, since=isolation.since + lasted)


def _alone(isolation: Isolation) -> CircuitStats:
    return CircuitStats(
        scope=isolation.scope,
        state=CircuitState.ISOLATED,
        since=isolation.since,
        reason=isolation.reason,
    )


def _check_reason(reason: object) -> None:
    if not isinstance(reason, str):
        raise ValueError(f"reason is a {type(reason).__name__}: give a text")  # noqa: TRY004 - as all settings do
    if not 0 < len(reason.strip()) <= len(reason) <= _LONGEST_REASON or _UNPRINTABLE.search(reason):
        raise ValueError(
            f"reason is {reason[:_LONGEST_REASON]!r}: give 1 to {_LONGEST_REASON} characters, no "
            "line breaks or other control characters among them"
        )


def _check_seconds(seconds: object) -> None:
    if seconds is None:
        return
    if isinstance(seconds, int | float) and not isinstance(seconds, bool):
        is_allowed = 0 < seconds <= _LONGEST_SECONDS
    else:
        is_allowed = False
    if not is_allowed:
        raise ValueError(f"seconds is {seconds!r}: give a number above 0, or None for no end")

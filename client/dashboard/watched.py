"""A client as the page sees it: read often, so read cheaply, and never kept alive."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from ..metrics.instruments import (
    BUDGET_AVAILABLE,
    BULKHEAD_IN_USE,
    BULKHEAD_LIMIT,
    BULKHEAD_WAITING,
)
from ..metrics.strategy_instruments import HEDGES, RATE_LIMIT_PAUSED, RATE_LIMIT_WAITING
from ..metrics.targets import OTHER, shown_origin
from ..telemetry.health import plain_origin
from .transitions import Transitions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..metrics.aggregator import Aggregator
    from ..metrics.instruments import Instrument
    from ..metrics.stats import EndpointStats

__all__ = ["COLUMNS", "ENDPOINT_COLUMNS", "Watched", "knows"]

COLUMNS: Final = (
    "target",
    "state",
    "since",
    "last_error",
    "reason",
    "operations",
    "errors",
    "attempts",
    "operations_with_attempts",
    "active",
    "p50",
    "p99",
)
ENDPOINT_COLUMNS: Final = (
    "endpoint",
    "state",
    "cause",
    "weight",
    "outstanding",
    "attempts",
    "errors",
    "p50",
    "p99",
)
_MOST_ROWS: Final = 101
"""Targets that are counted by name, and one for all others."""
_LONGEST: Final = 128
"""Characters that are shown of a text that others have chosen."""
_LONGEST_TARGET: Final = 272
"""Likewise of a target: a whole one has less, as a host's name has 253 characters at most."""
_FRESH_A_TIME: Final = 5
"""Targets whose percentiles are worked out anew each time; the others have their turn next."""
_UNKNOWN: Final = (0, None, None)
_NO_CIRCUIT: Final = (None, None, None, None)
_NEVER_FAILED: Final = ("closed", None, None, None)
"""Of an origin that has no circuit yet, because it needs none."""
_NOTHING: Final = (0, 0, 0, 0, 0)
_WORST_FIRST: Final = ("isolated", "open", "half-open", "closed")


_Circuit: TypeAlias = tuple[str, float, str | None, str | None]


class _Inside(Protocol):
    """What stands behind the face of a client."""

    @property
    def metrics(self) -> Aggregator:
        """What was counted."""
        ...

    def listen(self, listener: Any) -> None:
        """Tell one more listener what happens."""
        ...


class Watched:
    """One client, or transport, on the page.

    Args:
        client: It; it is not kept alive.
        number: What the page knows it by: names need not differ.
        wall_clock: Returns the seconds since the epoch.

    Raises:
        TypeError: It is no client of this package.
    """

    def __init__(self, client: Any, number: int, wall_clock: Callable[[], float]) -> None:
        inside = _inside_of(client)
        if inside is None:
            raise TypeError(
                f"dashboard() has {client!r}: give clients or transports of this package, such as "
                "ResilientClient or Client"
            )
        self.number = number
        self._client = weakref.ref(client)
        self._kind = type(client).__name__
        self._percentiles: dict[str, tuple[int, float | None, float | None]] = {}
        self._transitions = Transitions(wall_clock)
        inside.listen(self._transitions)

    @property
    def client(self) -> Any:
        """The client, or None where it is gone."""
        return self._client()

    def state(self) -> dict[str, Any] | None:
        """Return what the page shows of the client, or None where it is gone."""
        client = self._client()
        inside = None if client is None else _inside_of(client)
        if inside is None:
            return None
        metrics, circuits = inside.metrics, _circuits_of(client)
        gauges = metrics.gauges_alone()
        limit, budget = gauges.get(BULKHEAD_LIMIT), gauges.get(BUDGET_AVAILABLE)
        slots = [gauges.get(BULKHEAD_IN_USE), gauges.get(BULKHEAD_WAITING), limit]
        return {
            "id": self.number,
            "name": metrics.client[:_LONGEST],
            "kind": self._kind,
            "closed": bool(getattr(client, "is_closed", False)),
            "circuit": circuits.of_all and [circuits.name, *circuits.of_all],
            "slots": None if limit is None else slots,
            "limit": self._transitions.limit,
            "rate_limit": self._rate_limit(gauges),
            "budget": None if budget is None else int(budget),
            "hedges": _hedges(metrics),
            "endpoints": list(self._endpoints(inside)) or None,
            "targets": list(self._rows(metrics, circuits)),
            "transitions": self._transitions.rows(),
        }

    def _rate_limit(self, gauges: Mapping[Instrument, float]) -> list[Any] | None:
        """Return who waits, how many keys pause, and until when at most; None without a limit."""
        waiting = gauges.get(RATE_LIMIT_WAITING)
        if waiting is None:
            return None
        return [int(waiting), int(gauges[RATE_LIMIT_PAUSED]), self._transitions.paused_until]

    def _endpoints(self, inside: _Inside) -> Iterator[list[Any]]:
        """Return a row for each endpoint; what merely decays is not in it."""
        stats = getattr(inside, "endpoint_stats", None)
        metrics = inside.metrics
        found: Mapping[str, EndpointStats] = {} if stats is None else stats()
        made = {url: metrics.attempts_at(url) for url in list(found)[:_MOST_ROWS]}
        self._refresh(metrics, {url: count for url, (count, _) in made.items()})
        for url, (count, failed) in made.items():
            each = found[url]
            _, *percentiles = self._percentiles.get(url, _UNKNOWN)
            row = [each.state, each.cause, each.weight, each.outstanding, count, failed]
            yield [url[:_LONGEST_TARGET], *row, *percentiles]

    def _rows(self, metrics: Aggregator, circuits: _Circuits) -> Iterator[list[Any]]:
        """Return a row for each target, and for each circuit of an origin that is none."""
        tallies = metrics.tallies()
        self._refresh(metrics, {target: each.attempts for target, each in tallies.items()})
        others = [origin for origin in circuits.by_origin if origin not in tallies]
        others.sort(key=lambda origin: _WORST_FIRST.index(circuits.by_origin[origin][0]))
        of_target = dict(circuits.by_origin)
        if others:
            of_target[OTHER] = of_target[others[0]]
        for target in [*tallies, *others][:_MOST_ROWS]:
            circuit = of_target.get(target) or circuits.of_all or circuits.otherwise
            _, *percentiles = self._percentiles.get(target, _UNKNOWN)
            yield [target[:_LONGEST_TARGET], *circuit, *tallies.get(target, _NOTHING), *percentiles]

    def _refresh(self, metrics: Aggregator, attempts: Mapping[str, int]) -> None:
        """Work out anew the percentiles of some targets at which something has happened.

        Those that were worked out longest ago come first. Of a target that is at rest they stay
        as they are, so that nothing changes on the page either.
        """
        known = self._percentiles
        changed = [
            target
            for target, count in attempts.items()
            if count and known.get(target, _UNKNOWN)[0] != count
        ]
        ages = {target: age for age, target in enumerate(known)}
        changed.sort(key=lambda target: ages.get(target, -1))
        for target in changed[:_FRESH_A_TIME]:
            p50, _, p99 = metrics.recent_percentiles(target)
            known.pop(target, None)  # the newest stands at the end
            known[target] = (attempts[target], _short(p50), _short(p99))


@dataclass(slots=True)
class _Circuits:
    """The circuits of a client, each as state, since, last error and reason.

    Attributes:
        name: What stands for all origins, or None.
        of_all: Its circuit.
        by_origin: The others.
        otherwise: What an origin has that is not among them.
    """

    name: str | None = None
    of_all: _Circuit | None = None
    by_origin: dict[str, _Circuit] = field(default_factory=dict[str, "_Circuit"])
    otherwise: tuple[str | None, ...] = _NO_CIRCUIT


def knows(client: Any, scope: str) -> bool:
    """Return whether a client has such a circuit, or target."""
    circuits, inside = _circuits_of(client), _inside_of(client)
    targets = {} if inside is None else inside.metrics.tallies()
    known = {circuits.name, *circuits.by_origin, *targets}
    return (plain_origin(scope) or scope) in known


def _circuits_of(client: Any) -> _Circuits:
    found = _Circuits()
    if client.circuit.is_configured:
        found.otherwise = _NEVER_FAILED
    for each in client.circuit.stats():
        reason = None if each.reason is None else each.reason[:_LONGEST]
        row = (str(each.state), round(each.since, 3), each.last_error, reason)
        if "://" in each.scope:
            found.by_origin[shown_origin(each.scope)] = row
        else:
            found.name, found.of_all = each.scope, row
    return found


def _inside_of(client: Any) -> _Inside | None:
    # Not by `getattr`: a test's stand-in has every attribute.
    parts: dict[str, Any] = getattr(client, "__dict__", {})
    inside: _Inside | None = parts.get("_session") or parts.get("_drop_in")
    return inside


def _hedges(metrics: Aggregator) -> list[int] | None:
    """Return how many hedges were sent, and how many won, or None where none was due."""
    decided = metrics.totals(HEDGES, 1)
    return [int(decided.get(each, 0)) for each in ("sent", "won")] if decided else None


def _short(seconds: float | None) -> float | None:
    """Return a duration in three digits: it is no more exact than that."""
    return None if seconds is None else float(f"{seconds:.3g}")

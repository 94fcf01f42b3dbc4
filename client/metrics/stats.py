"""`client.stats()`: a snapshot for people and programs, read from what the aggregator counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .instruments import (
    AGAIN,
    ATTEMPT_DURATION,
    BUDGET_AVAILABLE,
    BULKHEAD_IN_USE,
    BULKHEAD_LIMIT,
    BULKHEAD_WAITING,
    HEDGE,
    OPERATION_DURATION,
    OPERATIONS_ACTIVE,
    REJECTIONS,
)
from .strategy_instruments import CACHE_LOOKUPS, RATE_LIMIT_PAUSED, RATE_LIMIT_WAITING
from .targets import shown_origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .aggregator import Aggregator
    from .snapshot import MetricsSnapshot

__all__ = ["CircuitStats", "ClientStats", "EndpointStats", "TargetStats", "take_stats"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitStats:
    """How one circuit stands.

    Attributes:
        scope: What it stands for: "client", an origin, or the name of a `CircuitBreaker`.
        state: As a call would find it: an open one whose break is over is half-open.
        since: When that began, in seconds since the epoch.
        last_error: The name of the class of the last failure that it counted, or None.
        reason: Why it is isolated; None where it is not.
    """

    scope: str
    state: str
    since: float
    last_error: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStats:
    """What a client did at one target: an origin, or `_OTHER` for all beyond the first hundred.

    Attributes:
        active: Operations under way.
        operations: Operations that have ended, by outcome.
        attempts: Attempts that have ended, by outcome.
        p50: Half of the attempts that ended in the last minute took no longer, in seconds; None
            where there was none. As all three it may be off by six per cent.
        p90: Nine in ten of them took no longer.
        p99: 99 in a hundred of them took no longer.
        circuit: How the circuit stands that calls to it go through, or None where there is none.
    """

    active: int = 0
    operations: Mapping[str, int] = field(default_factory=dict[str, int])
    attempts: Mapping[str, int] = field(default_factory=dict[str, int])
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    circuit: CircuitStats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointStats:
    """How one endpoint stands. What was done there is in `ClientStats.targets`, by its URL.

    Attributes:
        state: "in", "slow_start" (it was ejected, and is led up to its full share), "ejected",
            "probing" (an attempt finds out whether it is well again) or "drained" (its weight
            is 0).
        weight: Its share beside the others', as configured.
        outstanding: Attempts that are out there, open streams included.
        latency: Seconds that an answer takes, by which "p2c" chooses; None where none has come.
        failures: Failed attempts in a row, until now.
        cause: What it is ejected for; None where it is not.
        seconds_left: For how long it is ejected at least; 0.0 where it is not.
    """

    state: str
    weight: float
    outstanding: int
    latency: float | None
    failures: int
    cause: str | None = None
    seconds_left: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStats:
    """A snapshot of a client; it does not change after it was taken.

    `dataclasses.asdict` turns it into what JSON can hold.

    Attributes:
        client: The client's name.
        operations: Operations that have ended, in whatever way.
        attempts: HTTP exchanges that have ended.
        retries: Those of the exchanges that followed one that had failed.
        hedges: Those that were sent beside one that was late.
        failures: Operations that ended in an error, by the name of its class.
        rejections: Operations that were turned away without an attempt, by what turned them away.
        cache: Operations that have passed the cache, by what it did for them: "hit", "stale",
            "revalidated", "miss" or "bypass".
        slots_in_use: Slots of the bulkhead that are taken now; 0 without a bulkhead.
        slots_waiting: Operations that queue for one now.
        slots_limit: Slots that the bulkhead has; None without a bulkhead.
        rate_limit_waiting: Attempts that wait until it is their turn; 0 without a rate limit.
        rate_limit_paused: Keys of the rate limit, by default origins, whose callers pause now.
        budget_available: Retries that the budget would pay for now; None without a budget.
        circuits: The state of each circuit, by its scope ("client" or an origin). An origin that
            has never failed has none, unless `failure_rate`, a storage or a listener needs it.
        targets: What was done at each target.
        endpoints: How each endpoint stands, by its URL; none for a client without endpoints.
    """

    client: str = "default"
    operations: int
    attempts: int
    retries: int
    hedges: int = 0
    failures: Mapping[str, int]
    rejections: Mapping[str, int] = field(default_factory=dict[str, int])
    cache: Mapping[str, int] = field(default_factory=dict[str, int])
    slots_in_use: int
    slots_waiting: int
    slots_limit: int | None = None
    rate_limit_waiting: int = 0
    rate_limit_paused: int = 0
    budget_available: float | None = None
    circuits: Mapping[str, str]
    targets: Mapping[str, TargetStats] = field(default_factory=dict[str, TargetStats])
    endpoints: Mapping[str, EndpointStats] = field(default_factory=dict[str, EndpointStats])


def take_stats(
    metrics: Aggregator,
    circuits: Sequence[CircuitStats],
    endpoints: Mapping[str, EndpointStats] | None = None,
) -> ClientStats:
    """Return what has happened so far, together with what stands now.

    Args:
        metrics: What the client counted.
        circuits: How each of them stands.
        endpoints: How each of them stands, by URL; None where there are none.
    """
    taken = metrics.snapshot()
    attempts = taken.counts(ATTEMPT_DURATION)
    limit = taken.gauge(BULKHEAD_LIMIT)
    return ClientStats(
        client=taken.client,
        operations=sum(taken.counts(OPERATION_DURATION).values()),
        attempts=sum(attempts.values()),
        retries=sum(count for labels, count in attempts.items() if labels[-1] == AGAIN),
        hedges=sum(count for labels, count in attempts.items() if labels[-1] == HEDGE),
        failures=metrics.failures_by_class(),
        rejections=_summed(taken.counts(REJECTIONS), 1),
        cache=_summed(taken.counts(CACHE_LOOKUPS), 1),
        slots_in_use=int(taken.gauge(BULKHEAD_IN_USE) or 0),
        slots_waiting=int(taken.gauge(BULKHEAD_WAITING) or 0),
        slots_limit=None if limit is None else int(limit),
        rate_limit_waiting=int(taken.gauge(RATE_LIMIT_WAITING) or 0),
        rate_limit_paused=int(taken.gauge(RATE_LIMIT_PAUSED) or 0),
        budget_available=taken.gauge(BUDGET_AVAILABLE),
        circuits={each.scope: each.state for each in circuits},
        targets=_targets(metrics, taken, circuits),
        endpoints=endpoints or {},
    )


def _targets(
    metrics: Aggregator, taken: MetricsSnapshot, circuits: Sequence[CircuitStats]
) -> dict[str, TargetStats]:
    by_target = {shown_origin(each.scope): each for each in circuits}
    of_all = next((each for each in circuits if "://" not in each.scope), None)
    operations, attempts = taken.counts(OPERATION_DURATION), taken.counts(ATTEMPT_DURATION)
    active = taken.counts(OPERATIONS_ACTIVE)
    found: dict[str, TargetStats] = {}
    for target in {labels[0]: None for labels in (*operations, *attempts, *active)}:
        p50, p90, p99 = metrics.recent_percentiles(target)
        found[target] = TargetStats(
            active=active.get((target,), 0),
            operations=_summed(operations, 2, of=target),
            attempts=_summed(attempts, 2, of=target),
            p50=p50,
            p90=p90,
            p99=p99,
            circuit=by_target.get(target, of_all),
        )
    return found


def _summed(
    counts: Mapping[tuple[str, ...], int], place: int, of: str | None = None
) -> dict[str, int]:
    """Add up counts by the label at a place, of one target or of all."""
    summed: dict[str, int] = {}
    for labels, count in counts.items():
        if of is None or labels[0] == of:
            summed[labels[place]] = summed.get(labels[place], 0) + count
    return summed

"""What a run is judged by: lost, doubled, unclassified, leaked, and the promises of the outage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.soak.holdings import Holdings
    from benchmarks.soak.samples import Slope

__all__ = [
    "MEMORY_BOUND",
    "MEMORY_SECONDS",
    "Outage",
    "Verdict",
    "allowed_retries",
    "find_leaks",
    "is_memory_leak",
]

MEMORY_BOUND: Final = 120.0
"""Megabytes an hour: at the full rate of calls, some 200 bytes left behind by each of them."""
MEMORY_SECONDS: Final = 120.0
"""Over less than that, the breathing of the allocator looks like any slope."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """What one kind of client did while no call could succeed.

    Attributes:
        lane: Which.
        has_circuit: Whether it has one.
        opened: Whether its circuit opened.
        calls: Calls that its callers made.
        attempts: Attempts that it made of them.
        retries: Those that were not a call's first.
        allowed: The most retries that its budget had.
    """

    lane: str
    has_circuit: bool
    opened: bool
    calls: int
    attempts: int
    retries: int
    allowed: float

    @property
    def broken_promises(self) -> list[str]:
        """What should have been otherwise."""
        broken: list[str] = []
        if self.has_circuit and not self.opened:
            broken.append(f"{self.lane}: the circuit stayed closed in the outage")
        if self.retries > self.allowed:
            broken.append(
                f"{self.lane}: {self.retries} retries in the outage, and the budget allows "
                f"{self.allowed:.0f}"
            )
        return broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The numbers that must all be zero.

    Attributes:
        lost: Successes that the server knows nothing of.
        doubled: Operations that the server did twice.
        unclassified: Errors from outside the library's tree, and other surprises.
        leaks: What is still held after the idle phase, by kind.
        broken: Promises of the outage that were not kept.
    """

    lost: int
    doubled: int
    unclassified: int
    leaks: Mapping[str, int]
    broken: list[str] = field(default_factory=list[str])

    @property
    def leaked(self) -> int:
        """All leaks together."""
        return sum(self.leaks.values())

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        counts = (self.lost, self.doubled, self.unclassified, self.leaked, len(self.broken))
        return not any(counts)

    @property
    def exit_status(self) -> int:
        """0 if everything held, else 1."""
        return 0 if self.passed else 1


def allowed_retries(
    *, ratio: float, minimum_per_second: float, calls: int, calls_before: int, seconds: float
) -> float:
    """Return the most retries that a budget can pay for in an outage.

    Args:
        ratio: Of the budget.
        minimum_per_second: Of the budget; a second's worth may be in hand when it begins.
        calls: Calls made in the outage.
        calls_before: Calls of the ten seconds before, whose deposits may be unspent.
        seconds: How long it lasts.
    """
    return ratio * (calls + calls_before) + minimum_per_second * (seconds + 1)


def is_memory_leak(slope: Slope) -> bool:
    """Tell whether memory grew beyond the bound, in a time that is long enough to say so."""
    grown = slope.megabytes_per_hour
    return grown is not None and slope.seconds >= MEMORY_SECONDS and grown > MEMORY_BOUND


def find_leaks(
    baseline: Holdings, end: Holdings, *, open_at_proxy: int, stuck_permits: int, slope: Slope
) -> dict[str, int]:
    """Return what is held at the end that should not be, by kind.

    Args:
        baseline: After the warm-up, without a call under way.
        end: Likewise after the idle phase.
        open_at_proxy: Connections that the proxy has open at the end.
        stuck_permits: Circuits that did not close again, and calls that failed afterwards.
        slope: How memory grew.
    """
    # A connection in a pool is there to be used again; one that no pool knows is lost.
    other_descriptors = end.descriptors - end.connections
    other_descriptors_before = baseline.descriptors - baseline.connections
    return {
        "slots": end.slots_in_use + end.slots_waiting,
        "permits": stuck_permits,
        "tasks": max(0, end.tasks - baseline.tasks),
        "threads": max(0, end.threads - baseline.threads),
        "descriptors": max(0, other_descriptors - other_descriptors_before),
        "connections": end.connections_busy
        + end.pool_requests
        + max(0, open_at_proxy - end.connections),
        "memory": int(is_memory_leak(slope)),
    }

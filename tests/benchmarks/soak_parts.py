"""Makes the parts of a run that the tests judge."""

from __future__ import annotations

from typing import Any

from benchmarks.soak.holdings import Holdings
from benchmarks.soak.journal import SUCCESS, Operation
from benchmarks.soak.samples import Slope
from benchmarks.soak.verdict import Outage, Verdict
from server.testing import Ledger, LedgerEntry

SHORT_SLOPE = Slope(megabytes_per_hour=500.0, seconds=10.0, samples=20)


def operation(request_id: str = "a", **changes: Any) -> Operation:
    """Return an operation that succeeded at its first attempt."""
    facts: dict[str, Any] = {"attempts": 1, "outcome": SUCCESS, "message_id": f"m-{request_id}"}
    return Operation(request_id, "async", **{**facts, **changes})


def entry(request_id: str = "a", **changes: Any) -> LedgerEntry:
    """Return what the ledger says of that operation."""
    facts: dict[str, Any] = {
        "request_id": request_id,
        "message_id": f"m-{request_id}",
        "arrived": 1,
        "took_effect": 1,
        "abandoned": 0,
        "methods": ("POST",),
        "statuses": (200,),
        "bodies": ("digest",),
        "truncated": False,
    }
    return LedgerEntry(**{**facts, **changes})


def ledger(*entries: LedgerEntry, evicted: int = 0) -> Ledger:
    """Return a ledger of these entries."""
    return Ledger(
        requests={each.request_id: each for each in entries},
        arrived=sum(each.arrived for each in entries),
        took_effect=sum(each.took_effect for each in entries),
        evicted=evicted,
    )


def holdings(**changes: int) -> Holdings:
    """Return what is held while nothing goes on."""
    facts = dict.fromkeys(("slots_in_use", "slots_waiting", "connections_busy", "pool_requests"), 0)
    facts |= {"connections": 4, "tasks": 10, "threads": 5, "descriptors": 20}
    return Holdings(**{**facts, **changes})


def verdict(**changes: Any) -> Verdict:
    """Return the verdict on a run in which everything held."""
    facts: dict[str, Any] = {"lost": 0, "doubled": 0, "unclassified": 0, "leaks": {"slots": 0}}
    return Verdict(**{**facts, **changes})


def outage(**changes: Any) -> Outage:
    """Return an outage that was held."""
    facts: dict[str, Any] = {
        "lane": "async",
        "has_circuit": True,
        "opened": True,
        "calls": 100,
        "attempts": 20,
        "retries": 12,
        "allowed": 22.0,
    }
    return Outage(**{**facts, **changes})

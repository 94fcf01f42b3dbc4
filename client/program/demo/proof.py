"""What is claimed of a run, each claim with what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .record import SUCCESS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .failure_server import Ledger
    from .record import Operation

__all__ = ["Check", "arrivals", "expect", "prove"]


@dataclass(frozen=True, slots=True)
class Check:
    """A claim and what was found of it.

    Attributes:
        claim: What is looked at.
        found: What there is.
        holds: Whether that is as it should be.
        expected: What should be.
    """

    claim: str
    found: str
    holds: bool
    expected: str

    def __str__(self) -> str:
        text = f"{self.claim}: {self.found}"
        return text if self.holds else f"{text}; expected {self.expected}"


def expect(claim: str, expected: object, found: object) -> Check:
    """Check that what was found is what should be."""
    return Check(claim, str(found), expected == found, str(expected))


def arrivals(operations: Sequence[Operation], ledger: Ledger) -> int:
    """Return how many requests of these operations reached the server."""
    entries = (ledger.requests.get(operation.request_id) for operation in operations)
    return sum(entry.arrived for entry in entries if entry is not None)


def prove(operations: Sequence[Operation], ledger: Ledger, evicted_before: int = 0) -> list[Check]:
    """Compare what the callers were told with what the server did.

    Only the operations' own request ids are looked at, so that other callers of the same server
    do not matter.

    Args:
        operations: The operations of the run, all of them over.
        ledger: The server's ledger after the run.
        evicted_before: The entries it had evicted before the run.
    """
    succeeded = [each for each in operations if each.kind == SUCCESS and not each.was_kept]
    rejected = [operation for operation in operations if operation.was_rejected]
    lost = [operation for operation in succeeded if _effects(operation, ledger) < 1]
    doubled = [operation for operation in operations if _effects(operation, ledger) > 1]
    slipped = [operation for operation in rejected if arrivals([operation], ledger)]
    unclear = [operation for operation in operations if operation.told != operation.outcome]
    return [
        _none_of(succeeded, lost, "nothing lost", "successful operations without an effect"),
        _none_of(operations, doubled, "nothing doubled", "operations with more than one effect"),
        _none_of(rejected, slipped, "nothing let through", "rejected operations that arrived"),
        _none_of(operations, unclear, "same story", "operations whose events and outcome differ"),
        expect("ledger complete: entries evicted", 0, ledger.evicted - evicted_before),
    ]


def _effects(operation: Operation, ledger: Ledger) -> int:
    entry = ledger.requests.get(operation.request_id)
    return 0 if entry is None else entry.took_effect


def _none_of(
    all_of_them: Sequence[Operation], offenders: Sequence[Operation], claim: str, what: str
) -> Check:
    named = ", ".join(operation.request_id for operation in offenders) or "none"
    found = f"{named} (of {len(all_of_them)})"
    return Check(f"{claim}: {what}", found, not offenders, "none")

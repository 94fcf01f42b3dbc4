"""Compares what the callers were told with what the server did, window by window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.soak.journal import MAX_KEPT, SUCCESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.soak.journal import Operation
    from server.testing import Ledger, LedgerEntry

__all__ = ["Proof"]


@dataclass(slots=True)
class Proof:
    """What the ledger has shown so far.

    An operation is lost if its caller was told of a success that the server knows nothing of, or
    of another message than the one made for it. It is doubled if it took effect twice, arrived
    more often than its client made attempts, or arrived with two different bodies; so is an
    arrival under an id that no caller has given.
    """

    operations: int = 0
    arrived: int = 0
    took_effect: int = 0
    abandoned: int = 0
    statuses: dict[int, int] = field(default_factory=dict[int, int])
    lost_count: int = 0
    lost: list[str] = field(default_factory=list[str])
    doubled_count: int = 0
    doubled: list[str] = field(default_factory=list[str])

    def add(self, operations: Mapping[str, Operation], ledger: Ledger) -> None:
        """Look at the operations of one window, and at the ledger of the same.

        Raises:
            LedgerIncompleteError: The ledger was too small for the window.
        """
        ledger.doubled()  # which raises where entries were evicted
        self.operations += len(operations)
        self.arrived += ledger.arrived
        self.took_effect += ledger.took_effect
        for operation in operations.values():
            self._compare(operation, ledger.requests.get(operation.request_id))
        for request_id, entry in ledger.requests.items():
            self.abandoned += entry.abandoned
            for status in entry.statuses:
                self.statuses[status] = self.statuses.get(status, 0) + 1
            if request_id not in operations:
                self._double(f"{request_id} arrived, and no caller gave that id")

    def _compare(self, operation: Operation, entry: LedgerEntry | None) -> None:
        name = operation.request_id
        if operation.outcome == SUCCESS:
            if entry is None or not entry.took_effect:
                self._lose(f"{name} succeeded and had no effect")
            elif entry.message_id != operation.message_id:
                self._lose(f"{name} was told of another message than the one made for it")
        if entry is None:
            return
        if entry.took_effect > 1:
            self._double(f"{name} took effect {entry.took_effect} times")
        if entry.arrived > operation.attempts:
            self._double(f"{name} arrived {entry.arrived} times in {operation.attempts} attempts")
        if len(entry.bodies) > 1:
            self._double(f"{name} arrived with {len(entry.bodies)} different bodies")

    def _lose(self, what: str) -> None:
        self.lost_count += 1
        if len(self.lost) < MAX_KEPT:
            self.lost.append(what)

    def _double(self, what: str) -> None:
        self.doubled_count += 1
        if len(self.doubled) < MAX_KEPT:
            self.doubled.append(what)

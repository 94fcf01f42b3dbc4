"""Counts what has happened, in plain numbers that cost one lock per operation."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client.forking import fork_safe

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ClientStats", "Tally"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientStats:
    """A snapshot of a client; it does not change after it was taken.

    `dataclasses.asdict` turns it into what JSON can hold.

    Attributes:
        operations: Operations that have ended, in whatever way.
        attempts: HTTP exchanges they made.
        retries: Those of the exchanges that were not an operation's first.
        failures: Operations that ended in an error, by the name of its class.
        slots_in_use: Slots of the bulkhead that are taken now; 0 without a bulkhead.
        slots_waiting: Operations that queue for one now.
        circuits: The state of each circuit, by its scope ("client" or an origin). An origin that
            has never failed has none, unless `failure_rate`, a storage or a listener needs it.
    """

    operations: int
    attempts: int
    retries: int
    failures: Mapping[str, int]
    slots_in_use: int
    slots_waiting: int
    circuits: Mapping[str, str]


class Tally:
    """The counters behind a snapshot. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._operations = 0
        self._attempts_beyond = 0
        self._retries = 0
        self._failures: Counter[str] = Counter()

    def count(self, attempts: int, error: BaseException | None) -> None:
        """Count an operation that has ended."""
        with self._lock:
            self._operations += 1
            # Most operations make one attempt: only what differs from that is counted.
            if attempts != 1:
                self._attempts_beyond += attempts - 1
                self._retries += max(0, attempts - 1)
            if error is not None:
                self._failures[type(error).__name__] += 1

    def snapshot(
        self, *, slots_in_use: int, slots_waiting: int, circuits: Mapping[str, str]
    ) -> ClientStats:
        """Return the numbers so far, together with what stands now."""
        with self._lock:
            return ClientStats(
                operations=self._operations,
                attempts=self._operations + self._attempts_beyond,
                retries=self._retries,
                failures=dict(self._failures),
                slots_in_use=slots_in_use,
                slots_waiting=slots_waiting,
                circuits=dict(circuits),
            )

"""The ledger as it is written: bounded, locked, and free of HTTP.

Rule 1: a request id is one record, its message included. They are remembered and evicted
together, so the server never repeats the effect of a call that its ledger still vouches for.
Rule 2: an arrival carries the generation it was made in. After `clear`, what is still in flight
from before changes nothing, so one test's stragglers never show in the next.
Rule 3: an evicted id is not brought back by its own stragglers; only the totals count them.
"""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .ledger import Ledger, LedgerEntry

TRACE_LENGTH = 32  # of the methods, statuses and bodies of one record

Item = TypeVar("Item")


def new_uuid() -> str:
    """Return a random UUID as text."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Arrival:
    """One call's ticket, under which the rest of its story is recorded.

    Attributes:
        request_id: The call's request id.
        ordinal: 1 for the first arrival of that id, 2 for the second.
        generation: How often the store had been cleared before it.
    """

    request_id: str
    ordinal: int
    generation: int


@dataclass(slots=True)
class _Record:
    message_id: str | None = None
    arrived: int = 0
    took_effect: int = 0
    abandoned: int = 0
    methods: list[str] = field(default_factory=list[str])
    statuses: list[int] = field(default_factory=list[int])
    bodies: list[str] = field(default_factory=list[str])
    truncated: bool = False

    def note(self, trace: list[Item], item: Item) -> None:
        if len(trace) < TRACE_LENGTH:
            trace.append(item)
        else:
            self.truncated = True

    def note_distinct(self, trace: list[Item], item: Item) -> None:
        if item not in trace:
            self.note(trace, item)

    def entry(self, request_id: str) -> LedgerEntry:
        return LedgerEntry(
            request_id=request_id,
            message_id=self.message_id,
            arrived=self.arrived,
            took_effect=self.took_effect,
            abandoned=self.abandoned,
            methods=tuple(self.methods),
            statuses=tuple(self.statuses),
            bodies=tuple(self.bodies),
            truncated=self.truncated,
        )


class LedgerStore:
    """Counts arrivals and effects by request id. Safe to use from any thread.

    Args:
        capacity: Request ids remembered; the one whose last arrival is oldest goes first.
        new_message_id: Makes the id of each new message.
    """

    def __init__(
        self,
        *,
        capacity: int,
        new_message_id: Callable[[], str] = new_uuid,
    ) -> None:
        self._capacity = capacity
        self._new_message_id = new_message_id
        self._lock = threading.Lock()
        self._records: OrderedDict[str, _Record] = OrderedDict()
        self._generation = 0
        self._arrived = self._took_effect = self._evicted = 0

    def arrive(self, request_id: str, method: str) -> Arrival:
        """Record that a call has come in, before anything is known of its fate."""
        with self._lock:
            record = self._records.setdefault(request_id, _Record())
            self._records.move_to_end(request_id)
            record.arrived += 1
            record.note_distinct(record.methods, method)
            self._arrived += 1
            self._evict()
            return Arrival(request_id, record.arrived, self._generation)

    def receive(self, arrival: Arrival, body_sha256: str) -> None:
        """Record the whole body of a call."""
        with self._lock:
            if record := self._record(arrival):
                record.note_distinct(record.bodies, body_sha256)

    def perform(self, arrival: Arrival, *, dedupe: bool = True) -> str:
        """Let a call take effect, unless its request id has had its effect already.

        Args:
            arrival: The call.
            dedupe: False repeats the effect for every arrival, as a careless server does.

        Returns:
            The id of the message made now or, for a repeated call, made the first time.
        """
        with self._lock:
            record = self._record(arrival)
            if dedupe and record and record.message_id:
                return record.message_id
            message_id = self._new_message_id()
            if arrival.generation == self._generation:
                self._took_effect += 1
            if record:
                record.took_effect += 1
                record.message_id = message_id
            return message_id

    def answer(self, arrival: Arrival, status: int) -> None:
        """Record the status that a call is answered with."""
        with self._lock:
            if record := self._record(arrival):
                record.note(record.statuses, status)

    def abandon(self, arrival: Arrival) -> None:
        """Record that the caller left before it was answered."""
        with self._lock:
            if record := self._record(arrival):
                record.abandoned += 1

    def find(self, request_id: str) -> LedgerEntry | None:
        """Return one request id's entry, None if it is unknown."""
        with self._lock:
            record = self._records.get(request_id)
            return None if record is None else record.entry(request_id)

    def snapshot(self) -> Ledger:
        """Return the whole ledger as it stands now."""
        with self._lock:
            return Ledger(
                requests={key: record.entry(key) for key, record in self._records.items()},
                arrived=self._arrived,
                took_effect=self._took_effect,
                evicted=self._evicted,
            )

    def clear(self) -> None:
        """Forget every request id and its message, and count from nought again."""
        with self._lock:
            self._records.clear()
            self._generation += 1
            self._arrived = self._took_effect = self._evicted = 0

    def _record(self, arrival: Arrival) -> _Record | None:
        if arrival.generation != self._generation:
            return None
        return self._records.get(arrival.request_id)

    def _evict(self) -> None:
        while len(self._records) > self._capacity:
            self._records.popitem(last=False)
            self._evicted += 1

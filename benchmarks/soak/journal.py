"""What the callers did and were told: by operation for one window, in numbers for the whole run."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.soak.histogram import Histogram
from benchmarks.soak.plan import Phase
from client import events
from client.exceptions import CircuitOpenError, MyAPIError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "CANCELLED",
    "MAX_KEPT",
    "REJECTED",
    "SUCCESS",
    "Bucket",
    "Journal",
    "Operation",
    "PhaseTally",
    "Transition",
    "Unclassified",
]

SUCCESS: Final = "success"
CANCELLED: Final = "cancelled"
REJECTED: Final = CircuitOpenError.__name__
MAX_KEPT: Final = 1000
"""Of the lists that are written out: what is beyond is counted only."""


@dataclass(slots=True)
class Operation:
    """One call.

    Attributes:
        request_id: Its own.
        lane: The kind of client that makes it.
        attempts: The attempts that the client said it began.
        outcome: `success`, `cancelled`, or the class of the error; "" while it goes on.
        message_id: The message that a success was answered with.
    """

    request_id: str
    lane: str
    attempts: int = 0
    outcome: str = ""
    message_id: str | None = None
    began: float = 0.0


@dataclass(slots=True)
class PhaseTally:
    """What the callers of one kind of client did in one phase."""

    calls: int = 0
    attempts: int = 0
    first_attempts: int = 0
    outcomes: Counter[str] = field(default_factory=Counter[str])
    latency: Histogram = field(default_factory=Histogram)

    @property
    def retries(self) -> int:
        """Attempts that were not an operation's first."""
        return self.attempts - self.first_attempts


@dataclass(frozen=True, slots=True)
class Bucket:
    """A point in the picture.

    Attributes:
        ends: Seconds since the run began.
        seconds: Its width.
        calls: Calls begun, by kind of client.
        outcomes: Calls that ended in it, by outcome.
        latency: Percentiles of all that reached the wire and were not cancelled.
    """

    ends: float
    seconds: float
    calls: dict[str, int]
    outcomes: dict[str, int]
    latency: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Transition:
    """A circuit moved."""

    at: float
    lane: str
    state: str


@dataclass(frozen=True, slots=True)
class Unclassified:
    """What a caller must never see, or what went wrong with nobody to tell."""

    at: float
    what: str


class Journal:
    """The record of a run. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = threading.Lock()
        self._operations: dict[str, Operation] = {}
        self._serial = 0
        self._open_bucket()
        self.phase = Phase.WARM_UP
        self.phases: dict[tuple[Phase, str], PhaseTally] = {}
        self.buckets: list[Bucket] = []
        self.transitions: list[Transition] = []
        self.transition_count = 0
        self.unclassified: list[Unclassified] = []
        self.unclassified_count = 0

    def now(self) -> float:
        """Return the seconds since the run began."""
        return self._clock() - self._began

    def begin(self, lane: str) -> Operation:
        """Record that a call begins."""
        with self._lock:
            self._serial += 1
            operation = Operation(f"soak-{lane}-{self._serial}", lane, began=self._clock())
            self._operations[operation.request_id] = operation
            self._tally(lane).calls += 1
            self._calls[lane] += 1
            return operation

    def end(self, operation: Operation, outcome: str) -> None:
        """Record what became of a call."""
        elapsed = self._clock() - operation.began
        with self._lock:
            operation.outcome = outcome
            tally = self._tally(operation.lane)
            tally.attempts += operation.attempts
            tally.first_attempts += operation.attempts > 0
            tally.outcomes[outcome] += 1
            self._outcomes[outcome] += 1
            if outcome not in {CANCELLED, REJECTED}:
                tally.latency.add(elapsed)
                self._latency.add(elapsed)

    def end_in_error(self, operation: Operation, error: BaseException) -> None:
        """Record the error of a call; one from outside the library's tree is unclassified."""
        if not isinstance(error, MyAPIError):
            self.complain(f"{operation.request_id} raised {error!r}, caused by {error.__cause__!r}")
        self.end(operation, type(error).__name__)

    def complain(self, what: str) -> None:
        """Record what should not have been."""
        with self._lock:
            self.unclassified_count += 1
            if len(self.unclassified) < MAX_KEPT:
                self.unclassified.append(Unclassified(round(self.now(), 3), what))

    def take_operations(self) -> dict[str, Operation]:
        """Return the operations since the last time, all of them over, and forget them."""
        with self._lock:
            taken, self._operations = self._operations, {}
        return taken

    def close_bucket(self) -> Bucket:
        """End a point of the picture and begin the next."""
        with self._lock:
            now = self.now()
            bucket = Bucket(
                ends=now,
                seconds=now - self._bucket_began,
                calls=dict(self._calls),
                outcomes=dict(self._outcomes),
                latency=self._latency.percentiles(),
            )
            self.buckets.append(bucket)
            self._open_bucket()
        return bucket

    def listener(self, lane: str) -> events.Listener:
        """Return what a client of this kind tells its events to."""
        return _Listener(self, lane)

    def count_attempt(self, request_id: str | None) -> None:
        """Record that an attempt begins."""
        operation = self._operations.get(request_id or "")
        if operation is not None:
            operation.attempts += 1

    def move(self, lane: str, state: str) -> None:
        """Record that a circuit moved."""
        with self._lock:
            self.transition_count += 1
            if len(self.transitions) < MAX_KEPT:
                self.transitions.append(Transition(round(self.now(), 3), lane, state))

    def total(self, *, outages: bool | None = None) -> PhaseTally:
        """Add up all phases, or only those that are outages, or that are not."""
        total = PhaseTally()
        for (phase, _lane), tally in self.phases.items():
            if outages is None or phase.is_outage is outages:
                total.calls += tally.calls
                total.attempts += tally.attempts
                total.first_attempts += tally.first_attempts
                total.outcomes += tally.outcomes
        return total

    def _tally(self, lane: str) -> PhaseTally:
        return self.phases.setdefault((self.phase, lane), PhaseTally())

    def _open_bucket(self) -> None:
        self._bucket_began = self.now()
        self._calls: Counter[str] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._latency = Histogram()


class _Listener:
    """Takes note of attempts and of the circuit."""

    listens_to = (
        events.AttemptStarted,
        events.CircuitOpened,
        events.CircuitHalfOpened,
        events.CircuitClosed,
    )

    def __init__(self, journal: Journal, lane: str) -> None:
        self._journal = journal
        self._lane = lane

    def __call__(self, event: events.Event, /) -> None:
        match event:
            case events.AttemptStarted(request_id=request_id):
                self._journal.count_attempt(request_id)
            case events.CircuitOpened():
                self._journal.move(self._lane, "open")
            case events.CircuitHalfOpened():
                self._journal.move(self._lane, "half-open")
            case events.CircuitClosed():
                self._journal.move(self._lane, "closed")
            case _:
                pass

"""What the demo saw: the events that the library told, and what each caller was left with."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

from ... import events

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...exceptions import MyAPIError

__all__ = ["SUCCESS", "ChapterRecord", "Journal", "Operation", "Outcome", "Phase"]

SUCCESS: Final = "success"
REJECTIONS: Final = frozenset({"CircuitOpenError", "PoolTimeoutError", "RateLimitRejectedError"})
TRANSITIONS: Final[dict[type[events.Event], str]] = {
    events.CircuitOpened: "opened",
    events.CircuitHalfOpened: "half-opened",
    events.CircuitClosed: "closed",
}


class Phase(Enum):
    """Where an operation is."""

    ADMISSION = "admission"
    QUEUE = "queue"
    ATTEMPT = "attempt"
    WAIT = "wait"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an operation ended: "success" or the class of its error, after so many attempts."""

    kind: str
    attempts: int

    @classmethod
    def of_error(cls, error: MyAPIError) -> Outcome:
        """Read the outcome of an operation that raised."""
        return cls(type(error).__name__, error.attempts)


@dataclass(slots=True)
class Operation:
    """One call by a caller of the demo.

    Attributes:
        number: 1 for the first of the run.
        request_id: The id that all its attempts carry.
        method: Its HTTP method.
        phase: Where it is, by the last event.
        retries: Its failed attempts that were followed by a wait.
        next_attempt_at: When its current wait ends, by the journal's clock.
        transitions: What it did to the circuit.
        end: The event that ended it.
        outcome: What its caller was left with.
        was_kept: Whether that is an answer from the cache.
    """

    number: int
    request_id: str
    method: str
    phase: Phase = Phase.ADMISSION
    retries: list[events.RetryScheduled] = field(default_factory=list[events.RetryScheduled])
    next_attempt_at: float = 0.0
    transitions: list[str] = field(default_factory=list[str])
    end: events.OperationSucceeded | events.OperationFailed | None = None
    outcome: Outcome | None = None
    was_kept: bool = False

    @property
    def kind(self) -> str | None:
        """The kind of its outcome, None before there is one."""
        return None if self.outcome is None else self.outcome.kind

    @property
    def was_rejected(self) -> bool:
        """Whether the circuit or the bulkhead turned it away."""
        return self.kind in REJECTIONS

    @property
    def told(self) -> Outcome | None:
        """The outcome by the event that ended it."""
        end = self.end
        if end is None:
            return None
        if isinstance(end, events.OperationSucceeded):
            return Outcome(SUCCESS, end.attempts)
        return Outcome(type(end.error).__name__, end.attempts)

    def note(self, event: events.Event, now: float) -> None:
        """Record an event that is about this operation."""
        match event:
            case events.BulkheadWaiting():
                self.phase = Phase.QUEUE
            case events.BulkheadAcquired():
                self.phase = Phase.ATTEMPT
            case events.RetryScheduled():
                self.phase, self.next_attempt_at = Phase.WAIT, now + event.wait
                self.retries.append(event)
            case events.OperationSucceeded() | events.OperationFailed():
                self.phase, self.end = Phase.OVER, event
            case events.CircuitOpened() | events.CircuitHalfOpened() | events.CircuitClosed():
                self.transitions.append(TRANSITIONS[type(event)])
            case _:
                pass


@dataclass(slots=True)
class ChapterRecord:
    """What happened in one chapter.

    Attributes:
        operations: In the order in which they were called.
        events: All that the library told, in order.
    """

    operations: list[Operation] = field(default_factory=list[Operation])
    events: list[events.Event] = field(default_factory=list[events.Event])

    @property
    def attempts(self) -> int:
        """Attempts of all its operations, as their callers were told."""
        return sum(operation.outcome.attempts for operation in self.operations if operation.outcome)

    @property
    def waited(self) -> float:
        """Seconds its operations waited between attempts, added up."""
        return sum(retry.wait for operation in self.operations for retry in operation.retries)

    @property
    def outcomes(self) -> str:
        """How many operations ended how, in the order in which the kinds first came up."""
        counts = Counter(str(operation.kind) for operation in self.operations)
        return ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "none"

    @property
    def transitions(self) -> str:
        """The transitions of the circuit, in order."""
        names = [TRANSITIONS[type(event)] for event in self.events if type(event) in TRANSITIONS]
        return ", ".join(names) or "none"


class Journal:
    """The listener that keeps the record.

    Args:
        run: Tells the request ids of this run from all others.
        clock: Monotonic seconds.
    """

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.chapters: list[ChapterRecord] = []
        self.break_ends_at: float = 0.0
        """When the circuit's last break ends."""
        self.now = clock
        self._run = run
        self._operations: dict[str | None, Operation] = {}

    @property
    def operations(self) -> Sequence[Operation]:
        """Every operation of the run."""
        return [operation for chapter in self.chapters for operation in chapter.operations]

    def begin_chapter(self) -> ChapterRecord:
        """Open the record of the next chapter."""
        record = ChapterRecord()
        self.chapters.append(record)
        return record

    def begin(self, method: str) -> Operation:
        """Open the record of an operation that is about to be called."""
        number = len(self._operations) + 1
        operation = Operation(number, f"demo-{self._run}-{number}", method)
        self._operations[operation.request_id] = operation
        self.chapters[-1].operations.append(operation)
        return operation

    def operation(self, event: events.Event) -> Operation | None:
        """Return the operation that an event is about."""
        return self._operations.get(event.request_id)

    def __call__(self, event: events.Event) -> None:
        """Handle an event."""
        now = self.now()
        self.chapters[-1].events.append(event)
        if isinstance(event, events.CircuitOpened):
            self.break_ends_at = now + event.recovery_timeout
        operation = self.operation(event)
        if operation is not None:
            operation.note(event, now)

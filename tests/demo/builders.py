"""Records and ledgers made by hand: runs as they went well, and as they must not go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client import events
from client.exceptions import (
    CircuitOpenError,
    MyAPIError,
    PoolTimeoutError,
    ServerError,
    ServiceUnavailableError,
)
from client.program.demo.record import SUCCESS, ChapterRecord, Operation, Outcome

URL = "http://server.example/msg"
ERRORS: Mapping[str, type[MyAPIError]] = {
    kind.__name__: kind
    for kind in (CircuitOpenError, PoolTimeoutError, ServerError, ServiceUnavailableError)
}


@dataclass(frozen=True)
class Entry:
    """What a ledger has on one request id."""

    arrived: int = 0
    took_effect: int = 0
    bodies: tuple[str, ...] = ("digest",)


@dataclass(frozen=True)
class HandMadeLedger:
    """A ledger that says what the test wants it to say."""

    requests: Mapping[str, Entry]
    evicted: int = 0


def error_of(kind: str, attempts: int = 0) -> MyAPIError:
    """An error of the tree by its name, with a status where it has one."""
    status = {"ServerError": 500, "ServiceUnavailableError": 503}.get(kind)
    return ERRORS[kind](kind, attempts=attempts, status_code=status)


def about(operation: Operation) -> dict[str, Any]:
    """What every event says of its operation."""
    return {"request_id": operation.request_id, "method": operation.method, "url": URL}


def ending(
    operation: Operation, kind: str, attempts: int, elapsed: float = 0.25
) -> events.OperationSucceeded | events.OperationFailed:
    """The event that ends an operation."""
    if kind == SUCCESS:
        return events.OperationSucceeded(
            status_code=200, response=None, attempts=attempts, elapsed=elapsed, **about(operation)
        )
    error = error_of(kind, attempts)
    return events.OperationFailed(
        error=error, attempts=attempts, elapsed=elapsed, **about(operation)
    )


def retry(
    operation: Operation, wait: float, error: Exception | None = None
) -> events.RetryScheduled:
    """The event of a failed attempt that another will follow."""
    return events.RetryScheduled(
        attempt=len(operation.retries) + 1,
        max_attempts=3,
        wait=wait,
        error=error or error_of("ServerError"),
        **about(operation),
    )


def ended(number: int, kind: str = SUCCESS, attempts: int = 1) -> Operation:
    """An operation that is over, whose caller was left with what its event says."""
    operation = Operation(number, f"id-{number}", "GET")
    operation.note(ending(operation, kind, attempts), now=0.0)
    operation.outcome = Outcome(kind, attempts)
    return operation


def transition(kind: str) -> events.Event:
    """An event of the circuit, or of another strategy."""
    of_call = {"request_id": "id-1", "method": "GET", "url": URL}
    where = {"scope": "client", **of_call}
    event: events.Event
    match kind:
        case "paused":
            event = events.RateLimitPaused(
                key="origin", seconds=1.0, by="retry_after", status_code=429, **of_call
            )
        case "fewer slots" | "more slots":
            limit = 12 if kind == "fewer slots" else 20
            event = events.LimitChanged(limit=limit, before=16, reason="latency", **of_call)
        case "first lost" | "second lost":
            event = events.HedgeLost(
                attempt=1 if kind == "first lost" else 2,
                target="http://server.example",
                seconds=0.5,
                is_hedge=kind == "second lost",
                is_drained=True,
                **of_call,
            )
        case "left out":
            event = events.EndpointEjected(
                endpoint="http://server.example",
                reason="consecutive_failures",
                seconds=30.0,
                ejected=1,
                total=3,
                **of_call,
            )
        case "opened":
            event = events.CircuitOpened(failures=3, recovery_timeout=1.5, last_error=None, **where)
        case "half-opened":
            event = events.CircuitHalfOpened(**where)
        case _:
            event = events.CircuitClosed(open_seconds=2.0, **where)
    return event


@dataclass(frozen=True)
class Run:
    """A chapter in short.

    Attributes:
        calls: For each operation the kind of its outcome, its attempts, how often it arrived and
            how often it took effect.
        transitions: What the circuit did.
        bodies: Different bodies that each came with.
    """

    calls: Sequence[tuple[str, int, int, int]]
    transitions: Sequence[str] = ()
    bodies: int = 1

    def record(self) -> ChapterRecord:
        """What the demo would have recorded."""
        operations = [
            ended(number, kind, attempts)
            for number, (kind, attempts, _, _) in enumerate(self.calls, 1)
        ]
        return ChapterRecord(operations, [transition(kind) for kind in self.transitions])

    def ledger(self) -> HandMadeLedger:
        """What the server would have, of the operations that arrived."""
        bodies = tuple(str(number) for number in range(self.bodies))
        return HandMadeLedger(
            {
                f"id-{number}": Entry(arrived, effects, bodies)
                for number, (_, _, arrived, effects) in enumerate(self.calls, 1)
                if arrived
            }
        )

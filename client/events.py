"""What happens, as frozen records handed to listeners; no listener, no record, no cost.

A listener is any callable that takes one event. It runs in the middle of a call, so it must be
quick and must not block; what it raises is logged and never harms the call.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from .errors.complaints import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "BulkheadAcquired",
    "BulkheadRejected",
    "BulkheadWaiting",
    "CircuitClosed",
    "CircuitHalfOpened",
    "CircuitIsolated",
    "CircuitOpened",
    "CircuitRejected",
    "CircuitReleased",
    "Event",
    "Listener",
    "OperationFailed",
    "OperationSucceeded",
    "RequestIdMade",
    "RetryRefused",
    "RetryScheduled",
    "SlotWaited",
    "notifier",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOperation:
    client: str = "default"
    """The name of the client."""
    operation_id: str = ""
    """What joins the events of one call: the request id may be missing, or given twice."""
    request_id: str | None
    method: str
    url: str
    """Without credentials, query and fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdMade(_OfOperation):
    """The caller brought no request id, so one was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadWaiting(_OfOperation):
    """No slot is free: the operation queues behind `waiting` others for one of `limit`."""

    waiting: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWaited(_OfOperation):
    """The operation queued for `seconds` and has its slot now."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadAcquired(_OfOperation):
    """The operation has its slot, and `slots_left` are free."""

    slots_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadRejected(_OfOperation):
    """The operation got no slot.

    Attributes:
        timeout: Seconds that it would have waited for one at most.
        reason: "timeout" (none came free within them), "deadline" (too little time would be left
            with one) or "priority" (the queue is long, and others are more important).
    """

    timeout: float
    reason: str = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRejected(_OfOperation):
    """The circuit turned the operation away; it may admit one in `retry_after` seconds.

    None where it is isolated until somebody releases it.
    """

    retry_after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(_OfOperation):
    """Attempt number `attempt` begins."""

    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(_OfOperation):
    """Attempt number `attempt` ended. Told after the body, of a stream after the head.

    Attributes:
        target: The origin it was sent to first, without a default port. Redirects that it followed
            belong to it.
        seconds: From its sending to the head of its last answer, or to its failure.
        status_code: Of its answer, or None.
        outcome: "success" (2xx and 3xx), "client_error", "server_error", "rate_limited",
            "connect_error", "connect_timeout", "tls_error", "pool_timeout", "read_timeout",
            "write_timeout", "network_error", "protocol_error", "deadline", "cancelled" or "other".
        error: What it failed with, or None.
        is_hedge: Whether it was sent beside another that had not ended.
        is_lost: Whether its outcome was not waited for, because another attempt won.
    """

    attempt: int
    target: str
    seconds: float
    status_code: int | None
    outcome: str
    error: BaseException | None
    is_hedge: bool = False
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(_OfOperation):
    """Attempt number `attempt` of `max_attempts` failed; the next begins after `wait` seconds."""

    attempt: int
    max_attempts: int
    wait: float
    error: Exception
    response: Any = None
    """The answer that is retried, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRefused(_OfOperation):
    """Attempt number `attempt` of `max_attempts` failed, and none follows it.

    Told once of an operation that a failed attempt ended; never where retries are switched off.

    Attributes:
        reason: The first of these that holds: "not_retryable" (it is nothing that the policy
            repeats), "attempts" (it was the last that is allowed), "circuit" (it has opened, or
            the operation is its probe), "deadline" (the wait would outlast it), "body" (it cannot
            be sent a second time), "budget" (it is used up).
    """

    attempt: int
    max_attempts: int
    error: Exception
    reason: str
    response: Any = None
    """The answer that would have been retried, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSucceeded(_OfOperation):
    """The operation brought an answer."""

    status_code: int
    response: Any
    attempts: int
    elapsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed(_OfOperation):
    """The operation ended with `error`, which the caller sees."""

    error: BaseException
    attempts: int
    elapsed: float
    is_own: bool = True
    """False for an error of the tree that another client raised, in a hook for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCircuit:
    client: str = "default"
    """The name of the client that is told: each that shares the circuit is."""
    operation_id: str | None = None
    """The operation of this client that moved the circuit; None where that was none of its own."""
    scope: str
    """ "client", the origin the circuit stands for, or the name of a `CircuitBreaker`."""
    request_id: str | None
    """The operation of this client that moved the circuit; None where that was none of its own."""
    method: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved(_OfCircuit):
    cause: str = "local"
    """ "local" (operations), "manual" (isolated, released or reset by hand) or "storage" (moved by
    whoever shares the storage, or by a listener of pybreaker's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpened(_Moved):
    """The circuit opened after `failures` failures and stays so for `recovery_timeout` seconds."""

    failures: int
    recovery_timeout: float
    last_error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitHalfOpened(_Moved):
    """The break is over: the circuit lets probes through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed(_Moved):
    """The circuit closed after it was open for `open_seconds`."""

    open_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitIsolated(_OfCircuit):
    """Somebody isolated the circuit, for `seconds` or, where that is None, until it is released."""

    reason: str
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitReleased(_OfCircuit):
    """The circuit is no longer isolated, after `seconds`.

    `CircuitClosed` or `CircuitHalfOpened` follows, for each circuit that goes on by that.
    """

    reason: str
    seconds: float


Event: TypeAlias = (
    RequestIdMade
    | BulkheadWaiting
    | SlotWaited
    | BulkheadAcquired
    | BulkheadRejected
    | CircuitRejected
    | CircuitOpened
    | CircuitHalfOpened
    | CircuitClosed
    | CircuitIsolated
    | CircuitReleased
    | AttemptStarted
    | AttemptEnded
    | RetryScheduled
    | RetryRefused
    | OperationSucceeded
    | OperationFailed
)

EventT = TypeVar("EventT", bound=Event)


class Listener(Protocol):
    """Anything that can be called with an event.

    A listener may name the events it wants in an attribute `listens_to`, a set, list or tuple of
    event classes; without it, it is given every event.
    """

    def __call__(self, event: Event, /) -> None:
        """Handle an event."""


def notifier(
    kind: type[EventT],
    listeners: Iterable[Listener],
    count_error: Callable[[str], object] = lambda _: None,
) -> Callable[[EventT], None] | None:
    """Return what tells the listeners of one kind of event, or None where none listens.

    Args:
        kind: The class of the event.
        listeners: Who may want to know.
        count_error: Given the name of a listener that raised.

    Raises:
        TypeError: A listener cannot be called, or is async.
    """
    interested = tuple(listener for listener in listeners if _listens(listener, kind))
    if not interested:
        return None

    def notify(event: EventT) -> None:
        for listener in interested:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - it is told
                complain("a listener raised on %s", type(event).__name__)
                count_error(_name_of(listener))

    return notify


def _name_of(listener: Listener) -> str:
    """Return what a listener is known by: the name of the function, or of its class."""
    return str(getattr(listener, "__qualname__", type(listener).__qualname__))


def _listens(listener: Listener, kind: type[object]) -> bool:
    call = getattr(listener, "__call__", None)  # noqa: B004 - the method itself is asked for
    if call is None or inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"listener {listener!r} is not allowed: give a plain callable that takes one event; "
            f"an async one would never be awaited"
        )
    wanted = getattr(listener, "listens_to", None)
    # The mocks of a test have every attribute; they are told everything.
    return kind in wanted if isinstance(wanted, frozenset | set | tuple | list) else True

"""What happens to an operation and its attempts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "BulkheadAcquired",
    "BulkheadRejected",
    "BulkheadWaiting",
    "OfClient",
    "OfOperation",
    "OperationFailed",
    "OperationSucceeded",
    "RequestIdMade",
    "RetryRefused",
    "RetryScheduled",
    "SlotWaited",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfClient:
    """What every event of a client says, which need not be about an operation."""

    client: str = "default"
    """The name of the client that is told."""
    operation_id: str | None = None
    """The operation of this client that brought it about; None where that was none of its own."""
    request_id: str | None = None
    """The request id of that operation, or None."""
    method: str | None = None
    """Its HTTP method, or None."""
    url: str | None = None
    """Its URL, without credentials, query and fragment, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfOperation:
    """What every event of an operation says."""

    client: str = "default"
    """The name of the client."""
    operation_id: str = ""
    """What joins the events of one call: the request id may be missing, or given twice."""
    request_id: str | None
    """The operation's id, as it is sent; None where a drop-in client sends none."""
    method: str
    """The HTTP method."""
    url: str
    """Without credentials, query and fragment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestIdMade(OfOperation):
    """The caller brought no request id, so one was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadWaiting(OfOperation):
    """No slot is free: the operation queues behind `waiting` others for one of `limit`."""

    waiting: int
    """Operations that were in the queue before it."""
    limit: int
    """Slots in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotWaited(OfOperation):
    """The operation queued for `seconds` and has its slot now."""

    seconds: float
    """How long it waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadAcquired(OfOperation):
    """The operation has its slot, and `slots_left` are free."""

    slots_left: int
    """Slots that are free now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadRejected(OfOperation):
    """The operation got no slot.

    Attributes:
        timeout: Seconds that it would have waited for one at most.
        reason: "timeout" (none came free within them), "deadline" (too little time would be left
            with one) or "priority" (the queue is long, and others are more important).
    """

    timeout: float
    reason: str = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(OfOperation):
    """Attempt number `attempt` begins."""

    attempt: int
    """Its number, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptEnded(OfOperation):
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
    """Its number, from 1."""
    target: str
    seconds: float
    status_code: int | None
    outcome: str
    error: BaseException | None
    is_hedge: bool = False
    is_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryScheduled(OfOperation):
    """Attempt number `attempt` of `max_attempts` failed; the next begins after `wait` seconds."""

    attempt: int
    """The number of the attempt that failed, from 1."""
    max_attempts: int
    """Attempts that the policy allows, the first included."""
    wait: float
    """Seconds until the next one."""
    error: Exception
    """What the attempt failed with."""
    response: Any = None
    """The answer that is retried, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRefused(OfOperation):
    """Attempt number `attempt` of `max_attempts` failed, and none follows it.

    Told once of an operation that a failed attempt ended; never where retries are switched off.

    Attributes:
        reason: The first of these that holds: "not_retryable" (it is nothing that the policy
            repeats), "attempts" (it was the last that is allowed), "circuit" (it has opened, or
            the operation is its probe), "rate_limit" (its turn would come too late), "deadline"
            (the wait would outlast it), "body" (it cannot be sent a second time), "budget" (it is
            used up).
    """

    attempt: int
    """The number of the attempt that failed, from 1."""
    max_attempts: int
    """Attempts that the policy allows, the first included."""
    error: Exception
    """What the attempt failed with."""
    reason: str
    response: Any = None
    """The answer that would have been retried, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSucceeded(OfOperation):
    """The operation brought an answer."""

    status_code: int
    """The status of the answer."""
    response: Any
    """The answer, of the client's own family."""
    attempts: int
    """Attempts made; 0 where none was needed, as for a hit of the cache."""
    elapsed: float
    """Seconds since the operation began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed(OfOperation):
    """The operation ended with `error`, which the caller sees."""

    error: BaseException
    """What the caller sees."""
    attempts: int
    """Attempts made; 0 where it was turned away."""
    elapsed: float
    """Seconds since the operation began."""
    is_own: bool = True
    """False for an error of the tree that another client raised, in a hook for one."""

"""What happens, as frozen records handed to listeners; no listener, no record, no cost.

A listener is any callable that takes one event. It runs in the middle of a call, so it must be
quick and must not block; what it raises is logged and never harms the call.
"""

from __future__ import annotations

import inspect
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "AttemptStarted",
    "BulkheadAcquired",
    "BulkheadRejected",
    "BulkheadWaiting",
    "CircuitClosed",
    "CircuitHalfOpened",
    "CircuitOpened",
    "CircuitRejected",
    "Event",
    "Listener",
    "OperationFailed",
    "OperationSucceeded",
    "RequestIdMade",
    "RetryScheduled",
    "notifier",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfOperation:
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
class BulkheadAcquired(_OfOperation):
    """The operation has its slot, and `slots_left` are free."""

    slots_left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkheadRejected(_OfOperation):
    """No slot came free within `timeout` seconds."""

    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRejected(_OfOperation):
    """The circuit turned the operation away; it may admit one in `retry_after` seconds."""

    retry_after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(_OfOperation):
    """Attempt number `attempt` begins."""

    attempt: int


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCircuit:
    scope: str
    """ "client", or the origin the circuit stands for."""
    request_id: str | None
    """The operation whose outcome moved the circuit."""
    method: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpened(_OfCircuit):
    """The circuit opened after `failures` failures and stays so for `recovery_timeout` seconds."""

    failures: int
    recovery_timeout: float
    last_error: BaseException | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitHalfOpened(_OfCircuit):
    """The break is over: the circuit lets probes through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed(_OfCircuit):
    """The circuit closed after it was open for `open_seconds`."""

    open_seconds: float


Event: TypeAlias = (
    RequestIdMade
    | BulkheadWaiting
    | BulkheadAcquired
    | BulkheadRejected
    | CircuitRejected
    | CircuitOpened
    | CircuitHalfOpened
    | CircuitClosed
    | AttemptStarted
    | RetryScheduled
    | OperationSucceeded
    | OperationFailed
)

EventT = TypeVar("EventT", bound=Event)

_logger: Final = logging.getLogger("resilient_client")


class Listener(Protocol):
    """Anything that can be called with an event.

    A listener may name the events it wants in an attribute `listens_to`, a set, list or tuple of
    event classes; without it, it is given every event.
    """

    def __call__(self, event: Event, /) -> None:
        """Take note of an event."""


def notifier(kind: type[EventT], listeners: Iterable[Listener]) -> Callable[[EventT], None] | None:
    """Return what tells the listeners of one kind of event, or None where none listens.

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
            except Exception:
                _logger.exception("a listener raised on %s", type(event).__name__)

    return notify


def _listens(listener: Listener, kind: type[Any]) -> bool:
    call = getattr(listener, "__call__", None)  # noqa: B004 - the method itself is asked for
    if call is None or inspect.iscoroutinefunction(listener) or inspect.iscoroutinefunction(call):
        raise TypeError(
            f"listener {listener!r} is not allowed: give a plain callable that takes one event; "
            f"an async one would never be awaited"
        )
    wanted = getattr(listener, "listens_to", None)
    # The mocks of a test have every attribute; they are told everything.
    return kind in wanted if isinstance(wanted, frozenset | set | tuple | list) else True

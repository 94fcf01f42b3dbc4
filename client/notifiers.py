"""One notifier per kind of event, made once, so that an event nobody wants costs a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import events

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Notifiers"]


class Notifiers:
    """Tells of each kind of event, or None where nobody listens to it."""

    __slots__ = (
        "attempt",
        "closed",
        "failed",
        "half_opened",
        "id_made",
        "no_slot",
        "opened",
        "rejected",
        "retry",
        "slot",
        "succeeded",
        "waiting",
    )

    def __init__(self, listeners: Iterable[events.Listener]) -> None:
        listeners = tuple(listeners)
        self.id_made = events.notifier(events.RequestIdMade, listeners)
        self.waiting = events.notifier(events.BulkheadWaiting, listeners)
        self.slot = events.notifier(events.BulkheadAcquired, listeners)
        self.no_slot = events.notifier(events.BulkheadRejected, listeners)
        self.rejected = events.notifier(events.CircuitRejected, listeners)
        self.opened = events.notifier(events.CircuitOpened, listeners)
        self.half_opened = events.notifier(events.CircuitHalfOpened, listeners)
        self.closed = events.notifier(events.CircuitClosed, listeners)
        self.attempt = events.notifier(events.AttemptStarted, listeners)
        self.retry = events.notifier(events.RetryScheduled, listeners)
        self.succeeded = events.notifier(events.OperationSucceeded, listeners)
        self.failed = events.notifier(events.OperationFailed, listeners)

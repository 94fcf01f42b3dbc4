"""What is logged of an event beside the operation it is about, and what tells it from others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from .. import events

if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = dict[str, object]

__all__ = ["fields_of"]


def fields_of(event: events.Event) -> tuple[tuple[object, ...], Fields]:
    """Return what tells an event from others of its name, and its fields."""
    find = _FIELDS.get(type(event))
    if find is None:
        return (), {}
    telling, fields = find(event)
    return tuple(fields[name] for name in telling), fields


def _named(error: BaseException | None) -> str | None:
    """Name an error by its class and status: its text may be anything."""
    if error is None:
        return None
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    return name if status is None else f"{name} {status}"


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _plain(*names: str, telling: tuple[str, ...] = ()) -> Find:
    """Take fields as they are; seconds are rounded."""

    def find(event: Any) -> tuple[tuple[str, ...], Fields]:
        found: Fields = {}
        for name in names:
            value = getattr(event, name)
            found[name] = round(value, 3) if isinstance(value, float) else value
        return telling, found

    return find


def _retry(event: events.RetryScheduled) -> tuple[tuple[str, ...], Fields]:
    return ("error",), {
        "error": _named(event.error),
        "wait": _rounded(event.wait),
        "attempt": event.attempt,
        "max_attempts": event.max_attempts,
    }


def _refused(event: events.RetryRefused) -> tuple[tuple[str, ...], Fields]:
    return ("error", "reason"), {
        "error": _named(event.error),
        "reason": event.reason,
        "attempt": event.attempt,
        "max_attempts": event.max_attempts,
    }


def _opened(event: events.CircuitOpened) -> tuple[tuple[str, ...], Fields]:
    return ("scope", "last_error"), {
        "failures": event.failures,
        "recovery_timeout": _rounded(event.recovery_timeout),
        "last_error": _named(event.last_error),
        "scope": event.scope,
        "cause": event.cause,
    }


def _failed(event: events.OperationFailed) -> tuple[tuple[str, ...], Fields]:
    error = _named(event.error)
    return ("error",), {
        "error": error,
        "attempts": event.attempts,
        "seconds": _rounded(event.elapsed),
    }


def _fallback(event: events.FallbackUsed) -> tuple[tuple[str, ...], Fields]:
    return ("error",), {"error": _named(event.error), "outcome": event.outcome}


if TYPE_CHECKING:
    Find = Callable[[Any], tuple[tuple[str, ...], Fields]]

_FIELDS: Final[dict[type[object], Find]] = {
    events.BulkheadWaiting: _plain("waiting", "limit"),
    events.BulkheadAcquired: _plain("slots_left"),
    events.RetryScheduled: _retry,
    events.RetryRefused: _refused,
    events.CircuitOpened: _opened,
    events.CircuitClosed: _plain("open_seconds", "scope", "cause", telling=("scope",)),
    events.CircuitIsolated: _plain("reason", "seconds", "scope", telling=("scope", "reason")),
    events.CircuitReleased: _plain("reason", "seconds", "scope", telling=("scope",)),
    events.OperationFailed: _failed,
    events.CacheUsed: _plain("status", "why", "age", telling=("status",)),
    events.FallbackUsed: _fallback,
    events.ChaosInjected: _plain(
        "attempt", "fault", "seconds", "status_code", telling=("fault", "status_code")
    ),
    events.HedgeSent: _plain("attempt", "after"),
    events.HedgeLost: _plain("attempt", "seconds", "is_hedge", "is_drained"),
    events.RateLimitPaused: _plain("seconds", "by", "status_code", telling=("by",)),
    events.RateLimitWaited: _plain("seconds"),
    events.LimitChanged: _plain("limit", "before", "reason", telling=("reason",)),
    events.EndpointEjected: _plain(
        "endpoint", "reason", "seconds", "ejected", "total", telling=("endpoint",)
    ),
    events.EndpointReturned: _plain(
        "endpoint", "seconds", "ejected", "total", telling=("endpoint",)
    ),
    events.EndpointsChanged: _plain("added", "removed", telling=("added", "removed")),
    events.EndpointsPanicked: _plain("is_on", "ejected", "total", telling=("is_on",)),
    events.WouldReject: _plain("by", "wait", telling=("by",)),
    events.Reconfigured: _plain("changed", telling=("changed",)),
}

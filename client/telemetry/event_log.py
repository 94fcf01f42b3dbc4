"""Logs events: fields, not sentences, each event under a name and at a level of its own."""

from __future__ import annotations

import logging
import time
import weakref
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .. import events
from ..config.log_levels import EVENT_LEVELS
from ..engine.rejections import is_rejection
from ..exceptions import ClientClosedError
from .event_fields import fields_of
from .log_output import Line, LogOutput
from .log_summary import Summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..config.models import LoggingConfig

    Fields = dict[str, object]

__all__ = ["EventLog"]

_FAILED, _REJECTED = "operation failed", "operation rejected"
_SAID_BY_THE_END: Final = frozenset({"not_retryable", "attempts"})
"""Why most operations end that fail: the line about the operation shows it."""
_NAMES: Final[Mapping[type[events.Event], tuple[str, ...]]] = {
    events.RequestIdMade: ("request id made",),
    events.BulkheadWaiting: ("bulkhead wait",),
    events.BulkheadAcquired: ("bulkhead acquired",),
    events.RetryScheduled: ("retry",),
    events.RetryRefused: ("retry refused",),
    events.CircuitOpened: ("circuit opened",),
    events.CircuitClosed: ("circuit closed",),
    events.CircuitIsolated: ("circuit isolated",),
    events.CircuitReleased: ("circuit released",),
    events.OperationFailed: (_FAILED, _REJECTED),
    events.CacheUsed: ("cache used",),
    events.FallbackUsed: ("fallback used",),
    events.ChaosInjected: ("chaos injected",),
    events.HedgeSent: ("hedge sent",),
    events.HedgeLost: ("hedge lost",),
    events.RateLimitPaused: ("rate limit paused",),
    events.RateLimitWaited: ("rate limit wait",),
    events.LimitChanged: ("limit changed",),
    events.EndpointEjected: ("endpoint ejected",),
    events.EndpointReturned: ("endpoint returned",),
    events.EndpointsChanged: ("endpoints changed",),
    events.EndpointsPanicked: ("endpoints panicked",),
    events.WouldReject: ("would reject",),
    events.Reconfigured: ("reconfigured",),
}


_OF_EVERY_CALL: Final = frozenset({"cache used"})
"""What is not logged where each line would ask the logger: a hit would take a third longer."""


class _Defaults(NamedTuple):
    """A `LoggingConfig()` for those who do without pydantic."""

    level: str = "INFO"
    include_request_id: bool = True
    logger_name: str = "resilient_client"
    levels: Mapping[str, str] = {}


class EventLog:
    """The listener that logs. Kinds of events below the configured level never reach it.

    Args:
        config: What is logged, and by which logger. None for a client that cannot be told: then
            what is below INFO is logged where the standard library's logger lets it through.
        name: The client's.
        now: The time on a monotonic clock, in seconds.
    """

    def __init__(
        self,
        config: LoggingConfig | None = None,
        *,
        name: str = "default",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asks_logger = config is None
        self._config = config if config is not None else _Defaults()
        self._name = name
        self._output = LogOutput(self._config.logger_name)
        self._summary = Summary(now, self._output.write)
        self._last_words: weakref.finalize[..., EventLog] | None = None
        self._levels = {**EVENT_LEVELS, **self._config.levels}
        threshold = _number("DEBUG" if self._asks_logger else self._config.level)
        self._logged = {name for name, level in self._levels.items() if _number(level) >= threshold}
        if self._asks_logger:
            self._logged -= _OF_EVERY_CALL
        self.listens_to: frozenset[type[events.Event]] = frozenset(
            kind for kind, names in _NAMES.items() if not self._logged.isdisjoint(names)
        )

    def __call__(self, event: events.Event) -> None:
        """Log one event, or count it with others like it."""
        name = _name_of(event)
        if name not in self._logged:
            return
        level = self._levels[name]
        is_quiet = _number(level) < logging.INFO
        if is_quiet and self._asks_logger and not self._output.is_enabled(level):
            return
        cause, fields = fields_of(event)
        line = Line(level, name, {**fields, **self._about(event)})
        if is_quiet:
            self._output.write(line)
        elif self._summary.add((name, *cause), line) and self._last_words is None:
            # What is held back when nothing follows comes out when the client is gone.
            self._last_words = weakref.finalize(self, self._summary.flush)

    def load(self) -> None:
        """Import structlog now, which takes long, and not when a circuit opens."""
        self._output.load()

    def flush(self) -> None:
        """Write what was held back to be summed up."""
        self._summary.flush()

    def warn(self, what: str, **fields: object) -> None:
        """Log a warning that is about the client and no operation of it."""
        if self._config.level not in {"ERROR", "CRITICAL"}:
            self._output.write(Line("WARNING", what, {**fields, "client": self._name}))

    def _about(self, event: Any) -> Fields:
        about: Fields = {
            "client": event.client,
            "method": event.method,
            "url": event.url,
        }
        if self._config.include_request_id:
            about["request_id"] = event.request_id
        return about


def _number(level: str) -> int:
    number: int = getattr(logging, level)
    return number


def _name_of(event: events.Event) -> str | None:
    """Return the name under which an event is logged; None where it is not."""
    if isinstance(event, events.RetryRefused) and event.reason in _SAID_BY_THE_END:
        return None
    if not isinstance(event, events.OperationFailed):
        names = _NAMES.get(type(event))
        return names[0] if names is not None else None
    if not isinstance(event.error, Exception):
        return None  # a cancellation is the caller's own doing
    is_rejected = is_rejection(event.error) or isinstance(event.error, ClientClosedError)
    return _REJECTED if is_rejected and event.attempts == 0 else _FAILED

"""Logs events with structlog: fields, not sentences, through whatever the application set up.

Where the application configured structlog, its processors and its loggers are used. Where it did
not, the records go to the standard library's logger of the configured name, so that they show up
under `logging.basicConfig`.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client import events
from client.imported_later import require

if TYPE_CHECKING:
    from client.config import LoggingConfig

__all__ = ["EventLog"]

require("structlog")

_DEBUG: Final = (
    events.RequestIdMade,
    events.BulkheadWaiting,
    events.BulkheadAcquired,
    events.RetryScheduled,
)
_INFO: Final = (events.CircuitClosed,)
_WARNING: Final = (events.CircuitOpened,)


class _Defaults(NamedTuple):
    """A `LoggingConfig()` for those who do without pydantic."""

    level: str = "INFO"
    include_request_id: bool = True
    logger_name: str = "resilient_client"


class EventLog:
    """The listener that logs. Kinds of events below the configured level never reach it."""

    def __init__(self, config: LoggingConfig | None = None) -> None:
        self._config = config if config is not None else _Defaults()
        threshold = logging.getLevelNamesMapping()[self._config.level]
        by_level = {logging.DEBUG: _DEBUG, logging.INFO: _INFO, logging.WARNING: _WARNING}
        self.listens_to: frozenset[type[events.Event]] = frozenset(
            kind for level, kinds in by_level.items() if level >= threshold for kind in kinds
        )

    def __call__(self, event: events.Event) -> None:
        """Log one event."""
        logger = self._logger()
        match event:
            case events.RequestIdMade():
                logger.debug("request id made", **self._about(event))
            case events.BulkheadWaiting(waiting=waiting, limit=limit):
                logger.debug("bulkhead wait", waiting=waiting, limit=limit, **self._about(event))
            case events.BulkheadAcquired(slots_left=left):
                logger.debug("bulkhead acquired", slots_left=left, **self._about(event))
            case events.RetryScheduled():
                logger.debug("retry", **_retry(event), **self._about(event))
            case events.CircuitOpened():
                logger.warning("circuit opened", **_opening(event), **self._about(event))
            case events.CircuitClosed(open_seconds=seconds):
                fields = {"open_seconds": round(seconds, 3), "scope": event.scope}
                logger.info("circuit closed", **fields, **self._about(event))
            case _:
                pass

    def load(self) -> None:
        """Import structlog now, which takes long, and not when a circuit opens."""
        import_module("structlog")

    def warn(self, what: str) -> None:
        """Log a warning that is about the client and no operation of it."""
        if self._config.level not in {"ERROR", "CRITICAL"}:
            self._logger().warning(what)

    def _logger(self) -> Any:
        # Here, because it takes half as long to import as httpx, and a client without a circuit
        # has mostly nothing to log.
        import structlog  # noqa: PLC0415 - see above

        # Asked each time: the application may configure structlog after this client was made.
        name = self._config.logger_name
        if structlog.is_configured():
            return structlog.get_logger(name)
        return structlog.wrap_logger(
            logging.getLogger(name),
            processors=[
                structlog.stdlib.filter_by_level,
                structlog.processors.KeyValueRenderer(key_order=["event"], drop_missing=True),
            ],
            wrapper_class=structlog.stdlib.BoundLogger,
            context_class=dict,
        )

    def _about(self, event: Any) -> dict[str, Any]:
        about: dict[str, Any] = {"method": event.method, "url": event.url}
        if self._config.include_request_id:
            about["request_id"] = event.request_id
        return about


def _retry(event: events.RetryScheduled) -> dict[str, Any]:
    return {
        "error": _name(event.error),
        "wait": round(event.wait, 3),
        "attempt": event.attempt,
        "max_attempts": event.max_attempts,
    }


def _opening(event: events.CircuitOpened) -> dict[str, Any]:
    return {
        "failures": event.failures,
        "recovery_timeout": round(event.recovery_timeout, 3),
        "last_error": _name(event.last_error),
        "scope": event.scope,
    }


def _name(error: BaseException | None) -> str | None:
    """Name an error by its class and status: its text may be anything."""
    if error is None:
        return None
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    return name if status is None else f"{name} {status}"

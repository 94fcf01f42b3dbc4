"""The events that are logged, by the names under which they are, each with its level."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

__all__ = ["EVENT_LEVELS", "LEVELS"]

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

EVENT_LEVELS: Final = MappingProxyType(
    {
        "circuit opened": "WARNING",
        "circuit closed": "INFO",
        "circuit isolated": "WARNING",
        "circuit released": "INFO",
        "retry": "DEBUG",
        "retry refused": "DEBUG",
        "bulkhead wait": "DEBUG",
        "bulkhead acquired": "DEBUG",
        "request id made": "DEBUG",
        "operation failed": "DEBUG",
        "operation rejected": "DEBUG",
        "cache used": "DEBUG",
        "fallback used": "INFO",
        "chaos injected": "WARNING",
        "hedge sent": "DEBUG",
        "hedge lost": "DEBUG",
        "rate limit paused": "INFO",
        "rate limit wait": "DEBUG",
        "limit changed": "DEBUG",
        "endpoint ejected": "WARNING",
        "endpoint returned": "INFO",
        "endpoints changed": "INFO",
        "endpoints panicked": "WARNING",
        "would reject": "INFO",
        "reconfigured": "INFO",
    }
)

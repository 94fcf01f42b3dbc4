"""The settings: frozen models, what they allow, and how they are read from the environment.

The models are imported at their first use: the drop-in clients do without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import (
        BulkheadConfig,
        CircuitBreakerConfig,
        ClientConfig,
        LoggingConfig,
        RetryBudgetConfig,
        RetryConfig,
        TimeoutConfig,
    )

__all__ = [
    "BulkheadConfig",
    "CircuitBreakerConfig",
    "ClientConfig",
    "LoggingConfig",
    "RetryBudgetConfig",
    "RetryConfig",
    "TimeoutConfig",
]

if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(import_module(".models", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

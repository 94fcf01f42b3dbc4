"""The settings: frozen models, what they allow, and how they are read from the environment.

The models are imported at their first use: the drop-in clients do without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .bulkhead import AdaptiveLimitConfig, BulkheadConfig
    from .chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
    from .hedge import HedgeConfig
    from .models import (
        CircuitBreakerConfig,
        ClientConfig,
        LoggingConfig,
        RetryBudgetConfig,
        RetryConfig,
        TimeoutConfig,
    )
    from .rate_limit import RateLimitConfig

__all__ = [
    "AdaptiveLimitConfig",
    "AnswerFault",
    "BulkheadConfig",
    "CallFault",
    "ChaosConfig",
    "CircuitBreakerConfig",
    "ClientConfig",
    "DelayFault",
    "HedgeConfig",
    "LoggingConfig",
    "RaiseFault",
    "RateLimitConfig",
    "RetryBudgetConfig",
    "RetryConfig",
    "TimeoutConfig",
]

_HOMES: Final = {
    **dict.fromkeys(("AdaptiveLimitConfig", "BulkheadConfig"), "bulkhead"),
    **dict.fromkeys(
        ("AnswerFault", "CallFault", "ChaosConfig", "DelayFault", "RaiseFault"), "chaos"
    ),
    "HedgeConfig": "hedge",
    "RateLimitConfig": "rate_limit",
}

if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(import_module(f".{_HOMES.get(name, 'models')}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

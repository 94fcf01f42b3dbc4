"""The settings: frozen models, what they allow, and how they are read from the environment.

The models are imported at their first use: the drop-in clients do without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .bulkhead import AdaptiveLimitConfig, BulkheadConfig
    from .cache import CacheConfig
    from .chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
    from .endpoints import BalancingConfig, Endpoint, OutlierConfig
    from .hedge import HedgeConfig
    from .models import (
        CircuitBreakerConfig,
        ClientConfig,
        LoggingConfig,
        RetryBudgetConfig,
        RetryConfig,
    )
    from .rate_limit import RateLimitConfig
    from .timeouts import TimeoutConfig

__all__ = [
    "AdaptiveLimitConfig",
    "AnswerFault",
    "BalancingConfig",
    "BulkheadConfig",
    "CacheConfig",
    "CallFault",
    "ChaosConfig",
    "CircuitBreakerConfig",
    "ClientConfig",
    "DelayFault",
    "Endpoint",
    "HedgeConfig",
    "LoggingConfig",
    "OutlierConfig",
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
    **dict.fromkeys(("BalancingConfig", "Endpoint", "OutlierConfig"), "endpoints"),
    "CacheConfig": "cache",
    "HedgeConfig": "hedge",
    "RateLimitConfig": "rate_limit",
    "TimeoutConfig": "timeouts",
}

if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(import_module(f".{_HOMES.get(name, 'models')}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

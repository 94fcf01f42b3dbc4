"""The settings: frozen models, what they allow, and how they are read from the environment.

The models are imported at their first use: the drop-in clients do without pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .models import (
        CircuitBreakerConfig,
        ClientConfig,
        LoggingConfig,
        RetryBudgetConfig,
        RetryConfig,
    )
    from .parts.bulkhead import AdaptiveLimitConfig, BulkheadConfig
    from .parts.cache import CacheConfig
    from .parts.chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
    from .parts.endpoints import BalancingConfig, Endpoint, OutlierConfig
    from .parts.hedge import HedgeConfig
    from .parts.rate_limit import RateLimitConfig
    from .parts.timeouts import TimeoutConfig

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
    **dict.fromkeys(("AdaptiveLimitConfig", "BulkheadConfig"), "parts.bulkhead"),
    **dict.fromkeys(
        ("AnswerFault", "CallFault", "ChaosConfig", "DelayFault", "RaiseFault"), "parts.chaos"
    ),
    **dict.fromkeys(("BalancingConfig", "Endpoint", "OutlierConfig"), "parts.endpoints"),
    "CacheConfig": "parts.cache",
    "HedgeConfig": "parts.hedge",
    "RateLimitConfig": "parts.rate_limit",
    "TimeoutConfig": "parts.timeouts",
}

if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        if name in __all__:
            return getattr(import_module(f".{_HOMES.get(name, 'models')}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

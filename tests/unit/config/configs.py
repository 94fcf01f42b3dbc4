"""Configurations by the dotted paths of their settings."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from client.config.models import (
    CircuitBreakerConfig,
    ClientConfig,
    LoggingConfig,
    RetryBudgetConfig,
    RetryConfig,
)
from client.config.parts.bulkhead import AdaptiveLimitConfig, BulkheadConfig
from client.config.parts.cache import CacheConfig
from client.config.parts.chaos import ChaosConfig, DelayFault
from client.config.parts.endpoints import BalancingConfig, OutlierConfig
from client.config.parts.hedge import HedgeConfig
from client.config.parts.rate_limit import RateLimitConfig
from client.config.parts.timeouts import TimeoutConfig
from client.exceptions import APIConnectionError
from client.version import __version__

DEFAULTS: dict[str, object] = {
    "name": "default",
    "base_url": "",
    "timeout.connect": 60.0,
    "timeout.read": 15.0,
    "timeout.write": 15.0,
    "timeout.pool": 5.0,
    "timeout.total": None,
    "retry.max_attempts": 3,
    "retry.min_wait_seconds": 1.0,
    "retry.max_wait_seconds": 60.0,
    "retry.multiplier": 2.0,
    "retry.jitter": True,
    "retry.backoff": "exponential",
    "retry.statuses": {408, 429, *range(500, 600)},
    "retry.methods": None,
    "retry.retry_if": None,
    "retry.stop": None,
    "retry.respect_retry_after": True,
    "retry.max_retry_after": 60.0,
    "retry.budget.ratio": 0.2,
    "retry.budget.minimum_per_second": 10.0,
    "circuit_breaker.failure_threshold": 5,
    "circuit_breaker.recovery_timeout": 30.0,
    "circuit_breaker.success_threshold": 1,
    "circuit_breaker.half_open_max_calls": 1,
    "circuit_breaker.failure_rate": None,
    "circuit_breaker.window_seconds": None,
    "circuit_breaker.minimum_calls": None,
    "circuit_breaker.expected_exception": APIConnectionError,
    "circuit_breaker.scope": "client",
    "circuit_breaker.recovery_jitter": 0.0,
    "circuit_breaker.recovery_multiplier": 1.0,
    "circuit_breaker.max_recovery_timeout": 600.0,
    "circuit_breaker.mode": "enforce",
    "circuit_breaker.listeners": (),
    "circuit_breaker.storage": None,
    "bulkhead.max_concurrency": 50,
    "bulkhead.acquisition_timeout": 30.0,
    "bulkhead.mode": "enforce",
    "endpoints": None,
    "balancing.policy": "p2c",
    "balancing.balancing_key": None,
    "balancing.outliers.consecutive_failures": 5,
    "balancing.outliers.failure_ratio": None,
    "balancing.outliers.minimum_calls": 20,
    "balancing.outliers.base_ejection": 30.0,
    "balancing.outliers.max_ejection": 300.0,
    "balancing.outliers.max_ejection_share": 0.5,
    "balancing.outliers.panic_share": 0.5,
    "balancing.outliers.slow_start": 10.0,
    "balancing.outliers.mode": "enforce",
    "balancing.refresh": 30.0,
    "balancing.health_path": None,
    "balancing.health_interval": 10.0,
    "balancing.max_connection_age": None,
    "logging.level": "INFO",
    "logging.include_request_id": True,
    "logging.logger_name": "resilient_client",
    "logging.levels": {},
    "headers": {},
    "follow_redirects": True,
    "verify_ssl": True,
    "user_agent": f"resilient-http-client/{__version__}",
    "http2": False,
    "trust_env": True,
    "max_body_bytes": None,
    "request_id_header": "X-Request-ID",
    "backend": "httpx",
}
PARTS: dict[str, type[BaseModel]] = {
    "timeout": TimeoutConfig,
    "retry": RetryConfig,
    "retry.budget": RetryBudgetConfig,
    "circuit_breaker": CircuitBreakerConfig,
    "bulkhead": BulkheadConfig,
    "balancing": BalancingConfig,
    "balancing.outliers": OutlierConfig,
    "logging": LoggingConfig,
}
OFF: dict[str, type[BaseModel]] = {
    "bulkhead.adaptive": AdaptiveLimitConfig,
    "rate_limit": RateLimitConfig,
    "hedge": HedgeConfig,
    "chaos": ChaosConfig,
    "cache": CacheConfig,
}
"""Parts that are off until somebody gives them."""
OFF_DEFAULTS: dict[str, object] = {
    "bulkhead.adaptive.min_limit": 1,
    "bulkhead.adaptive.initial_limit": 20,
    "bulkhead.adaptive.window": 1.0,
    "bulkhead.adaptive.minimum_samples": 10,
    "bulkhead.adaptive.tolerance": 1.5,
    "bulkhead.adaptive.smoothing": 0.2,
    "bulkhead.adaptive.drop_ratio": 0.1,
    "bulkhead.adaptive.backoff_ratio": 0.9,
    "rate_limit.rate": None,
    "rate_limit.period": 1.0,
    "rate_limit.burst": 1,
    "rate_limit.scope": "origin",
    "rate_limit.acquisition_timeout": 30.0,
    "rate_limit.learn": True,
    "rate_limit.max_pause": 60.0,
    "rate_limit.mode": "enforce",
    "rate_limit.key": None,
    "rate_limit.cost": None,
    "rate_limit.settle": None,
    "hedge.max_hedged_attempts": 1,
    "hedge.delay": None,
    "hedge.percentile": 0.97,
    "hedge.minimum_samples": 100,
    "hedge.min_delay": 0.001,
    "hedge.max_delay": None,
    "hedge.max_extra_load": 0.1,
    "hedge.methods": {"GET", "HEAD", "OPTIONS"},
    "hedge.max_body_bytes": 65536,
    "hedge.on_lose": "drain",
    "chaos.faults": (DelayFault(0),),  # which must be given
    "chaos.injection_rate": 0.0,
    "chaos.seed": None,
    "cache.storage": None,
    "cache.max_entry_bytes": 1024 * 1024,
    "cache.max_variants": 8,
    "cache.stale_if_error": 0.0,
    "cache.stale_while_revalidate": True,
    "cache.serve_stale_when_open": True,
    "cache.max_stale_when_open": 86400.0,
    "cache.single_flight": True,
    "cache.storage_timeout": 0.05,
    "cache.secret": None,
    "cache.partition": None,
}
"""What they have where they are given, and say nothing."""
MODELS: dict[str, type[BaseModel]] = {"": ClientConfig, **PARTS}


def nested(path: str, value: object) -> dict[str, Any]:
    """The nested dicts that give one setting."""
    name, _, rest = path.partition(".")
    return {name: nested(rest, value) if rest else value}


def config_with(path: str, value: object) -> ClientConfig:
    """A configuration with one setting."""
    return ClientConfig.model_validate(nested(path, value))


def setting_of(config: ClientConfig, path: str) -> Any:
    """The value of a setting."""
    found: Any = config
    for name in path.split("."):
        found = getattr(found, name)
    return found


def refusal_of(path: str, value: object) -> str:
    """What is said about a value that must be refused, where, in one line."""
    with pytest.raises(ValidationError) as caught:
        config_with(path, value)
    [error] = caught.value.errors()
    where = ".".join(map(str, error["loc"]))
    assert f"{where}\n  {error['msg']} [type=" in str(caught.value)
    return f"{where}: {error['msg']}"

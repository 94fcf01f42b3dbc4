"""Calls to other services that survive the failures of those services.

A name is imported at its first use: who takes one does not pay for the others, and httpx2 alone is
enough for its family.
"""

# Or each name would have a statement of its own:
# ruff: isort: skip_file

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from .version import __version__

if TYPE_CHECKING:
    from .backoff import (
        Backoff as Backoff,
        ConstantBackoff as ConstantBackoff,
        ExponentialBackoff as ExponentialBackoff,
        FibonacciBackoff as FibonacciBackoff,
        LinearBackoff as LinearBackoff,
    )
    from .config.parts.bulkhead import (
        AdaptiveLimitConfig as AdaptiveLimitConfig,
        BulkheadConfig as BulkheadConfig,
    )
    from .config.parts.cache import CacheConfig as CacheConfig
    from .config.parts.chaos import (
        AnswerFault as AnswerFault,
        CallFault as CallFault,
        ChaosConfig as ChaosConfig,
        DelayFault as DelayFault,
        RaiseFault as RaiseFault,
    )
    from .config.parts.endpoints import (
        BalancingConfig as BalancingConfig,
        Endpoint as Endpoint,
        OutlierConfig as OutlierConfig,
    )
    from .config.parts.hedge import HedgeConfig as HedgeConfig
    from .config.models import (
        CircuitBreakerConfig as CircuitBreakerConfig,
        ClientConfig as ClientConfig,
        LoggingConfig as LoggingConfig,
        RetryBudgetConfig as RetryBudgetConfig,
        RetryConfig as RetryConfig,
    )
    from .config.parts.rate_limit import RateLimitConfig as RateLimitConfig
    from .config.parts.timeouts import TimeoutConfig as TimeoutConfig
    from .engine.operation import CallReport as CallReport
    from .metrics.stats import (
        CircuitStats as CircuitStats,
        ClientStats as ClientStats,
        EndpointStats as EndpointStats,
        TargetStats as TargetStats,
    )
    from .events import Event as Event, Listener as Listener
    from .exceptions import (
        APIConnectionError as APIConnectionError,
        APINetworkError as APINetworkError,
        APIStatusError as APIStatusError,
        APITimeoutError as APITimeoutError,
        AuthenticationError as AuthenticationError,
        CircuitIsolatedError as CircuitIsolatedError,
        CircuitOpenError as CircuitOpenError,
        ClientClosedError as ClientClosedError,
        DeadlineExceededError as DeadlineExceededError,
        HttpRequestError as HttpRequestError,
        InsecureTLSWarning as InsecureTLSWarning,
        InvalidRequestError as InvalidRequestError,
        MyAPIError as MyAPIError,
        NotFoundError as NotFoundError,
        PoolTimeoutError as PoolTimeoutError,
        RateLimitError as RateLimitError,
        RateLimitRejectedError as RateLimitRejectedError,
        ResponseError as ResponseError,
        ServerError as ServerError,
        ServerTimeoutError as ServerTimeoutError,
        ServiceUnavailableError as ServiceUnavailableError,
        TLSVerificationError as TLSVerificationError,
        UnexpectedStatusError as UnexpectedStatusError,
        WeakenedProtectionWarning as WeakenedProtectionWarning,
    )
    from .faces.drop_in.functions import (
        delete as delete,
        delete_async as delete_async,
        delete_with_automatic_retry as delete_with_automatic_retry,
        delete_with_automatic_retry_async as delete_with_automatic_retry_async,
        get as get,
        get_async as get_async,
        get_with_automatic_retry as get_with_automatic_retry,
        get_with_automatic_retry_async as get_with_automatic_retry_async,
        head as head,
        head_async as head_async,
        head_with_automatic_retry as head_with_automatic_retry,
        head_with_automatic_retry_async as head_with_automatic_retry_async,
        options as options,
        options_async as options_async,
        options_with_automatic_retry as options_with_automatic_retry,
        options_with_automatic_retry_async as options_with_automatic_retry_async,
        patch as patch,
        patch_async as patch_async,
        patch_with_automatic_retry as patch_with_automatic_retry,
        patch_with_automatic_retry_async as patch_with_automatic_retry_async,
        post as post,
        post_async as post_async,
        post_with_automatic_retry as post_with_automatic_retry,
        post_with_automatic_retry_async as post_with_automatic_retry_async,
        put as put,
        put_async as put_async,
        put_with_automatic_retry as put_with_automatic_retry,
        put_with_automatic_retry_async as put_with_automatic_retry_async,
        request as request,
        request_async as request_async,
        request_with_automatic_retry as request_with_automatic_retry,
        request_with_automatic_retry_async as request_with_automatic_retry_async,
    )
    from .faces.drop_in.httpx_clients import (
        AiohttpTransport as AiohttpTransport,
        AsyncClient as AsyncClient,
        AsyncResilientTransport as AsyncResilientTransport,
        Client as Client,
        ResilientTransport as ResilientTransport,
    )
    from .faces.facade.clients import (
        ResilientClient as ResilientClient,
        SyncResilientClient as SyncResilientClient,
        create_resilient_client as create_resilient_client,
    )
    from .strategies.circuit.circuit_breaker import CircuitBreaker as CircuitBreaker
    from .faces.watching import ConfigWatch as ConfigWatch, watch_config as watch_config
    from .strategies.fallback import Fallback as Fallback
    from .strategies.circuit.state import CircuitState as CircuitState
    from .telemetry.callbacks import (
        FailureInfo as FailureInfo,
        RequestInfo as RequestInfo,
        ResponseInfo as ResponseInfo,
        RetryInfo as RetryInfo,
    )
    from .telemetry.opentelemetry.metrics import OpenTelemetryMetrics as OpenTelemetryMetrics
    from .telemetry.opentelemetry.tracing import OpenTelemetryTracing as OpenTelemetryTracing
    from .telemetry.prometheus.metrics import PrometheusMetrics as PrometheusMetrics
    from .telemetry.sinks import MetricSink as MetricSink
    from .telemetry.statsd import StatsD as StatsD
    from .telemetry.health import (
        CombinedHealth as CombinedHealth,
        Health as Health,
        combined_health as combined_health,
    )

# Where each of them is at home. The imports above tell type checkers and editors the same.
_NAMES_OF: Final[dict[str, tuple[str, ...]]] = {
    "backoff": (
        "Backoff",
        "ConstantBackoff",
        "ExponentialBackoff",
        "FibonacciBackoff",
        "LinearBackoff",
    ),
    "telemetry.health": ("CombinedHealth", "Health", "combined_health"),
    "engine.operation": ("CallReport",),
    "telemetry.callbacks": (
        "FailureInfo",
        "RequestInfo",
        "ResponseInfo",
        "RetryInfo",
    ),
    "telemetry.opentelemetry.metrics": ("OpenTelemetryMetrics",),
    "telemetry.opentelemetry.tracing": ("OpenTelemetryTracing",),
    "telemetry.prometheus.metrics": ("PrometheusMetrics",),
    "telemetry.sinks": ("MetricSink",),
    "telemetry.statsd": ("StatsD",),
    "strategies.circuit.circuit_breaker": ("CircuitBreaker",),
    "strategies.circuit.state": ("CircuitState",),
    "strategies.fallback": ("Fallback",),
    "config.parts.bulkhead": ("AdaptiveLimitConfig", "BulkheadConfig"),
    "faces.watching": ("ConfigWatch", "watch_config"),
    "config.parts.chaos": ("AnswerFault", "CallFault", "ChaosConfig", "DelayFault", "RaiseFault"),
    "config.parts.cache": ("CacheConfig",),
    "config.parts.endpoints": ("BalancingConfig", "Endpoint", "OutlierConfig"),
    "config.parts.hedge": ("HedgeConfig",),
    "config.parts.rate_limit": ("RateLimitConfig",),
    "config.models": (
        "CircuitBreakerConfig",
        "ClientConfig",
        "LoggingConfig",
        "RetryBudgetConfig",
        "RetryConfig",
    ),
    "config.parts.timeouts": ("TimeoutConfig",),
    "events": (
        "Event",
        "Listener",
    ),
    "exceptions": (
        "APIConnectionError",
        "APINetworkError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "CircuitIsolatedError",
        "CircuitOpenError",
        "ClientClosedError",
        "DeadlineExceededError",
        "HttpRequestError",
        "InsecureTLSWarning",
        "InvalidRequestError",
        "MyAPIError",
        "NotFoundError",
        "PoolTimeoutError",
        "RateLimitError",
        "RateLimitRejectedError",
        "ResponseError",
        "ServerError",
        "ServerTimeoutError",
        "ServiceUnavailableError",
        "TLSVerificationError",
        "UnexpectedStatusError",
        "WeakenedProtectionWarning",
    ),
    "faces.facade.clients": (
        "ResilientClient",
        "SyncResilientClient",
        "create_resilient_client",
    ),
    "faces.drop_in.functions": tuple(
        f"{verb}{kind}{world}"
        for verb in ("delete", "get", "head", "options", "patch", "post", "put", "request")
        for kind in ("", "_with_automatic_retry")
        for world in ("", "_async")
    ),
    "faces.drop_in.httpx_clients": (
        "AiohttpTransport",
        "AsyncClient",
        "AsyncResilientTransport",
        "Client",
        "ResilientTransport",
    ),
    "metrics.stats": (
        "CircuitStats",
        "ClientStats",
        "EndpointStats",
        "TargetStats",
    ),
}
_PUBLIC_MODULES: Final = frozenset(
    {"backoff", "cache", "config", "dashboard", "events", "exceptions", "telemetry", "testing"}
)
# The imports above say the same, which is what the two checkers do not see.
__all__ = [*(each for names in _NAMES_OF.values() for each in names), "__version__"]  # noqa: PLE0604 # pyright: ignore[reportUnsupportedDunderAll]
_HOME_OF: Final = {name: home for home, names in _NAMES_OF.items() for name in names}


if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        """Import a public name, or a module that holds some, and keep it for the next time."""
        if name in _HOME_OF:
            value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
            globals()[name] = value
            return value
        if name in _PUBLIC_MODULES:
            return import_module(f".{name}", __name__)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *_PUBLIC_MODULES})

"""Calls to other services that survive the failures of those services."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from client.backoff import (
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    FibonacciBackoff,
    LinearBackoff,
)
from client.call import CallReport
from client.callbacks import FailureInfo, RequestInfo, ResponseInfo, RetryInfo
from client.circuit import CircuitState
from client.circuit_breaker import CircuitBreaker
from client.config import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    LoggingConfig,
    RetryBudgetConfig,
    RetryConfig,
    TimeoutConfig,
)
from client.events import Event, Listener
from client.exceptions import (
    APIConnectionError,
    APINetworkError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    HttpRequestError,
    InsecureTLSWarning,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    PoolTimeoutError,
    RateLimitError,
    ResponseError,
    ServerError,
    ServerTimeoutError,
    ServiceUnavailableError,
    TLSVerificationError,
    UnexpectedStatusError,
)
from client.facade import ResilientClient, SyncResilientClient, create_resilient_client
from client.functions import (
    delete,
    delete_async,
    delete_with_automatic_retry,
    delete_with_automatic_retry_async,
    get,
    get_async,
    get_with_automatic_retry,
    get_with_automatic_retry_async,
    head,
    head_async,
    head_with_automatic_retry,
    head_with_automatic_retry_async,
    options,
    options_async,
    options_with_automatic_retry,
    options_with_automatic_retry_async,
    patch,
    patch_async,
    patch_with_automatic_retry,
    patch_with_automatic_retry_async,
    post,
    post_async,
    post_with_automatic_retry,
    post_with_automatic_retry_async,
    put,
    put_async,
    put_with_automatic_retry,
    put_with_automatic_retry_async,
    request,
    request_async,
    request_with_automatic_retry,
    request_with_automatic_retry_async,
)
from client.stats import ClientStats
from client.version import __version__

if TYPE_CHECKING:
    from client.httpx_clients import (
        AsyncClient,
        AsyncResilientTransport,
        Client,
        ResilientTransport,
    )

_OF_HTTPX = ("AsyncClient", "AsyncResilientTransport", "Client", "ResilientTransport")

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # The facade
    "ResilientClient",
    "SyncResilientClient",
    "create_resilient_client",
    # Drop-in for httpx
    "AsyncClient",
    "AsyncResilientTransport",
    "Client",
    "ResilientTransport",
    "CircuitBreaker",
    "FailureInfo",
    "RequestInfo",
    "ResponseInfo",
    "RetryInfo",
    # Configuration
    "BulkheadConfig",
    "CircuitBreakerConfig",
    "ClientConfig",
    "LoggingConfig",
    "RetryBudgetConfig",
    "RetryConfig",
    "TimeoutConfig",
    # Backoff
    "Backoff",
    "ConstantBackoff",
    "ExponentialBackoff",
    "FibonacciBackoff",
    "LinearBackoff",
    # What happened
    "CallReport",
    "CircuitState",
    "ClientStats",
    "Event",
    "Listener",
    # Errors
    "APIConnectionError",
    "APINetworkError",
    "APIStatusError",
    "APITimeoutError",
    "AuthenticationError",
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
    "ResponseError",
    "ServerError",
    "ServerTimeoutError",
    "ServiceUnavailableError",
    "TLSVerificationError",
    "UnexpectedStatusError",
    "__version__",
    # Functions
    "delete",
    "delete_async",
    "delete_with_automatic_retry",
    "delete_with_automatic_retry_async",
    "get",
    "get_async",
    "get_with_automatic_retry",
    "get_with_automatic_retry_async",
    "head",
    "head_async",
    "head_with_automatic_retry",
    "head_with_automatic_retry_async",
    "options",
    "options_async",
    "options_with_automatic_retry",
    "options_with_automatic_retry_async",
    "patch",
    "patch_async",
    "patch_with_automatic_retry",
    "patch_with_automatic_retry_async",
    "post",
    "post_async",
    "post_with_automatic_retry",
    "post_with_automatic_retry_async",
    "put",
    "put_async",
    "put_with_automatic_retry",
    "put_with_automatic_retry_async",
    "request",
    "request_async",
    "request_with_automatic_retry",
    "request_with_automatic_retry_async",
]


def __getattr__(name: str) -> Any:
    """Import what is built on httpx at its first use: httpx2 alone is enough for its family."""
    if name in _OF_HTTPX:
        return getattr(import_module("client.httpx_clients"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

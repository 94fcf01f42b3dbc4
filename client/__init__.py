"""Calls to other services that survive the failures of those services."""

from client.backoff import (
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    FibonacciBackoff,
    LinearBackoff,
)
from client.call import CallReport
from client.circuit import CircuitState
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
from client.stats import ClientStats
from client.version import __version__

__all__ = [  # noqa: RUF022 - grouped by what they are for
    # The facade
    "ResilientClient",
    "SyncResilientClient",
    "create_resilient_client",
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
]

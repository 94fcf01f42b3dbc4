"""Calls to other services that survive the failures of those services.

A name is imported at its first use: who takes one does not pay for the others, and httpx2 alone is
enough for its family.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from client.version import __version__

if TYPE_CHECKING:
    from client.backoff import (
        Backoff,
        ConstantBackoff,
        ExponentialBackoff,
        FibonacciBackoff,
        LinearBackoff,
    )
    from client.call import CallReport
    from client.callbacks import FailureInfo, RequestInfo, ResponseInfo, RetryInfo
    from client.circuit_breaker import CircuitBreaker
    from client.circuit_state import CircuitState
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
    from client.httpx_clients import (
        AiohttpTransport,
        AsyncClient,
        AsyncResilientTransport,
        Client,
        ResilientTransport,
    )
    from client.stats import ClientStats

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
    "AiohttpTransport",
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


# Where each of them is at home. The imports above tell type checkers and editors the same.
_NAMES_OF: Final[dict[str, tuple[str, ...]]] = {
    "backoff": (
        "Backoff",
        "ConstantBackoff",
        "ExponentialBackoff",
        "FibonacciBackoff",
        "LinearBackoff",
    ),
    "call": ("CallReport",),
    "callbacks": (
        "FailureInfo",
        "RequestInfo",
        "ResponseInfo",
        "RetryInfo",
    ),
    "circuit_breaker": ("CircuitBreaker",),
    "circuit_state": ("CircuitState",),
    "config": (
        "BulkheadConfig",
        "CircuitBreakerConfig",
        "ClientConfig",
        "LoggingConfig",
        "RetryBudgetConfig",
        "RetryConfig",
        "TimeoutConfig",
    ),
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
    ),
    "facade": (
        "ResilientClient",
        "SyncResilientClient",
        "create_resilient_client",
    ),
    "functions": tuple(
        f"{verb}{kind}{world}"
        for verb in ("delete", "get", "head", "options", "patch", "post", "put", "request")
        for kind in ("", "_with_automatic_retry")
        for world in ("", "_async")
    ),
    "httpx_clients": (
        "AiohttpTransport",
        "AsyncClient",
        "AsyncResilientTransport",
        "Client",
        "ResilientTransport",
    ),
    "stats": ("ClientStats",),
}
_HOME_OF: Final = {name: home for home, names in _NAMES_OF.items() for name in names}


if not TYPE_CHECKING:  # pragma: no branch - to a type checker every name would be right

    def __getattr__(name: str) -> Any:
        """Import a public name, or a module that holds some, and keep it for the next time."""
        if name in _HOME_OF:
            value = getattr(import_module(f"client.{_HOME_OF[name]}"), name)
            globals()[name] = value
            return value
        if name in _NAMES_OF:
            return import_module(f"client.{name}")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

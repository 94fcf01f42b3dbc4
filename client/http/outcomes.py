"""The closed set of outcomes by which attempts and operations are counted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Literal

from ..exceptions import (
    APINetworkError,
    APITimeoutError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
    RateLimitRejectedError,
    TLSVerificationError,
)

if TYPE_CHECKING:
    Outcome = Literal[
        "success",
        "client_error",
        "server_error",
        "rate_limited",
        "connect_error",
        "connect_timeout",
        "tls_error",
        "pool_timeout",
        "read_timeout",
        "write_timeout",
        "network_error",
        "protocol_error",
        "deadline",
        "cancelled",
        "other",
        "circuit_open",
        "bulkhead_full",
        "rate_limit_rejected",
    ]

__all__ = ["ANSWERED", "outcome_of", "outcome_of_attempt"]

_BY_CLASS: Final[dict[type[BaseException], Outcome]] = {
    # The first that fits decides.
    DeadlineExceededError: "deadline",
    TLSVerificationError: "tls_error",
    CircuitOpenError: "circuit_open",
    PoolTimeoutError: "bulkhead_full",
    RateLimitRejectedError: "rate_limit_rejected",
    ClientClosedError: "other",  # whatever the close broke off: that is in its cause
}
_OF_OPERATIONS: Final = frozenset({"circuit_open", "bulkhead_full", "rate_limit_rejected"})
"""What only an operation ends in: of an attempt, a client further in was turned away."""
_BY_NAME: Final[dict[str, Outcome]] = {
    "ConnectTimeout": "connect_timeout",
    "PoolTimeout": "pool_timeout",
    "ReadTimeout": "read_timeout",
    "WriteTimeout": "write_timeout",
    "ConnectError": "connect_error",
    "ProxyError": "connect_error",
    "LocalProtocolError": "protocol_error",
    "RemoteProtocolError": "protocol_error",
}
"""By the class of httpx that stands behind an error of the tree."""
_TOO_MANY_REQUESTS: Final = 429
_BY_HUNDRED: Final[dict[int, Outcome]] = {
    2: "success",
    3: "success",
    4: "client_error",
    5: "server_error",
}
ANSWERED: Final[dict[int | None, Outcome]] = {
    None: "success",
    **{status: _BY_HUNDRED.get(status // 100, "other") for status in range(100, 600)},
    _TOO_MANY_REQUESTS: "rate_limited",
}
"""How what was answered ended, by status; None where a test's stand-in has none."""


def outcome_of(error: BaseException | None, status: int | None) -> Outcome:
    """Return how an operation ended.

    Args:
        error: What it ended with, or None.
        status: Of its answer, or None where none came.
    """
    if error is None:
        return ANSWERED.get(status, "other")
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | GeneratorExit) or (
        type(error).__name__ == "Cancelled"  # trio's
    ):
        return "cancelled"
    for kind, outcome in _BY_CLASS.items():
        if isinstance(error, kind):
            return outcome
    if status is not None and getattr(error, "status_code", None) is not None:
        return ANSWERED.get(status, "other")
    return _of_failure(error)


def outcome_of_attempt(error: BaseException | None, status: int | None) -> Outcome:
    """Return how an attempt ended; see `outcome_of`."""
    outcome = outcome_of(error, status)
    return "other" if outcome in _OF_OPERATIONS else outcome


def _of_failure(error: BaseException) -> Outcome:
    cause = error.__cause__ if isinstance(error, MyAPIError) else error
    for kind in type(cause).__mro__:
        if kind.__name__ in _BY_NAME:
            return _BY_NAME[kind.__name__]
    if isinstance(error, APITimeoutError):
        return "read_timeout"
    return "network_error" if isinstance(error, APINetworkError) else "other"

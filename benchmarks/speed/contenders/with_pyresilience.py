"""httpx + pyresilience, as in its README: one decorator for all layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
from pyresilience import (
    BulkheadConfig,
    CircuitBreakerConfig,
    CircuitOpenError,
    ResilienceError,
    RetryConfig,
    resilient,
)

from benchmarks.speed.contenders.contract import ATTEMPTS, FAILURES_TO_OPEN, Contender, Setup
from benchmarks.speed.contenders.httpx_gets import decorated, telling

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONTENDERS", "rejecting"]


_RETRY: Final = RetryConfig(max_attempts=ATTEMPTS, delay=0)


def _decorator(setup: Setup) -> Callable[[Any], Any]:
    circuit = CircuitBreakerConfig(failure_threshold=FAILURES_TO_OPEN)
    return resilient(
        retry=_RETRY,
        circuit_breaker=circuit if setup.has_circuit else None,
        bulkhead=BulkheadConfig(max_concurrent=setup.slots),
    )


def rejecting() -> Callable[[], bool]:
    """Return a call that its open circuit rejects, and that tells whether it was rejected."""
    circuit = CircuitBreakerConfig(failure_threshold=FAILURES_TO_OPEN, recovery_timeout=3600)
    return telling(resilient(circuit_breaker=circuit), CircuitOpenError)


_OPEN_ASYNC, _OPEN_BLOCKING = decorated(_decorator)

CONTENDERS: Final = (
    Contender(
        name="httpx + pyresilience",
        about=f"bulkhead, circuit of {FAILURES_TO_OPEN} failures in a row, {ATTEMPTS} attempts",
        distribution="pyresilience",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
        has_circuit=True,
        failures=(httpx.HTTPError, ResilienceError),
    ),
)

"""httpx + pyresilience, as in its README: one decorator for all layers."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import httpx
from pyresilience import (
    BulkheadConfig,
    CircuitBreakerConfig,
    CircuitOpenError,
    ResilienceError,
    RetryConfig,
    resilient,
)

from benchmarks.speed.contenders.contract import (
    ATTEMPTS,
    FAILURES_TO_OPEN,
    Contender,
    Setup,
    async_client,
    blocking_client,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["CONTENDERS", "rejecting"]


_RETRY: Final = RetryConfig(max_attempts=ATTEMPTS, delay=0)


def _bulkhead(setup: Setup) -> BulkheadConfig:
    return BulkheadConfig(max_concurrent=setup.slots)


def _circuit(setup: Setup) -> CircuitBreakerConfig | None:
    return CircuitBreakerConfig(failure_threshold=FAILURES_TO_OPEN) if setup.has_circuit else None


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup) as client:

        @resilient(retry=_RETRY, circuit_breaker=_circuit(setup), bulkhead=_bulkhead(setup))
        async def get(url: str) -> httpx.Response:
            response = await client.get(url)
            return response.raise_for_status()

        yield get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup) as client:

        @resilient(retry=_RETRY, circuit_breaker=_circuit(setup), bulkhead=_bulkhead(setup))
        def get(url: str) -> httpx.Response:
            return client.get(url).raise_for_status()

        yield get


def rejecting() -> Callable[[], bool]:
    """Return a call that its open circuit rejects, and that tells whether it was rejected."""

    @resilient(
        circuit_breaker=CircuitBreakerConfig(
            failure_threshold=FAILURES_TO_OPEN, recovery_timeout=3600
        )
    )
    def fail() -> None:
        raise ConnectionError

    def call() -> bool:
        try:
            fail()
        except CircuitOpenError:
            return True
        except ConnectionError:
            return False
        return False

    return call


CONTENDERS: Final = (
    Contender(
        name="httpx + pyresilience",
        about=f"bulkhead, circuit of {FAILURES_TO_OPEN} failures in a row, {ATTEMPTS} attempts",
        distribution="pyresilience",
        open_async=_open_async,
        open_blocking=_open_blocking,
        has_circuit=True,
        failures=(httpx.HTTPError, ResilienceError),
    ),
)

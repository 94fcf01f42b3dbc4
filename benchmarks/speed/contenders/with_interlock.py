"""httpx + interlock-cb, as in its README: a pipeline of retry, circuit breaker and bulkhead."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import httpx
from interlock import CircuitBreaker, CircuitOpenError, Config, Pipeline
from interlock.errors import InterlockError
from tenacity import retry_if_exception_type, wait_none

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


def _pipeline(setup: Setup) -> Pipeline:
    builder = Pipeline.builder().retry(
        attempts=ATTEMPTS, wait=wait_none(), retry=retry_if_exception_type(httpx.HTTPError)
    )
    if setup.has_circuit:
        builder = builder.circuit_breaker(CircuitBreaker(name="target"))
    return builder.bulkhead(setup.slots).build()


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup) as client:

        @_pipeline(setup)
        async def get(url: str) -> httpx.Response:
            response = await client.get(url)
            return response.raise_for_status()

        yield get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup) as client:

        @_pipeline(setup)
        def get(url: str) -> httpx.Response:
            return client.get(url).raise_for_status()

        yield get


def rejecting() -> Callable[[], bool]:
    """Return a call that its open circuit rejects, and that tells whether it was rejected."""
    breaker = CircuitBreaker(
        name="rejecting",
        config=Config(minimum_number_of_calls=FAILURES_TO_OPEN, wait_duration_in_open=3600),
    )

    def fail() -> None:
        raise ConnectionError

    def call() -> bool:
        try:
            breaker.call(fail)
        except CircuitOpenError:
            return True
        except ConnectionError:
            return False
        return False

    return call


CONTENDERS: Final = (
    Contender(
        name="httpx + interlock-cb",
        about=f"bulkhead, circuit at half of at least ten calls failed, {ATTEMPTS} attempts",
        distribution="interlock-cb",
        open_async=_open_async,
        open_blocking=_open_blocking,
        has_circuit=True,
        failures=(httpx.HTTPError, InterlockError),
    ),
)

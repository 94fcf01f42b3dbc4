"""`AsyncClient` and `Client` in place of httpx's, with a circuit breaker."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from benchmarks.speed.contenders.contract import ATTEMPTS, FAILURES_TO_OPEN, Contender, Setup
from client import AsyncClient, CircuitBreaker, Client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["CONTENDERS", "options_of"]


def options_of(setup: Setup) -> dict[str, Any]:
    """Return what a drop-in client or transport is given besides httpx's arguments."""
    breaker = CircuitBreaker(failure_threshold=FAILURES_TO_OPEN) if setup.has_circuit else None
    return {"max_retries": ATTEMPTS - 1, "backoff_factor": 0.0, "circuit_breaker": breaker}


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with AsyncClient(
        transport=setup.transport, follow_redirects=True, timeout=30, **options_of(setup)
    ) as client:
        yield client.get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with Client(
        transport=setup.transport, follow_redirects=True, timeout=30, **options_of(setup)
    ) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name="drop-in",
        about=f"{ATTEMPTS} attempts, a `CircuitBreaker` of {FAILURES_TO_OPEN} failures in a row",
        open_async=_open_async,
        open_blocking=_open_blocking,
        has_circuit=True,
    ),
)

"""httpx's own clients around `AsyncResilientTransport` and `ResilientTransport`."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import (
    ATTEMPTS,
    FAILURES_TO_OPEN,
    Contender,
    Setup,
    async_client,
    blocking_client,
)
from benchmarks.speed.contenders.drop_in import options_of
from client import AsyncResilientTransport, ResilientTransport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["CONTENDERS"]


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    transport = AsyncResilientTransport(setup.transport, **options_of(setup))
    async with async_client(setup, transport=transport) as client:
        yield client.get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    transport = ResilientTransport(setup.transport, **options_of(setup))
    with blocking_client(setup, transport=transport) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name="transport",
        about=f"{ATTEMPTS} attempts, a `CircuitBreaker` of {FAILURES_TO_OPEN} failures in a row",
        open_async=_open_async,
        open_blocking=_open_blocking,
        has_circuit=True,
    ),
)

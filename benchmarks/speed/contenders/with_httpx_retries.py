"""httpx-retries, as in its README: a transport for httpx's own clients."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

from httpx_retries import Retry, RetryTransport

from benchmarks.speed.contenders.contract import (
    ATTEMPTS,
    Contender,
    Setup,
    async_client,
    blocking_client,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["CONTENDERS"]


def _transport(setup: Setup) -> RetryTransport:
    return RetryTransport(setup.transport, Retry(total=ATTEMPTS - 1))


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup, transport=_transport(setup)) as client:
        yield client.get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup, transport=_transport(setup)) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name="httpx-retries",
        about=f"{ATTEMPTS} attempts",
        distribution="httpx-retries",
        open_async=_open_async,
        open_blocking=_open_blocking,
    ),
)

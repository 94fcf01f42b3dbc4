"""httpx + stamina, as in stamina's README: a decorated function."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import stamina

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

_OPTIONS: Final[dict[str, Any]] = {
    "on": httpx.HTTPError,
    "attempts": ATTEMPTS,
    "wait_initial": 0,
    "wait_max": 0,
    "wait_jitter": 0,
}

# By itself it logs each retry through structlog, which nobody here reads.
stamina.instrumentation.set_on_retry_hooks([])


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup) as client:

        @stamina.retry(**_OPTIONS)
        async def get(url: str) -> httpx.Response:
            response = await client.get(url)
            return response.raise_for_status()

        yield get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup) as client:

        @stamina.retry(**_OPTIONS)
        def get(url: str) -> httpx.Response:
            return client.get(url).raise_for_status()

        yield get


CONTENDERS: Final = (
    Contender(
        name="httpx + stamina",
        about=f"{ATTEMPTS} attempts within 45 s, without its logging",
        distribution="stamina",
        open_async=_open_async,
        open_blocking=_open_blocking,
    ),
)

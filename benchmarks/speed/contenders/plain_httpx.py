"""httpx alone: what is called "unprotected", and the baseline of the ratios."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import httpx

from benchmarks.speed.contenders.contract import Contender, Setup, async_client, blocking_client

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["BASELINE", "CONTENDERS", "SIZED"]

BASELINE: Final = "httpx"
SIZED: Final = "httpx, sized pool"


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup) as client:
        yield client.get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup) as client:
        yield client.get


@asynccontextmanager
async def _open_async_sized(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup, limits=_limits(setup)) as client:
        yield client.get


@contextmanager
def _open_blocking_sized(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup, limits=_limits(setup)) as client:
        yield client.get


def _limits(setup: Setup) -> httpx.Limits:
    return httpx.Limits(max_connections=None, max_keepalive_connections=setup.slots)


CONTENDERS: Final = (
    Contender(
        name=BASELINE,
        about="nothing: `httpx.AsyncClient()` or `httpx.Client()`, with its pool of 100"
        " connections, of which it keeps 20",
        distribution="httpx",
        open_async=_open_async,
        open_blocking=_open_blocking,
    ),
    Contender(
        name=SIZED,
        about="nothing, but its pool keeps as many connections as there are callers",
        distribution="httpx",
        open_async=_open_async_sized,
        open_blocking=_open_blocking_sized,
        is_null_capable=False,
    ),
)

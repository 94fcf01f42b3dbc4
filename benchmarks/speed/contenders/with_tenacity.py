"""httpx + tenacity, as in tenacity's documentation: a decorated function."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Final

import httpx
from tenacity import retry, retry_if_exception_type, stop_after_attempt, wait_none

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


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with async_client(setup) as client:

        @retry(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_none(),
            retry=retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        async def get(url: str) -> httpx.Response:
            response = await client.get(url)
            return response.raise_for_status()

        yield get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with blocking_client(setup) as client:

        @retry(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_none(),
            retry=retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        def get(url: str) -> httpx.Response:
            return client.get(url).raise_for_status()

        yield get


CONTENDERS: Final = (
    Contender(
        name="httpx + tenacity",
        about=f"{ATTEMPTS} attempts",
        distribution="tenacity",
        open_async=_open_async,
        open_blocking=_open_blocking,
    ),
)

"""httpx-aiohttp: httpx's interface over aiohttp's connections, unprotected."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from httpx_aiohttp import HttpxAiohttpClient

from benchmarks.speed.contenders.contract import PATIENCE, Contender, Setup

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.speed.contenders.contract import AsyncGet

__all__ = ["CONTENDERS"]


@asynccontextmanager
async def _open_async(_setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with HttpxAiohttpClient(follow_redirects=True, timeout=PATIENCE) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name="httpx-aiohttp",
        about="nothing: `HttpxAiohttpClient()`",
        distribution="httpx-aiohttp",
        open_async=_open_async,
        is_null_capable=False,
    ),
)

"""The drop-in client over `AiohttpTransport`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import client as library
from benchmarks.speed.contenders.contract import PATIENCE, Contender, Setup
from benchmarks.speed.contenders.drop_in import options_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.speed.contenders.contract import AsyncGet

__all__ = ["CONTENDERS", "NAME"]

NAME: Final = "drop-in, aiohttp"

_Transport: Any = getattr(library, "AiohttpTransport", None)
if _Transport is None:
    raise ImportError("this version has no AiohttpTransport")


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with library.AsyncClient(
        transport=_Transport(), follow_redirects=True, timeout=PATIENCE, **options_of(setup)
    ) as drop_in:
        yield drop_in.get


CONTENDERS: Final = (
    Contender(
        name=NAME,
        about="`AsyncClient(transport=AiohttpTransport())`, with the drop-in's layers",
        open_async=_open_async,
        has_circuit=True,
        is_null_capable=False,
    ),
)

"""The facade with `backend="aiohttp"`, all layers on."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import Contender, Setup
from benchmarks.speed.contenders.facade import ABOUT, config_of
from client import MyAPIError, ResilientClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from benchmarks.speed.contenders.contract import AsyncGet

__all__ = ["CONTENDERS", "NAME"]

NAME: Final = "facade, aiohttp"

if find_spec("aiohttp") is None:
    raise ImportError("aiohttp is not installed")
try:
    config_of(Setup(), backend="aiohttp")
except ValueError as refused:
    raise ImportError('this version refuses backend="aiohttp"') from refused


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with ResilientClient(config_of(setup, backend="aiohttp")) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name=NAME,
        about=f'`backend="aiohttp"`: {ABOUT}',
        open_async=_open_async,
        has_circuit=True,
        has_queue=True,
        failures=(MyAPIError,),
        is_null_capable=False,
    ),
)

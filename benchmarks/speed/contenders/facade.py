"""`ResilientClient` and `SyncResilientClient`, with all layers on."""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final

from benchmarks.speed.contenders.contract import ATTEMPTS, FAILURES_TO_OPEN, Contender, Setup
from client import ClientConfig, MyAPIError, ResilientClient, SyncResilientClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet

__all__ = ["ABOUT", "CONTENDERS", "config_of"]

ABOUT: Final = (
    f"bulkhead, circuit of {FAILURES_TO_OPEN} failures in a row, {ATTEMPTS} attempts paid for from"
    " a budget, request id"
)


def config_of(setup: Setup, **more: object) -> ClientConfig:
    """Return the facade's configuration: its defaults, but for the waits."""
    retry: dict[str, Any] = {
        "max_attempts": ATTEMPTS,
        "min_wait_seconds": 0,
        "max_wait_seconds": 0,
        **({} if setup.has_budget else {"budget": None}),
    }
    breaker = {"failure_threshold": FAILURES_TO_OPEN} if setup.has_circuit else None
    given = {"circuit_breaker": breaker, "retry": retry, **more}
    return ClientConfig.model_validate({"bulkhead": {"max_concurrency": setup.slots}, **given})


@asynccontextmanager
async def _open_async(setup: Setup) -> AsyncGenerator[AsyncGet]:
    async with ResilientClient(config_of(setup), transport=setup.transport) as client:
        yield client.get


@contextmanager
def _open_blocking(setup: Setup) -> Generator[BlockingGet]:
    with SyncResilientClient(config_of(setup), transport=setup.transport) as client:
        yield client.get


CONTENDERS: Final = (
    Contender(
        name="facade",
        about=ABOUT,
        open_async=_open_async,
        open_blocking=_open_blocking,
        has_circuit=True,
        has_queue=True,
        failures=(MyAPIError,),
    ),
)

"""A crowd of callers before a few slots: how long until all are served, in which order."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import Setup, async_client
from benchmarks.speed.contenders.facade import config_of
from benchmarks.speed.memory import traced
from benchmarks.speed.null_transport import NullTransport
from client import ResilientClient

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    import httpx

    from benchmarks.speed.contenders.contract import AsyncGet

    Crowd = Callable[[Setup], AbstractAsyncContextManager[AsyncGet]]

__all__ = ["CROWDS", "Drained", "drain", "served_out_of_turn", "waiter_bytes"]

_TURNS: Final = 10
"""Of the event loop, within which everybody has come as far as he can."""


@dataclass(frozen=True, slots=True)
class Drained:
    """How a crowd was served."""

    seconds: float
    out_of_turn: int


class _Gate(NullTransport):
    """Holds everybody until it is opened, and notes who comes when."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = asyncio.Event()
        self.served: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.served.append(int(request.url.path.removeprefix("/")))
        await self.opened.wait()
        await asyncio.sleep(0)  # an answer takes at least a turn of the loop
        return await super().handle_async_request(request)


@asynccontextmanager
async def _by_hand(setup: Setup) -> AsyncGenerator[AsyncGet]:
    """The least anybody would write: httpx behind a semaphore."""
    semaphore = asyncio.Semaphore(setup.slots)
    async with async_client(setup) as client:

        async def get(url: str) -> httpx.Response:
            async with semaphore:
                return await client.get(url)

        yield get


@asynccontextmanager
async def _facade(setup: Setup) -> AsyncGenerator[AsyncGet]:
    patient = {"max_concurrency": setup.slots, "acquisition_timeout": 600}
    config = config_of(setup, bulkhead=patient)
    async with ResilientClient(config, transport=setup.transport) as client:
        yield client.get


CROWDS: Final[dict[str, Crowd]] = {"httpx + asyncio.Semaphore": _by_hand, "facade": _facade}
"""The baseline comes first."""


async def drain(crowd: Crowd, callers: int, slots: int) -> Drained:
    """Let everybody queue, and serve them all."""
    gate = _Gate()
    async with crowd(Setup(slots=slots, transport=gate)) as get:
        begun = time.perf_counter()
        tasks = await _queue_up(get, callers)
        gate.opened.set()
        await asyncio.gather(*tasks)
        return Drained(time.perf_counter() - begun, served_out_of_turn(gate.served))


async def waiter_bytes(crowd: Crowd, callers: int, slots: int) -> float:
    """Return the bytes that one more caller in the queue takes, his task included."""
    gate = _Gate()
    async with crowd(Setup(slots=slots, transport=gate)) as get:
        with traced() as taken:
            before = taken()
            tasks = await _queue_up(get, callers)
            memory = taken() - before
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return memory / callers


async def _queue_up(get: AsyncGet, callers: int) -> Sequence[asyncio.Future[httpx.Response]]:
    tasks = [
        asyncio.ensure_future(get(f"http://target.example/{number}")) for number in range(callers)
    ]
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    return tasks


def served_out_of_turn(served: Sequence[int]) -> int:
    """Count those who came to be served after somebody who had come later."""
    latest, late = -1, 0
    for number in served:
        late += number < latest
        latest = max(latest, number)
    return late

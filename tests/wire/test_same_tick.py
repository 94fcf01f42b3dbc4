"""A timeout of ours and a scope of anyio's that cancel in the same turn of the loop."""

from __future__ import annotations

import asyncio
from typing import Any

import anyio
import pytest

from client.ports.asyncio_ports import AsyncHttp
from client.runtime.asyncio_limit import Limit


async def test_the_scope_knows_its_cancellation() -> None:
    """Nothing leaves the scope."""
    with anyio.CancelScope() as scope:
        async with Limit(None) as limit:
            scope.cancel()
            limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.sleep(10)  # for good: the scope ends it
    assert scope.cancelled_caught
    await asyncio.sleep(0)


async def test_a_plain_cancellation_stays_one() -> None:
    """Which comes but once."""

    async def work() -> None:
        async with Limit(None) as limit:
            limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.sleep(10)  # for good: it is cancelled

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises((asyncio.CancelledError, TimeoutError)):
        await task
    assert task.cancelled() or isinstance(task.exception(), TimeoutError)


class _Silence:
    """A client of httpx that waits for an answer that never comes."""

    async def request(self, _method: str, _url: str) -> None:
        """Wait."""
        await asyncio.sleep(10)


async def test_a_call_that_is_cancelled_while_its_client_is_closed() -> None:
    """Is cancelled, as its task was told."""
    http = AsyncHttp(_Silence())
    task = asyncio.create_task(http.request("GET", "http://server.test/"))
    await asyncio.sleep(0)
    http.hang_up()
    asyncio.get_running_loop().call_soon(task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task


class _ClosesItself:
    """A client of httpx in which somebody closes ours, and the answer comes all the same."""

    def __init__(self) -> None:
        self.ours = AsyncHttp(self)
        self.turns = 0

    async def request(self, _method: str, _url: str) -> str:
        """Answer, whatever else happens."""
        self.ours.hang_up()
        try:
            for _ in range(self.turns):
                await asyncio.sleep(0)
        except asyncio.CancelledError:
            return "late"
        return "in time"


@pytest.mark.parametrize(("turns", "answer"), [(0, "in time"), (3, "late")])
async def test_who_got_his_answer_is_not_cancelled_after_it(turns: int, answer: str) -> None:
    """Whether the closing came too late or was ignored."""
    client = _ClosesItself()
    client.turns = turns
    answered: Any = await client.ours.request("GET", "http://server.test/")
    assert answered == answer
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0

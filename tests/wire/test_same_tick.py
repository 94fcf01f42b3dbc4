"""A timeout of ours and a scope of anyio's that cancel in the same turn of the loop."""

from __future__ import annotations

import asyncio

import anyio
import pytest

from client.asyncio_ports import AsyncHttp, _Limit


async def test_the_scope_knows_its_cancellation() -> None:
    """Nothing leaves the scope."""
    with anyio.CancelScope() as scope:
        async with _Limit(None) as limit:
            scope.cancel()
            limit.reschedule(asyncio.get_running_loop().time())
            await asyncio.sleep(10)  # for good: the scope ends it
    assert scope.cancelled_caught
    await asyncio.sleep(0)


async def test_a_plain_cancellation_stays_one() -> None:
    """Which comes but once."""

    async def work() -> None:
        async with _Limit(None) as limit:
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


@pytest.mark.parametrize("is_cancelled_first", [True, False])
async def test_a_call_that_is_cancelled_while_its_client_is_closed(
    *, is_cancelled_first: bool
) -> None:
    """Is cancelled, as its task was told."""
    http = AsyncHttp(_Silence())
    task = asyncio.create_task(http.request("GET", "http://server.test/"))
    await asyncio.sleep(0)
    if is_cancelled_first:
        task.cancel()
    http.hang_up()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

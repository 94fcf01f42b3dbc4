"""Ways to cancel a call after some turns of the event loop, and what must hold afterwards."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from client import CircuitState
from tests.eventually import PATIENCE_SECONDS
from tests.wire.twins import check_all_is_back, pools_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from _pytest.mark import ParameterSet

    from client import ResilientClient

    Way = Callable[[Coroutine[Any, Any, None], int], Awaitable[bool]]
    Call = Callable[[ResilientClient], Coroutine[Any, Any, None]]

MOST_TICKS = 25
"""A call that does not end by itself is cancelled at each tick up to this one."""


async def pass_ticks(count: int) -> None:
    """Let the loop turn so many times."""
    for _ in range(count):
        await asyncio.sleep(0)


# Ways to cancel a call after some ticks; each tells whether the call was over before.


async def by_cancel(call: Coroutine[Any, Any, None], ticks: int) -> bool:
    """Cancel its task."""
    task = asyncio.create_task(call)
    await pass_ticks(ticks)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True


async def by_cancelling_twice(call: Coroutine[Any, Any, None], ticks: int) -> bool:
    """Cancel its task, and again while it is clearing up."""
    task = asyncio.create_task(call)
    await pass_ticks(ticks)
    task.cancel()
    await pass_ticks(1)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return False
    return True


async def by_timeout(call: Coroutine[Any, Any, None], ticks: int) -> bool:
    """Let a timeout of the caller's run out."""

    async def expire(limit: asyncio.Timeout) -> None:
        await pass_ticks(ticks)
        limit.reschedule(asyncio.get_running_loop().time())

    try:
        async with asyncio.timeout(None) as limit:
            expiring = asyncio.create_task(expire(limit))
            await call
    except TimeoutError:
        return False
    expiring.cancel()
    return True


async def by_sibling(call: Coroutine[Any, Any, None], ticks: int) -> bool:
    """Fail another task of its group."""
    tasks: list[asyncio.Task[None]] = []

    async def siblings() -> None:
        async with asyncio.TaskGroup() as group:
            tasks.append(group.create_task(call))
            await pass_ticks(ticks)
            raise LookupError

    with pytest.raises(ExceptionGroup) as failed:
        await siblings()
    assert [type(error) for error in failed.value.exceptions] == [LookupError]
    return not tasks[0].cancelled()


async def by_scope(call: Coroutine[Any, Any, None], ticks: int) -> bool:
    """Cancel the scope of anyio that it runs in."""
    scope = anyio.CancelScope()

    async def leave() -> None:
        await pass_ticks(ticks)
        scope.cancel()

    leaving = asyncio.create_task(leave())
    with scope:
        await call
    leaving.cancel()
    return not scope.cancelled_caught


WAYS = [by_cancel, by_cancelling_twice, by_timeout, by_sibling, by_scope]
OFTEN = [by_cancel, by_cancelling_twice, by_scope]
"""Those of which a call hears differently: once, once more, and at each further tick."""


def in_each_way(calls: Sequence[ParameterSet]) -> list[ParameterSet]:
    """Return calls with ways as params: the first in all ways, the others in those of `OFTEN`."""
    return [
        pytest.param(*call.values, way, id=f"{call.id}-{way.__name__}")
        for number, call in enumerate(calls)
        for way in (OFTEN if number else WAYS)
    ]


def get(target: str) -> Call:
    """A call for a whole answer."""

    async def call(client: ResilientClient) -> None:
        await client.get(target)

    return call


async def cancel_at_every_tick(client: ResilientClient, way: Way, call: Call) -> None:
    """Cancel the call after 0, 1, 2, ... ticks, until it is over before that."""
    ticks = 0
    for ticks in range(MOST_TICKS):
        was_over = await way(call(client), ticks)
        await settle(client)
        check_all_is_back(client)
        assert client.circuit_state is CircuitState.CLOSED
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await client.get("/")).text == "ok"
        if was_over:
            break
    assert ticks > 0, "it was never cancelled"


async def settle(client: ResilientClient) -> None:
    """Wait until the connections are closed that are closing, and hedges have ended."""
    hedging = client._session._strategies._hedging
    if hedging is not None:
        hedging[1].hang_up()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while hedging is not None and len(hedging[1]):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.001)
        while any(not each.is_idle() for pool in pools_of(client) for each in pool.connections):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.001)

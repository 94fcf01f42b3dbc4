"""The worlds themselves: what a story may rely on, and what it is called to account for."""

import asyncio

import pytest

from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.world import World


async def test_time_passes_without_waiting(world: World) -> None:
    """A year is over at once, and those who sleep less wake earlier."""
    year = 3600 * 24 * 365
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await world.sleep(seconds)
        woken.append(seconds)

    began = world.now()
    await world.gather(sleep(year), sleep(2), sleep(1))
    assert woken == [1, 2, year]
    assert world.now() - began == pytest.approx(year)


async def test_a_cancelled_task_raises_where_it_waits(world: World) -> None:
    """As `CancelledError` or as `KeyboardInterrupt`."""
    task = world.start(world.sleep(10))
    await world.sleep(1)
    task.cancel()
    began = world.now()
    with pytest.raises(world.cancellation):
        await task.result()
    assert world.now() == began


def test_a_deadlock_is_reported(world: World) -> None:
    """Rather than standing still."""

    async def wait_for_nothing() -> None:
        await world.gate().wait()

    with pytest.raises(AssertionError, match="deadlock"):
        world.tell(wait_for_nothing())


def test_a_dropped_answer_is_reported(world: World) -> None:
    """A connection would be lost with it."""

    async def drop() -> None:
        http = world.httpx_client(transport=world.wire(200))
        sent = http.send(http.build_request("GET", "http://server.test"), stream=True)
        _ = await sent if world.is_async else sent

    with pytest.raises(AssertionError, match="without being closed"):
        world.tell(drop())


def test_a_task_left_running_is_reported(world: World) -> None:
    """And ended."""

    async def leave_running() -> None:
        world.start(world.sleep(10))
        await world.sleep(1)

    with pytest.raises(AssertionError, match="left running"):
        world.tell(leave_running())
    assert world.tasks[0].done


def test_a_lost_slot_is_reported(world: World) -> None:
    """Whichever story lost it."""

    async def lose() -> None:
        client = world.client(200)
        await client.get()
        client.raw._session.bulkhead.slots.take(object())

    with pytest.raises(AssertionError, match="a slot was lost"):
        world.tell(lose())


@ONLY_ASYNCIO
def test_an_exception_that_nobody_retrieves_is_reported(world: World) -> None:
    """By the loop, and then to the test."""

    async def fail() -> None:
        raise LookupError

    async def forget() -> None:
        lost = asyncio.ensure_future(fail())
        await world.sleep(1)
        del lost

    with pytest.raises(AssertionError):
        world.tell(forget())


async def test_a_script_is_played_once(world: World) -> None:
    """An attempt that nobody foresaw fails the test, and is retried by nobody."""
    client = world.client([500])
    with pytest.raises(AssertionError, match="more often than its script"):
        await client.get()

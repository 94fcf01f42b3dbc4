"""Where many queue, the more important are served first, and the least important turned away."""

import httpx
import pytest

from client import PoolTimeoutError
from client.events import BulkheadRejected
from tests.behaviour.wire import Arrival
from tests.behaviour.world import Caller, Task, World, listens_to


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


async def queued(world: World, client: Caller, *priorities: int | None) -> dict[str, Task[object]]:
    """Start a call that takes the slot, and others behind it, one after the other."""
    tasks: dict[str, Task[object]] = {"busy": world.start(client.get(request_id="busy"))}
    for number, priority in enumerate(priorities):
        await world.sleep(0.01)
        name = f"{number}-{priority}"
        options = {} if priority is None else {"priority": priority}
        tasks[name] = world.start(client.get(request_id=name, **options))
    await world.sleep(0.01)
    return tasks


async def test_nobody_overtakes_among_equals(world: World) -> None:
    """However many queue: nobody is turned away for being one of many."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1})
    tasks = await queued(world, client, None, 5, None, 5, 5, None)
    outcomes = [await world.outcome(task) for task in tasks.values()]
    assert all(isinstance(each, httpx.Response) for each in outcomes)
    assert client.wire.ids == list(tasks)


async def test_the_newest_of_the_least_important_is_turned_away(world: World) -> None:
    """Where more queue than there are slots, and not all are alike."""
    told: list[tuple[str | None, str]] = []

    @listens_to(BulkheadRejected)
    def listener(event: object) -> None:
        assert isinstance(event, BulkheadRejected)
        told.append((event.request_id, event.reason))

    client = world.client(a_second, bulkhead={"max_concurrency": 2}, listeners=[listener])
    second = world.start(client.get(request_id="second"))
    tasks = await queued(world, client, 7, 7, 0)
    await world.sleep(0)
    assert tasks["1-7"].done
    with pytest.raises(PoolTimeoutError) as caught:
        await tasks["1-7"].result()
    assert str(caught.value) == (
        "GET http://server.test/ failed: more than 2 operations queue for the bulkhead's 2 slots, "
        "and of the least important, with priority 7, this came last (request id 1-7)"
    )
    assert told == [("1-7", "priority")]
    for name in ("busy", "0-7", "2-0"):
        assert isinstance(await world.outcome(tasks[name]), httpx.Response)
    await second.result()
    assert client.wire.ids == ["second", "busy", "2-0", "0-7"]


async def test_who_is_less_important_than_a_long_queue_is_turned_away_at_once(
    world: World,
) -> None:
    """It is the newest of the least important itself."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1})
    tasks = await queued(world, client, 5)
    began = world.now()
    with pytest.raises(PoolTimeoutError, match="with priority 9"):
        await client.get(priority=9)
    assert world.now() == began
    for task in tasks.values():
        await task.result()


async def test_a_slot_goes_to_the_most_important(world: World) -> None:
    """Whoever came before."""
    client = world.client(a_second, bulkhead={"max_concurrency": 3})
    others = [world.start(client.get()) for _ in range(2)]
    tasks = await queued(world, client, 9, 5, 0)
    for task in (*others, *tasks.values()):
        await task.result()
    assert client.wire.ids[-3:] == ["2-0", "1-5", "0-9"]


@pytest.mark.parametrize("priority", [-1, 10, 2.0, "3", None, True])
async def test_a_priority_is_a_whole_number(world: World, priority: object) -> None:
    """From 0 to 9; anything else is refused before anything is done."""
    client = world.client()
    with pytest.raises(ValueError, match=r"is not allowed: give a whole number from 0"):
        await client.get(priority=priority)
    assert client.wire.arrivals == []


async def test_a_stream_has_a_priority_too(world: World) -> None:
    """As every call."""
    client = world.client(200, bulkhead={"max_concurrency": 1})
    async with client.stream(priority=0):
        queueing = world.start(client.get(request_id="first"))
        await world.sleep(0.01)
        with pytest.raises(PoolTimeoutError, match="with priority 6"):
            await client.streamed(priority=6)
    await queueing.result()

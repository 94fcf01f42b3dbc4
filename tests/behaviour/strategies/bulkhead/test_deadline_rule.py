"""Who would have too little time left with a slot gets none: not served in vain."""

from typing import Any

import httpx
import pytest

from client import DeadlineExceededError, PoolTimeoutError
from client.events import BulkheadRejected, BulkheadWaiting
from tests.behaviour.wire import Arrival
from tests.behaviour.world import Caller, World, listens_to

NOTHING: dict[str, Any] = {"retry": None, "circuit_breaker": None}


async def a_tenth(arrival: Arrival) -> int:
    """A server that takes a tenth of a second."""
    await arrival.takes(0.1)
    return 200


async def slow_where_asked(arrival: Arrival) -> int:
    """A server that takes longer for one path."""
    await arrival.takes(2 if arrival.request.url.path == "/slow" else 0.1)
    return 200


async def measured(client: Caller, times: int = 10) -> None:
    """Make calls from which the client knows how long an attempt takes."""
    for _ in range(times):
        await client.get()


async def test_too_little_time_turns_away_at_once(world: World) -> None:
    """Less than four mean attempts, once all slots are taken."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 1}, **NOTHING)
    await measured(client)
    busy = world.start(client.get())
    await world.sleep(0.05)
    began = world.now()
    with pytest.raises(PoolTimeoutError) as caught:
        await client.get("/x", deadline=0.39, request_id="r")
    assert world.now() == began
    assert str(caught.value) == (
        "GET http://server.test/x failed: the bulkhead's 1 slots are taken, and once one is free "
        "the deadline would leave less than 4 mean attempts take (0.4 s) (request id r)"
    )
    assert (caught.value.attempts, caught.value.request_sent) == (0, False)
    assert isinstance(await client.get(deadline=0.46), httpx.Response)
    assert client.stats().rejections == {"bulkhead": 1}
    await busy.result()


async def test_what_waits_before_it_counts(world: World) -> None:
    """The wait is foreseen: those ahead, each for one attempt, on so many slots."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 2}, **NOTHING)
    await measured(client)
    ahead = [world.start(client.get()) for _ in range(2 + 4)]
    await world.sleep(0.01)
    began = world.now()
    with pytest.raises(PoolTimeoutError, match="would leave less than 4 mean attempts"):
        await client.get(deadline=0.59)
    assert world.now() == began
    assert isinstance(await client.get(deadline=0.71), httpx.Response)
    for each in ahead:
        await each.result()


async def test_nothing_is_said_where_nothing_is_measured(world: World) -> None:
    """Nine attempts are too few to know."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 1}, **NOTHING)
    await measured(client, 9)
    busy = world.start(client.get())
    await world.sleep(0.05)
    assert isinstance(await client.get(deadline=0.2), httpx.Response)
    await busy.result()


async def test_where_a_slot_is_free_nobody_is_turned_away(world: World) -> None:
    """However little time there is, and however slow the attempts are."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 2}, **NOTHING)
    await measured(client, 20)
    busy = world.start(client.get())
    await world.sleep(0.05)
    assert isinstance(await client.get(deadline=0.11), httpx.Response)
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=0.05)
    await busy.result()


async def test_without_a_deadline_nobody_is_turned_away_by_it(world: World) -> None:
    """Only by the patience."""
    client = world.client(slow_where_asked, bulkhead={"max_concurrency": 1}, **NOTHING)
    await measured(client)
    busy = world.start(client.get("/slow"))
    await world.sleep(0.05)
    assert isinstance(await client.get(), httpx.Response)
    await busy.result()


async def test_who_queues_is_turned_away_when_too_little_is_left(world: World) -> None:
    """Then, and not at the deadline: the slot did not come as soon as was foreseen."""
    told: list[tuple[type[object], float, str | None]] = []

    @listens_to(BulkheadWaiting, BulkheadRejected)
    def listener(event: object) -> None:
        told.append((type(event), world.now(), getattr(event, "reason", None)))

    client = world.client(
        slow_where_asked, bulkhead={"max_concurrency": 1}, listeners=[listener], **NOTHING
    )
    await measured(client)
    busy = world.start(client.get("/slow"))
    await world.sleep(0.1)
    began = world.now()
    with pytest.raises(PoolTimeoutError, match="would leave less than 4 mean attempts"):
        await client.get(deadline=1)
    assert world.now() == pytest.approx(began + 0.6, abs=0.002)
    assert told == [
        (BulkheadWaiting, began, None),
        (BulkheadRejected, world.now(), "deadline"),
    ]
    await busy.result()


async def test_a_slot_goes_past_those_for_whom_it_comes_too_late(world: World) -> None:
    """To the next, who has time; the machine was too busy to tell the others before."""
    client = world.client(slow_where_asked, bulkhead={"max_concurrency": 1}, **NOTHING)
    await measured(client)
    busy = world.start(client.get("/slow"))
    await world.sleep(0.1)
    late = world.start(client.get("/late", deadline=1))
    patient = world.start(client.get("/patient", deadline=60))
    await world.sleep(0.1)
    world.stall(1.8)
    assert isinstance(await world.outcome(late), PoolTimeoutError | DeadlineExceededError)
    assert isinstance(await world.outcome(patient), httpx.Response)
    assert [each.request.url.path for each in client.wire.arrivals][-2:] == ["/slow", "/patient"]
    await busy.result()


async def test_the_patience_holds_besides(world: World) -> None:
    """Whichever ends first."""
    client = world.client(
        slow_where_asked,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.25},
        **NOTHING,
    )
    await measured(client)
    busy = world.start(client.get("/slow"))
    await world.sleep(0.1)
    with pytest.raises(PoolTimeoutError, match=r"slots came free within 0\.25 s"):
        await client.get(deadline=60)
    await busy.result()


async def test_under_overload_what_is_served_is_served_in_time(world: World) -> None:
    """Half as much again as can be done: nine tenths of what can be done are done.

    The same server does next to nothing in time where each call is served in its turn.
    """

    async def at_work(arrival: Arrival) -> int:
        await arrival.takes(0.1)
        return 200

    client = world.client(at_work, bulkhead={"max_concurrency": 2}, timeout={"total": 1}, **NOTHING)
    await measured(client)
    calls = []
    for _ in range(300):
        calls.append(world.start(client.get()))
        await world.sleep(1 / 30)
    outcomes = [await world.outcome(each) for each in calls]
    served = [each for each in outcomes if isinstance(each, httpx.Response)]
    turned_away = [each for each in outcomes if isinstance(each, PoolTimeoutError)]
    assert len(served) >= 190
    assert len(served) + len(turned_away) == 300
    assert client.stats().attempts == 10 + len(served)

"""The bulkhead: so many operations at once, first come, first served, and no slot ever lost."""

import httpx
import pytest

from client import (
    CircuitOpenError,
    CircuitState,
    ClientClosedError,
    PoolTimeoutError,
    ServerError,
)
from client.events import BulkheadAcquired, OperationSucceeded
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import Caller, Task, World


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


async def fills(world: World, client: Caller, slots: int) -> bool:
    """Tell whether all slots can still be used at once, each by a call of a second."""
    began = world.now()
    outcomes = await world.gather(*(client.get() for _ in range(slots)))
    assert all(isinstance(outcome, httpx.Response) for outcome in outcomes)
    return world.now() - began == pytest.approx(1)


async def test_no_more_than_its_slots_run_at_once(world: World) -> None:
    """The others queue."""
    running, most = 0, 0

    async def counted(arrival: Arrival) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await arrival.takes(1)
        running -= 1
        return 200

    client = world.client(counted, bulkhead={"max_concurrency": 3})
    await world.gather(*(client.get() for _ in range(10)))
    assert most == 3
    assert world.now() == 1004


async def test_ten_calls_through_five_slots(world: World) -> None:
    """A second each, and a second's patience: answers, `PoolTimeoutError`s, nothing else."""
    client = world.client(
        a_second, bulkhead={"max_concurrency": 5, "acquisition_timeout": 1.0}, retry=None
    )
    outcomes = await world.gather(*(client.get() for _ in range(10)))
    kinds = [type(outcome) for outcome in outcomes]
    assert kinds[:5] == [httpx.Response] * 5
    assert set(kinds[5:]) <= {httpx.Response, PoolTimeoutError}
    assert await fills(world, client, 5)


async def test_first_come_first_served(world: World) -> None:
    """Also when newcomers arrive just as a slot comes free."""
    order: list[str] = []

    async def noted(arrival: Arrival) -> int:
        order.append(arrival.id)
        await arrival.takes(1)
        return 200

    client = world.client(noted, bulkhead={"max_concurrency": 1})
    tasks: list[Task[object]] = []
    for number in range(5):
        tasks.append(world.start(client.get(request_id=f"{number}")))
        await world.sleep(0.5)
    for task in tasks:
        await task.result()
    assert order == ["0", "1", "2", "3", "4"]


async def test_a_newcomer_does_not_overtake(world: World) -> None:
    """Not even one that comes between the slot's return and the waker's first step."""
    order: list[str] = []
    latecomers: list[Task[object]] = []

    async def noted(arrival: Arrival) -> int:
        order.append(arrival.id)
        await arrival.takes(1)
        return 200

    def on_end(event: object) -> None:
        if isinstance(event, OperationSucceeded) and event.request_id == "first":
            latecomers.append(world.start(client.get(request_id="latecomer")))

    client = world.client(noted, bulkhead={"max_concurrency": 1}, listeners=[on_end])
    tasks = [world.start(client.get(request_id=name)) for name in ("first", "second")]
    for task in tasks:
        await task.result()
    await latecomers[0].result()
    assert order == ["first", "second", "latecomer"]


async def test_a_full_bulkhead_turns_away(world: World) -> None:
    """After the patience, without a retry; nothing was sent."""
    client = world.client([a_second], bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.25})
    busy = world.start(client.get())
    await world.sleep(0.5)
    with pytest.raises(PoolTimeoutError) as caught:
        await client.get("/x?q", request_id="r")
    error = caught.value
    assert str(error) == (
        "GET http://server.test/x failed: none of the bulkhead's 1 slots came free within 0.25 s"
        " (request id r)"
    )
    assert (error.attempts, error.request_sent) == (0, False)
    assert error.elapsed == pytest.approx(0.25)
    assert world.now() == pytest.approx(1000.75)
    await busy.result()


async def test_no_patience_means_at_once(world: World) -> None:
    """`acquisition_timeout=0`."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1, "acquisition_timeout": 0})
    busy = world.start(client.get())
    await world.sleep(0.5)
    with pytest.raises(PoolTimeoutError, match="within 0 s"):
        await client.get()
    assert world.now() == 1000.5
    await busy.result()
    await client.get()


async def test_an_open_circuit_fails_fast_instead_of_queueing(world: World) -> None:
    """Whoever would be turned away after the queue is turned away before it."""

    async def by_host(arrival: Arrival) -> int:
        if arrival.request.url.host == "dead.test":
            return 500
        await arrival.takes(10)
        return 200

    client = world.client(
        by_host,
        retry=None,
        bulkhead={"max_concurrency": 1},
        circuit_breaker={"failure_threshold": 1, "scope": "origin"},
    )
    with pytest.raises(ServerError):
        await client.get("http://dead.test/")
    busy = world.start(client.get())
    await world.sleep(1)
    with pytest.raises(CircuitOpenError) as caught:
        await client.get("http://dead.test/")
    assert world.now() == 1001
    assert caught.value.retry_after == 29
    assert caught.value.attempts == 0
    await busy.result()


async def test_a_circuit_that_opens_meanwhile_turns_the_queue_away(world: World) -> None:
    """And the slots are back."""

    async def fails_late(arrival: Arrival) -> int:
        await arrival.takes(1)
        return 500

    client = world.client(
        [fails_late, a_second],
        retry=None,
        bulkhead={"max_concurrency": 1},
        circuit_breaker={"failure_threshold": 1},
    )
    outcomes = await world.gather(*(client.get() for _ in range(5)))
    assert [type(outcome) for outcome in outcomes] == [ServerError] + [CircuitOpenError] * 4
    assert world.now() == 1001
    await world.sleep(30)
    assert await fills(world, client, 1)


async def test_a_slot_is_held_through_the_retries(world: World) -> None:
    """One operation, one slot: waits included."""
    client = world.client([500, 200, 200], bulkhead={"max_concurrency": 1}, retry={"jitter": False})
    outcomes = await world.gather(client.get(request_id="a"), client.get(request_id="b"))
    assert all(isinstance(outcome, httpx.Response) for outcome in outcomes)
    assert client.wire.ids == ["a", "a", "b"]
    assert client.wire.times == pytest.approx([0, 2, 2])


async def test_a_cancelled_queuer_takes_nothing(world: World) -> None:
    """Those behind it move up."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1})
    first, second, third = (world.start(client.get(request_id=name)) for name in "abc")
    await world.sleep(0.5)
    assert client.stats().slots_waiting == 2
    second.cancel()
    with pytest.raises(world.cancellation):
        await second.result()
    assert client.stats().slots_waiting == 1
    await first.result()
    await third.result()
    assert client.wire.ids == ["a", "c"]
    assert world.now() == 1002
    assert await fills(world, client, 1)


async def test_a_slot_cancelled_at_its_handover_is_handed_on(world: World) -> None:
    """The hardest moment: it was given, and its taker has not run yet."""
    tasks: list[Task[object]] = []

    def on_end(event: object) -> None:
        if isinstance(event, OperationSucceeded) and event.request_id == "a":
            tasks[1].cancel()

    client = world.client(a_second, bulkhead={"max_concurrency": 1}, listeners=[on_end])
    tasks += [world.start(client.get(request_id=name)) for name in "abc"]
    outcomes = [await world.outcome(task) for task in tasks]
    assert isinstance(outcomes[1], world.cancellation)
    assert client.wire.ids == ["a", "c"]
    assert await fills(world, client, 1)


async def test_a_slot_cancelled_at_its_handover_with_nobody_behind(world: World) -> None:
    """It is free then."""
    tasks: list[Task[object]] = []

    def on_end(event: object) -> None:
        if isinstance(event, OperationSucceeded) and event.request_id == "a":
            tasks[1].cancel()

    client = world.client(a_second, bulkhead={"max_concurrency": 1}, listeners=[on_end])
    tasks += [world.start(client.get(request_id=name)) for name in "ab"]
    for task in tasks:
        await world.outcome(task)
    assert client.stats().slots_in_use == 0
    assert await fills(world, client, 1)


async def test_a_cancelled_call_gives_its_slot_back(world: World) -> None:
    """In the middle of its exchange."""
    client = world.client(a_second, bulkhead={"max_concurrency": 2})
    tasks = [world.start(client.get()) for _ in range(2)]
    await world.sleep(0.5)
    for task in tasks:
        task.cancel()
        await world.outcome(task)
    assert client.stats().slots_in_use == 0
    assert await fills(world, client, 2)


async def test_a_call_can_be_cancelled_at_any_moment(world: World) -> None:
    """In the queue, in an attempt, in a wait, in a body: slot, permit and answer are let go."""
    body = Answer(200, (b"x", 1.0, b"y", 1.0, b"z"))

    async def fails_late(arrival: Arrival) -> int:
        await arrival.takes(1)
        return 500

    for tenth in range(0, 80, 3):
        client = world.client(
            [a_second, fails_late, body, 200, 200],
            bulkhead={"max_concurrency": 1},
            circuit_breaker={"failure_threshold": 1},
            retry={"jitter": False},
        )
        busy = world.start(client.get())
        task = world.start(client.get())
        await world.sleep(tenth / 10)
        task.cancel()
        await world.outcome(task)
        await world.outcome(busy)
        assert client.stats().slots_in_use == client.stats().slots_waiting == 0
        assert client.circuit_state is CircuitState.CLOSED
        assert client.wire.unclosed() == []


async def test_a_close_at_the_end_of_the_patience(world: World) -> None:
    """In that very moment: whoever queued is turned away, for one reason or the other."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.5})

    async def close() -> None:
        await world.sleep(0.5)
        await client.close()

    first = world.start(client.get())
    closing = world.start(close())
    queued = world.start(client.get())
    await closing.result()
    assert isinstance(await world.outcome(queued), ClientClosedError | PoolTimeoutError)
    await world.outcome(first)


async def test_those_in_the_queue_are_told_of_the_close(world: World) -> None:
    """At once, though whoever has the slot keeps it."""
    client = world.client(200, bulkhead={"max_concurrency": 1})
    async with client.stream():
        tasks = [world.start(client.get()) for _ in range(3)]
        await world.sleep(0.5)
        await client.close()
        outcomes = [await world.outcome(task) for task in tasks]
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3
    assert world.now() == 1000.5
    assert len(client.wire.arrivals) == 1


async def test_without_a_bulkhead_nobody_queues(world: World) -> None:
    """`bulkhead=None` switches the layer off."""
    events: list[object] = []
    client = world.client(a_second, bulkhead=None, listeners=[events.append])
    outcomes = await world.gather(*(client.get() for _ in range(120)))
    assert all(isinstance(outcome, httpx.Response) for outcome in outcomes)
    assert world.now() == 1001
    assert (client.stats().slots_in_use, client.stats().slots_waiting) == (0, 0)
    assert not any(isinstance(event, BulkheadAcquired) for event in events)

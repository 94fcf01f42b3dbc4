"""Observing instead of deciding, switching off, and other settings while calls are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import BulkheadConfig, PoolTimeoutError, ServiceUnavailableError
from client.events import BulkheadAcquired, BulkheadWaiting, LimitChanged, WouldReject
from client.metrics.strategy_instruments import WOULD_REJECT

if TYPE_CHECKING:
    from client.events import Event
    from client.strategies.bulkhead.gate import Bulkhead
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, Task, World

NOTHING: dict[str, Any] = {"retry": None, "circuit_breaker": None}


async def a_tenth(arrival: Arrival) -> int:
    """A server that takes a tenth of a second."""
    await arrival.takes(0.1)
    return 200


def bulkhead_of(client: Caller) -> Bulkhead:
    """The bulkhead behind a client."""
    found: Bulkhead = client.raw._session.bulkhead
    return found


def calls(world: World, client: Caller, count: int, **options: Any) -> list[Task[object]]:
    """Begin calls."""
    return [world.start(client.get(**options)) for _ in range(count)]


async def all_good(world: World, tasks: list[Task[object]]) -> bool:
    """Tell whether all were answered."""
    outcomes = [await world.outcome(each) for each in tasks]
    return all(isinstance(each, httpx.Response) for each in outcomes)


async def test_who_observes_lets_everybody_in_and_tells_of_it(world: World) -> None:
    """With how long each would have waited; nobody queues."""
    told: list[Event] = []
    client = world.client(
        a_tenth,
        bulkhead={"max_concurrency": 2, "mode": "observe"},
        listeners=[_Listener(told)],
        **NOTHING,
    )
    for _ in range(10):
        await client.get()
    told.clear()
    began = world.now()
    tasks = calls(world, client, 5)
    await world.sleep(0.01)
    assert (client.stats().slots_in_use, client.stats().slots_waiting) == (5, 0)
    assert await all_good(world, tasks)
    assert world.now() == pytest.approx(began + 0.1)
    would = [each for each in told if isinstance(each, WouldReject)]
    assert [each.by for each in would] == ["bulkhead"] * 3
    assert [each.wait for each in would] == pytest.approx([0, 0.05, 0.1])
    acquired = [each.slots_left for each in told if isinstance(each, BulkheadAcquired)]
    assert acquired == [1, 0, 0, 0, 0]
    assert not any(isinstance(each, BulkheadWaiting) for each in told)


class _Listener:
    """Keeps what it is told."""

    listens_to = (WouldReject, BulkheadWaiting, BulkheadAcquired, LimitChanged)

    def __init__(self, told: list[Event]) -> None:
        self._told = told

    def __call__(self, event: Event) -> None:
        """Keep it."""
        self._told.append(event)


@pytest.mark.parametrize(
    ("bulkhead", "options"),
    [
        ({"acquisition_timeout": 0}, {}),
        ({"acquisition_timeout": 0.01}, {}),
        ({}, {"deadline": 0.39}),
    ],
    ids=["no patience", "little patience", "deadline"],
)
async def test_who_would_have_been_turned_away_is_told_of_without_a_wait(
    world: World, bulkhead: dict[str, Any], options: dict[str, Any]
) -> None:
    """And admitted all the same."""
    told: list[Event] = []
    client = world.client(
        a_tenth,
        bulkhead={"max_concurrency": 1, "mode": "observe", **bulkhead},
        listeners=[_Listener(told)],
        **NOTHING,
    )
    for _ in range(10):
        await client.get()
    told.clear()
    tasks = calls(world, client, 2)
    await world.sleep(0.01)
    assert isinstance(await client.get(**options), httpx.Response)
    assert await all_good(world, tasks)
    waits = [each.wait for each in told if isinstance(each, WouldReject)]
    assert waits[-1] is None


async def test_where_nothing_is_measured_the_wait_is_not_known(world: World) -> None:
    """So it is not told."""
    told: list[Event] = []
    client = world.client(
        a_tenth,
        bulkhead={"max_concurrency": 1, "mode": "observe"},
        listeners=[_Listener(told)],
        **NOTHING,
    )
    assert await all_good(world, calls(world, client, 2))
    assert [each.wait for each in told if isinstance(each, WouldReject)] == [None]


async def test_observing_without_a_listener_counts(world: World) -> None:
    """In the metrics."""
    client = world.client(
        a_tenth,
        bulkhead={"max_concurrency": 1, "mode": "observe"},
        logging={"level": "ERROR"},
        **NOTHING,
    )
    assert await all_good(world, calls(world, client, 3))
    found = client.raw._session.metrics.snapshot().counts(WOULD_REJECT)
    assert found == {("http://server.test", "bulkhead"): 2}


async def test_switched_off_it_is_not_there(world: World) -> None:
    """No slots, and no limit."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 1, "mode": "off"}, **NOTHING)
    tasks = calls(world, client, 5)
    await world.sleep(0.01)
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.slots_limit) == (0, 0, None)
    assert await all_good(world, tasks)
    assert world.now() == pytest.approx(1000.1)


async def test_more_slots_go_to_those_who_queue(world: World) -> None:
    """At once."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 1}, **NOTHING)
    tasks = calls(world, client, 4)
    await world.sleep(0.05)
    client.raw.reconfigure(bulkhead=BulkheadConfig(max_concurrency=3))
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.slots_limit) == (3, 1, 3)
    assert await all_good(world, tasks)
    assert world.now() == pytest.approx(1000.2)


async def test_of_fewer_slots_none_is_taken_away(world: World) -> None:
    """They go as they are given back."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 3}, **NOTHING)
    tasks = calls(world, client, 3)
    await world.sleep(0.05)
    client.raw.reconfigure(bulkhead={"max_concurrency": 1, "acquisition_timeout": 0})
    with pytest.raises(PoolTimeoutError, match="none of the bulkhead's 1 slots"):
        await client.get()
    assert client.stats().slots_in_use == 3
    assert await all_good(world, tasks)
    assert isinstance(await client.get(), httpx.Response)


@pytest.mark.parametrize(
    "bulkhead",
    [{"mode": "observe"}, {"mode": "off"}, None],
    ids=["observe", "off", "none"],
)
async def test_who_queues_is_let_in_where_nobody_has_to_any_more(
    world: World, bulkhead: dict[str, Any] | None
) -> None:
    """Though the slots are taken, and whatever time is left."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 1}, **NOTHING)
    for _ in range(10):
        await client.get()
    began = world.now()
    tasks = [*calls(world, client, 1), *calls(world, client, 2, deadline=0.6)]
    await world.sleep(0.05)
    world.stall(0.4)
    slots = bulkhead_of(client).slots
    client.raw.reconfigure(bulkhead=bulkhead)
    assert slots.in_use == 3
    assert await all_good(world, tasks)
    assert world.now() == pytest.approx(began + 0.55)
    assert isinstance(await client.get(), httpx.Response)


async def test_what_has_retired_follows_no_limit_any_more(world: World) -> None:
    """Nor does it tell of one: its calls end as they would without it."""
    told: list[Event] = []

    async def fails(arrival: Arrival) -> int:
        await arrival.takes(0.1)
        return 503

    client = world.client(
        fails,
        bulkhead={"max_concurrency": 50, "adaptive": {"window": 0.1, "minimum_samples": 1}},
        listeners=[_Listener(told)],
        **NOTHING,
    )
    tasks = calls(world, client, 5)
    await world.sleep(0.05)
    bulkhead = bulkhead_of(client)
    client.raw.reconfigure(bulkhead=None)
    before = bulkhead.slots.limit
    for each in tasks:
        assert isinstance(await world.outcome(each), ServiceUnavailableError)
    assert bulkhead.adaptive is not None
    assert bulkhead.adaptive.limit == 18
    assert (bulkhead.slots.limit, bulkhead.slots.in_use) == (before, 0)
    assert not any(isinstance(each, LimitChanged) for each in told)


async def test_a_limit_that_finds_itself_goes_on_from_what_it_has_learnt(world: World) -> None:
    """As long as it does; a fixed one is what is given."""
    client = world.client(500, bulkhead={"adaptive": {"initial_limit": 9}}, **NOTHING)
    found = bulkhead_of(client).adaptive
    assert found is not None
    assert client.stats().slots_limit == 9
    client.raw.reconfigure(bulkhead={"adaptive": {"initial_limit": 30}})
    assert bulkhead_of(client).adaptive is found
    assert client.stats().slots_limit == 9
    client.raw.reconfigure(bulkhead={"max_concurrency": 30})
    client.raw.reconfigure(bulkhead={"adaptive": {"min_limit": 12}})
    assert client.stats().slots_limit == 12
    client.raw.reconfigure(bulkhead=BulkheadConfig(max_concurrency=7))
    assert (bulkhead_of(client).adaptive, client.stats().slots_limit) == (None, 7)
    client.raw.reconfigure(bulkhead=BulkheadConfig.model_validate({"adaptive": {}}))
    assert client.stats().slots_limit == 20
    assert bulkhead_of(client).adaptive is not found


async def test_a_limit_that_comes_and_goes_is_followed_where_it_is_in_force(world: World) -> None:
    """A call that began before hears of its attempts to the end, and changes nothing by it."""
    adaptive = {"adaptive": {"window": 0.01, "minimum_samples": 1, "initial_limit": 10}}
    client = world.client(a_tenth, bulkhead=adaptive, **NOTHING)
    tasks = calls(world, client, 8)
    await world.sleep(0.05)
    client.raw.reconfigure(bulkhead=BulkheadConfig(max_concurrency=3))
    assert await all_good(world, tasks)
    assert client.stats().slots_limit == 3


async def test_a_thousand_reconfigurations_lose_no_slot(world: World) -> None:
    """Under load, and no call fails."""
    client = world.client(a_tenth, bulkhead={"max_concurrency": 2}, **NOTHING)
    modes = ["enforce", "enforce", "observe", "off"]
    tasks: list[Task[object]] = []
    seen = {id(bulkhead_of(client)): bulkhead_of(client)}
    for number in range(1000):
        if number % 10 == 0:
            tasks += calls(world, client, 1)
            await world.sleep(0.02)
        adaptive = {"initial_limit": 2, "window": 0.05} if number % 3 == 0 else None
        settings = {"max_concurrency": 2 + number % 5, "mode": modes[number % 4]}
        client.raw.reconfigure(bulkhead={**settings, "adaptive": adaptive})
        if bulkhead_of(client) is not None:
            seen[id(bulkhead_of(client))] = bulkhead_of(client)
    assert await all_good(world, tasks)
    assert [each.slots.in_use for each in seen.values() if each.slots.in_use] == []
    assert [each.slots.waiting for each in seen.values() if each.slots.waiting] == []

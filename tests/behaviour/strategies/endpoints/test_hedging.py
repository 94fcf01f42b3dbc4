"""Hedges of calls to several endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client.events import HedgeSent
from tests.behaviour.strategies.endpoints.services import Service, balanced, outstanding
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World


def takes(*seconds: float) -> object:
    """A server whose answers take so many seconds, one after the other; the last is repeated."""
    left = list(seconds)

    async def server(arrival: Arrival) -> Step:
        await arrival.takes(left.pop(0) if len(left) > 1 else left[0])
        return Answer(200, (arrival.request.url.host.encode(),))

    return server


async def test_a_hedge_goes_elsewhere_where_another_is_well(world: World) -> None:
    """Whatever the policy would choose."""
    service = Service(a=takes(10), b=takes(1))
    client = balanced(
        world,
        service,
        balancing={"policy": "ordered"},
        hedge={"delay": 1, "max_extra_load": 1, "on_lose": "cancel"},
    )
    answer = await client.get("/x")
    assert (answer.text, service.asked) == ("b", ["a/x", "b/x"])
    assert answer.extensions["resilience"].endpoint == "http://b"
    await world.sleep(1)
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_the_first_may_win_after_all(world: World) -> None:
    """Then it is its endpoint that answered."""
    service = Service(a=takes(3), b=takes(10))
    client = balanced(
        world,
        service,
        balancing={"policy": "ordered"},
        hedge={"delay": 1, "max_extra_load": 1, "on_lose": "cancel"},
    )
    answer = await client.get("/x")
    assert (answer.text, service.asked) == ("a", ["a/x", "b/x"])
    assert answer.extensions["resilience"].endpoint == "http://a"


async def test_where_there_is_no_other_it_goes_to_the_same(world: World) -> None:
    """As without endpoints."""
    service = Service(a=takes(10, 1))
    client = balanced(world, service, "http://a", hedge={"delay": 1, "max_extra_load": 1})
    assert (await client.get("/x")).text == "a"
    assert service.asked == ["a/x", "a/x"]


@pytest.mark.parametrize(("host", "after"), [("a", 1.0), ("b", 5.0)], ids=["quick", "slow"])
async def test_the_delay_is_that_of_the_endpoint(world: World, host: str, after: float) -> None:
    """What is late at one is usual at another."""
    told: list[Event] = []
    service = Service(a=takes(1), b=takes(5))
    client = balanced(
        world,
        service,
        hedge={"minimum_samples": 10, "max_extra_load": 1, "percentile": 0.5},
        balancing={"policy": "round_robin", "outliers": None},
        listeners=[told.append],
    )
    for _ in range(10):
        for url in ("http://a/x", "http://b/x"):
            await client.get(url, hedge={"delay": 100})
    service.hosts[host] = takes(60)
    call = world.start(client.get(f"http://{host}/x"))
    await world.outcome(call)
    sent = [each for each in told if isinstance(each, HedgeSent)]
    assert sent[0].after == pytest.approx(after, abs=0.01)


async def test_before_enough_is_known_of_one_that_of_all_holds(world: World) -> None:
    """A new endpoint is no reason to do without."""
    told: list[Event] = []
    service = Service(a=takes(1), b=takes(60))
    client = balanced(
        world,
        service,
        hedge={"minimum_samples": 10, "max_extra_load": 1},
        listeners=[told.append],
    )
    for _ in range(10):
        await client.get("http://a/x", hedge={"delay": 100})
    await world.outcome(world.start(client.get("http://b/x")))
    sent = [each for each in told if isinstance(each, HedgeSent)]
    assert sent[0].after == pytest.approx(1, abs=0.01)


def bounded(world: World, service: Service) -> Caller:
    """A client of a, that takes one attempt at a time, and of b, which is out for a minute."""
    client = balanced(
        world,
        service,
        {"url": "http://a", "bulkhead": {"max_concurrency": 1}},
        "http://b",
        hedge={"delay": 0.5, "max_extra_load": 1, "on_lose": "drain"},
    )
    balancing = client.raw._session._endpoints.balancing
    balancing.tell(balancing.pool.check("http://b", world.now(), passed=False, holds=60))
    return client


async def test_no_hedge_is_sent_where_only_one_that_is_out_has_room(world: World) -> None:
    """It could but wait for the attempt that it is to outrun."""
    service = Service(a=takes(1))
    client = bounded(world, service)
    await client.get("/x")
    assert client.stats().hedges == 0
    assert service.asked == ["a/x"]


@ONLY_ASYNCIO  # a thread goes on before anybody knows that it has lost
async def test_a_hedge_that_queues_is_not_sent_once_it_has_lost(world: World) -> None:
    """Nobody wants what it would bring, though its like are read to their ends."""
    service = Service(a=takes(1))
    client = bounded(world, service)
    client.raw._session._endpoints.balancing._roster.has_room = lambda _url: True
    await client.get("/x")
    await world.sleep(2)
    assert service.asked == ["a/x"]

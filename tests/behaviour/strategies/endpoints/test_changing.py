"""Other endpoints, and other ways to choose them, for a client at work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import Endpoint
from client.events import EndpointsChanged, Reconfigured
from tests.behaviour.strategies.endpoints.services import (
    Service,
    balanced,
    config_of,
    outstanding,
    states,
)
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import World


async def slow(arrival: Arrival) -> Step:
    """Answer after a second."""
    await arrival.takes(1)
    return Answer(200, (arrival.request.url.host.encode(),))


async def test_another_list_is_gone_by_from_the_next_call_on(world: World) -> None:
    """And told; what is under way goes on where it is."""
    told: list[Event] = []
    service = Service(a=slow)
    client = balanced(world, service, "http://a", listeners=[told.append])
    under_way = world.start(client.get("/x"))
    await world.sleep(0.5)
    client.raw.reconfigure(endpoints=["http://b", "http://c"])
    assert {(await client.get("/x")).text for _ in range(2)} == {"b", "c"}
    assert (await world.outcome(under_way)).text == "a"
    assert outstanding(client) == {"http://b": 0, "http://c": 0}
    [changed] = [each for each in told if isinstance(each, EndpointsChanged)]
    assert (changed.added, changed.removed) == (("http://b", "http://c"), ("http://a",))
    assert [each.changed for each in told if isinstance(each, Reconfigured)] == [("endpoints",)]


async def test_what_is_known_of_an_endpoint_stays(world: World) -> None:
    """With its URL, whatever else of it changes."""
    service = Service(a=503)
    client = balanced(world, service)
    for _ in range(10):
        await client.get("/x")
    assert states(client)["http://a"].state == "ejected"
    client.raw.reconfigure(endpoints=[Endpoint("http://a/", weight=2), "http://b", "http://c"])
    assert states(client)["http://a"].state == "ejected"
    client.raw.reconfigure(balancing={"policy": "p2c"})
    assert states(client)["http://a"].state == "ejected"
    client.raw.reconfigure(balancing={"outliers": None})
    assert states(client)["http://a"].state != "ejected"


async def test_the_way_to_choose_may_change(world: World) -> None:
    """From the next call on."""
    service = Service()
    client = balanced(world, service, balancing={"policy": "ordered"})
    assert [(await client.get("/x")).text for _ in range(3)] == ["a"] * 3
    client.raw.reconfigure(
        balancing={"policy": "hash", "balancing_key": lambda request: request.url.path}
    )
    assert len({(await client.get("/x")).text for _ in range(3)}) == 1
    client.raw.reconfigure(balancing={"policy": "round_robin"})
    assert {(await client.get("/x")).text for _ in range(2)} == {"a", "b"}


async def test_an_endpoint_may_be_drained(world: World) -> None:
    """It gets nothing new, unless it is asked by its URL."""
    service = Service()
    client = balanced(world, service, Endpoint("http://a", weight=0), "http://b")
    assert {(await client.get("/x")).text for _ in range(4)} == {"b"}
    assert (await client.get("http://a/x")).text == "a"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "none": ({"endpoints": None}, "cannot get endpoints, nor the other way round"),
    "base": (
        {"endpoints": None, "base_url": "http://a"},
        "cannot get endpoints, nor the other way round",
    ),
    "both": ({"base_url": "http://a"}, "give base_url or endpoints, not both"),
    "no-url": ({"endpoints": ["http://\u00e9\u00e9-\u2028"]}, "endpoints"),
    "headers": (
        {"endpoints": [{"url": "http://b", "headers": {"X-Request-ID": "x"}}]},
        "headers of an endpoint must not hold X-Request-ID",
    ),
    "origin": ({"circuit_breaker": {"scope": "origin"}}, "does not go with endpoints"),
    "storage": (
        {"endpoints": ["http://b"], "circuit_breaker": {"storage": lambda _name: 1 / 0}},
        "division",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_changes_nothing(world: World, name: str) -> None:
    """The list that stood is gone by."""
    overrides, text = REFUSED[name]
    client = balanced(world, Service())
    before = config_of(client)
    with pytest.raises((ValueError, ArithmeticError), match=text):
        client.raw.reconfigure(**overrides)
    assert config_of(client) == before
    assert {(await client.get("/x")).text for _ in range(2)} == {"a", "b"}


async def test_a_client_of_one_base_url_gets_no_endpoints(world: World) -> None:
    """Its httpx client is made for that."""
    client = world.client(200)
    with pytest.raises(ValueError, match="nor the other way round"):
        client.raw.reconfigure(base_url="", endpoints=["http://a"])


async def test_many_changes_under_load_lose_nothing(world: World) -> None:
    """No call fails, and nothing stays out."""
    client = balanced(world, Service(a=slow, b=slow))
    calls = [world.start(client.get("/x")) for _ in range(20)]
    for number in range(100):
        await world.sleep(0.01)
        client.raw.reconfigure(endpoints=["http://a", f"http://{'bc'[number % 2]}"])
        client.raw.reconfigure(balancing={"policy": ("p2c", "round_robin")[number % 2]})
    outcomes = [await world.outcome(call) for call in calls]
    assert {each.status_code for each in outcomes} == {200}
    assert set(outstanding(client).values()) == {0}

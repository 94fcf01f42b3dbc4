"""Addresses and answers that are at the edge of what endpoints are for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APIConnectionError,
    ClientConfig,
    Endpoint,
    MyAPIError,
    ResilientClient,
    SyncResilientClient,
)
from client.events import EndpointsChanged
from tests.behaviour.strategies.endpoints.lists import TWO, Registry
from tests.behaviour.strategies.endpoints.services import Service, balanced, outstanding
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World


def test_what_is_no_url_for_httpx_is_refused_at_once() -> None:
    """With its name."""
    config = ClientConfig(endpoints=["http://xn--\u00e9/"])
    with pytest.raises(ValueError, match="is no URL of an endpoint"):
        SyncResilientClient(config)


@pytest.mark.parametrize("url", ["http://[bad", "http://a:port/x"])
async def test_what_is_no_url_is_told_as_such(world: World, url: str) -> None:
    """As without endpoints."""
    service = Service()
    client = balanced(world, service)
    with pytest.raises(MyAPIError):
        await client.get(url)
    assert service.asked == []


async def test_a_host_of_the_callers_stands(world: World) -> None:
    """Where he has given it, or an endpoint has it."""
    named = Endpoint("http://a", headers={"Host": "shop.test"})
    client = balanced(world, Service(), named, "http://b")
    await client.get("http://b/x", headers={"Host": "mine.test"})
    await client.get("http://a/x")
    await client.get("/x", headers={"Host": "mine.test"})
    hosts = [each.request.headers["Host"] for each in client.wire.arrivals]
    assert hosts[:2] == ["mine.test", "shop.test"]


async def test_a_path_is_joined_as_to_a_base_url(world: World) -> None:
    """Whether or not either has a slash."""
    service = Service()
    client = balanced(world, service, "http://a/api/")
    for path in ("x", "/x", "", "/"):
        await client.get(path)
    assert service.asked == ["a/api/x", "a/api/x", "a/api/", "a/api/"]


async def test_a_redirect_to_where_no_endpoint_is_but_its_server(world: World) -> None:
    """It is as within the service, without what is an endpoint's own."""

    async def server(arrival: Arrival) -> Answer:
        is_first = arrival.request.url.path == "/api/x"
        return Answer(302, headers={"Location": "/login"}) if is_first else Answer(200)

    ones = Endpoint("http://a/api", headers={"X-Own": "a's"})
    client = balanced(world, Service(a=server), ones, headers={"X-All": "all"})
    await client.get("http://a/api/x", headers={"Authorization": "Bearer secret"})
    headers = client.wire.last.headers
    assert (headers["Authorization"], headers["X-All"]) == ("Bearer secret", "all")
    assert "X-Own" not in headers


async def test_an_auth_flow_may_ask_elsewhere(world: World) -> None:
    """For a token, say; that request is none of the service."""

    class Flow(httpx.Auth):
        def auth_flow(self, request: httpx.Request) -> Any:
            yield httpx.Request("POST", "http://tokens.test/", headers={"X-Own": "flow's"})
            request.headers["Authorization"] = "Bearer token"
            yield request

    service = Service()
    client = balanced(world, service, Endpoint("http://a", headers={"X-Own": "a's"}))
    await client.get("/x", auth=Flow())
    assert service.asked == ["tokens.test/", "a/x"]
    of_tokens, of_a = (each.request.headers for each in client.wire.arrivals)
    assert (of_tokens["X-Own"], of_a["X-Own"]) == ("flow's", "a's")
    assert of_a["Authorization"] == "Bearer token"


async def test_a_rate_limit_is_the_services(world: World) -> None:
    """One for all endpoints, as it is for one origin."""
    told: list[Event] = []
    service = Service(a=Answer(429, headers={"Retry-After": "7"}), b=200)
    client = balanced(
        world,
        service,
        balancing={"policy": "ordered"},
        rate_limit={"rate": 100, "burst": 100},
        listeners=[told.append],
    )
    assert (await client.get("/x")).status_code == 200
    assert world.now() >= 1_007
    assert [getattr(each, "key", None) for each in told if hasattr(each, "key")] == ["endpoints"]


async def test_a_failed_list_says_nothing_of_an_endpoint(world: World) -> None:
    """It is an error of its own, and nothing is out anywhere."""
    service = Service()
    read = Registry(world, [OSError("no such file")]).function
    client = balanced(world, service, retry=None, endpoints=read)
    with pytest.raises(APIConnectionError, match="the endpoints could not be read"):
        await client.get("/x")
    assert (service.asked, outstanding(client)) == ([], {})
    assert client.stats().endpoints == {}


async def test_a_list_that_is_read_first_at_a_call_is_told_of_the_call(world: World) -> None:
    """The span and the error of an attempt name the endpoint that it came to."""
    told: list[Event] = []
    client = balanced(
        world,
        Service(a=404),
        endpoints=Registry(world, [["http://a"]]).function,
        listeners=[told.append],
    )
    with pytest.raises(MyAPIError) as caught:
        await client.get("/x")
    assert caught.value.url == "http://a/x"
    assert not [each for each in told if isinstance(each, EndpointsChanged)]


async def test_nobody_listens(world: World) -> None:
    """Nothing is made for nobody."""
    service = Service(a=503)
    client = balanced(
        world,
        service,
        balancing={
            "policy": "round_robin",
            "outliers": {"max_ejection_share": 1, "panic_share": 0, "base_ejection": 1},
        },
        logging={"level": "CRITICAL"},
    )
    for _ in range(10):
        await client.get("/x")
    service.hosts.clear()
    await world.sleep(1)
    assert {(await client.get("/x")).text for _ in range(4)} == {"a", "b"}
    client.raw.reconfigure(endpoints=["http://b", "http://c"])
    assert (await client.get("/x")).text in {"b", "c"}


async def test_a_list_may_name_endpoints_that_are_full(world: World) -> None:
    """Whoever comes second waits, although there was no list a moment ago."""

    async def slow(arrival: Arrival) -> Answer:
        await arrival.takes(1)
        return Answer(200, (b"a",))

    bounded = Endpoint("http://a", bulkhead={"max_concurrency": 1})
    client = balanced(
        world,
        Service(a=slow),
        endpoints=Registry(world, [[bounded]]).function,
    )
    answers = await world.gather(client.get("/x"), client.get("/x"))
    assert [each.text for each in answers] == ["a", "a"]
    assert world.now() >= 1_002


async def test_what_is_not_known_yet_may_be_reconfigured(world: World) -> None:
    """The list is gone by in the new way."""
    client = balanced(world, Service(), endpoints=Registry(world, [TWO]).function)
    client.raw.reconfigure(balancing={"policy": "ordered"})
    assert {(await client.get("/x")).text for _ in range(3)} == {"one.test"}


async def test_what_is_not_known_yet_may_begin_anew(world: World) -> None:
    """There is nothing to forget."""
    client = balanced(world, Service(), endpoints=Registry(world, [TWO]).function)
    client.raw._session._endpoints.begin_anew()
    assert (await client.get("/x")).status_code == 200


def test_a_client_goes_on_in_another_event_loop() -> None:
    """What was out in the one before is out no more."""

    async def answer(_request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0 if is_quick else 3600)
        return httpx.Response(200)

    config = ClientConfig(endpoints=["http://a"])
    client = ResilientClient(config, transport=httpx.MockTransport(answer))

    async def leave_one_behind() -> None:
        call = asyncio.create_task(client.get("/x"))
        await asyncio.sleep(0.01)
        left_behind.append(call)
        assert client.stats().endpoints["http://a"].outstanding == 1

    async def go_on() -> None:
        await client.get("/x")
        assert client.stats().endpoints["http://a"].outstanding == 0
        await client.close()

    left_behind: list[asyncio.Task[httpx.Response]] = []
    is_quick = False
    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave_one_behind())
    left_behind[0].cancel()
    loop.run_until_complete(asyncio.wait(left_behind))
    loop.close()
    is_quick = True
    asyncio.run(go_on())


@ONLY_ASYNCIO
async def test_a_listener_hears_of_an_ejection_without_a_call(world: World) -> None:
    """As active checks bring about."""
    told: list[Event] = []
    client = balanced(world, Service(), listeners=[told.append])
    balancing = client.raw._session._endpoints.balancing
    balancing.tell(balancing.pool.check("http://a", world.now(), passed=False, holds=1))
    balancing.tell(balancing.pool.check("http://a", world.now(), passed=True, holds=1))
    assert [(type(each).__name__, each.operation_id) for each in told] == [
        ("EndpointEjected", None),
        ("EndpointReturned", None),
    ]
    client.raw.reconfigure(balancing={"outliers": {"mode": "observe"}})
    told.clear()
    balancing.tell(balancing.pool.check("http://a", world.now(), passed=False, holds=1))
    balancing.tell(balancing.pool.check("http://a", world.now(), passed=True, holds=1))
    assert told == []

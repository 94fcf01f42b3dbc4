"""What a client does beside its calls for its endpoints: it reads their list, and checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import APIConnectionError, ClientConfig, Endpoint, ResilientClient, SyncResilientClient
from tests.behaviour.strategies.endpoints.lists import ONE, TWO, Registry
from tests.behaviour.twins import ONLY_BLOCKING
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

CHECKED: dict[str, Any] = {"health_path": "/health", "health_interval": 10.0}


def balanced(world: World, endpoints: Any, server: Any = 200, **settings: Any) -> Caller:
    """Make a client of several endpoints."""
    quick = {"base_url": "", "retry": None, "endpoints": endpoints, **settings}
    return world.client(server, **quick)


def hosts(client: Caller) -> list[str]:
    """The hosts that were asked, in order."""
    return [arrival.request.url.host for arrival in client.wire.arrivals]


def checks_of(client: Caller) -> list[httpx.Request]:
    """The requests that were checks."""
    requests = [arrival.request for arrival in client.wire.arrivals]
    return [request for request in requests if request.url.path.endswith("/health")]


async def test_calls_go_by_a_list_that_changes(world: World) -> None:
    """From the first one on."""
    registry = Registry(world, [1.0, ONE, ["http://two.test"]])
    client = balanced(world, registry.function)
    await client.get("/a")
    await world.sleep(31)
    await client.get("/b")
    await world.sleep(1)
    await client.get("/c")
    assert hosts(client) == ["one.test", "one.test", "two.test"]
    assert [str(each.request.url.path) for each in client.wire.arrivals] == ["/a", "/b", "/c"]


async def test_a_call_fails_that_has_no_list(world: World) -> None:
    """The next one has one, for no circuit has opened."""
    circuit = {"failure_threshold": 1}
    client = balanced(world, Registry(world, [OSError, ONE]).function, circuit_breaker=circuit)
    with pytest.raises(APIConnectionError) as failed:
        await client.get("/a")
    assert "/a failed: the endpoints could not be read: OSError was raised" in str(failed.value)
    await client.get("/a")
    assert hosts(client) == ["one.test"]


async def test_endpoints_that_cannot_be_used_are_as_none(world: World) -> None:
    """They are no errors of a caller's."""
    bad = [Endpoint("http://a.test", headers={"X-Request-ID": "mine"})]
    client = balanced(world, Registry(world, [bad]).function)
    with pytest.raises(APIConnectionError) as failed:
        await client.get("/a")
    assert "hold the request id" in str(failed.value)


async def test_another_function_is_asked_beside_the_next_call(world: World) -> None:
    """The list of before stands until then; a reading of the old one is ended."""
    old = Registry(world, [ONE, 5.0, TWO])
    client = balanced(world, old.function)
    await client.get("/")
    await world.sleep(31)
    await client.get("/")
    new = Registry(world, [["http://new.test"]])
    client.raw.reconfigure(endpoints=new.function)
    await client.get("/")
    await world.sleep(1)
    await client.get("/")
    assert hosts(client) == ["one.test", "one.test", "one.test", "new.test"]
    client.raw.reconfigure(endpoints=TWO)
    await client.get("/")
    assert hosts(client)[-1] in {"one.test", "two.test"}
    await world.sleep(5)


async def test_another_refresh(world: World) -> None:
    """From the next call on."""
    registry = Registry(world, [ONE])
    client = balanced(world, registry.function)
    await client.get("/")
    await world.sleep(5)
    await client.get("/")
    assert registry.asked == 1
    client.raw.reconfigure(balancing={"refresh": 5.0})
    await client.get("/")
    await world.sleep(0)
    assert registry.asked == 2


@ONLY_BLOCKING
async def test_an_async_function_is_refused_by_a_blocking_client(world: World) -> None:
    """Before anything is opened."""
    registry = Registry(world, [ONE])
    config = ClientConfig(endpoints=registry.answer)
    with pytest.raises(TypeError, match="a blocking client needs a plain one, or a list"):
        SyncResilientClient(config)
    client = balanced(world, ONE)
    with pytest.raises(TypeError, match="a blocking client needs a plain one, or a list"):
        client.raw.reconfigure(endpoints=registry.answer)


async def test_checks_begin_with_the_first_call(world: World) -> None:
    """They are counted as nothing, and carry nothing of the caller's."""
    endpoints = [
        Endpoint("http://user:pass@one.test/base", headers={"X-Own": "1"}, timeout={"read": 3.0}),
        "http://two.test",
    ]
    client = balanced(
        world,
        endpoints,
        _sets_a_cookie,
        balancing=CHECKED,
        headers={"Authorization": "secret", "X-Ours": "1"},
    )
    await world.sleep(100)
    assert client.wire.arrivals == []
    await client.get("/", headers={"X-Theirs": "1"}, cookies={"theirs": "1"})
    await world.sleep(100)
    checks = checks_of(client)
    stats = client.stats()
    assert 16 <= len(checks) <= 26
    assert [target.operations for target in stats.targets.values() if target.operations] == [
        {"success": 1}
    ]
    assert sum(sum(target.attempts.values()) for target in stats.targets.values()) == 1
    one = next(each for each in checks if each.url.host == "one.test")
    two = next(each for each in checks if each.url.host == "two.test")
    assert str(one.url) == "http://one.test/base/health"
    assert str(two.url) == "http://two.test/health"
    assert one.headers["X-Own"] == "1"
    assert one.headers["Authorization"].startswith("Basic ")
    usual = {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert set(two.headers) == usual
    assert one.extensions["timeout"]["read"] == 3.0
    assert one.extensions["timeout"]["connect"] == 60.0


async def _sets_a_cookie(arrival: Arrival) -> Answer:
    del arrival
    return Answer(204, headers={"set-cookie": "a=b"})


async def test_an_endpoint_that_fails_its_checks_is_left_alone(world: World) -> None:
    """Until it passes one."""
    state = {"one.test": 503}

    async def server(arrival: Arrival) -> int:
        is_check = arrival.request.url.path == "/health"
        return state.get(arrival.request.url.host, 200) if is_check else 200

    client = balanced(world, TWO, server, balancing={**CHECKED, "policy": "round_robin"})
    await client.get("/")
    await world.sleep(15)
    client.wire.forget()
    for _ in range(10):
        await client.get("/")
    assert set(hosts(client)) == {"two.test"}
    state.clear()
    await world.sleep(60)
    client.wire.forget()
    for _ in range(20):
        await client.get("/")
    assert set(hosts(client)) == {"one.test", "two.test"}


@pytest.mark.parametrize("answer", [302, 404, httpx.ConnectError, 30.0], ids=str)
async def test_nothing_but_a_success_is_well(world: World, answer: Any) -> None:
    """No redirect, no silence; where it leads is not asked."""

    async def server(arrival: Arrival) -> Any:
        if arrival.request.url.path != "/health" or arrival.request.url.host == "two.test":
            return 200
        if isinstance(answer, float):
            await arrival.takes(answer)
        return Answer(302, headers={"location": "/"}) if answer == 302 else answer

    client = balanced(world, TWO, server, balancing={**CHECKED, "policy": "round_robin"})
    await client.get("/")
    await world.sleep(25)
    client.wire.forget()
    for _ in range(4):
        await client.get("/")
    assert "one.test" not in hosts(client)


async def test_checks_go_by_other_settings(world: World) -> None:
    """Another path, another interval, none at all, and again some."""
    client = balanced(world, ONE)
    await client.get("/")
    client.raw.reconfigure(balancing=CHECKED)
    await client.get("/")
    await world.sleep(15)
    assert checks_of(client)
    client.raw.reconfigure(balancing={"health_path": "/other/health", "health_interval": 1.0})
    await world.sleep(15)
    client.wire.forget()
    await world.sleep(15)
    assert {check.url.path for check in checks_of(client)} == {"/other/health"}
    assert 12 <= len(checks_of(client)) <= 19
    client.raw.reconfigure(balancing={"health_path": None})
    await client.get("/")
    client.wire.forget()
    await world.sleep(15)
    assert client.wire.arrivals == []
    client.raw.reconfigure(balancing={"health_path": "/health"})
    await client.get("/")
    await world.sleep(15)
    assert checks_of(client)


async def test_checks_of_a_list_that_is_read(world: World) -> None:
    """They begin once it is there, and go by what it says."""
    registry = Registry(world, [1.0, ONE, ["http://two.test"]])
    client = balanced(world, registry.function, balancing=CHECKED)
    await client.get("/")
    await world.sleep(31)
    assert {check.url.host for check in checks_of(client)} == {"one.test"}
    await client.get("/")
    await world.sleep(1)
    await client.get("/")
    client.wire.forget()
    await world.sleep(31)
    assert {check.url.host for check in checks_of(client)} == {"two.test"}


async def test_closing_ends_what_goes_on_beside_calls(world: World) -> None:
    """The transport that was passed in is closed once, with the client."""
    registry = Registry(world, [ONE])
    client = balanced(world, registry.function, balancing=CHECKED)
    await client.get("/")
    await world.sleep(15)
    assert world.left_behind() == 1
    await client.close()
    await world.sleep(0)
    assert (world.left_behind(), client.wire.closings) == (0, 1)


@pytest.mark.parametrize(
    "setting", [{"health_path": "/health"}, {"max_connection_age": 60.0}], ids=str
)
async def test_a_client_of_somebody_elses_cannot_be_kept_up(world: World, setting: Any) -> None:
    """Its connections, and how they are made, are not known."""
    [name] = setting
    text = f"balancing.{name} cannot be applied to an http_client that was passed in"
    kind = ResilientClient if world.is_async else SyncResilientClient
    http_client = world.httpx_client(transport=world.wire())
    config = ClientConfig.model_validate({"endpoints": ONE, "balancing": setting})
    with pytest.raises(ValueError, match=text):
        kind(config, http_client=http_client)
    client = balanced(world, ONE, http_client=http_client)
    with pytest.raises(ValueError, match=text):
        client.raw.reconfigure(balancing=setting)

"""Which endpoint a call goes to, and what it is told of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from client import InvalidRequestError, MyAPIError, ServerError
from client.events import AttemptEnded, OperationSucceeded
from tests.behaviour.strategies.endpoints.services import Service, balanced, outstanding, states
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import World


async def test_calls_take_turns(world: World) -> None:
    """Each goes to the next endpoint, behind the path that this has."""
    service = Service()
    client = balanced(world, service, "http://a/api", "http://b")
    answers = [await client.get("/items", params={"n": 1}) for _ in range(4)]
    assert sorted(service.asked) == ["a/api/items", "a/api/items", "b/items", "b/items"]
    assert {str(each.request.url) for each in answers} == {
        "http://a/api/items?n=1",
        "http://b/items?n=1",
    }
    assert [each.extensions["resilience"].endpoint for each in answers] == [
        str(each.request.url).partition("/items")[0] for each in answers
    ]
    assert {each.request.headers["Host"] for each in answers} == {"a", "b"}
    assert outstanding(client) == {"http://a/api": 0, "http://b": 0}


async def test_a_retry_goes_elsewhere(world: World) -> None:
    """Where there is another endpoint, it is asked before the first one again."""
    service = Service(a=503, b=503)
    client = balanced(world, service, "http://a", "http://b", "http://c")
    answer = await client.get("/x", retry={"max_attempts": 5})
    assert answer.text == "c"
    assert len(set(service.asked)) == len(service.asked)


async def test_each_is_asked_again_once_all_were(world: World) -> None:
    """Where all fail, attempts go on, never twice in a row to the same one."""
    service = Service(a=503, b=503)
    client = balanced(world, service)
    with pytest.raises(ServerError):
        await client.get("/x", retry={"max_attempts": 4})
    assert service.asked in (["a/x", "b/x"] * 2, ["b/x", "a/x"] * 2)


async def test_an_error_carries_the_url_that_was_asked(world: World) -> None:
    """Its endpoint, without credentials and query, and so does its text."""
    service = Service(a=404)
    client = balanced(world, service, "http://user:secret@a/api")
    with pytest.raises(MyAPIError) as caught:
        await client.get("/x?token=secret")
    assert caught.value.url == "http://a/api/x"
    assert str(caught.value).startswith("GET http://a/api/x failed: 404")
    assert "secret" not in repr(caught.value)


async def test_an_operation_is_shown_by_its_path(world: World) -> None:
    """The name in the place of its host never shows, and attempts are told by their endpoint."""
    told: list[Event] = []
    client = balanced(world, Service(), "http://a/api", listeners=[told.append])
    await client.get("/x?token=secret")
    [ended] = [each for each in told if isinstance(each, AttemptEnded)]
    [succeeded] = [each for each in told if isinstance(each, OperationSucceeded)]
    assert (ended.target, ended.url, succeeded.url) == ("http://a/api", "/x", "/x")
    assert ".invalid" not in repr([each for each in told if each is not succeeded])
    stats = client.stats()
    assert stats.targets["endpoints"].operations == {"success": 1}
    assert stats.targets["endpoints"].attempts == {}
    assert stats.targets["http://a/api"].attempts == {"success": 1}


async def test_an_absolute_url_of_an_endpoint_is_asked_there_alone(world: World) -> None:
    """Retries too, and although it is the other one's turn."""
    service = Service(a=503)
    client = balanced(world, service, "http://a/api", "http://b")
    with pytest.raises(ServerError) as caught:
        await client.get("http://A:80/api/x")
    assert service.asked == ["a/api/x"] * 3
    assert caught.value.url == "http://A:80/api/x"
    assert outstanding(client) == {"http://a/api": 0, "http://b": 0}


@pytest.mark.parametrize(
    "url",
    [
        "http://c/x",
        "https://a/api/x",
        "http://a:81/api/x",
        "http://a/x",
        "http://a/apiary",
        "http://a@c/api/x",
        "http://endpoints.invalid/x",
        "http://endpoints.invalid:81/x",
        "http://endpoints.invalid.evil/x",
        "http://endpoints.invalid@evil/x",
    ],
)
async def test_another_absolute_url_is_refused(world: World, url: str) -> None:
    """Before anything is taken or sent."""
    service = Service()
    client = balanced(world, service, "http://a/api", "http://b")
    with pytest.raises(InvalidRequestError, match="is of none of the endpoints") as caught:
        await client.get(url)
    assert caught.value.request_sent is False
    assert service.asked == []
    assert client.stats().operations == 0


async def test_a_url_in_a_query_is_no_address(world: World) -> None:
    """It is the server's to read."""
    client = balanced(world, Service(), "http://a/api", "http://b")
    await client.get("/x?to=http://evil/")
    assert client.wire.last.url.query == b"to=http://evil/"
    assert client.wire.last.url.host in {"a", "b"}


@pytest.mark.parametrize("url", ["http://endpoints.invalid/x", "http://evil/x"])
async def test_a_url_is_refused_though_the_list_is_not_known_yet(world: World, url: str) -> None:
    """Once it is known where that is needed."""
    service = Service()

    async def read_async() -> list[str]:
        return ["http://a"]

    read = read_async if world.is_async else lambda: ["http://a"]
    client = world.client(service, base_url="", endpoints=read)
    with pytest.raises(InvalidRequestError, match="of none of the endpoints"):
        await client.get(url)
    assert service.asked == []


@pytest.mark.parametrize("host", ["evil", "endpoints.invalid.evil"])
async def test_a_middleware_that_turns_elsewhere_is_refused(world: World, host: str) -> None:
    """A request for another server does not pass as one for the service."""

    async def turn_async(request: httpx.Request, call_next: object) -> httpx.Response:
        request.url = httpx.URL(f"http://{host}/x")
        return await call_next(request)  # type: ignore[operator,no-any-return] # as given

    def turn(request: httpx.Request, call_next: object) -> httpx.Response:
        request.url = httpx.URL(f"http://{host}/x")
        return call_next(request)  # type: ignore[operator,no-any-return] # as given

    service = Service()
    middleware = [turn_async if world.is_async else turn]
    client = balanced(world, service, middleware=middleware)
    with pytest.raises(InvalidRequestError, match="of none of the endpoints") as caught:
        await client.get("/x")
    assert caught.value.url == f"http://{host}/x"
    assert service.asked == []


async def test_an_endpoint_that_fails_is_left_out(world: World) -> None:
    """After five failures in a row, and asked again when its ejection is over."""
    service = Service(a=503)
    client = balanced(world, service)
    for _ in range(20):
        assert (await client.get("/x")).text == "b"
    assert service.count("a") == 5
    assert states(client)["http://a"].state == "ejected"
    service.hosts.clear()
    await world.sleep(30)
    assert {(await client.get("/x")).text for _ in range(4)} == {"a", "b"}
    assert states(client)["http://a"].state == "slow_start"


async def test_a_stream_counts_until_it_is_closed(world: World) -> None:
    """What is out to an endpoint are open answers too."""
    client = balanced(world, Service(a=Answer(200, (b"a", 1.0, b"b"))), "http://a")
    async with client.stream() as response:
        assert outstanding(client) == {"http://a": 1}
        await client.read(response)
        assert outstanding(client) == {"http://a": 1}
    assert outstanding(client) == {"http://a": 0}


async def test_a_body_that_breaks_off_is_a_failure_of_its_endpoint(world: World) -> None:
    """Although its head was good."""
    broken = Answer(200, (b"a", httpx.ReadError("boom")))
    client = balanced(world, Service(a=broken), "http://a", "http://b")
    with pytest.raises(MyAPIError) as caught:
        async with client.stream("GET", "http://a/x") as response:
            await client.read(response)
    assert caught.value.url == "http://a/x"
    assert states(client)["http://a"].failures == 1
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_a_streamed_answer_that_is_retried_is_given_back(world: World) -> None:
    """Also a good one, which `retry_if` did not like."""
    service = Service(a=Answer(200, (b"a",)))
    retry = {"min_wait_seconds": 1, "max_wait_seconds": 1, "retry_if": lambda r, _: r.text == "a"}

    def dislikes(response: httpx.Response | None, _error: object) -> bool:
        return response is not None and response.request.url.host == "a"

    client = balanced(world, service, retry={**retry, "retry_if": dislikes})
    for _ in range(2):
        async with client.stream() as response:
            assert response.request.url.host == "b"
            assert outstanding(client) == {"http://a": 0, "http://b": 1}
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_a_hedge_goes_to_another_endpoint(world: World) -> None:
    """One that is late is not asked a second time, where another is well."""

    async def late(arrival: Arrival) -> Step:
        await arrival.takes(10)
        return 200

    service = Service(a=late)
    client = balanced(world, service, hedge={"delay": 1, "max_extra_load": 1})
    answers = [await client.get("/x") for _ in range(4)]
    assert [each.text for each in answers] == ["b"] * 4
    assert {each.extensions["resilience"].endpoint for each in answers} == {"http://b"}
    await world.sleep(20)
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_key_decides_where_calls_go(world: World) -> None:
    """The same key always to the same endpoint."""
    service = Service()
    balancing = {"policy": "hash", "balancing_key": lambda request: request.url.path}
    client = balanced(world, service, balancing=balancing)
    for path in ("/1", "/2", "/3", "/4", "/5", "/6"):
        assert len({(await client.get(path)).text for _ in range(3)}) == 1
    assert service.count("a")
    assert service.count("b")


async def test_what_a_key_raises_is_the_callers(world: World) -> None:
    """It passes untouched, and nothing is asked."""

    def key(_request: httpx.Request) -> str:
        raise KeyError("mine")

    service = Service()
    client = balanced(world, service, balancing={"policy": "hash", "balancing_key": key})
    with pytest.raises(KeyError, match="mine"):
        await client.get("/x")
    assert service.asked == []
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_a_key_is_a_text(world: World) -> None:
    """Anything else is told."""
    client = balanced(world, Service(), balancing={"policy": "hash", "balancing_key": lambda _: 3})
    with pytest.raises(TypeError, match=r"balancing_key returned 3: it must return a str"):
        await client.get("/x")

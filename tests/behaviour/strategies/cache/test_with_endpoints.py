"""The cache before several endpoints: one resource is one entry, whoever has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import Endpoint, MyAPIError
from tests.behaviour.strategies.cache.serving import MINUTE, cached, echoing, said, status_of
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

ONE, TWO = "http://one.test", "http://two.test"


def balanced(world: World, server: Any, *endpoints: Any, **settings: Any) -> Caller:
    """A client with a cache and two endpoints, in turn."""
    return cached(
        world,
        server,
        base_url="",
        endpoints=endpoints or (ONE, TWO),
        balancing={"policy": "round_robin"},
        **settings,
    )


async def test_what_one_has_answered_is_served_for_all(world: World) -> None:
    """The next one is not asked."""
    client = balanced(world, echoing("Host"))
    first, second = await client.get("/a"), await client.get("/a")
    assert (first.text, status_of(first), status_of(second)) == (second.text, "miss", "hit")
    assert len(client.wire.arrivals) == 1


async def test_a_write_at_one_changes_what_all_answer(world: World) -> None:
    """It is one service."""

    async def serve(arrival: Arrival) -> Answer:
        base = str(arrival.request.url).rpartition("/")[0]
        location = f"{base}/b"
        return Answer(200, (b"hello",), {**MINUTE, "Location": location})

    client = balanced(world, serve, f"{ONE}/v1", f"{TWO}/v2")
    await client.get("/a")
    await client.get("/b")
    await client.post("/a")
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("/b")) == "miss"


async def test_cookies_of_the_service_are_credentials(world: World) -> None:
    """Whichever endpoint has set them."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/login":
            return Answer(200, (), {"Set-Cookie": "sid=1; Path=/", "Cache-Control": "no-store"})
        return Answer(200, (arrival.request.headers.get("Cookie", "-").encode(),), MINUTE)

    client = balanced(world, serve)
    assert said(await client.get("/me")) == ("-", "miss")
    await client.get("/login")
    assert said(await client.get("/me")) == ("sid=1", "miss")
    assert said(await client.get("/me")) == ("sid=1", "miss")


@pytest.mark.parametrize(
    ("headers", "then"),
    [({"X-Api-Key": "k"}, "miss"), ({"X-Zone": "a"}, "hit")],
    ids=["credential", "plain"],
)
async def test_an_endpoints_own_headers_may_be_credentials(
    world: World, headers: dict[str, str], then: str
) -> None:
    """Then what it answers is kept for nobody."""
    client = balanced(world, echoing("X-Api-Key"), Endpoint(ONE, headers=headers), TWO)
    await client.get()
    assert status_of(await client.get()) == then


HIDDEN = "endpoints.invalid"


def shown(response: Any) -> str:
    """All that an answer says of where it comes from."""
    request, following = response.request, response.next_request
    told = [request.url, response.url, *request.headers.values()]
    return " ".join(map(str, [*told, following and following.url, following and following.headers]))


async def test_an_answer_that_is_kept_names_no_other_host(world: World) -> None:
    """Whoever goes on from its URL comes to one: at each hit, read whole or streamed."""
    client = balanced(world, echoing("Host"), f"{ONE}/v1", f"{TWO}/v2")
    await client.get("/a")
    for _ in range(3):
        answer = await client.get("/a")
        assert status_of(answer) == "hit"
        assert str(answer.url) == "/a"
    async with client.stream(url="/a?x=1") as answer:
        await client.read(answer)
    async with client.stream(url="/a?x=1") as answer:
        assert status_of(answer) == "hit"
        assert str(answer.url) == "/a?x=1"
        await client.read(answer)
    assert (await client.get(str(answer.url))).status_code == 200


async def test_a_redirect_that_is_kept_names_no_other_host(world: World) -> None:
    """And so does the request that would follow it."""
    moved = Answer(301, headers={**MINUTE, "Location": "/b"})
    client = balanced(world, moved, follow_redirects=False)
    await client.get("/a")
    answer = await client.get("/a")
    assert status_of(answer) == "hit"
    assert HIDDEN not in shown(answer)
    assert answer.next_request is not None
    assert str(answer.next_request.url) == "/b"


@pytest.mark.parametrize("how", ["whole", "stream"])
async def test_an_error_without_an_exchange_names_no_other_host(world: World, how: str) -> None:
    """Where nothing is kept, and nothing else is wanted."""
    client = balanced(world, echoing("Host"))
    only = {"Cache-Control": "only-if-cached"}
    ask = client.get if how == "whole" else client.streamed
    with pytest.raises(MyAPIError) as caught:
        await ask(url="/a", headers=only)
    assert caught.value.response is not None
    assert HIDDEN not in shown(caught.value.response)


async def test_who_asked_for_several_knows_which_endpoint_answered(world: World) -> None:
    """Though its request went out in a task of its own."""
    client = balanced(world, echoing("Host"))
    answers = await world.gather(*(client.get("/a") for _ in range(3)))
    reports = [each.extensions["resilience"] for each in answers]
    assert sorted((each.attempts, each.endpoint or "") for each in reports) == [
        (0, ""),
        (0, ""),
        (1, ONE if answers[0].text.startswith("one") else TWO),
    ]
    assert not any(HIDDEN in shown(each) for each in answers)


async def test_who_waited_for_a_failure_is_shown_no_other_host(world: World) -> None:
    """In its own copy of what another call was told."""

    async def refuse(arrival: Arrival) -> Any:
        await arrival.takes(1)
        return httpx.ConnectError

    client = balanced(world, refuse, retry=None)
    errors = await world.gather(*(client.get("/a") for _ in range(3)))
    causes = [each.__cause__ for each in errors]
    assert len({id(each) for each in causes}) == 3
    assert not any(HIDDEN in str(each.request.url) for each in causes)


async def test_an_endpoint_that_is_new_may_have_credentials(world: World) -> None:
    """From then on what is kept is for nobody, however often it was served."""
    client = balanced(world, echoing("X-Api-Key"), ONE)
    assert [status_of(await client.get()) for _ in range(3)] == ["miss", "hit", "hit"]
    client.raw._session._endpoints.balancing._roster.adds_credentials = True
    assert status_of(await client.get()) == "miss"

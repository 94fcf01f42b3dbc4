"""The cache before several endpoints: one resource is one entry, whoever has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import Endpoint
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

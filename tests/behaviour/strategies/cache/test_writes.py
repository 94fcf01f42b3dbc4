"""What a write does to what is kept (RFC 9111, 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.behaviour.strategies.cache.serving import MINUTE, cached, counted, said, status_of
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import World


def answering(step: Step) -> Any:
    """A server whose answers may be kept, and that answers writes in its own way."""

    async def serve(arrival: Arrival) -> Step:
        if arrival.request.method in {"GET", "HEAD", "OPTIONS"}:
            return Answer(200, (b"hello",), MINUTE)
        return step

    return serve


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PURGE"])
async def test_a_write_makes_what_is_kept_of_its_url_go(world: World, method: str) -> None:
    """Be it known or not."""
    client = cached(world, answering(204))
    await client.get("/a")
    await client.get("/b")
    assert status_of(await client.request(method, "/a")) == "bypass"
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("/b")) == "hit"


async def test_all_variants_go(world: World) -> None:
    """Whoever has asked for them."""
    headers = {**MINUTE, "Vary": "Accept-Language"}

    async def serve(_arrival: Arrival) -> Answer:
        return Answer(200, (b"hello",), headers)

    client = cached(world, serve)
    languages = [{"Accept-Language": each} for each in ("en", "de", "fr")]
    for language in languages:
        await client.get(headers=language)
    await client.post()
    for language in languages:
        assert status_of(await client.get(headers=language)) == "miss"


@pytest.mark.parametrize("step", [400, 404, 500, httpx.ConnectError], ids=str)
async def test_one_that_was_not_done_changes_nothing(world: World, step: Any) -> None:
    """An error says so; so does a request that was never sent."""
    client = cached(world, answering(step))
    await client.get()
    await world.outcome(world.start(client.post()))
    assert status_of(await client.get()) == "hit"


async def test_one_of_which_nobody_knows_may_have_been_done(world: World) -> None:
    """Then a server is asked once more."""
    client = cached(world, answering(httpx.ReadError))
    await client.get()
    await world.outcome(world.start(client.post()))
    assert status_of(await client.get()) == "miss"


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
async def test_what_asks_for_nothing_to_be_done_changes_nothing(world: World, method: str) -> None:
    """It is safe (RFC 9110, 9.2.1)."""
    client = cached(world, answering(204))
    await client.get()
    await client.request(method)
    assert status_of(await client.get()) == "hit"


@pytest.mark.parametrize(
    ("named", "then"),
    [
        ({"Location": "/b"}, "miss"),
        ({"Content-Location": "http://server.test/b"}, "miss"),
        ({"Location": "http://elsewhere.test/b"}, "hit"),
    ],
    ids=["location", "content-location", "another-origin"],
)
async def test_what_the_answer_names_goes_too(
    world: World, named: dict[str, str], then: str
) -> None:
    """If it is of the same origin."""
    client = cached(world, answering(Answer(201, (), named)))
    await client.get("/b")
    await client.post("/a")
    assert status_of(await client.get("/b")) == then


async def test_the_redirects_of_a_write_count(world: World) -> None:
    """A 303 says that it was done."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.method == "POST":
            return Answer(303, (), {"Location": "/b"})
        return Answer(200, (b"hello",), MINUTE)

    client = cached(world, serve)
    await client.get("/a")
    await client.get("/b")
    response = await client.post("/a")
    assert (len(response.history), response.request.method) == (1, "GET")
    assert status_of(await client.get("/a")) == "miss"
    assert status_of(await client.get("/b")) == "miss"


@pytest.mark.parametrize("is_past", [False, True], ids=["seen", "past-the-cache"])
async def test_a_write_is_heeded_even_past_the_cache(world: World, *, is_past: bool) -> None:
    """Others read what it has changed."""
    client = cached(world, answering(204))
    await client.get()
    response = await client.post(**({"cache": None} if is_past else {}))
    assert response.extensions["cache"].why == "POST"
    assert status_of(await client.get()) == "miss"


async def test_what_was_asked_for_before_a_write_is_not_kept(world: World) -> None:
    """It may be of before."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.method == "GET" and len(client.wire.arrivals) == 1:
            await arrival.takes(2)
            return Answer(200, (b"old",), MINUTE)
        return Answer(200, (b"new",), MINUTE)

    client = cached(world, serve)
    early = world.start(client.get())
    await world.sleep(1)
    await client.post()
    assert (await early.result()).text == "old"
    assert said(await client.get()) == ("new", "miss")
    assert said(await client.get()) == ("new", "hit")


async def test_nor_is_a_stream_that_was_begun_before(world: World) -> None:
    """Whenever it is read to its end."""
    client = cached(world, counted())
    async with client.stream() as response:
        await client.post()
        await client.read(response)
    assert status_of(await client.get()) == "miss"


async def test_middleware_that_writes_elsewhere_is_heeded(world: World) -> None:
    """What counts is what is sent."""

    def elsewhere(request: Any, call_next: Any) -> Any:
        if request.method == "POST":
            request.url = request.url.copy_with(path="/b")
        return call_next(request)

    async def elsewhere_async(request: Any, call_next: Any) -> Any:
        return await elsewhere(request, call_next)

    client = cached(
        world, answering(204), middleware=[elsewhere_async if world.is_async else elsewhere]
    )
    await client.get("/a")
    await client.get("/b")
    await client.post("/a")
    assert status_of(await client.get("/a")) == "hit"
    assert status_of(await client.get("/b")) == "miss"

"""Which calls one request is good for: those that ask for the same, and for nothing older."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import ClientConfig, ResilientClient
from client.strategies.cache.flights import flights, sharing
from client.strategies.cache.flights.flight import Flight
from tests.behaviour.strategies.cache.flying import (
    FOR_ONE,
    KEPT,
    Slow,
    attempts_of,
    cached,
    status_of,
)
from tests.behaviour.twins import ONLY_BLOCKING
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Task, World

TAGGED = {"Cache-Control": "max-age=10", "ETag": '"1"'}
"""Headers of an answer that can be asked about."""


async def by_language(arrival: Arrival) -> Answer:
    """Answer each in his own language, after a second."""
    language = arrival.request.headers["Accept-Language"]
    await arrival.takes(1)
    return Answer(200, (language.encode(),), headers={**KEPT, "Vary": "Accept-Language"})


async def test_one_asks_whether_it_still_holds(world: World) -> None:
    """And the others are served what that was."""
    server = Slow(Answer(200, (b"kept",), headers=TAGGED), Answer(304, headers=TAGGED))
    client = cached(world, server)
    await client.get("/x")
    await world.sleep(11)
    answers = await world.gather(*(client.get("/x") for _ in range(5)))
    assert [answer.content for answer in answers] == [b"kept"] * 5
    assert [*map(status_of, answers)] == ["revalidated", *["hit"] * 4]
    assert [*map(attempts_of, answers)] == [1, 0, 0, 0, 0]
    assert server.asked == 2


async def test_what_may_not_be_kept_any_longer_is_the_firsts(world: World) -> None:
    """A 304 that forbids it takes it from the others, who ask by themselves."""
    server = Slow(
        Answer(200, (b"kept",), headers=TAGGED),
        Answer(304, headers={"Cache-Control": "no-store", "ETag": '"1"'}),
        Answer(200, (b"new",), headers=FOR_ONE),
    )
    client = cached(world, server)
    await client.get("/x")
    await world.sleep(11)
    answers = await world.gather(*(client.get("/x") for _ in range(3)))
    assert [answer.content for answer in answers] == [b"kept", b"new", b"new"]


async def test_who_comes_after_a_write_waits_for_nothing_older(world: World) -> None:
    """He is sure to read what he has written, whoever waits for an older answer."""
    kept = "before"

    async def server(arrival: Arrival) -> Step:
        nonlocal kept
        if arrival.request.method == "POST":
            kept = "after"
            return 204
        seen = kept
        await arrival.takes(3)
        return Answer(200, (seen.encode(),), headers=KEPT)

    client = cached(world, server)
    before = [world.start(client.get("/x")) for _ in range(2)]
    await world.sleep(1)
    await client.post("/x")
    after = [world.start(client.get("/x")) for _ in range(2)]
    assert [(await each.result()).text for each in after] == ["after", "after"]
    assert [(await each.result()).text for each in before][0] == "before"
    assert (await client.get("/x")).text == "after"


async def test_variants_that_are_known_do_not_queue(world: World) -> None:
    """Once it is known what answers depend on, other variants are other requests from the start."""
    client = cached(world, by_language)
    await client.get("/x", headers={"Accept-Language": "de"})
    began = world.now()
    languages = ["fr", "en", "fr"]
    calls = [client.get("/x", headers={"Accept-Language": each}) for each in languages]
    answers = await world.gather(*calls)
    assert [answer.text for answer in answers] == languages
    assert world.now() - began == pytest.approx(1)
    assert len(client.wire.arrivals) == 3


async def test_what_varies_is_not_remembered_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the resource that was asked first it is forgotten where there are too many."""
    monkeypatch.setattr(sharing, "_MOST_VARYING", 1)
    client = cached(world, by_language)
    for path in ("/x", "/y"):
        await client.get(path, headers={"Accept-Language": "de"})
    began = world.now()
    calls = [client.get("/x", headers={"Accept-Language": each}) for each in ("fr", "en")]
    answers = await world.gather(*calls)
    assert [answer.text for answer in answers] == ["fr", "en"]
    assert world.now() - began == pytest.approx(2)


async def test_what_is_for_one_is_not_remembered_for_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Likewise."""
    monkeypatch.setattr(flights, "_MOST_ALONE", 1)
    server = Slow(Answer(headers=FOR_ONE))
    client = cached(world, server)
    for path in ("/x", "/y"):
        await client.get(path)
    began = world.now()
    await world.gather(client.get("/x"), client.get("/x"))
    assert world.now() - began == pytest.approx(2)


async def test_stale_answers_help_all_who_wait(world: World) -> None:
    """Where the server fails, each is served what is kept; the circuit counts one failure."""
    server = Slow(Answer(200, (b"kept",), headers=TAGGED), 503)
    client = cached(
        world,
        server,
        cache={"stale_if_error": 1000},
        circuit_breaker={"failure_threshold": 2},
    )
    await client.get("/x")
    await world.sleep(11)
    answers = await world.gather(*(client.get("/x") for _ in range(5)))
    assert {answer.content for answer in answers} == {b"kept"}
    assert {*map(status_of, answers)} == {"stale"}
    assert server.asked == 2
    assert client.circuit_state == "closed"


async def test_an_outage_is_survived(world: World) -> None:
    """With the circuit open, every read of what is kept is answered."""
    server = Slow(Answer(200, (b"kept",), headers=TAGGED), 503)
    client = cached(world, server, circuit_breaker={"failure_threshold": 1}, cache={})
    await client.get("/x")
    await world.sleep(11)
    await world.outcome(world.start(client.get("/other")))
    for _ in range(60):
        answers = await world.gather(client.get("/x"), client.get("/x"))
        assert [answer.content for answer in answers] == [b"kept"] * 2
        await world.sleep(0.4)


@pytest.mark.parametrize("directive", ["no-cache", "no-store", "max-age=10", "min-fresh=1"])
async def test_who_wants_more_waits_for_nobody(world: World, directive: str) -> None:
    """An answer to somebody else may not be good enough."""
    server = Slow()
    client = cached(world, server)
    picky = {"Cache-Control": directive}
    await world.gather(client.get("/x"), client.get("/x", headers=picky))
    assert server.asked == 2


async def test_conditions_of_callers_wait_for_nobody(world: World) -> None:
    """They get what the server says to them."""
    server = Slow()
    client = cached(world, server)
    await world.gather(client.get("/x"), client.get("/x", headers={"If-None-Match": '"9"'}))
    assert server.asked == 2


async def test_redirects_are_not_for_those_who_follow_them(world: World) -> None:
    """One who does not follow may have it, and who does asks by himself."""
    moved = Answer(301, headers={**KEPT, "Location": "/there"})

    async def server(arrival: Arrival) -> Step:
        await arrival.takes(1)
        return moved if arrival.request.url.path == "/x" else Answer(200, (b"there",))

    client = cached(world, server)
    first, second = await world.gather(
        client.get("/x", follow_redirects=False), client.get("/x", follow_redirects=True)
    )
    assert first.status_code == 301
    assert second.content == b"there"


@ONLY_BLOCKING
async def test_an_interrupt_before_it_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the moment between: who waits already sends his own."""
    server = Slow()
    client = cached(world, server)
    others: list[Task[Any]] = []
    start = Flight.start

    def interrupted(self: Flight[Any], *rest: Any) -> None:
        if others:
            start(self, *rest)
            return
        others.append(world.start(client.get("/x")))
        world.threads.wait(lambda: False, 1)  # type: ignore[attr-defined] # the blocking world's
        raise KeyboardInterrupt

    monkeypatch.setattr(Flight, "start", interrupted)
    with pytest.raises(KeyboardInterrupt):
        await client.get("/x")
    assert (await others[0].result()).content == b"answer 1"
    assert world.left_behind() == 0


async def test_no_threads_to_be_had(world: World) -> None:
    """At the end of the interpreter the caller sends it himself."""
    if not world.is_async:
        world.lacks_threads = True  # type: ignore[attr-defined] # the blocking world's
    server = Slow()
    client = cached(world, server)
    assert (await client.get("/x")).content == b"answer 1"


class Hanging(httpx.AsyncBaseTransport):
    """Answers what is asked second, and leaves the first waiting."""

    def __init__(self) -> None:
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        del request
        self.asked += 1
        if self.asked == 1:
            await asyncio.Event().wait()
        return httpx.Response(200, headers=KEPT)


def test_what_went_on_in_a_loop_that_has_ended_is_forgotten() -> None:
    """Nobody waits in the next loop for what will never come."""
    server = Hanging()
    config = ClientConfig.model_validate({"base_url": "http://server.test", "cache": {}})
    client = ResilientClient(config, transport=server)

    async def ask_for_a_while() -> None:
        waiting.append(asyncio.ensure_future(client.get("/x")))
        await asyncio.sleep(0.01)

    waiting: list[asyncio.Future[Any]] = []
    loop = asyncio.new_event_loop()
    loop.run_until_complete(ask_for_a_while())
    loop.close()
    assert asyncio.run(client.get("/x")).status_code == 200
    asyncio.run(client.close())
    for task in waiting:
        task._log_destroy_pending = False  # type: ignore[attr-defined] # it is meant to be
    waiting.clear()
    gc.collect()

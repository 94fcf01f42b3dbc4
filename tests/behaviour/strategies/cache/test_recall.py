"""What was answered once is answered again without a look at everything, and is no different."""

from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from client.strategies.cache.visits import reading, recall
from tests.behaviour.strategies.cache.flying import KEPT, cached, status_of
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.behaviour.world import Caller, World

BODY = json.dumps({"text": "\u00e4"}).encode("latin-1", "backslashreplace")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The URLs of calls for which all was looked at."""
    looked: list[str] = []
    run = reading.Reading.run

    def counted(self: reading.Reading) -> Any:
        looked.append(self.visit.asked.url)
        return run(self)

    monkeypatch.setattr(reading.Reading, "run", counted)
    yield looked


async def warmed(world: World, server: Any, **settings: Any) -> Caller:
    """A client that has an answer kept, and has given it again once."""
    client = cached(world, server, **settings)
    await client.get("/x")
    await client.get("/x")
    return client


async def test_it_is_not_looked_at_again(world: World, looks: list[str]) -> None:
    """From the second hit on."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    answer = await client.get("/x")
    assert status_of(answer) == "hit"
    assert len(looks) == 2


async def test_an_answer_is_as_any_other(world: World) -> None:
    """In all that httpx's responses can do."""
    headers = {**KEPT, "Content-Type": "application/json", "ETag": '"1"'}
    client = await warmed(world, Answer(200, (BODY,), headers=headers))
    usual = cached(world, Answer(200, (BODY,), headers=headers), cache=None)
    expected = await usual.get("/x", request_id="mine")
    await world.sleep(5)
    answer = await client.get("/x", request_id="mine")
    assert answer.json() == expected.json()
    assert answer.text == expected.text
    assert answer.content == expected.content
    assert answer.raise_for_status() is answer
    assert answer.request.headers == expected.request.headers
    assert answer.request.url == expected.request.url
    assert answer.request.extensions["timeout"] == expected.request.extensions["timeout"]
    assert answer.elapsed.total_seconds() == 0
    assert answer.history == []
    assert answer.is_closed
    assert answer.is_success
    assert answer.encoding == expected.encoding
    assert answer.http_version == expected.http_version
    assert answer.reason_phrase == "OK"
    assert answer.headers.pop("Date") == world.http_date(-5)
    assert dict(answer.headers) == {**dict(expected.headers), "age": "5"}
    assert await client.read(answer) == BODY
    assert [chunk async for chunk in client.chunks(answer)] == [BODY]
    again = pickle.loads(pickle.dumps(answer))
    assert (again.content, dict(again.headers)) == (BODY, dict(answer.headers))
    assert answer.extensions["resilience"].request_id == "mine"


async def test_each_has_his_own(world: World) -> None:
    """What one caller does to his answer is not seen by the next."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    one = await client.get("/x")
    one.headers["X-Mine"] = "1"
    one.extensions["mine"] = 1
    one.history.append(one)
    one.request.headers["X-Mine"] = "1"
    one.request.extensions["mine"] = 1
    other = await client.get("/x")
    assert "X-Mine" not in other.headers
    assert "mine" not in other.extensions
    assert other.history == []
    assert "X-Mine" not in other.request.headers
    assert "mine" not in other.request.extensions


async def test_age_goes_on(world: World, looks: list[str]) -> None:
    """In whole seconds, until it is stale."""
    server = Answer(200, (BODY,), headers={"Cache-Control": "max-age=60"})
    client = await warmed(world, server)
    ages = []
    for _ in range(4):
        await world.sleep(0.75)
        ages.append((await client.get("/x")).headers["Age"])
    assert ages == ["0", "1", "2", "3"]
    assert len(looks) == 2
    await world.sleep(58)
    assert status_of(await client.get("/x")) == "miss"


async def test_a_new_answer_takes_its_place(world: World) -> None:
    """Nothing is remembered beyond what is kept."""
    numbers = iter(range(10))

    async def server(arrival: object) -> Answer:
        del arrival
        headers = {"Cache-Control": "max-age=60"}
        return Answer(200, (b"%d" % next(numbers),), headers=headers)

    client = await warmed(world, server)
    await client.post("/x")
    assert [(await client.get("/x")).content for _ in range(3)] == [b"2"] * 3
    await world.sleep(61)
    assert [(await client.get("/x")).content for _ in range(3)] == [b"3"] * 3


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"Accept": "text/plain"}},
        {"headers": {"Cache-Control": "no-cache"}},
        {"params": {"a": "1"}},
        {"timeout": 3},
        {"cookies": {"a": "1"}},
        {"auth": ("a", "b")},
        {"extensions": {"a": "1"}},
    ],
    ids=["a header", "a directive", "params", "timeout", "cookies", "auth", "extensions"],
)
@pytest.mark.filterwarnings("ignore:Setting per-request cookies")
async def test_calls_that_say_more_are_looked_at(
    world: World, looks: list[str], more: dict[str, Any]
) -> None:
    """Whatever it is."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    await client.get("/x", **more)
    assert len(looks) == 3


async def test_another_method_is_another_call(world: World) -> None:
    """HEAD has no body."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    assert (await client.request("HEAD", "/x")).content == b""


async def test_cookies_are_looked_at(world: World, looks: list[str]) -> None:
    """From the first on that comes, all calls may have credentials."""

    async def server(arrival: Any) -> Answer:
        if arrival.request.url.path == "/x":
            return Answer(200, (BODY,), headers=KEPT)
        return Answer(200, headers={"Set-Cookie": "a=1"})

    client = await warmed(world, server)
    await client.get("/login")
    looks.clear()
    answer = await client.get("/x")
    assert len(looks) == 1
    assert status_of(answer) == "miss"


@pytest.mark.parametrize(
    "headers",
    [
        {**KEPT, "Vary": "Accept"},
        {"Cache-Control": "max-age=60, no-cache", "ETag": '"1"'},
    ],
    ids=["vary", "no-cache"],
)
async def test_what_must_be_looked_at(
    world: World, looks: list[str], headers: dict[str, str]
) -> None:
    """What depends on the request, or holds only when the server is asked."""
    client = await warmed(world, Answer(200, (BODY,), headers=headers))
    await client.get("/x")
    assert len(looks) == 3


async def test_partitions_are_looked_at(world: World, looks: list[str]) -> None:
    """Who asks is found out for each call."""
    whose = iter("aabb")
    client = cached(
        world,
        Answer(200, (BODY,), headers=KEPT),
        cache={"partition": lambda request: next(whose)},  # noqa: ARG005 - whatever is asked for
    )
    found = [status_of(await client.get("/x")) for _ in range(4)]
    assert found == ["miss", "hit", "miss", "hit"]
    assert len(looks) == 4


async def test_long_answers_are_made_each_time(world: World, looks: list[str]) -> None:
    """They are not kept unpacked."""
    client = await warmed(world, Answer(200, (b"x" * 70_000,), headers=KEPT))
    assert len((await client.get("/x")).content) == 70_000
    assert len(looks) == 3


async def test_errors_are_looked_at(world: World, looks: list[str]) -> None:
    """Each caller gets an exception of his own."""
    client = cached(world, Answer(404, (BODY,), headers=KEPT))
    errors = await world.gather(*(client.get("/x") for _ in range(1)))
    for _ in range(2):
        errors += await world.gather(client.get("/x"))
    assert len({id(error) for error in errors}) == 3
    assert len(looks) == 3


async def test_streams_are_looked_at(world: World, looks: list[str]) -> None:
    """They are read by whoever asks."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    assert b"".join(await client.streamed("GET", "/x")) == BODY
    assert len(looks) == 3


async def test_no_more_than_some(
    world: World, looks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were noted first are looked at again."""
    monkeypatch.setattr(recall, "_MOST", 3)
    client = cached(world, Answer(200, (BODY,), headers=KEPT))
    for number in range(4):
        await client.get(f"/{number}")
        await client.get(f"/{number}")
    looks.clear()
    await client.get("/3")
    assert looks == []
    await client.get("/0")
    assert len(looks) == 1


async def test_it_costs_no_attempt_and_is_counted(world: World) -> None:
    """Like any hit."""
    client = await warmed(world, Answer(200, (BODY,), headers=KEPT))
    for _ in range(3):
        await client.get("/x")
    stats = client.stats()
    assert (stats.operations, stats.attempts) == (5, 1)

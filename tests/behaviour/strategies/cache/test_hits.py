"""What is kept answers in place of a server, and passes nothing on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import MyAPIError, NotFoundError, ServiceUnavailableError
from client.cache import CacheReport
from client.events import AttemptStarted, CacheUsed, OperationSucceeded
from client.metrics.strategy_instruments import CACHE_BYTES, CACHE_ENTRIES, CACHE_LOOKUPS
from client.testing import EventRecorder
from tests.behaviour.strategies.cache.serving import (
    MINUTE,
    PACKED,
    STALE,
    cached,
    counted,
    said,
    status_of,
)
from tests.behaviour.wire import Answer
from tests.unit.metrics.reading import Reading

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World

TARGET = "http://server.test"


async def test_a_fresh_answer_is_served_again(world: World) -> None:
    """With its age, and with what the cache did for it."""
    client = cached(world, counted())
    first = await client.get("/a")
    await world.sleep(7)
    second = await client.get("/a")
    assert (said(first), said(second)) == (("answer 1", "miss"), ("answer 1", "hit"))
    assert first.extensions["cache"] == CacheReport("miss", "nothing is kept")
    report = second.extensions["cache"]
    assert (report.why, report["status"], dict(report)["age"]) == ("fresh", "hit", 7.0)
    with pytest.raises(KeyError):
        report["size"]
    assert "Age" not in first.headers
    assert second.headers["Age"] == "7"
    assert (second.status_code, second.http_version, second.reason_phrase) == (
        200,
        "HTTP/1.1",
        "OK",
    )
    assert (second.elapsed.total_seconds(), second.is_closed, second.history) == (0, True, [])
    assert str(second.request.url) == f"{TARGET}/a"
    way = second.extensions["resilience"]
    assert (way.attempts, way.request_id) == (0, second.request.headers["X-Request-ID"])
    assert way.request_id != client.wire.ids[0]


async def test_what_one_caller_does_to_an_answer_no_other_sees(world: World) -> None:
    """Each has one of his own."""
    client = cached(world, counted())
    await client.get()
    first = await client.get()
    first.headers["X-Mine"] = "1"
    first.extensions["mine"] = 1
    second = await client.get()
    assert "X-Mine" not in second.headers
    assert "mine" not in second.extensions


async def test_a_hit_takes_nothing(world: World) -> None:
    """No slot, no token, no leave of the circuit, and it is no sample of anything."""
    client = cached(
        world,
        counted(),
        bulkhead={"max_concurrency": 1},
        rate_limit={"rate": 0.001, "burst": 1, "acquisition_timeout": 0},
        circuit_breaker={"failure_threshold": 1},
    )
    await client.get()
    async with client.stream(url="/"):  # a hit, and open
        assert client.stats().slots_in_use == 0
        assert status_of(await client.get()) == "hit"
    client.raw.circuit.isolate("maintenance")
    assert status_of(await client.get()) == "hit"
    stats = client.stats()
    assert (stats.attempts, stats.operations, stats.cache) == (1, 4, {"miss": 1, "hit": 3})


async def test_a_hit_is_told(world: World) -> None:
    """As an operation without an attempt."""
    reading = Reading()
    recorder = EventRecorder(AttemptStarted, CacheUsed, OperationSucceeded)
    client = cached(world, counted(), listeners=[recorder], telemetry=[reading])
    await client.get(request_id="one")
    await client.get(request_id="two")
    names = ["AttemptStarted", "CacheUsed", "OperationSucceeded", "CacheUsed", "OperationSucceeded"]
    assert recorder.names == names
    used = recorder.events[3]
    assert isinstance(used, CacheUsed)
    assert (used.status, used.why, used.age, used.request_id) == ("hit", "fresh", 0.0, "two")
    assert reading.points(CACHE_LOOKUPS) == {(TARGET, "miss"): 1, (TARGET, "hit"): 1}
    gauges = client.raw._session.metrics.gauges_alone()
    assert gauges[CACHE_ENTRIES] == 1
    assert gauges[CACHE_BYTES] > 100


async def test_where_nobody_listens_nothing_is_told(world: World) -> None:
    """It is counted all the same."""
    client = cached(world, counted(), logging={"level": "ERROR"})
    await client.get()
    assert client.stats().cache == {"miss": 1}


async def packed(arrival: Arrival) -> Answer:
    """A server that packs its answers."""
    headers = {**MINUTE, "Content-Encoding": "gzip", "X-At": str(arrival.at)}
    return Answer(200, (PACKED[:50], PACKED[50:]), headers)


async def test_what_is_kept_is_what_came_from_the_wire(world: World) -> None:
    """So that a stream that is a hit yields the very bytes, and any other is unpacked."""
    client = cached(world, packed)
    first = await client.get()
    second = await client.get()
    assert first.text == second.text == "hello " * 100
    assert second.headers["Content-Encoding"] == "gzip"
    async with client.stream() as response:
        raw = b"".join([chunk async for chunk in client.chunks(response, "raw")])
    assert (raw, status_of(response)) == (PACKED, "hit")
    async with client.stream() as response:
        assert await client.read(response) == b"hello " * 100
    async with client.stream() as response:
        pieces = [chunk async for chunk in client.chunks(response, "bytes", 7)]
    assert (pieces[0], b"".join(pieces)) == (b"hello h", b"hello " * 100)
    assert len(client.wire.arrivals) == 1


async def test_an_error_that_is_kept_is_raised_again(world: World) -> None:
    """Where the server has said for how long it holds."""
    client = cached(world, Answer(404, (b"gone",), MINUTE))
    errors = [await world.outcome(world.start(client.get())) for _ in range(2)]
    assert [type(error) for error in errors] == [NotFoundError, NotFoundError]
    assert errors[0] is not errors[1]
    assert [status_of(error.response) for error in errors] == ["miss", "hit"]
    assert errors[1].response.text == "gone"
    assert len(client.wire.arrivals) == 1
    with pytest.raises(NotFoundError) as raised:
        async with client.stream():
            pass
    assert raised.value.response is not None
    assert raised.value.response.text == "gone"


async def test_head_is_answered_by_what_get_has_brought(world: World) -> None:
    """Without its body."""
    client = cached(world, Answer(200, (b"hello",), {**MINUTE, "Content-Length": "5"}))
    await client.get()
    response = await client.request("HEAD")
    assert (said(response), response.headers["Content-Length"]) == (("", "hit"), "5")
    assert len(client.wire.arrivals) == 1


async def test_head_brings_nothing_that_is_kept(world: World) -> None:
    """An answer without a body is none to GET."""
    client = cached(world, Answer(200, (), MINUTE))
    assert status_of(await client.request("HEAD")) == "miss"
    assert status_of(await client.request("HEAD")) == "miss"
    assert status_of(await client.get()) == "miss"


@pytest.mark.parametrize(
    ("tag", "then"), [('"one"', "revalidated"), ('"two"', "miss")], ids=["same", "another"]
)
async def test_head_says_whether_what_is_kept_still_holds(
    world: World, tag: str, then: str
) -> None:
    """By its validators (RFC 9111, 4.3.5)."""
    kept = Answer(200, (b"hello",), {"Cache-Control": "max-age=60", "ETag": '"one"'})
    head = Answer(200, (), {"Cache-Control": "max-age=5", "ETag": tag})
    client = cached(world, [kept, head, 304 if then == "revalidated" else 200])
    await client.get()
    await world.sleep(61)
    await client.request("HEAD")
    await world.sleep(6)
    assert status_of(await client.get()) == then


async def test_a_server_is_asked_whether_a_stale_answer_still_holds(world: World) -> None:
    """And what it says of it is kept with it."""
    fresh = {"Cache-Control": "max-age=9", "ETag": '"one"', "X-More": "yes", "Age": "2"}
    client = cached(world, [Answer(200, (b"hello",), STALE), Answer(304, (), fresh)])
    first = await client.get()
    second = await client.get()
    assert (said(second), second.status_code) == (("hello", "revalidated"), 200)
    assert (second.headers["X-More"], second.headers["Age"]) == ("yes", "2")
    assert client.wire.last.headers["If-None-Match"] == '"one"'
    assert "If-None-Match" not in second.request.headers
    third = await client.get()
    assert (said(third), third.headers["X-More"]) == (("hello", "hit"), "yes")
    assert "X-More" not in first.headers
    assert second.extensions["resilience"].attempts == 1


async def test_a_304_of_another_answer_is_not_believed(world: World) -> None:
    """The server is asked once more, without a condition (RFC 9111, 4.3.4)."""
    other = Answer(304, (), {"ETag": '"other"'})
    client = cached(world, [Answer(200, (b"hello",), STALE), other, Answer(200, (b"new",))])
    await client.get()
    assert said(await client.get()) == ("new", "miss")
    assert "If-None-Match" not in client.wire.last.headers


async def test_a_304_may_forbid_to_keep_what_it_is_about(world: World) -> None:
    """It is served, this once, and then it is gone."""
    never = Answer(304, (), {"ETag": '"one"', "Cache-Control": "no-store"})
    client = cached(world, [Answer(200, (b"hello",), STALE), never, Answer(200, (b"new",))])
    await client.get()
    assert said(await client.get()) == ("hello", "revalidated")
    assert said(await client.get()) == ("new", "miss")
    assert "If-None-Match" not in client.wire.last.headers


async def test_a_stream_that_is_revalidated_streams(world: World) -> None:
    """And holds no slot while it is read."""
    client = cached(world, [Answer(200, (b"hello",), STALE), 304], bulkhead={"max_concurrency": 1})
    await client.get()
    async with client.stream() as response:
        assert client.stats().slots_in_use == 0
        assert await client.read(response) == b"hello"
    assert status_of(response) == "revalidated"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"If-None-Match": '"one"'}, 304),
        ({"If-None-Match": '"two"'}, 200),
        ({"If-Modified-Since": "Fri, 15 Jan 2027 08:00:00 GMT"}, 304),
    ],
    ids=["same", "another", "since"],
)
async def test_a_callers_own_condition_is_answered_from_a_fresh_answer(
    world: World, asked: dict[str, str], status: int
) -> None:
    """By the 304 that he waits for, or by all of it."""
    headers = {**MINUTE, "ETag": '"one"', "Last-Modified": "Fri, 15 Jan 2027 07:00:00 GMT"}
    client = cached(world, Answer(200, (b"hello",), headers))
    await client.get()
    response = await client.get(headers=asked)
    assert (response.status_code, status_of(response)) == (status, "hit")
    assert response.text == ("" if status == 304 else "hello")
    assert response.headers["ETag"] == '"one"'
    assert len(client.wire.arrivals) == 1


async def test_a_callers_own_condition_freshens_nothing(world: World) -> None:
    """What the 304 is about is what he has, and not what is kept."""
    client = cached(world, [Answer(200, (b"old",), STALE), 304, Answer(200, (b"new",), MINUTE)])
    await client.get()
    response = await client.get(headers={"If-None-Match": '"mine"'})
    assert (response.status_code, status_of(response)) == (304, "miss")
    assert client.wire.last.headers["If-None-Match"] == '"mine"'
    assert said(await client.get()) == ("new", "miss")
    assert client.wire.last.headers["If-None-Match"] == '"one"'


@pytest.mark.parametrize(
    ("method", "options", "why"),
    [
        ("GET", {"headers": {"Range": "bytes=0-4"}}, "Range"),
        ("GET", {"headers": {"If-Match": '"one"'}}, "condition"),
        ("GET", {"headers": {"Host": "elsewhere.test"}}, "another Host"),
        ("GET", {"content": b"x"}, "a body"),
        ("OPTIONS", {}, "OPTIONS"),
    ],
    ids=["range", "if-match", "host", "body", "options"],
)
async def test_what_goes_past_the_cache(
    world: World, method: str, options: dict[str, Any], why: str
) -> None:
    """It is neither served nor kept."""
    client = cached(world, counted())
    for number in (1, 2):
        response = await client.request(method, **options)
        assert said(response) == (f"answer {number}", "bypass")
        assert why in response.extensions["cache"].why
    assert said(await client.get()) == ("answer 3", "miss")
    assert status_of(await client.request(method, **options)) == "bypass"


async def test_a_call_may_go_past_the_cache(world: World) -> None:
    """It leaves what is kept as it is."""
    client = cached(world, counted())
    await client.get()
    response = await client.get(cache=None)
    assert (said(response), response.extensions["cache"].why) == (
        ("answer 2", "bypass"),
        "switched off",
    )
    assert said(await client.get()) == ("answer 1", "hit")
    with pytest.raises(TypeError, match="cache is given to a client"):
        await client.get(cache={"max_variants": 2})


@pytest.mark.parametrize("options", [{}, {"headers": {"Range": "bytes=0-1"}}], ids=["get", "range"])
async def test_only_if_cached_never_goes_to_a_server(world: World, options: dict[str, Any]) -> None:
    """It is answered 504: not tried again, and of no concern to the circuit."""
    client = cached(world, counted(), retry={}, circuit_breaker={"failure_threshold": 1})
    headers = {**options.get("headers", {}), "Cache-Control": "only-if-cached"}
    with pytest.raises(ServiceUnavailableError) as raised:
        await client.get(headers=headers)
    error = raised.value
    assert (error.status_code, error.attempts, client.circuit_state) == (504, 0, "closed")
    assert error.response is not None
    assert "only-if-cached" in error.response.extensions["cache"].why
    assert client.wire.arrivals == []
    if not options:
        await client.get()
        assert said(await client.get(headers=headers)) == ("answer 1", "hit")


async def test_only_if_cached_gets_no_stale_answer(world: World) -> None:
    """Unless it says that it wants one."""
    client = cached(world, Answer(200, (b"hello",), {"Cache-Control": "max-age=1"}))
    await client.get()
    await world.sleep(10)
    with pytest.raises(MyAPIError):
        await client.get(headers={"Cache-Control": "only-if-cached"})
    response = await client.get(headers={"Cache-Control": "only-if-cached, max-stale"})
    assert said(response) == ("hello", "stale")
    assert response.extensions["cache"].age == 10.0


async def test_what_the_request_says_of_freshness_holds(world: World) -> None:
    """no-cache asks, max-age and min-fresh too, and no-store keeps nothing."""
    client = cached(world, counted({**MINUTE, "ETag": '"one"'}))
    assert said(await client.get(headers={"Cache-Control": "no-store"})) == ("answer 1", "miss")
    assert said(await client.get()) == ("answer 2", "miss")
    await world.sleep(10)
    for wish in ("no-cache", "max-age=5", "min-fresh=55"):
        assert status_of(await client.get(headers={"Cache-Control": wish})) == "miss"
        await world.sleep(10)


async def test_a_bad_url_is_told_as_ever(world: World) -> None:
    """As of a client without a cache."""
    client = cached(world, 200)
    with pytest.raises(MyAPIError, match="port 999999"):
        await client.get("http://server.test:999999/")


async def test_a_body_that_cannot_be_unpacked_is_asked_for_again(world: World) -> None:
    """It has broken the call that brought it, too; then nothing of it is kept."""
    headers = {**MINUTE, "Content-Encoding": "gzip"}
    client = cached(world, [Answer(200, (b"no gzip",), headers), Answer(200, (b"good",), MINUTE)])
    async with client.stream() as response:
        raw = [chunk async for chunk in client.chunks(response, "raw")]
    assert raw == [b"no gzip"]
    response = await client.get()
    assert (said(response), response.extensions["cache"].why) == (
        ("good", "miss"),
        "what was kept cannot be read",
    )
    assert said(await client.get()) == ("good", "hit")


async def test_one_that_still_holds_and_cannot_be_unpacked_is_asked_for_again(
    world: World,
) -> None:
    """Without a condition, then."""
    headers = {**STALE, "Content-Encoding": "gzip"}
    client = cached(world, [Answer(200, (b"no gzip",), headers), 304, Answer(200, (b"good",))])
    async with client.stream() as response:
        _ = [chunk async for chunk in client.chunks(response, "raw")]
    assert said(await client.get()) == ("good", "miss")
    assert "If-None-Match" not in client.wire.last.headers


async def test_a_redirect_that_is_kept_is_no_answer_to_who_follows_it(world: World) -> None:
    """And tells who does not where it leads."""

    async def serve(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/old":
            return Answer(301, (), {**MINUTE, "Location": "/new"})
        return Answer(200, (b"new",), {"Cache-Control": "no-store"})

    client = cached(world, serve)
    first = await client.get("/old", follow_redirects=False)
    second = await client.get("/old", follow_redirects=False)
    assert [each.status_code for each in (first, second)] == [301, 301]
    assert [status_of(each) for each in (first, second)] == ["miss", "hit"]
    assert second.next_request is not None
    assert str(second.next_request.url) == f"{TARGET}/new"
    followed = await client.get("/old")
    assert (said(followed), len(followed.history)) == (("new", "miss"), 1)

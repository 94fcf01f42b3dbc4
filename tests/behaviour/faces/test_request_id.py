"""One id per operation, on every attempt of it."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from client import ServerError
from client.events import RequestIdMade
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World


async def test_every_attempt_carries_the_operations_id(world: World) -> None:
    """A fresh random UUID, the same on every attempt, another for every operation."""
    client = world.client([500, 500, 200, 200])
    first = await client.get()
    await client.get()
    ids = client.wire.ids
    assert ids[0] == ids[1] == ids[2] != ids[3]
    assert UUID(ids[0]).version == 4
    assert first.extensions["resilience"].request_id == ids[0]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"request_id": "a.b_c~d-9"}, "a.b_c~d-9"),
        ({"headers": {"X-Request-ID": "mine"}}, "mine"),
        ({"headers": {"x-request-id": "mine"}}, "mine"),
        ({"headers": {b"X-REQUEST-ID": b"mine"}}, "mine"),
        ({"headers": [("x-Request-iD", "mine"), ("A", "1"), ("A", "2")]}, "mine"),
        ({"headers": httpx.Headers({"x-request-id": "mine"})}, "mine"),
        ({"headers": {"x-request-id": "header"}, "request_id": "argument"}, "argument"),
        ({"headers": [("X-Request-ID", "a"), ("x-request-id", "b")]}, "a"),
        ({"request_id": "x" * 128}, "x" * 128),
    ],
    ids=["argument", "header", "lower", "bytes", "pairs", "httpx", "both", "twice", "longest"],
)
async def test_the_callers_own_id_wins(
    world: World, options: dict[str, Any], expected: str
) -> None:
    """Given as an argument or as a header in any spelling, it is sent once, and none is made."""
    events: list[object] = []
    client = world.client([500, 200], listeners=[events.append])
    await client.get(**options)
    for arrival in client.wire.arrivals:
        assert arrival.request.headers.get_list("X-Request-ID") == [expected]
    assert not any(isinstance(event, RequestIdMade) for event in events)


async def test_the_other_headers_stay(world: World) -> None:
    """In order, and with their repetitions."""
    client = world.client([200, 200])
    await client.get(headers=[("A", "1"), ("B", "2"), ("A", "3")])
    await client.get(headers={"A": "1"})
    assert client.wire.arrivals[0].request.headers.get_list("A") == ["1", "3"]
    assert client.wire.arrivals[0].request.headers["B"] == "2"
    assert client.wire.arrivals[1].request.headers["A"] == "1"


async def test_the_callers_headers_are_not_changed(world: World) -> None:
    """What was passed in may be used again."""
    client = world.client([200, 200])
    headers = {"A": "1"}
    pairs = [("A", "1")]
    await client.get(headers=headers)
    await client.get(headers=pairs)
    assert (headers, pairs) == ({"A": "1"}, [("A", "1")])
    assert client.wire.ids[0] != client.wire.ids[1]


async def test_the_header_can_have_another_name(world: World) -> None:
    """`request_id_header` names it, both ways."""
    client = world.client([200, 200], request_id_header="X-Correlation-ID")
    await client.get(request_id="one")
    await client.get(headers={"x-correlation-id": "two"})
    sent = [arrival.request.headers for arrival in client.wire.arrivals]
    assert [headers["X-Correlation-ID"] for headers in sent] == ["one", "two"]
    assert "X-Request-ID" not in sent[0]


@pytest.mark.parametrize(
    "bad",
    ["", " ", "a b", "é", "a\n", "a\r\nX-Evil: 1", "x" * 129, "a/b", "\uff41", 7, b"abc", True],
    ids=repr,
)
async def test_a_bad_id_is_refused_before_anything_is_taken(world: World, bad: object) -> None:
    """Nothing is sent, queued or counted, even while the bulkhead is full."""
    events: list[object] = []

    async def slow(arrival: Arrival) -> int:
        await world.sleep(5)
        return 200

    client = world.client([slow], bulkhead={"max_concurrency": 1}, listeners=[events.append])
    busy = world.start(client.get(request_id="busy"))
    await world.sleep(1)
    heard = len(events)
    with pytest.raises(ValueError, match="is not allowed: give 1-128 characters of A-Z a-z 0-9"):
        await client.get(request_id=bad)
    with pytest.raises(ValueError, match="is not allowed"):
        async with client.stream(request_id=bad):
            pass
    assert world.now() == 1001
    assert client.stats().slots_waiting == 0
    assert client.stats().operations == 0
    assert len(events) == heard
    await busy.result()
    assert len(client.wire.arrivals) == 1


@pytest.mark.parametrize("bad", ["", "a b", b"\xff", "x" * 129], ids=repr)
async def test_a_bad_id_in_the_header_is_refused_too(world: World, bad: str | bytes) -> None:
    """It is the same id."""
    client = world.client([])
    with pytest.raises(ValueError, match="request id"):
        await client.get(headers=[("x-request-id", bad)])


async def test_errors_carry_the_id(world: World) -> None:
    """To be found in the server's log."""
    client = world.client(500)
    with pytest.raises(ServerError, match=r"\(request id order-7\)$") as caught:
        await client.get(request_id="order-7")
    assert caught.value.request_id == "order-7"


async def test_a_redirect_carries_the_id(world: World) -> None:
    """It is the same operation."""
    client = world.client([Answer(302, headers={"Location": "/b"}), 200])
    await client.get("/a", request_id="one")
    assert client.wire.ids == ["one", "one"]

"""Hedging: an attempt beside one that is late, and which of them the caller gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    NotFoundError,
    ResponseError,
    ServerError,
)
from client.events import RetryScheduled
from tests.behaviour.strategies.hedges import AT_ONCE, LATE, Scripted, hedged
from tests.behaviour.wire import Answer
from tests.behaviour.world import listens_to

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World


async def timed(client: Caller, *args: Any, **options: Any) -> tuple[bytes, float]:
    """The body of an answer, and how long it took."""
    began = client.world.now()
    response = await client.get(*args, **options)
    return response.content, client.world.now() - began


async def test_a_hedge_answers_where_the_first_is_late(world: World) -> None:
    """After the delay and what the hedge takes, and under the same id."""
    client = hedged(world, Scripted(LATE, 1))
    assert await timed(client) == (b"answer to attempt 2", 3)
    assert client.wire.times == [0, 2]
    assert len({*client.wire.ids}) == 1


async def test_the_first_answers_where_it_comes_first(world: World) -> None:
    """Though it was late."""
    client = hedged(world, Scripted(2.5, 1))
    assert await timed(client) == (b"answer to attempt 1", 2.5)
    assert client.wire.times == [0, 2]


async def test_an_answer_in_time_is_sent_once(world: World) -> None:
    """And nothing goes on behind it."""
    client = hedged(world, Scripted(1))
    assert await timed(client) == (b"answer to attempt 1", 1)
    assert world.left_behind() == 0
    await world.sleep(10)
    assert client.wire.times == [0]


async def test_several_hedges_come_one_after_the_other(world: World) -> None:
    """Each as long after the one before."""
    server = Scripted(1, 1, LATE, LATE, LATE, 1)
    more = {**AT_ONCE, "max_attempts": 5}
    client = hedged(world, server, hedge={"max_hedged_attempts": 3}, retry=more)
    for _ in range(2):  # which pay for them
        await client.get()
    client.wire.arrivals.clear()
    assert await timed(client) == (b"answer to attempt 6", 7)
    assert client.wire.times == [0, 2, 4, 6]


async def test_no_more_hedges_than_are_allowed(world: World) -> None:
    """However late all are."""
    client = hedged(world, Scripted(LATE), retry={**AT_ONCE, "max_attempts": 9})
    assert await timed(client) == (b"answer to attempt 1", LATE)
    assert client.wire.times == [0, 2]


async def test_a_failing_attempt_sends_the_next_at_once(world: World) -> None:
    """It need not be waited for."""
    client = hedged(world, Scripted((0.5, 503), 1))
    assert await timed(client) == (b"answer to attempt 2", 1.5)
    assert client.wire.times == [0, 0.5]


async def test_a_hedge_that_fails_leaves_the_first_alone(world: World) -> None:
    """Which may yet bring the answer."""
    client = hedged(world, Scripted(5, (0.5, 503)))
    assert await timed(client) == (b"answer to attempt 1", 5)


async def test_where_all_fail_the_first_failure_counts(world: World) -> None:
    """For the caller, and for the retries that follow."""
    retried: list[RetryScheduled] = []

    @listens_to(RetryScheduled)
    def note(event: Any) -> None:
        retried.append(event)

    server = Scripted((5, 500), (1, 503), 1)
    client = hedged(world, server, listeners=[note])
    assert await timed(client) == (b"answer to attempt 3", 6)
    assert client.wire.times == [0, 2, 5]
    [event] = retried
    assert isinstance(event.error, ServerError)
    assert event.error.status_code == 500


async def test_hedges_and_retries_share_the_attempts(world: World) -> None:
    """In an outage no more is sent than without hedges."""
    client = hedged(world, Scripted((1, 500), (1, 503), (1, 502)))
    with pytest.raises(ServerError, match="after 3 attempts") as caught:
        await client.get()
    assert caught.value.status_code == 502
    assert len(client.wire.arrivals) == 3
    assert client.stats().attempts == 3


async def test_without_retries_hedges_are_counted_by_themselves(world: World) -> None:
    """One attempt, and as many hedges as there may be."""
    client = hedged(world, Scripted((1, 500), (1, 503)), retry=None)
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert caught.value.status_code == 500
    assert len(client.wire.arrivals) == 2


async def test_one_attempt_in_all_is_one(world: World) -> None:
    """Whoever allows no other gets no hedge."""
    client = hedged(world, Scripted(5, 1), retry={"max_attempts": 1})
    assert await timed(client) == (b"answer to attempt 1", 5)


@pytest.mark.parametrize(
    "answer",
    [Answer(429), Answer(503, headers={"Retry-After": "7"})],
    ids=["429", "Retry-After"],
)
async def test_a_server_that_asks_for_less_gets_no_hedge(world: World, answer: Answer) -> None:
    """But it is waited for, and then the retries do as it asked."""
    client = hedged(world, Scripted((1, answer), 1))
    _, seconds = await timed(client)
    assert seconds == pytest.approx(2 + 7 * ("Retry-After" in (answer.headers or {})), rel=0.1)
    assert client.stats().hedges == 0
    assert client.stats().retries == 1


async def test_what_the_last_of_them_asks_for_is_heeded(world: World) -> None:
    """By the retry that follows the failure of the first."""
    answers = (3, 500), (0.5, Answer(503, headers={"Retry-After": "60"})), 1
    client = hedged(world, Scripted(*answers), retry={**AT_ONCE, "jitter": False})
    assert await timed(client) == (b"answer to attempt 3", 64)


async def test_what_is_no_failure_of_the_server_is_an_answer(world: World) -> None:
    """Another attempt would get the same 404, and so would whoever waited for the first."""
    client = hedged(world, Scripted(LATE, (1, 404)))
    began = world.now()
    with pytest.raises(NotFoundError):
        await client.get()
    assert world.now() - began == 3
    assert client.wire.times == [0, 2]
    client = hedged(world, Scripted((1, 404)), retry=None)
    with pytest.raises(NotFoundError):
        await client.get()
    assert len(client.wire.arrivals) == 1


async def test_what_no_other_attempt_would_mend_is_not_tried_again(world: World) -> None:
    """Such as an answer that cannot be read."""
    broken = Answer(200, (b"no gzip",), headers={"Content-Encoding": "gzip"})
    client = hedged(world, Scripted((1, broken)))
    with pytest.raises(ResponseError):
        await client.get()
    assert len(client.wire.arrivals) == 1


async def test_a_body_that_breaks_is_a_failure_of_the_attempt(world: World) -> None:
    """After its head had won: the retries go on from there."""
    broken = Answer(200, (b"half", 1.0, httpx.ReadError("boom")))
    client = hedged(world, Scripted((LATE, 200), (1, broken), 1))
    assert await timed(client) == (b"answer to attempt 3", 5)
    assert client.wire.times == [0, 2, 4]


async def test_the_head_decides_and_not_the_body(world: World) -> None:
    """A large answer may take its time: its head was there before a hedge was due."""
    slow = Answer(200, (b"a", LATE, b"b"))
    client = hedged(world, Scripted((1, slow)))
    assert await timed(client) == (b"ab", 11)
    assert len(client.wire.arrivals) == 1
    server = Scripted((3, slow), (1.5, Answer(200, (b"hedge",))))
    client = hedged(world, server)
    assert await timed(client) == (b"ab", 13)


async def test_a_redirect_is_no_answer_yet(world: World) -> None:
    """What it leads to may be late."""

    async def server(arrival: Arrival) -> Answer:
        if arrival.request.url.path == "/":
            return Answer(302, headers={"Location": "/other"})
        await arrival.takes(LATE if len(client.wire.arrivals) < 3 else 1)
        return Answer(200, (b"there",))

    client = hedged(world, server)
    assert await timed(client) == (b"there", 3)
    assert client.wire.times == [0, 0, 2, 2]


async def test_one_operation_is_one_to_the_circuit_and_the_statistics(world: World) -> None:
    """However many attempts it made."""
    opens = {"failure_threshold": 2}
    server = Scripted((3, 500), (0.5, 503), LATE, 1)
    client = hedged(world, server, retry=None, circuit_breaker=opens)
    with pytest.raises(ServerError):
        await client.get()
    assert client.circuit_state == "closed"
    await client.get()
    stats = client.stats()
    assert (stats.operations, stats.failures) == (2, {"ServerError": 1})
    await world.sleep(5)
    stats = client.stats()
    assert (stats.attempts, stats.hedges, stats.retries) == (4, 2, 0)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_a_write_is_never_sent_twice(world: World, method: str) -> None:
    """Unless its method is among those that may be."""
    client = hedged(world, Scripted(5, 1))
    await client.request(method)
    assert len(client.wire.arrivals) == 1
    client = hedged(world, Scripted(5, 1), hedge={"methods": [method]})
    await client.request(method)
    assert len(client.wire.arrivals) == 2


@pytest.mark.parametrize(
    ("body", "is_hedged"),
    [
        ({}, True),
        ({"content": b"x" * 50}, True),
        ({"content": b"x" * 51}, False),
        ({"json": {"a": 1}}, True),
        ({"json": "x" * 50}, False),
        ({"data": {"a": "b"}}, True),
        ({"files": {"a": b"b"}}, False),
        ({"content": [b"a", b"b"]}, False),
    ],
    ids=["none", "bytes", "large", "json", "large-json", "form", "multipart", "iterable"],
)
async def test_a_body_is_sent_twice_where_it_lies_in_memory_and_is_small(
    world: World, body: dict[str, Any], *, is_hedged: bool
) -> None:
    """A multipart form is longer than fifty bytes by its headers alone."""
    if isinstance(body.get("content"), list) and world.is_async:
        pytest.skip("an async client takes no plain iterable")
    client = hedged(world, Scripted(5, 1), hedge={"methods": ["PUT"], "max_body_bytes": 50})
    await client.request("PUT", **body)
    assert len({*client.wire.bodies}) == 1
    assert len(client.wire.arrivals) == 1 + is_hedged

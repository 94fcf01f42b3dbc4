"""`timeout.total` and `deadline=` bound everything: queue, attempts, waits and body."""

from typing import Any

import httpx
import pytest

from client import (
    APITimeoutError,
    CircuitState,
    DeadlineExceededError,
    PoolTimeoutError,
    ServerError,
    ServiceUnavailableError,
)
from client.events import RetryScheduled
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World, listens_to

EXACT = {"jitter": False}
FIRST_FAILURE_OPENS = {"failure_threshold": 1}


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


async def test_a_wait_that_would_outlast_it_is_not_begun(world: World) -> None:
    """The operation fails at once, with the error in hand."""
    client = world.client(503, retry=EXACT, timeout={"total": 5})
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert client.wire.times == pytest.approx([0, 2])
    assert caught.value.attempts == 2
    assert caught.value.elapsed == pytest.approx(2)
    assert world.now() == pytest.approx(1002)


async def test_a_wait_up_to_the_very_deadline_is_not_begun(world: World) -> None:
    """Nothing would be left after it."""
    client = world.client([503, 503, 200], retry=EXACT)
    with pytest.raises(ServiceUnavailableError):
        await client.get(deadline=2)
    await client.get(deadline=2.1)
    assert len(client.wire.arrivals) == 3


async def test_a_retry_after_beyond_it_is_not_waited_for(world: World) -> None:
    """Nor is something shorter tried instead."""
    client = world.client(Answer(503, headers={"Retry-After": "20"}), retry=EXACT)
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get(deadline=10)
    assert caught.value.attempts == 1
    assert world.now() == 1000


async def test_an_attempt_ends_at_it(world: World) -> None:
    """However patient the timeouts of its phases are."""
    client = world.client(silent, circuit_breaker=FIRST_FAILURE_OPENS, timeout={"read": None})
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get("/slow", deadline=5, request_id="a")
    error = caught.value
    assert world.now() == pytest.approx(1005)
    assert str(error) == (
        "GET http://server.test/slow failed: the 5 s that the whole operation may take are used up"
        " (request id a)"
    )
    assert (error.attempts, error.request_sent) == (1, True)
    assert error.elapsed == pytest.approx(5)
    assert isinstance(error, APITimeoutError)
    assert isinstance(error.__cause__, TimeoutError | httpx.ReadTimeout)
    assert client.circuit_state is CircuitState.OPEN


async def test_a_timeout_before_it_is_an_ordinary_failure(world: World) -> None:
    """And is retried."""
    client = world.client([silent, 200], retry=EXACT, timeout={"total": 30})
    await client.get()
    assert client.wire.times == pytest.approx([0, 17])


async def test_it_bounds_all_attempts_together(world: World) -> None:
    """What earlier attempts and waits took is gone."""

    async def slow_failure(arrival: Arrival) -> int:
        await arrival.takes(4)
        return 500

    client = world.client([slow_failure, silent], retry=EXACT)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=10)
    assert client.wire.times == pytest.approx([0, 6])
    assert world.now() == pytest.approx(1010)
    assert caught.value.attempts == 2


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, {"connect": 20.0, "read": 15.0, "write": 15.0, "pool": 5.0}),
        ({"timeout": 30.0}, {"connect": 20.0, "read": 20.0, "write": 20.0, "pool": 20.0}),
        ({"timeout": 3}, {"connect": 3, "read": 3, "write": 3, "pool": 3}),
        ({"timeout": None}, {"connect": 20.0, "read": 20.0, "write": 20.0, "pool": 20.0}),
        ({"timeout": (1, 2, 3, None)}, {"connect": 1, "read": 2, "write": 3, "pool": 20.0}),
        (
            {"timeout": httpx.Timeout(50, read=2)},
            {"connect": 20.0, "read": 2, "write": 20.0, "pool": 20.0},
        ),
        (
            {"timeout": httpx.USE_CLIENT_DEFAULT},
            {"connect": 20.0, "read": 15.0, "write": 15.0, "pool": 5.0},
        ),
    ],
    ids=["client", "float", "short", "none", "tuple", "object", "default"],
)
async def test_the_timeouts_are_cut_to_what_is_left(
    world: World, options: dict[str, Any], first: dict[str, float]
) -> None:
    """Each phase of each attempt, whoever set it."""
    client = world.client([503, 200], retry={**EXACT, "multiplier": 16})
    await client.get(deadline=20, **options)
    assert client.wire.arrivals[0].timeouts == first
    second = {phase: min(seconds, 4) for phase, seconds in first.items()}
    assert client.wire.arrivals[1].timeouts == pytest.approx(second)


async def test_without_one_the_timeouts_are_the_clients(world: World) -> None:
    """As configured."""
    client = world.client(200, timeout={"connect": 1, "read": None})
    await client.get()
    timeouts = client.wire.arrivals[0].timeouts
    assert timeouts == {"connect": 1, "read": None, "write": 15, "pool": 5}


async def test_it_bounds_the_queue(world: World) -> None:
    """Where the bulkhead is more patient; and that is no failure of the server."""
    client = world.client(
        [silent],
        bulkhead={"max_concurrency": 1},
        timeout={"read": None},
        circuit_breaker=FIRST_FAILURE_OPENS,
    )
    busy = world.start(client.get())
    await world.sleep(1)
    with pytest.raises(DeadlineExceededError, match="the 3 s that the whole operation") as caught:
        await client.get(deadline=3)
    assert world.now() == pytest.approx(1004)
    assert (caught.value.attempts, caught.value.request_sent) == (0, False)
    assert client.circuit_state is CircuitState.CLOSED
    await busy.result()


async def test_a_full_bulkhead_is_told_from_it(world: World) -> None:
    """By which of the two was shorter."""
    client = world.client(
        [silent],
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 2},
        timeout={"read": None},
    )
    busy = world.start(client.get())
    await world.sleep(1)
    with pytest.raises(PoolTimeoutError):
        await client.get(deadline=3)
    assert world.now() == pytest.approx(1003)
    await busy.result()


async def test_the_queue_takes_from_it(world: World) -> None:
    """What was spent waiting for a slot is not there for the attempt."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(8)
        return 200

    client = world.client(slow, bulkhead={"max_concurrency": 1})
    busy = world.start(client.get())
    await world.sleep(1)
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=10)
    assert world.now() == pytest.approx(1011)
    assert client.wire.arrivals[1].timeouts["read"] == pytest.approx(3)
    await busy.result()


async def test_a_dripping_body_ends_at_it(world: World) -> None:
    """A byte a second never times out by itself."""
    drip = Answer(200, (b"x", 1.0) * 100)
    client = world.client([drip, drip], circuit_breaker=FIRST_FAILURE_OPENS)
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=10.5)
    assert world.now() == pytest.approx(1010.5)
    assert caught.value.attempts == 1
    assert client.circuit_state is CircuitState.OPEN


async def test_a_dripping_stream_ends_at_it(world: World) -> None:
    """Also while the caller reads it, piece by piece."""
    client = world.client(Answer(200, (b"x", 1.0) * 100), circuit_breaker=FIRST_FAILURE_OPENS)
    received: list[bytes] = []

    async def receive() -> None:
        async with client.stream(deadline=10.5) as response:
            async for chunk in client.chunks(response):
                received.append(chunk)  # noqa: PERF401 - what came before the deadline counts

    with pytest.raises(DeadlineExceededError) as caught:
        await receive()
    assert b"".join(received) == b"x" * 11
    assert world.now() == pytest.approx(1010.5)
    assert caught.value.attempts == 1
    assert client.circuit_state is CircuitState.OPEN


async def test_a_read_timeout_in_a_stream_before_it_is_told_from_it(world: World) -> None:
    """The one is an ordinary timeout."""
    client = world.client(Answer(200, (b"x", 100.0)))
    with pytest.raises(APITimeoutError) as caught:
        async with client.stream(deadline=60) as response:
            await client.read(response)
    assert type(caught.value) is APITimeoutError
    assert world.now() == pytest.approx(1015)


async def test_a_callers_own_pauses_in_a_stream_count_too(world: World) -> None:
    """It bounds the operation, which lasts until the block is left."""
    client = world.client(Answer(200, (b"x", 1.0, b"y")))

    async def receive() -> None:
        async with client.stream(deadline=10) as response:
            async for _ in client.chunks(response):
                await world.sleep(20)

    with pytest.raises(DeadlineExceededError):
        await receive()
    assert world.now() == pytest.approx(1020)


async def test_a_machine_that_stood_still_sends_nothing_after_it(world: World) -> None:
    """Where the deadline passed while nobody looked, the next attempt is not begun."""

    @listens_to(RetryScheduled)
    def stand_still(event: object) -> None:
        world.stall(20)

    client = world.client([500, 200], retry=EXACT, listeners=[stand_still])
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=10)
    assert len(client.wire.arrivals) == caught.value.attempts == 1
    assert caught.value.request_sent is True


async def test_a_failure_that_arrives_late_is_still_that_failure(world: World) -> None:
    """An answer is worth more than the remark that it took long."""

    async def late(arrival: Arrival) -> int:
        world.stall(20)
        return 500

    client = world.client(late)
    with pytest.raises(ServerError) as caught:
        await client.get(deadline=10)
    assert caught.value.attempts == 1


async def test_a_refused_request_is_not_blamed_on_it(world: World) -> None:
    """Only what another attempt might have cured is."""

    async def late(arrival: Arrival) -> int:
        world.stall(20)
        raise httpx.DecodingError("x")

    client = world.client(late)
    with pytest.raises(Exception, match="not encoded as its Content-Encoding says"):
        await client.get(deadline=10)

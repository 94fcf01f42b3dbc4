"""How long the client waits before it tries again."""

import pytest

from client import (
    ConstantBackoff,
    FibonacciBackoff,
    LinearBackoff,
    RateLimitError,
    ServiceUnavailableError,
)
from tests.behaviour.wire import Answer
from tests.behaviour.world import World

EXACT = {"jitter": False}
# What a failed first attempt waits by the defaults, without jitter.
OWN_WAIT = 2.0


def busy(retry_after: str) -> Answer:
    """An answer that says when to come back."""
    return Answer(503, headers={"Retry-After": retry_after})


async def test_waits_double_up_to_the_longest(world: World) -> None:
    """By default: twice the multiplier's power, never above `max_wait_seconds`."""
    client = world.client(500, retry={**EXACT, "max_attempts": 8})
    with pytest.raises(Exception, match="after 8 attempts"):
        await client.get()
    assert client.wire.times == pytest.approx([0, 2, 6, 14, 30, 62, 122, 182])


async def test_no_wait_is_shorter_than_the_shortest(world: World) -> None:
    """`min_wait_seconds` lifts what the backoff makes too short."""
    retry = {**EXACT, "multiplier": 0.1, "min_wait_seconds": 0.3, "max_attempts": 4}
    client = world.client([500, 500, 500, 200], retry=retry)
    await client.get()
    assert client.wire.times == pytest.approx([0, 0.3, 0.6, 1.0])


@pytest.mark.parametrize(
    ("backoff", "times"),
    [
        ("linear", [0, 2, 6, 12]),
        ("fibonacci", [0, 2, 4, 8]),
        ("constant", [0, 2, 4, 6]),
        (LinearBackoff(base_delay=3), [0, 3, 9, 18]),
        (FibonacciBackoff(base_delay=5), [0, 5, 10, 20]),
        (ConstantBackoff(base_delay=7), [0, 7, 14, 21]),
    ],
    ids=["linear", "fibonacci", "constant", "own-linear", "own-fibonacci", "own-constant"],
)
async def test_the_backoff_can_be_chosen(world: World, backoff: object, times: list[float]) -> None:
    """By name, or as an object."""
    retry = {**EXACT, "backoff": backoff, "max_attempts": 4}
    client = world.client([500, 500, 500, 200], retry=retry)
    await client.get()
    assert client.wire.times == pytest.approx(times)


async def test_jitter_stays_within_the_bounds_and_spreads(world: World) -> None:
    """Clients that failed together do not come back together, not even at the cap."""
    retry = {"min_wait_seconds": 3, "max_wait_seconds": 10, "max_attempts": 6, "budget": None}
    firsts, lasts = set(), set()
    for _ in range(30):
        client = world.client([500] * 5 + [200], retry=retry)
        report = (await client.get()).extensions["resilience"]
        assert all(3 <= wait <= 10 for wait in report.waits)
        firsts.add(report.waits[0])
        lasts.add(report.waits[-1])
    assert firsts == {3}, "its backoff of 2 s is below the shortest wait"
    assert len(lasts) == 30
    assert max(lasts) - min(lasts) > 2


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("7", 7),
        ("0", 0),
        ("60", 60),
        ("61", OWN_WAIT),
        ("nan", OWN_WAIT),
        ("-5", OWN_WAIT),
        ("1e400", OWN_WAIT),
        ("9" * 5000, OWN_WAIT),
        ("1_000", OWN_WAIT),
        ("", OWN_WAIT),
        ("2027-01-15 08:00:05", OWN_WAIT),
        ("Fri, 15 Jan 2027 08:00:05", OWN_WAIT),
        ("Fri, 99 Jan 2027 08:00:05 GMT", OWN_WAIT),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_retry_after_in_seconds(world: World, value: str, wait: float) -> None:
    """It is honoured exactly; where it is too long, or rubbish, the client's own wait stands."""
    client = world.client([busy(value), 200], retry=EXACT)
    response = await client.get()
    assert client.wire.times == pytest.approx([0, wait])
    assert response.extensions["resilience"].waits == (wait,)


@pytest.mark.parametrize(("seconds", "wait"), [(5, 5), (-3600, 0), (60, 60), (90, OWN_WAIT)])
async def test_retry_after_as_a_date(world: World, seconds: float, wait: float) -> None:
    """A date is a moment on the wall clock; one that is past means now."""
    client = world.client([busy(world.http_date(seconds)), 200], retry=EXACT)
    await client.get()
    assert client.wire.times == pytest.approx([0, wait])


async def test_a_date_is_read_when_it_arrives(world: World) -> None:
    """Not when the operation began."""
    date = world.http_date(30)

    async def slow(arrival: object) -> Answer:
        await world.sleep(10)
        return busy(date)

    client = world.client([slow, 200], retry=EXACT)
    await client.get()
    assert client.wire.times == pytest.approx([0, 30])


async def test_jitter_never_comes_sooner_than_asked(world: World) -> None:
    """It only adds, up to a tenth."""
    waits = []
    for _ in range(20):
        client = world.client([busy("40"), 200])
        waits += (await client.get()).extensions["resilience"].waits
    assert all(40 <= wait <= 44 for wait in waits)
    assert len(set(waits)) == 20


async def test_retry_after_can_be_left_alone(world: World) -> None:
    """The wait is the client's own then, and the error still says what was asked."""
    retry = {**EXACT, "respect_retry_after": False, "max_attempts": 2}
    client = world.client(busy("7"), retry=retry)
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert client.wire.times == pytest.approx([0, OWN_WAIT])
    assert caught.value.retry_after == 7


async def test_an_error_carries_what_the_server_asked(world: World) -> None:
    """Also where it was too long to be honoured, and where nothing was retried."""
    client = world.client(Answer(429, headers={"Retry-After": "3600"}), retry=None)
    with pytest.raises(RateLimitError) as caught:
        await client.get()
    assert caught.value.retry_after == 3600


async def test_a_cancelled_wait_ends_at_once(world: World) -> None:
    """Nothing is sent after it, nothing is counted, and the slot is back."""
    client = world.client(500, retry=EXACT, circuit_breaker={"failure_threshold": 1})
    task = world.start(client.get())
    await world.sleep(0.5)
    task.cancel()
    with pytest.raises(world.cancellation):
        await task.result()
    assert world.now() == pytest.approx(1000.5)
    await world.sleep(60)
    assert len(client.wire.arrivals) == 1
    assert client.circuit_state == "closed"
    assert client.stats().slots_in_use == 0

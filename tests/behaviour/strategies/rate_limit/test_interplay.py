"""The rate limit beside the other strategies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitOpenError, CircuitState, RateLimitError
from client.events import RetryScheduled, WouldReject
from client.testing import instant_retries
from tests.behaviour.strategies.rate_limit.telling import PLAIN, Told, later, limited, says

if TYPE_CHECKING:
    from tests.behaviour.world import World

ONE_FAILURE: dict[str, Any] = {"failure_threshold": 1, "recovery_timeout": 60}


async def test_a_retry_waits_for_the_longest_of_its_waits(world: World) -> None:
    """Backoff and turn begin together."""
    told = Told(RetryScheduled)
    retry = {"min_wait_seconds": 3.0, "max_wait_seconds": 3.0, "jitter": False}
    client = limited(world, [500, 200], rate=0.2, retry=retry, listeners=[told])
    response = await client.get()
    assert client.wire.times == pytest.approx([0, 5])
    assert [each.wait for each in told.events] == pytest.approx([5])
    assert response.extensions["resilience"].waits == pytest.approx((5,))
    client = limited(world, [500, 200], rate=1, retry=retry)
    await client.get()
    assert client.wire.times == pytest.approx([0, 3])


async def test_a_retry_keeps_the_place_that_it_had_when_it_began_to_wait(world: World) -> None:
    """Who comes later goes later, or in the time that nobody else wants."""
    retry = {"min_wait_seconds": 2.5, "max_wait_seconds": 2.5, "jitter": False}
    client = limited(world, [500, *[200] * 4], retry=retry)
    first = world.start(client.get("/first"))
    await world.sleep(0.5)
    others = [world.start(client.get(f"/{number}")) for number in range(3)]
    for task in (first, *others):
        await task.result()
    paths = [arrival.request.url.path for arrival in client.wire.arrivals]
    assert list(zip(client.wire.times, paths, strict=True)) == [
        (0, "/first"),
        (pytest.approx(1), "/0"),
        (pytest.approx(2), "/1"),
        (pytest.approx(3), "/first"),
        (pytest.approx(4), "/2"),
    ]


async def test_a_retry_goes_sooner_where_those_before_it_give_up(world: World) -> None:
    """It is woken, and does not go before its backoff is over."""
    retry = {"min_wait_seconds": 0.5, "max_wait_seconds": 0.5, "jitter": False}
    client = limited(world, [later(0.1, 500), 200], retry=retry)
    first = world.start(client.get())
    await world.sleep(0)
    others = [world.start(client.get()) for _ in range(5)]
    await world.sleep(0.2)
    for task in others:
        task.cancel()
    await first.result()
    assert client.wire.times == pytest.approx([0, 1])


async def test_a_429_is_no_failure_for_the_circuit(world: World) -> None:
    """The server is in good health, and says so."""
    client = limited(world, says(429), rate=None, retry=None, circuit_breaker=ONE_FAILURE)
    for _ in range(3):
        with pytest.raises(RateLimitError):
            await client.get()
    assert client.circuit_state is CircuitState.CLOSED
    without = world.client(says(429), **{**PLAIN, "retry": None, "circuit_breaker": ONE_FAILURE})
    with pytest.raises(RateLimitError):
        await without.get()
    assert without.circuit_state is CircuitState.OPEN


async def test_a_429_is_a_failure_for_the_circuit_of_a_call_without_a_rate_limit(
    world: World,
) -> None:
    """Or of one that only observes."""
    client = limited(world, says(429), rate=None, retry=None, circuit_breaker=ONE_FAILURE)
    with pytest.raises(RateLimitError):
        await client.get(rate_limit=None)
    assert client.circuit_state is CircuitState.OPEN
    client = limited(world, says(429), mode="observe", retry=None, circuit_breaker=ONE_FAILURE)
    with pytest.raises(RateLimitError):
        await client.get()
    assert client.circuit_state is CircuitState.OPEN


@pytest.mark.parametrize("scope", ["client", "origin"])
async def test_nobody_waits_while_the_circuit_is_open(world: World, scope: str) -> None:
    """Nor from the moment on in which it opens."""
    circuit = {**ONE_FAILURE, "scope": scope}
    client = limited(world, [later(0.5, 500)], retry=None, circuit_breaker=circuit)
    tasks = [world.start(client.get()) for _ in range(4)]
    await world.sleep(0.25)
    began = world.now()
    outcomes = [await world.outcome(task) for task in tasks]
    assert world.now() == pytest.approx(began + 0.25)
    assert [type(each) for each in outcomes[1:]] == [CircuitOpenError] * 3
    with pytest.raises(CircuitOpenError):
        await client.get()
    assert world.now() == pytest.approx(began + 0.25)
    assert client.stats().rate_limit_waiting == 0


async def test_what_an_open_circuit_turns_away_takes_no_turn(world: World) -> None:
    """It is free for whoever comes after."""
    circuit = {"failure_threshold": 1, "recovery_timeout": 1.0}
    client = limited(world, [500, 200], rate=2, retry=None, circuit_breaker=circuit)
    with pytest.raises(Exception, match="500"):
        await client.get()
    await world.sleep(0.9)
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            await client.get(fallback=None)
    await world.sleep(0.1)
    await client.get()
    assert client.wire.times == pytest.approx([0, 1])


async def test_isolating_the_circuit_ends_the_waits(world: World) -> None:
    """By hand."""
    client = limited(world, circuit_breaker=ONE_FAILURE)
    await client.get()
    waiting = world.start(client.get())
    await world.sleep(0.25)
    began = world.now()
    client.raw.circuit.isolate("maintenance")
    assert isinstance(await world.outcome(waiting), CircuitOpenError)
    assert world.now() == began


async def test_waiters_hold_no_slot(world: World) -> None:
    """One slot is enough for them all."""
    client = limited(world, rate=1, bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.0})
    await world.gather(*(client.get() for _ in range(4)))
    assert client.wire.times == pytest.approx([0, 1, 2, 3])


async def test_who_observes_tells_who_would_have_waited(world: World) -> None:
    """And how long, as if all had; nobody waits."""
    told = Told(WouldReject)
    client = limited(world, mode="observe", acquisition_timeout=2.0, listeners=[told])
    await world.gather(*(client.get() for _ in range(5)))
    assert client.wire.times == [0] * 5
    assert [(each.by, each.wait) for each in told.events] == [
        ("rate_limit", pytest.approx(1)),
        ("rate_limit", pytest.approx(2)),
        ("rate_limit", None),
        ("rate_limit", None),
    ]


async def test_who_observes_goes_by_the_deadline_too(world: World) -> None:
    """It would have been turned away for that."""
    told = Told(WouldReject)
    client = limited(world, mode="observe", listeners=[told])
    await client.get()
    await client.get(deadline=0.5)
    assert [each.wait for each in told.events] == [None]


async def test_who_observes_goes_by_the_longest_pause_too(world: World) -> None:
    """It would have been turned away at once."""
    told = Told(WouldReject)
    client = limited(
        world,
        [says(429, retry_after=100), 200],
        mode="observe",
        retry=None,
        acquisition_timeout=1_000,
        listeners=[told],
    )
    for _ in range(2):
        await world.gather(client.get())
    assert [each.wait for each in told.events] == [None]


async def test_who_observes_changes_no_retry(world: World) -> None:
    """It waits for its backoff alone."""
    client = limited(world, [500, says(429, retry_after=100), 500, 200], mode="observe")
    with pytest.raises(Exception, match="500"):
        await client.get(retry={"max_attempts": 3, "respect_retry_after": False})
    assert client.wire.times == [0, 0, 0]


async def test_a_test_may_switch_the_waits_off(world: World) -> None:
    """Of first attempts and of retries; and nobody is turned away for those before him."""
    client = limited(world, [500, says(429, retry_after=5), *[200] * 60])
    with instant_retries():
        for _ in range(50):
            assert (await client.get()).status_code == 200
    assert client.wire.times == [0] * 52


async def test_cancelling_a_retry_that_waits_for_its_turn_loses_nothing(world: World) -> None:
    """The next takes its place."""
    client = limited(world, [500, 200])
    first = world.start(client.get())
    await world.sleep(0.5)
    second = world.start(client.get())
    await world.sleep(0.25)
    first.cancel()
    await world.outcome(first)
    assert (await second.result()).status_code == 200
    assert client.wire.times == pytest.approx([0, 1])

"""Each attempt has its turn: spaced, in the order in which they come, and not for ever."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from client import (
    ClientClosedError,
    DeadlineExceededError,
    RateLimitConfig,
    RateLimitRejectedError,
)
from client.events import RateLimitRejected, RateLimitWaited
from client.metrics.strategy_instruments import RATE_LIMIT_WAIT, RATE_LIMIT_WAITING
from tests.behaviour.strategies.rate_limit.telling import PLAIN, Told, limited
from tests.behaviour.twins import ONLY_ASYNCIO

if TYPE_CHECKING:
    from tests.behaviour.world import World


async def test_calls_are_spaced(world: World) -> None:
    """Five at once are five a second apart."""
    client = limited(world, rate=5, period=1)
    assert [each.status_code for each in await world.gather(*(client.get() for _ in range(5)))] == (
        [200] * 5
    )
    assert client.wire.times == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])


async def test_a_burst_may_go_at_once_after_a_rest(world: World) -> None:
    """Then it is one after the other."""
    client = limited(world, rate=1, burst=3)
    await world.gather(*(client.get() for _ in range(5)))
    assert client.wire.times == pytest.approx([0, 0, 0, 1, 2])


async def test_each_origin_has_its_own_limit(world: World) -> None:
    """By default."""
    client = limited(world)
    await world.gather(client.get("http://a.test/"), client.get("http://b.test/"))
    assert client.wire.times == [0, 0]


async def test_all_origins_may_share_one(world: World) -> None:
    """By the scope."""
    client = limited(world, scope="client")
    await world.gather(client.get("http://a.test/"), client.get("http://b.test/"))
    assert client.wire.times == pytest.approx([0, 1])


async def test_a_function_may_tell_who_shares_one(world: World) -> None:
    """It is shown the request as the caller asked for it."""
    client = limited(world, key=lambda request: request.headers["X-Tenant"])
    tenants = ["a", "a", "b"]
    await world.gather(*(client.get(headers={"X-Tenant": each}) for each in tenants))
    assert client.wire.times == pytest.approx([0, 0, 1])


async def test_a_call_may_cost_more(world: World) -> None:
    """What is dearer than a burst waits for a full bucket, and leaves a debt."""
    client = limited(world, burst=2, cost=lambda request: float(request.headers["X-Cost"]))
    for cost in (1, 4, 1):
        await client.get(headers={"X-Cost": str(cost)})
    assert client.wire.times == pytest.approx([0, 1, 4])


@pytest.mark.parametrize("cost", [0, -1, True, "1", float("nan"), None])
async def test_a_cost_that_is_none_is_refused(world: World, cost: object) -> None:
    """Before anything is sent."""
    client = limited(world, cost=lambda _request: cost)
    with pytest.raises(ValueError, match="it must return a number above 0"):
        await client.get()
    assert client.wire.arrivals == []


async def test_a_key_that_is_none_is_refused(world: World) -> None:
    """Before anything is sent."""
    client = limited(world, key=lambda _request: 1)
    with pytest.raises(TypeError, match="key of the rate limit returned 1: it must return a str"):
        await client.get()
    assert client.wire.arrivals == []


async def test_what_it_has_cost_may_be_known_after_the_answer(world: World) -> None:
    """Less than was taken lets the next go sooner, more later."""
    costs = iter([1.0, 5.0, 0.0])
    client = limited(
        world, burst=4, cost=lambda _request: 4.0, settle=lambda _request, _answer: next(costs)
    )
    for _ in range(3):
        await client.get()
    assert client.wire.times == pytest.approx([0, 1, 6])


@pytest.mark.parametrize("settled", [-1, "1", None, True])
async def test_a_settled_cost_that_is_none_is_told_and_changes_nothing(
    world: World, settled: object, caplog: pytest.LogCaptureFixture
) -> None:
    """The call has been answered: it is not failed by that."""
    client = limited(world, settle=lambda _request, _answer: settled)
    await client.get()
    await client.get()
    assert client.wire.times == pytest.approx([0, 1])
    assert "settle of the rate limit returned something else" in caplog.text


async def test_a_settle_that_raises_is_told_and_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Likewise."""

    def settle(request: httpx.Request, response: httpx.Response) -> float:
        raise LookupError("no usage in the answer")

    client = limited(world, settle=settle)
    assert (await client.get()).status_code == 200
    assert "settle of the rate limit raised" in caplog.text


async def test_who_would_wait_for_too_long_is_turned_away_at_once(world: World) -> None:
    """With the seconds after which it would have been its turn; it takes no place."""
    told = Told(RateLimitRejected)
    client = limited(world, acquisition_timeout=2.0, listeners=[told])
    outcomes = await world.gather(*(client.get() for _ in range(5)))
    refused = [each for each in outcomes if isinstance(each, RateLimitRejectedError)]
    assert [each.retry_after for each in refused] == pytest.approx([3, 3])
    assert [each.retry_after for each in told.events] == pytest.approx([3, 3])
    assert "its turn would come in 3 s, and it waits for 2 s at most" in str(refused[0])
    assert refused[0].attempts == 0
    assert refused[0].request_sent is False
    assert client.stats().rejections == {"rate_limit": 2}
    assert client.stats().targets["http://server.test"].operations == {
        "success": 3,
        "rate_limit_rejected": 2,
    }


async def test_nobody_waits_where_that_is_not_wanted(world: World) -> None:
    """With a timeout of 0."""
    client = limited(world, acquisition_timeout=0.0)
    await client.get()
    with pytest.raises(RateLimitRejectedError):
        await client.get()
    await world.sleep(1)
    await client.get()


async def test_who_would_wait_beyond_his_deadline_is_turned_away_at_once(world: World) -> None:
    """It is not begun in vain."""
    client = limited(world)
    await client.get()
    began = world.now()
    with pytest.raises(RateLimitRejectedError, match="its turn would come in 1 s, after its"):
        await client.get(deadline=0.5)
    assert world.now() == began


async def test_a_deadline_that_has_passed_is_told_as_such(world: World) -> None:
    """A machine that was too busy let it pass, while it waited."""
    client = limited(world)
    await client.get()
    first, second = world.start(client.get()), world.start(client.get(deadline=2.2))
    await world.sleep(0.5)
    world.stall(2)
    assert (await first.result()).status_code == 200
    assert isinstance(await world.outcome(second), DeadlineExceededError)


async def test_who_gives_up_leaves_the_queue_and_all_move_up(world: World) -> None:
    """Those behind him do not notice that he was there."""
    client = limited(world)
    tasks = [world.start(client.get()) for _ in range(4)]
    await world.sleep(0.5)
    tasks[1].cancel()
    for task in tasks:
        await world.outcome(task)
    assert client.wire.times == pytest.approx([0, 1, 2])


async def test_closing_the_client_ends_the_waits(world: World) -> None:
    """At once, and nothing more is sent."""
    client = limited(world)
    await client.get()
    waiting = world.start(client.get())
    await world.sleep(0.25)
    began = world.now()
    await client.close()
    assert isinstance(await world.outcome(waiting), ClientClosedError)
    assert world.now() == began
    assert len(client.wire.arrivals) == 1


async def test_waits_are_told_and_counted(world: World) -> None:
    """Of those who waited alone."""
    told = Told(RateLimitWaited)
    client = limited(world, listeners=[told])
    tasks = [world.start(client.get()) for _ in range(3)]
    await world.sleep(0.5)
    gauges = {
        each.instrument: each.points for each in client.raw._session.metrics.snapshot().metrics
    }
    assert gauges[RATE_LIMIT_WAITING] == {(): 2}
    assert client.stats().rate_limit_waiting == 2
    for task in tasks:
        await task.result()
    assert [each.seconds for each in told.events] == pytest.approx([1, 2])
    waits = {
        each.instrument: each.points for each in client.raw._session.metrics.snapshot().metrics
    }[RATE_LIMIT_WAIT]
    assert waits[()].sum == pytest.approx(3)


async def test_a_call_may_go_without(world: World) -> None:
    """It waits for nothing, and counts for nothing."""
    client = limited(world)
    await client.get()
    await client.get(rate_limit=None)
    assert client.wire.times == [0, 0]
    with pytest.raises(TypeError, match="rate_limit is given to a client"):
        await client.get(rate_limit={"rate": 3})


async def test_what_is_off_is_not_there(world: World) -> None:
    """By its mode."""
    client = limited(world, mode="off")
    await client.get()
    await client.get()
    assert client.wire.times == [0, 0]
    assert client.stats().rejections == {}


async def test_an_attempt_that_never_went_out_gives_its_turn_back(world: World) -> None:
    """The next may go at once."""
    client = limited(world, [httpx.ConnectError, 200], retry=None)
    with pytest.raises(Exception, match="failed"):
        await client.get()
    await client.get()
    assert client.wire.times == [0, 0]


async def test_a_second_attempt_that_never_went_out_gives_its_turn_back(world: World) -> None:
    """Though the first did."""
    client = limited(world, [500, httpx.ConnectError, 200])
    await client.get()
    assert client.wire.times == pytest.approx([0, 1, 1])


async def test_an_attempt_that_may_have_been_sent_keeps_its_turn(world: World) -> None:
    """The server may have counted it."""
    client = limited(world, [httpx.ReadError, 200], retry=None)
    with pytest.raises(Exception, match="failed"):
        await client.get()
    await client.get()
    assert client.wire.times == pytest.approx([0, 1])


async def test_a_turn_that_outwaits_its_slot_is_exchanged_for_the_next(world: World) -> None:
    """So that no burst follows where everything hung."""

    async def hangs(arrival: object) -> int:
        if len(client.wire.arrivals) <= 2:
            await world.sleep(10)
        return 200

    client = limited(world, hangs, rate=10, bulkhead={"max_concurrency": 2})
    await world.gather(*(client.get() for _ in range(6)))
    assert client.wire.times == pytest.approx([0, 0.1, 10.0, 10.1, 10.2, 10.3])


async def test_who_has_waited_for_a_slot_waits_no_longer_than_needed(world: World) -> None:
    """Where nobody else has gone meanwhile, the turn has come already."""

    async def slow(arrival: object) -> int:
        await world.sleep(0.75)
        return 200

    client = limited(world, slow, rate=2, bulkhead={"max_concurrency": 1})
    await world.gather(client.get(), client.get())
    assert client.wire.times == pytest.approx([0, 0.75])


async def test_who_is_turned_away_by_the_pause_gives_its_slot_back(world: World) -> None:
    """A pause that began while it waited for the slot."""

    async def asks(arrival: object) -> object:
        await world.sleep(1)
        return httpx.Response(429, headers={"Retry-After": "300"})

    client = limited(world, asks, rate=10, bulkhead={"max_concurrency": 1}, retry=None)
    first, second = await world.gather(client.get(), client.get())
    assert first.status_code == 429
    assert isinstance(second, RateLimitRejectedError)
    assert second.retry_after == pytest.approx(300)


@ONLY_ASYNCIO
async def test_the_settings_may_be_changed_at_work(world: World) -> None:
    """Who waits keeps his place, and goes by the new rate."""
    client = limited(world, rate=0.1, acquisition_timeout=1000)
    tasks = [world.start(client.get()) for _ in range(4)]
    await world.sleep(1)
    client.raw._session._strategies._rate_limit.reconfigure(RateLimitConfig(rate=10))
    for task in tasks:
        await task.result()
    assert client.wire.times == pytest.approx([0, 1.09, 1.19, 1.29])


async def test_who_waits_is_let_in_where_it_only_observes_from_now_on(world: World) -> None:
    """At once."""
    client = limited(world)
    tasks = [world.start(client.get()) for _ in range(4)]
    await world.sleep(0.5)
    await_settings = RateLimitConfig(rate=1, mode="observe")
    client.raw._session._strategies._rate_limit.reconfigure(await_settings)
    for task in tasks:
        await task.result()
    assert client.wire.times == pytest.approx([0, 0.5, 0.5, 0.5])


def test_what_is_plain_is_known() -> None:
    """Nothing else may shape these stories."""
    assert set(PLAIN) == {"retry", "circuit_breaker", "bulkhead"}

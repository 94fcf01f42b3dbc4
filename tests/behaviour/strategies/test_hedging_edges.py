"""Races whose attempts are held up, broken off from outside, or cannot be: and other settings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from client import (
    APINetworkError,
    ClientConfig,
    DeadlineExceededError,
    HedgeConfig,
    ResilientClient,
)
from client.engine.layer import Failure
from client.engine.operation import Attempt
from client.events import AttemptEnded, HedgeLost
from client.ports import asyncio_tasks
from client.ports.blocking_ports import BlockingPorts
from client.runtime.coroutines import run_to_end
from client.strategies.hedging.hedging import Hedging
from client.strategies.hedging.lane import Lane, _raced
from client.strategies.hedging.losers import Losers
from client.strategies.hedging.places import Places
from client.strategies.hedging.race import Finish, Race
from tests.behaviour.engine.test_pipeline import put_in
from tests.behaviour.strategies.hedges import LATE, Scripted, hedged
from tests.behaviour.strategies.test_hedging_losers import Heard
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING
from tests.unit.calls import call_of
from tests.wire.twins import pools_of

if TYPE_CHECKING:
    from client.engine.layer import Exchange, Inner
    from client.engine.operation import Call
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World


class Dawdling:
    """Keeps attempts from beginning, each for some seconds."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Any:
        """Wait, and go on."""
        await call.host.ports.sleep(self.seconds.pop(0))
        return await inner(call, exchange)


async def test_a_hedge_that_has_not_begun_is_not_sent_any_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has lost nothing."""
    heard = Heard()
    put_in(monkeypatch, behind=(Dawdling(0, 5),))
    client = hedged(world, Scripted(3), listeners=[heard])
    assert (await client.get()).status_code == 200
    assert heard.of(HedgeLost) == []
    await world.sleep(10)
    if world.is_async:
        assert len(client.wire.arrivals) == 1
    assert [each.is_lost for each in heard.of(AttemptEnded)][:1] == [False]


async def test_a_hedge_is_not_sent_beside_one_that_has_not_begun(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delay is one of the server's."""
    put_in(monkeypatch, behind=(Dawdling(2.5, 0),))
    client = hedged(world, Scripted(1))
    began = world.now()
    await client.get()
    assert world.now() - began == pytest.approx(3.5)
    assert client.stats().hedges <= 1


async def test_a_race_that_begins_too_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends as any call whose time is used up before it is sent."""
    put_in(monkeypatch, behind=(Dawdling(5),))
    client = hedged(world, Scripted(1), hedge={"delay": 2.5})
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=3)
    assert (caught.value.attempts, caught.value.request_sent) == (0, False)
    assert client.wire.arrivals == []


@ONLY_ASYNCIO
async def test_a_task_that_somebody_else_cancels(world: World) -> None:
    """Before it has begun: the call is cancelled with it."""
    client = hedged(world, Scripted(1))
    task = asyncio.create_task(client.get())
    while not asyncio_tasks._under_way:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    [under_way] = asyncio_tasks._under_way
    under_way.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert client.wire.arrivals == []


@ONLY_BLOCKING
async def test_a_thread_that_cannot_be_interrupted_is_left_behind(world: World) -> None:
    """A second after Ctrl-C; it ends by itself, and its answer is closed."""

    async def stubborn(arrival: Arrival) -> int:
        await world.sleep(5)
        return 200

    client = hedged(world, stubborn)
    task = world.start(client.get())
    await world.sleep(3)
    task.cancel()
    began = world.now()
    assert isinstance(await world.outcome(task), world.cancellation)
    assert world.now() - began == 1
    assert world.left_behind() == 2
    await world.sleep(10)
    assert world.left_behind() == 0


async def test_other_settings_go_by_what_is_known(world: World) -> None:
    """Percentiles and what was paid in stay, and so do those that lost."""
    client = hedged(
        world,
        Scripted(*[1] * 10, LATE, 1),
        hedge={"delay": None, "minimum_samples": 500},
        bulkhead={"max_concurrency": 4},
    )
    for _ in range(10):
        await client.get()
    losers = client.raw._session._strategies._hedging[1]
    assert losers.most == 4
    client.raw.reconfigure(hedge={"minimum_samples": 10}, bulkhead={"max_concurrency": 7})
    assert losers.most == 7
    began = world.now()
    await client.get()
    assert world.now() - began == 2
    client.raw.reconfigure(bulkhead=None)
    assert losers.most == 50
    client.raw.reconfigure(hedge=None)
    client.wire._server = Scripted(LATE)
    began = world.now()
    await client.get()
    assert world.now() - began == LATE


def test_the_pool_has_room_for_hedges() -> None:
    """And for what is read of those that lost; it grows with other settings."""
    slots = {"max_concurrency": 10}

    async def idle(*changes: dict[str, Any], **settings: Any) -> int:
        async with ResilientClient(ClientConfig().merged(**settings)) as client:
            assert client._session.http is not None
            for change in changes:
                client.reconfigure(**change)
            most: int = pools_of(client)[0]._max_keepalive_connections
            return most

    assert asyncio.run(idle(bulkhead=slots)) == 10
    assert asyncio.run(idle(bulkhead=slots, hedge={})) == 30
    assert asyncio.run(idle(bulkhead=slots, hedge={"max_hedged_attempts": 3})) == 50
    assert asyncio.run(idle({"hedge": {}}, bulkhead=slots)) == 30
    assert asyncio.run(idle({"bulkhead": {"max_concurrency": 20}}, bulkhead=slots, hedge={})) == 60
    assert asyncio.run(idle(bulkhead=None)) == 20
    assert asyncio.run(idle(bulkhead=None, hedge={})) == 60


async def test_an_only_attempt_that_was_not_alone_is_counted(world: World) -> None:
    """Where it ended in one thread while another began in its own."""
    call = call_of(attempts=0)
    client = hedged(world, Scripted(1))
    exchange: Any = StandIn()

    async def inner(call: Call, exchange: Exchange) -> Any:
        call.attempts += 1
        attempt = exchange.attempt_kind(call)
        call.attempts += 1
        attempt.note_end(None)
        call.uncounted = attempt
        return "answer"

    call.host = client.raw._session.engine
    config = HedgeConfig(delay=2)
    hedging = Hedging(config, None, Places(), Losers(5))
    result: Any = await hedging.run(inner, call, exchange)
    assert result == "answer"
    assert call.uncounted is None
    assert client.stats().attempts == 1


class StandIn:
    """An exchange of which little is asked."""

    attempt_kind: Any = Attempt

    def can_share(self, _most: int) -> bool:
        """Yes."""
        return True

    def fork(self, begin: Any, *, is_first: bool) -> Any:
        """Return one that begins attempts so."""
        assert is_first
        twin = StandIn()
        twin.attempt_kind = lambda call: begin(Attempt, call)
        return twin

    def choose(self, _attempt: object) -> None:
        """Do nothing."""

    async def abandon(self, _failure: object) -> None:
        """Do nothing."""


def test_a_head_that_comes_after_the_end_is_nobody_s() -> None:
    """As of a request that a hook makes under the same attempt."""
    signal: Any = None
    task: Any = None
    finish = Finish(signal)
    lane = Lane(finish, task, Losers(1), is_hedge=False)
    call = call_of()
    attempt = lane._begin_attempt(Attempt, call)
    assert type(attempt) is _raced(Attempt)
    response: Any = StandInResponse()
    attempt.note_end(None)
    attempt.note_head(response)
    assert finish.heads == []


def test_a_thread_that_is_over_and_has_not_said_what_it_brought() -> None:
    """Is waited for yet, also where all others have failed."""
    race = race_of()
    failed, good = race.lanes
    failed.result = Failure(APINetworkError("gone"))
    failed.is_over = good.is_over = True
    race._is_closed = True
    race._finish.note_end(failed)
    assert race._winner() is None
    good.result = StandInResponse()  # type: ignore[assignment] # nobody looks at it
    race._finish.note_end(good)
    assert race._winner() is good


def test_the_answer_of_a_lane_that_was_given_up_is_its_own() -> None:
    """It lets go of it by itself: two threads must not close the same."""
    race = race_of()
    lost, over = race.lanes
    lost.is_over = over.is_over = False
    lost.break_off()
    lost.result = over.result = StandInResponse()  # type: ignore[assignment] # as above
    assert over._claim()
    over.break_off()
    assert len(run_to_end(race._let_go_but_of(None))) == 1
    assert (lost.result is None, over.result is None) == (False, True)


def race_of() -> Race:
    """A race of two lanes in threads, which have not begun."""
    call = call_of()
    referee: Any = Hedging(HedgeConfig(), None, Places(), Losers(5))
    exchange: Any = StandIn()
    ports: Any = BlockingPorts()
    call.host.ports = ports
    inner: Any = None
    losers = Losers(5)
    race = Race(inner, call, exchange, delay=2, referee=referee, losers=losers)
    race.lanes += [
        Lane(race._finish, ports.task(), losers, is_hedge=each) for each in (False, True)
    ]
    return race


class StandInResponse:
    """Not looked at by anybody."""

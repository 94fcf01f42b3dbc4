"""A limit that finds itself, in a client: what it hears, what it tells, what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import ServiceUnavailableError
from client.events import LimitChanged
from client.metrics.strategy_instruments import LIMIT_CHANGES

if TYPE_CHECKING:
    from client.events import Event
    from client.strategies.bulkhead.adaptive import AdaptiveLimit
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

NOTHING: dict[str, Any] = {"retry": None, "circuit_breaker": None}
QUICK = {"window": 0.5, "minimum_samples": 2, "initial_limit": 10}


async def a_tenth(arrival: Arrival) -> int:
    """A server that takes a tenth of a second."""
    await arrival.takes(0.1)
    return 200


class Told:
    """Keeps the changes of a limit."""

    listens_to = (LimitChanged,)

    def __init__(self) -> None:
        self.changes: list[LimitChanged] = []

    def __call__(self, event: Event) -> None:
        """Keep one."""
        assert isinstance(event, LimitChanged)
        self.changes.append(event)

    @property
    def reasons(self) -> list[str]:
        """Why it changed."""
        return [each.reason for each in self.changes]


def limit_of(client: Caller) -> AdaptiveLimit:
    """What finds the limit of a client."""
    found: AdaptiveLimit = client.raw._session.bulkhead.adaptive
    return found


async def rounds(world: World, client: Caller, count: int, at_once: int) -> list[Any]:
    """Make calls, so many at once, one round after the other."""
    outcomes: list[Any] = []
    for _ in range(count):
        outcomes += await world.gather(*(client.get() for _ in range(at_once)))
    return outcomes


async def test_a_limit_that_is_used_grows(world: World) -> None:
    """As long as attempts do not take longer; stats and slots show it."""
    told = Told()
    client = world.client(a_tenth, bulkhead={"adaptive": QUICK}, listeners=[told], **NOTHING)
    await rounds(world, client, 30, at_once=8)
    limit = client.stats().slots_limit
    assert limit is not None
    assert limit > 10
    assert limit == limit_of(client).limit
    assert set(told.reasons) == {"growth"}
    assert [each.before for each in told.changes] == [10, *(e.limit for e in told.changes[:-1])]
    assert told.changes[-1].limit == limit
    assert told.changes[-1].url == "http://server.test/"
    found = client.raw._session.metrics.snapshot().counts(LIMIT_CHANGES)
    assert found == {("growth",): len(told.changes)}


async def test_it_grows_where_nobody_listens(world: World) -> None:
    """As well."""
    client = world.client(
        a_tenth, bulkhead={"adaptive": QUICK}, logging={"level": "ERROR"}, **NOTHING
    )
    await rounds(world, client, 30, at_once=8)
    limit = client.stats().slots_limit
    assert limit is not None
    assert limit > 10


async def test_a_limit_that_is_not_used_stays(world: World) -> None:
    """Four of ten are less than half."""
    client = world.client(a_tenth, bulkhead={"adaptive": QUICK}, **NOTHING)
    await rounds(world, client, 30, at_once=4)
    assert client.stats().slots_limit == 10


async def test_it_falls_where_attempts_take_longer_than_usual(world: World) -> None:
    """More than half as long again."""
    seconds = 0.1

    async def varies(arrival: Arrival) -> int:
        await arrival.takes(seconds)
        return 200

    told = Told()
    adaptive = {**QUICK, "initial_limit": 40}
    client = world.client(varies, bulkhead={"adaptive": adaptive}, listeners=[told], **NOTHING)
    await rounds(world, client, 60, at_once=4)
    seconds = 0.4
    await rounds(world, client, 10, at_once=30)
    assert set(told.reasons) == {"latency"}
    limit = client.stats().slots_limit
    assert limit is not None
    assert limit < 30


@pytest.mark.parametrize(
    "failure",
    [502, 503, 504, httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError],
    ids=str,
)
async def test_it_is_cut_where_many_attempts_fail_by_overload(
    world: World, failure: object
) -> None:
    """A tenth of them is enough."""

    async def fails(arrival: Arrival) -> object:
        await arrival.takes(0.1)
        return failure if len(client.wire.arrivals) % 8 == 0 else 200

    told = Told()
    client = world.client(fails, bulkhead={"adaptive": QUICK}, listeners=[told], **NOTHING)
    await rounds(world, client, 24, at_once=8)
    assert set(told.reasons) == {"drops"}
    assert told.changes[0].limit == 9


@pytest.mark.parametrize("status", [400, 404, 408, 429, 500, 501], ids=str)
async def test_other_failures_say_nothing(world: World, status: int) -> None:
    """They are no overload, and as they may be fast, no latency either."""

    async def fails(arrival: Arrival) -> int:
        fast = len(client.wire.arrivals) % 2 == 0
        await arrival.takes(0.001 if fast else 0.1)
        return status if fast else 200

    client = world.client(fails, bulkhead={"adaptive": QUICK}, **NOTHING)
    await rounds(world, client, 30, at_once=4)
    assert client.stats().slots_limit == 10
    assert limit_of(client).long_term == pytest.approx(0.1)


async def test_a_slot_in_a_wait_for_a_retry_is_not_in_use(world: World) -> None:
    """The limit goes by attempts on the wire: six calls hold a slot, and two of them are there."""

    async def fails(arrival: Arrival) -> int:
        await arrival.takes(0.1)
        return 500 if arrival.request.url.path == "/broken" else 200

    retry = {"max_attempts": 2, "min_wait_seconds": 60, "max_wait_seconds": 60, "budget": None}
    client = world.client(fails, bulkhead={"adaptive": QUICK}, retry=retry, circuit_breaker=None)
    waiting = [world.start(client.get("/broken")) for _ in range(4)]
    await world.sleep(1)
    assert client.stats().slots_in_use == 4
    await rounds(world, client, 30, at_once=2)
    assert client.stats().slots_limit == 10
    for each in waiting:
        each.cancel()
        await world.outcome(each)


async def test_callers_who_give_up_do_not_blind_it(world: World) -> None:
    """An attempt that was out for long, and cancelled then, failed by overload."""
    hangs = False

    async def may_hang(arrival: Arrival) -> int:
        await arrival.takes(10 if hangs else 0.1)
        return 200

    told = Told()
    client = world.client(may_hang, bulkhead={"adaptive": QUICK}, listeners=[told], **NOTHING)
    await rounds(world, client, 10, at_once=2)
    hangs = True
    for patience, expected in ((0.15, []), (0.5, ["drops"])):
        for _ in range(4):
            tasks = [world.start(client.get()) for _ in range(2)]
            await world.sleep(patience)
            for each in tasks:
                each.cancel()
                assert isinstance(await world.outcome(each), world.cancellation)
        assert sorted(set(told.reasons)) == expected
    assert limit_of(client).on_the_wire == 0


async def test_the_deadline_is_a_timeout_where_a_healthy_attempt_would_have_come(
    world: World,
) -> None:
    """One that had less time than that says nothing."""
    hangs = False

    async def may_hang(arrival: Arrival) -> int:
        await arrival.takes(10 if hangs else 0.1)
        return 200

    told = Told()
    client = world.client(may_hang, bulkhead={"adaptive": QUICK}, listeners=[told], **NOTHING)
    await rounds(world, client, 10, at_once=2)
    hangs = True
    for deadline, expected in ((0.09, []), (0.2, ["drops"])):
        for _ in range(8):
            await world.gather(*(client.get(deadline=deadline) for _ in range(2)))
        assert sorted(set(told.reasons)) == expected


async def test_a_new_window_begins_when_one_is_full(world: World) -> None:
    """Not before its time is over, and not before it holds enough."""
    told = Told()
    adaptive = {"window": 1.0, "minimum_samples": 30, "initial_limit": 10}
    client = world.client(503, bulkhead={"adaptive": adaptive}, listeners=[told], **NOTHING)
    for _ in range(40):
        await world.outcome(world.start(client.get()))
    assert told.changes == []
    await world.sleep(1)
    with pytest.raises(ServiceUnavailableError):
        await client.get()
    assert told.reasons == ["drops"]
    for _ in range(29):
        await world.outcome(world.start(client.get()))
        await world.sleep(0.05)
    assert len(told.changes) == 1
    with pytest.raises(ServiceUnavailableError):
        await client.get()
    assert told.reasons == ["drops"] * 2


async def test_an_overload_that_lasts_does_not_become_the_measure_of_health(world: World) -> None:
    """While callers queue, longer times do not count as usual ones."""
    told = Told()
    busy: list[object] = []

    async def ten_workers(arrival: Arrival) -> int:
        busy.append(arrival)
        await arrival.takes(0.1 * max(1.0, len(busy) / 10))
        busy.remove(arrival)
        return 200

    client = world.client(ten_workers, bulkhead={"adaptive": QUICK}, listeners=[told], **NOTHING)
    await rounds(world, client, 10, at_once=4)
    await rounds(world, client, 10, at_once=100)
    assert limit_of(client).long_term == pytest.approx(0.1)
    limit = client.stats().slots_limit
    assert limit is not None
    assert limit < 25

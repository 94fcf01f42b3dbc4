"""When no hedge is sent: too early to know, too much load, no time, or nobody pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import APITimeoutError, DeadlineExceededError, RateLimitError, ServerError
from client.engine.operation import Call
from tests.behaviour.strategies.hedges import AT_ONCE, LATE, Scripted, hedged
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

MEASURED = {"delay": None, "minimum_samples": 10, "percentile": 0.9}


def hedges_of(client: Caller) -> dict[str, int]:
    """What was decided about hedges, and how often."""
    metrics = client.raw._session.metrics.snapshot().metrics
    [found] = [each.points for each in metrics if each.instrument.name == "hedges"] or [{}]
    return {labels[1]: int(count) for labels, count in found.items()}


async def called(client: Caller, times: int, *args: str) -> list[float]:
    """Make some calls, one after the other, and return what each took."""
    took: list[float] = []
    for _ in range(times):
        began = client.world.now()
        await client.get(*args)
        took.append(round(client.world.now() - began, 6))
    return took


async def test_without_a_delay_it_is_what_most_answers_take(world: World) -> None:
    """Nine in ten took a second at most; none is hedged before there are ten."""
    server = Scripted(LATE, *[1] * 9, LATE, 0.5)
    client = hedged(world, server, hedge=MEASURED)
    assert await called(client, 10) == [LATE, *[1] * 9]
    assert client.stats().hedges == 0
    assert await called(client, 1) == [1.5]


async def test_each_origin_has_a_delay_of_its_own(world: World) -> None:
    """What one takes says nothing about another."""
    client = hedged(world, Scripted(*[1] * 10, LATE, LATE, 1), hedge=MEASURED)
    await called(client, 10)
    assert await called(client, 1, "http://other.test/") == [LATE]
    assert await called(client, 1) == [2]


@pytest.mark.parametrize(
    ("bounds", "took"), [({"min_delay": 4}, 5), ({"max_delay": 0.25}, 1.25), ({}, 2)]
)
async def test_a_measured_delay_has_bounds(
    world: World, bounds: dict[str, float], took: float
) -> None:
    """So that it is neither too eager nor too patient."""
    client = hedged(world, Scripted(*[1] * 10, LATE, 1), hedge={**MEASURED, **bounds})
    await called(client, 10)
    assert await called(client, 1) == [took]


@pytest.mark.parametrize(
    ("on_lose", "takes", "known"),
    [("drain", 1.75, 1.75), ("drain", LATE, 2.5), ("cancel", LATE, 1.5)],
    ids=["drained", "drained-too-long", "reset"],
)
async def test_one_that_lost_is_a_sample_too(
    world: World, on_lose: str, takes: float, known: float
) -> None:
    """Of what it took, where that was waited for, or else of how long it had been out."""
    server = Scripted(takes, 0.5, LATE, 1)
    client = hedged(world, server, hedge={"delay": 1, "on_lose": on_lose})
    assert await called(client, 1) == [1.5]
    await world.sleep(5)
    client.wire.arrivals.clear()
    await client.get(hedge={"delay": None, "minimum_samples": 1})
    assert client.wire.times == [0, known]


async def test_a_failure_says_nothing_about_time(world: World) -> None:
    """A refused connection is fast, and no measure of answers."""
    server = Scripted(*[(0.001, 500)] * 20, LATE)
    client = hedged(world, server, hedge=MEASURED, retry=None, circuit_breaker=None)
    for _ in range(20):
        with pytest.raises(ServerError):
            await client.get()
    assert await called(client, 1) == [LATE]


async def test_a_timeout_says_that_it_took_longer(world: World) -> None:
    """It is a sample of what was waited for."""
    server = Scripted(*[LATE] * 11, 1)
    quick = {"timeout": {"read": 3}, "retry": None, "circuit_breaker": None}
    client = hedged(world, server, hedge=MEASURED, **quick)
    for _ in range(10):
        with pytest.raises(APITimeoutError):
            await client.get()
    assert await called(client, 1) == [4]  # the hedge was sent when the first had failed


async def test_hedges_are_a_share_of_the_calls(world: World) -> None:
    """Nothing is free, and nothing is saved up beyond what a hundred calls pay in."""
    client = hedged(world, Scripted(3), hedge={"max_extra_load": 0.25})
    took = await called(client, 40)
    assert (hedges_of(client)["sent"], hedges_of(client)["load"]) == (10, 30)
    assert took == [3] * 40
    client = hedged(world, Scripted(*[1] * 300, LATE), hedge={"max_extra_load": 0.02})
    await called(client, 305)
    assert client.stats().hedges == 2


async def test_hedges_end_with_the_attempts(world: World) -> None:
    """However many may be sent beside the first."""
    client = hedged(world, Scripted(*[1] * 5, LATE), hedge={"max_hedged_attempts": 5})
    await called(client, 5)
    assert await called(client, 1) == [LATE]
    assert (hedges_of(client)["sent"], hedges_of(client)["attempts"]) == (2, 1)


async def test_a_refused_hedge_harms_nothing(world: World) -> None:
    """The first goes on, and what it brings is returned."""
    client = hedged(world, Scripted(LATE, 1), hedge={"max_extra_load": 0.5})
    assert await called(client, 1) == [LATE]
    assert hedges_of(client) == {"load": 1}


async def test_hedges_are_paid_from_the_budget_of_retries(world: World) -> None:
    """Where that is used up there is none, and what it would have added is there for the next."""
    budget = {"ratio": 0.5, "minimum_per_second": 0}
    client = hedged(world, Scripted(3, 1), retry={**AT_ONCE, "budget": budget})
    assert await called(client, 2) == [3, 1]
    assert hedges_of(client) == {"budget": 1}
    client = hedged(world, Scripted(1, 4, 1), retry={**AT_ONCE, "budget": budget})
    assert await called(client, 2) == [1, 3]
    assert hedges_of(client) == {"sent": 1, "won": 1}
    assert client.stats().budget_available == 0


async def test_a_hedge_needs_a_token_that_is_free(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for one, and takes none away from a call."""
    asked: list[Call] = []

    def spare(call: Call) -> bool:
        asked.append(call)
        return False

    monkeypatch.setattr(Call, "spare", spare)
    client = hedged(world, Scripted(5, 1))
    assert await called(client, 2) == [5, 1]
    assert hedges_of(client) == {"rate_limit": 1}
    assert len(asked) == 1
    monkeypatch.setattr(Call, "spare", lambda _call: True)
    client.wire._server = Scripted(5, 1)
    assert await called(client, 1) == [3]
    budget = client.stats().budget_available
    assert budget is not None
    assert budget > 9  # nothing was taken for what was not sent


async def test_a_probe_of_the_circuit_is_not_hedged(world: World) -> None:
    """One attempt has to tell how the server is."""
    breaks = {"failure_threshold": 1, "recovery_timeout": 30}
    client = hedged(world, Scripted((1, 500), 5, 1), circuit_breaker=breaks, retry=None)
    client.wire._server = 500
    with pytest.raises(ServerError):
        await client.get()
    client.wire._server = Scripted(5, 1)
    await world.sleep(31)
    sent = len(client.wire.arrivals)
    assert await called(client, 1) == [5]
    assert len(client.wire.arrivals) == sent + 1
    assert client.circuit_state == "closed"


async def test_a_circuit_that_opens_ends_hedging(world: World) -> None:
    """Whatever is due then."""
    client = hedged(world, Scripted(5), circuit_breaker={"failure_threshold": 1}, retry=None)
    late = world.start(client.get())
    await world.sleep(1)
    client.raw.circuit.isolate("maintenance")
    assert (await late.result()).status_code == 200
    assert len(client.wire.arrivals) == 1
    assert len(hedges_of(client)) == 1
    assert "load" not in hedges_of(client)


async def test_less_time_than_the_delay_means_no_hedge(world: World) -> None:
    """Nothing could come of it."""
    client = hedged(world, Scripted(LATE))
    for deadline in (1.5, 2):
        with pytest.raises(DeadlineExceededError):
            await client.get(deadline=deadline)
    assert len(client.wire.arrivals) == 2


async def test_the_deadline_ends_all_of_them(world: World) -> None:
    """At the same moment."""
    client = hedged(world, Scripted(LATE))
    began = world.now()
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=4)
    assert world.now() - began == 4
    assert (caught.value.attempts, caught.value.request_sent) == (2, True)


async def test_a_call_may_have_another_hedge_or_none(world: World) -> None:
    """A dict is laid over what the client has."""
    client = hedged(world, Scripted(5, 1))
    await client.get(hedge=None)
    assert len(client.wire.arrivals) == 1
    client.wire._server = Scripted(5, 1)
    began = world.now()
    await client.get(hedge={"delay": 0.5})
    assert world.now() - began == 1.5


async def test_a_client_without_hedges_may_hedge_a_call(world: World) -> None:
    """And what is counted for that goes on from call to call."""
    client = world.client(Scripted(5, 1, 5, 1, LATE), retry=AT_ONCE)
    for _ in range(2):
        began = world.now()
        await client.get(hedge={"delay": 2, "max_extra_load": 1})
        assert world.now() - began == 3


async def test_a_closed_client_sends_no_hedge(world: World) -> None:
    """What is out fails, and nothing follows."""

    async def closes(arrival: Arrival) -> Answer:
        client.close_now()
        return Answer(503)

    client = hedged(world, closes)
    with pytest.raises(ServerError):
        await client.get()
    assert len(client.wire.arrivals) == 1


async def test_a_429_is_no_sample(world: World) -> None:
    """It comes fast, and is no answer to what was asked."""
    server = Scripted(*[(0.001, 429)] * 10, LATE)
    client = hedged(world, server, hedge=MEASURED, retry=None, circuit_breaker=None)
    for _ in range(10):
        with pytest.raises(RateLimitError):
            await client.get()
    assert await called(client, 1) == [LATE]


class Twice:
    """Middleware that asks a second time, as for a new token."""

    def handle(self, request: Any, call_next: Any) -> Any:
        """Ask, and ask again."""
        call_next(request)
        return call_next(request)

    async def handle_async(self, request: Any, call_next: Any) -> Any:
        """Do so without blocking."""
        await call_next(request)
        return await call_next(request)


@pytest.mark.parametrize("retry", [None, {"max_attempts": 2}], ids=["alone", "retries"])
async def test_each_pass_of_a_middleware_is_hedged(world: World, retry: Any) -> None:
    """It has the attempts that a call has, and pays in as one, and its first is a sample."""
    client = hedged(world, Scripted(1, LATE, 1), retry=retry, middleware=[Twice()])
    assert await called(client, 1) == [4]
    assert client.stats().hedges == 1
    [place] = client.raw._session._strategies._hedging[0]._places.values()
    assert place._load._held == 1
    await world.sleep(5)  # the one that lost is read for a second
    assert place._latencies._by_age[0] == 1
    assert len(place._latencies) == 2

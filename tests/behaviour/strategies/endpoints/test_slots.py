"""Endpoints that take only so many attempts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import Endpoint, MyAPIError, PoolTimeoutError
from client.events import OperationSucceeded, WouldReject
from tests.behaviour.strategies.endpoints.services import (
    Service,
    balanced,
    outstanding,
    states,
)
from tests.behaviour.wire import Answer
from tests.behaviour.world import listens_to

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import World


async def slow(arrival: Arrival) -> Step:
    """Answer after a second."""
    await arrival.takes(1)
    return Answer(200, (arrival.request.url.host.encode(),))


def bounded(url: str, most: int, patience: float = 30.0, **more: Any) -> Endpoint:
    """An endpoint with so many slots."""
    bulkhead = {"max_concurrency": most, "acquisition_timeout": patience, **more}
    return Endpoint(url, bulkhead=bulkhead)


async def test_a_full_endpoint_is_passed_over(world: World) -> None:
    """Another that has a slot free is chosen, out of turn."""
    service = Service(a=slow, b=slow)
    client = balanced(world, service, bounded("http://a", 1), "http://b")
    answers = await world.gather(*(client.get("/x") for _ in range(5)))
    assert sorted(each.text for each in answers) == ["a", "b", "b", "b", "b"]
    assert world.now() == 1_001


async def test_where_all_are_full_an_attempt_waits(world: World) -> None:
    """For whichever comes free first, and in the order of coming."""
    service = Service(a=slow, b=slow)
    client = balanced(world, service, bounded("http://a", 1), bounded("http://b", 1))
    answers = await world.gather(*(client.get("/x") for _ in range(6)))
    assert sorted(each.text for each in answers) == ["a"] * 3 + ["b"] * 3
    assert [round(each.extensions["resilience"].elapsed) for each in answers] == [1, 1, 2, 2, 3, 3]
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_a_wait_is_no_latency(world: World) -> None:
    """An endpoint is not slow because many want to go there."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    await world.gather(*(client.get("/x") for _ in range(5)))
    assert states(client)["http://a"].latency == pytest.approx(1, abs=0.1)


async def test_it_does_not_wait_for_ever(world: World) -> None:
    """It is turned away, which is neither retried nor a failure of the server."""
    service = Service(a=slow)
    client = balanced(world, service, bounded("http://a", 1, 0.25))
    first, second = await world.gather(client.get("/x"), client.get("/x"))
    assert first.status_code == 200
    assert isinstance(second, PoolTimeoutError)
    assert second.request_sent is False
    assert "all endpoints are full, and no slot came free within 0.25 s" in str(second)
    assert client.stats().rejections == {"endpoint": 1}
    assert str(client.circuit_state) == "closed"
    assert service.count("a") == 1


async def test_a_call_for_one_endpoint_waits_for_that(world: World) -> None:
    """Though another has a slot free."""
    service = Service(a=slow)
    client = balanced(world, service, bounded("http://a", 1, 0.25), "http://b")
    _, second = await world.gather(client.get("http://a/x"), client.get("http://a/x"))
    assert isinstance(second, PoolTimeoutError)
    assert "http://a is full" in str(second)


async def test_a_slot_is_handed_to_the_first_who_takes_it(world: World) -> None:
    """Not to somebody who waits for another endpoint."""
    client = balanced(
        world, Service(a=slow, b=slow), bounded("http://a", 1), bounded("http://b", 1)
    )

    async def after(seconds: float, url: str) -> str:
        await world.sleep(seconds)
        return str((await client.get(url)).text)

    calls = [
        world.start(after(seconds, url))
        for seconds, url in (
            (0.0, "http://a/x"),
            (0.25, "http://b/x"),
            (0.5, "http://b/x"),
            (0.75, "/x"),
        )
    ]
    assert [await world.outcome(call) for call in calls] == ["a", "b", "b", "a"]
    assert world.now() == 1_002.25


async def test_the_deadline_ends_the_wait(world: World) -> None:
    """As it ends everything."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    _, second = await world.gather(client.get("/x"), client.get("/x", deadline=0.5))
    assert isinstance(second, MyAPIError)
    assert "the 0.5 s that the whole operation may take are used up" in str(second)
    assert world.now() == 1_001


async def test_to_close_the_client_ends_the_wait(world: World) -> None:
    """Nobody hangs."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    calls = [world.start(client.get("/x")) for _ in range(2)]
    await world.sleep(0.25)
    await client.close()
    errors = [await world.outcome(call) for call in calls]
    assert "the client is closed" in str(errors[1])


async def test_somebody_isolates_the_circuit_while_an_attempt_waits(world: World) -> None:
    """Whoever waits is turned away at once."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    calls = [world.start(client.get("/x")) for _ in range(2)]
    await world.sleep(0.25)
    client.raw.circuit.isolate("deploy")
    errors = [await world.outcome(call) for call in calls]
    assert "deploy" in str(errors[1])
    assert world.now() <= 1_001


async def test_who_is_cancelled_while_waiting_leaves_the_queue(world: World) -> None:
    """The slot goes to the next."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    calls = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(0.25)
    calls[1].cancel()
    outcomes = [await world.outcome(call) for call in calls]
    assert isinstance(outcomes[1], world.cancellation)
    assert outcomes[2].status_code == 200
    assert world.now() == 1_002


async def test_a_stream_keeps_its_slot(world: World) -> None:
    """Until it is closed."""
    client = balanced(world, Service(a=Answer(200, (b"a",))), bounded("http://a", 1, 0))
    async with client.stream() as response:
        with pytest.raises(PoolTimeoutError):
            await client.get("/x")
        await client.read(response)
    assert (await client.get("/x")).text == "a"


async def test_who_observes_lets_all_in(world: World) -> None:
    """And tells whom it would have turned away."""
    told: list[Event] = []
    client = balanced(
        world,
        Service(a=slow),
        bounded("http://a", 1, mode="observe"),
        listeners=[told.append],
    )
    await world.gather(client.get("/x"), client.get("/x"))
    assert [each.by for each in told if isinstance(each, WouldReject)] == ["endpoint"]
    assert world.now() == 1_001


async def test_an_endpoint_whose_bound_is_off_has_none(world: World) -> None:
    """As if it had not been given."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1, mode="off"))
    await world.gather(client.get("/x"), client.get("/x"))
    assert world.now() == 1_001


async def test_no_hedge_is_sent_where_there_is_no_slot(world: World) -> None:
    """It would wait, and that helps nobody."""
    client = balanced(
        world,
        Service(a=slow),
        bounded("http://a", 1, 0),
        hedge={"delay": 0.25, "max_extra_load": 1},
    )
    answers = [await client.get("/x") for _ in range(3)]
    assert [each.status_code for each in answers] == [200] * 3
    assert client.stats().hedges == 0


async def test_a_slot_of_an_endpoint_that_has_gone_is_no_use(world: World) -> None:
    """Whoever was handed it in that moment goes elsewhere."""

    @listens_to(OperationSucceeded)
    def remove(_event: Event) -> None:
        client.raw.reconfigure(endpoints=["http://b"])

    client = balanced(world, Service(a=slow), bounded("http://a", 1), listeners=[remove])
    answers = await world.gather(*(client.get("/x") for _ in range(3)))
    assert [each.text for each in answers] == ["a", "b", "b"]
    assert outstanding(client) == {"http://b": 0}


async def test_an_endpoint_that_has_gone_in_this_very_moment_is_as_if_it_were_full(
    world: World,
) -> None:
    """Between two looks at a list that changes, nobody is sent astray."""
    service = Service()
    client = balanced(world, service, "http://a", "http://b")
    pool = client.raw._session._endpoints.balancing.pool
    pool.take = lambda *_args, **_more: None
    with pytest.raises(PoolTimeoutError):
        await client.get("/x")
    assert service.asked == []


async def test_more_slots_let_in_who_waits(world: World) -> None:
    """A reconfiguration is seen at once."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    calls = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(0.25)
    client.raw.reconfigure(endpoints=[bounded("http://a", 1), "http://b"])
    outcomes = [await world.outcome(call) for call in calls]
    assert sorted(each.text for each in outcomes) == ["a", "b", "b"]
    assert world.now() == 1_001


async def test_a_slot_of_an_endpoint_that_was_ejected_is_handed_to_nobody(world: World) -> None:
    """Whoever queued while it was well waits for another."""

    async def fails(arrival: Arrival) -> Step:
        await arrival.takes(1)
        return 500

    service = Service(a=fails, b=slow)
    client = balanced(
        world,
        service,
        bounded("http://a", 2),
        bounded("http://b", 2),
        balancing={"policy": "round_robin", "outliers": {"consecutive_failures": 1}},
        retry=None,
        circuit_breaker=None,
    )
    answers = await world.gather(*(client.get("/x") for _ in range(12)))
    assert [isinstance(each, MyAPIError) for each in answers].count(True) == 2
    assert (service.count("a"), service.count("b")) == (2, 10)
    assert outstanding(client) == {"http://a": 0, "http://b": 0}


async def test_a_slot_of_an_endpoint_that_is_drained_is_handed_to_nobody(world: World) -> None:
    """Nothing new goes there, but what is for it alone."""
    service = Service(a=slow, b=slow)
    client = balanced(world, service, bounded("http://a", 1), bounded("http://b", 1))
    calls = [world.start(client.get("/x")) for _ in range(4)]
    calls.append(world.start(client.get("http://a/x")))
    await world.sleep(0.25)
    drained = {"url": "http://a", "weight": 0, "bulkhead": {"max_concurrency": 1}}
    client.raw.reconfigure(endpoints=[drained, bounded("http://b", 1)])
    answers = [await world.outcome(call) for call in calls]
    assert sorted(each.text for each in answers[:2]) == ["a", "b"]
    assert [each.text for each in answers[2:]] == ["b", "b", "a"]


async def test_who_queues_goes_to_an_endpoint_that_comes_back(world: World) -> None:
    """As soon as it is back, though no slot has come free."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1), "http://b")
    balancing = client.raw._session._endpoints.balancing
    pool = balancing.pool
    balancing.tell(pool.check("http://b", world.now(), passed=False, holds=60))
    calls = [world.start(client.get("/x")) for _ in range(2)]
    await world.sleep(0.25)
    balancing.tell(pool.check("http://b", world.now(), passed=True, holds=60))
    answers = [await world.outcome(call) for call in calls]
    assert [each.text for each in answers] == ["a", "b"]
    assert world.now() == 1_001


async def test_a_full_endpoint_keeps_no_other_from_being_probed(world: World) -> None:
    """However long it stays full."""
    service = Service(b=500)
    client = balanced(
        world,
        service,
        bounded("http://a", 1),
        "http://b",
        "http://c",
        balancing={"outliers": {"consecutive_failures": 1, "base_ejection": 5}},
        retry=None,
    )
    with pytest.raises(MyAPIError):
        await client.get("http://b/x")
    service.hosts["b"] = 200
    async with client.stream(url="http://a/x") as response:
        await world.sleep(6)
        before = service.count("b")
        await client.get("/x")
        assert service.count("b") == before + 1
        await client.read(response)


async def test_who_was_handed_a_slot_that_is_of_no_use_looks_again(world: World) -> None:
    """And does not wait for what nobody will hand over any more."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    slots = client.raw._session._endpoints.balancing._slots
    calls = [world.start(client.get("/x")) for _ in range(2)]
    await world.sleep(0.25)
    slots.release(next(iter(slots._held["http://a"])))
    client.raw.reconfigure(endpoints=["http://b"])
    answers = [await world.outcome(call) for call in calls]
    assert [each.text for each in answers] == ["a", "b"]
    assert world.now() == 1_001
    assert outstanding(client) == {"http://b": 0}

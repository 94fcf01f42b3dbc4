"""Endpoints that take only so many attempts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import Endpoint, MyAPIError, PoolTimeoutError
from client.events import WouldReject
from tests.behaviour.strategies.endpoints.services import Service, balanced, outstanding
from tests.behaviour.wire import Answer

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


async def test_more_slots_let_in_who_waits(world: World) -> None:
    """A reconfiguration is seen at once."""
    client = balanced(world, Service(a=slow), bounded("http://a", 1))
    calls = [world.start(client.get("/x")) for _ in range(3)]
    await world.sleep(0.25)
    client.raw.reconfigure(endpoints=[bounded("http://a", 1), "http://b"])
    outcomes = [await world.outcome(call) for call in calls]
    assert sorted(each.text for each in outcomes) == ["a", "b", "b"]
    assert world.now() == 1_001

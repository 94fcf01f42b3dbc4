"""What can be asked of a client, and what an answer says about how it was come by."""

from dataclasses import FrozenInstanceError

import httpx
import pytest

from client import CallReport, NotFoundError, ServerError
from tests.behaviour.wire import Arrival
from tests.behaviour.world import World

EXACT = {"jitter": False}


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


async def test_what_has_happened_is_counted(world: World) -> None:
    """Operations, attempts, retries, and failures by class."""
    steps = [200, 500, 500, 200, 404, 503, httpx.ReadError, 500, 404]
    client = world.client(steps, retry=EXACT, circuit_breaker={"failure_threshold": 1})
    before = client.stats()
    for _ in range(6):
        await world.outcome(world.start(client.get()))
    await world.outcome(world.start(client.get(request_id="ok")))
    stats = client.stats()
    assert (stats.operations, stats.attempts, stats.retries) == (6 + 1, 8, 4)
    assert stats.failures == {"NotFoundError": 1, "ServerError": 1, "CircuitOpenError": 3}
    assert stats.circuits == {"client": "open"}
    assert (before.operations, before.attempts, before.retries) == (0, 0, 0)
    assert (before.failures, before.circuits) == ({}, {"client": "closed"})


async def test_a_bad_argument_is_no_operation(world: World) -> None:
    """It never began."""
    client = world.client(200)
    with pytest.raises(ValueError, match="deadline"):
        await client.get(deadline=-1)
    assert client.stats().operations == 0


async def test_slots_in_use_and_waiting(world: World) -> None:
    """As they are at the moment of asking."""
    client = world.client(a_second, bulkhead={"max_concurrency": 2})
    tasks = [world.start(client.get()) for _ in range(5)]
    await world.sleep(0.5)
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.operations) == (2, 3, 0)
    for task in tasks:
        await task.result()
    assert (stats.slots_in_use, stats.slots_waiting) == (2, 3), "a snapshot does not change"
    with pytest.raises(FrozenInstanceError):
        stats.operations = 7  # type: ignore[misc] # that is the test


async def test_layers_that_are_off_have_nothing_to_show(world: World) -> None:
    """Zeros and no circuits."""
    client = world.client(200, bulkhead=None, circuit_breaker=None, retry=None)
    await client.get()
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.circuits) == (0, 0, {})


async def test_an_answer_says_how_it_was_come_by(world: World) -> None:
    """In `extensions["resilience"]`, by attribute and by key."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(3)
        return 200

    client = world.client([500, 503, slow], retry=EXACT)
    report = (await client.get(request_id="r")).extensions["resilience"]
    assert report == CallReport(attempts=3, waits=(2, 4), elapsed=9, request_id="r")
    told = {"attempts": 3, "waits": (2, 4), "elapsed": 9, "request_id": "r"}
    assert dict(report) == {**told, "fallback": False, "error": None, "endpoint": None}
    assert list(report.keys()) == [*told, "fallback", "error", "endpoint"]
    assert (report.attempts, report["attempts"]) == (3, 3)
    with pytest.raises(KeyError, match="nonsense"):
        report["nonsense"]
    with pytest.raises(AttributeError):
        report.attempts = 1


async def test_queueing_is_part_of_the_time(world: World) -> None:
    """The operation begins when it is called."""
    client = world.client(a_second, bulkhead={"max_concurrency": 1})
    _, second = await world.gather(client.get(), client.get())
    assert second.extensions["resilience"].elapsed == pytest.approx(2)


async def test_a_stream_says_so_too(world: World) -> None:
    """As of the moment its head came."""
    client = world.client([500, 200], retry=EXACT)
    async with client.stream(request_id="r") as response:
        assert response.extensions["resilience"] == CallReport(2, (2,), 2, "r")
        await world.sleep(5)
    assert client.stats().operations == 1


async def test_the_state_of_a_client_shows_no_secrets(world: World) -> None:
    """Its `repr` says whether it is open and how it is configured."""
    client = world.client(headers={"Authorization": "s3cr3t"}, base_url="http://u:s3cr3t@h.test")
    text = repr(client.raw)
    name = type(client.raw).__name__
    assert text == f"{name}('default', base_url='http://h.test', open)"
    await client.close()
    assert repr(client.raw) == f"{name}('default', base_url='http://h.test', closed)"


async def test_errors_of_each_kind_are_told_apart(world: World) -> None:
    """By the class that the caller sees."""
    client = world.client([404, 500, 404], retry=None)
    for kind in (NotFoundError, ServerError, NotFoundError):
        with pytest.raises(kind):
            await client.get()
    assert client.stats().failures == {"NotFoundError": 2, "ServerError": 1}

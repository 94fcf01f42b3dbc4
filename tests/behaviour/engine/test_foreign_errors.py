"""What is not about the exchange passes untouched: bugs, interrupts and cancellations."""

import asyncio
from typing import Any

import httpx
import pytest

from client import CircuitState, MyAPIError
from client.events import OperationFailed
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Arrival
from tests.behaviour.world import World

OPENS_AT_ONCE = {"failure_threshold": 1}


class CustomError(Exception):
    """Somebody's own."""


@pytest.mark.parametrize(
    "kind",
    [
        ValueError,
        TypeError,
        LookupError,
        AssertionError,
        RuntimeError,
        StopIteration,
        OSError,
        CustomError,
        httpx.CookieConflict,
        httpx.StreamConsumed,
        MyAPIError,
        KeyboardInterrupt,
        SystemExit,
        GeneratorExit,
        asyncio.CancelledError,
    ],
    ids=lambda kind: kind.__name__,
)
@pytest.mark.parametrize("streamed", [False, True], ids=["request", "stream"])
async def test_a_foreign_exception_passes(
    world: World,
    kind: type[BaseException],
    *,
    streamed: bool,
) -> None:
    """The very same object, at once, not counted by the circuit; slot and permit are back."""
    raised = kind() if kind is httpx.StreamConsumed else kind("mine")
    heard: list[Any] = []

    async def fails(arrival: Arrival) -> int:
        raise raised

    expected: type[BaseException] = kind
    if kind is StopIteration:
        expected = RuntimeError  # Python turns it into one in every coroutine
    client = world.client(
        [fails, 200],
        circuit_breaker=OPENS_AT_ONCE,
        bulkhead={"max_concurrency": 1},
        listeners=[heard.append],
    )
    with pytest.raises(expected) as caught:
        await (client.streamed() if streamed else client.get())
    assert caught.value is raised or caught.value.__cause__ is raised
    assert world.now() == 1000
    assert client.stats().failures == {expected.__name__: 1}
    assert client.stats().slots_in_use == 0
    assert client.circuit_state is CircuitState.CLOSED
    (failed,) = (event for event in heard if isinstance(event, OperationFailed))
    assert failed.error is caught.value
    await client.get()


async def test_a_probe_that_meets_a_bug_gives_its_permit_back(world: World) -> None:
    """The circuit is not wedged by it."""
    client = world.client([500, CustomError, 200], retry=None, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(MyAPIError):
        await client.get()
    await world.sleep(30)
    with pytest.raises(CustomError):
        await client.get()
    await client.get()
    assert client.circuit_state is CircuitState.CLOSED


async def test_a_bug_after_a_failure_passes(world: World) -> None:
    """In a later attempt too."""
    client = world.client([500, CustomError], retry={"jitter": False})
    with pytest.raises(CustomError):
        await client.get()
    assert client.wire.times == pytest.approx([0, 2])


async def test_a_cancelled_call_is_counted_as_what_it_is(world: World) -> None:
    """In the statistics, and for listeners."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    heard: list[Any] = []
    client = world.client(slow, listeners=[heard.append])
    task = world.start(client.get())
    await world.sleep(1)
    task.cancel()
    with pytest.raises(world.cancellation):
        await task.result()
    assert client.stats().failures == {world.cancellation.__name__: 1}
    assert isinstance(heard[-1].error, world.cancellation)
    assert heard[-1].attempts == 1


@ONLY_ASYNCIO
async def test_a_cancellation_from_outside_is_never_replaced(world: World) -> None:
    """Not even by the deadline, where both come at the same moment."""

    async def slow(arrival: Arrival) -> int:
        await world.sleep(100)
        return 200

    client = world.client(slow)
    for ticks in range(12):
        task = asyncio.ensure_future(client.get(deadline=5))
        await world.sleep(5)
        for _ in range(ticks):
            await asyncio.sleep(0)
        was_done = task.done()
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if not was_done:
            assert isinstance(outcome, asyncio.CancelledError | MyAPIError)
        assert client.stats().slots_in_use == 0


@ONLY_ASYNCIO
async def test_a_timeout_of_the_callers_own_is_his(world: World) -> None:
    """`asyncio.timeout` around a call raises `TimeoutError`, as around anything."""

    async def slow(arrival: Arrival) -> int:
        await world.sleep(100)
        return 200

    client = world.client(slow, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(3):
            await client.get(deadline=10)
    assert not isinstance(caught.value, MyAPIError)
    assert world.now() == 1003
    assert client.circuit_state is CircuitState.CLOSED

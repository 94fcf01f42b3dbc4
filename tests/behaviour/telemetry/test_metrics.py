"""What a client counts while it works: operations, attempts, retries, waits and rejections."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from client import APINetworkError, DeadlineExceededError, MyAPIError, PoolTimeoutError
from client.events import OperationSucceeded
from client.metrics.instruments import (
    ATTEMPT_DURATION,
    ATTEMPTS_PER_OPERATION,
    BUDGET_AVAILABLE,
    BULKHEAD_IN_USE,
    BULKHEAD_LIMIT,
    BULKHEAD_WAIT,
    BULKHEAD_WAITING,
    OPERATION_DURATION,
    OPERATION_TIMEOUT,
    OPERATIONS_ACTIVE,
    REJECTIONS,
    RETRIES,
    RETRY_WAIT,
    SERIES_OVERFLOW,
    Instrument,
)
from client.metrics.targets import MOST_TARGETS, OTHER
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World, listens_to
from tests.unit.metrics.reading import Reading

TARGET = "http://server.test"
EXACT = {"jitter": False}


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


async def test_a_call_is_one_operation_and_one_attempt(world: World) -> None:
    """With the seconds each took."""
    reading = Reading()
    client = world.client(a_second, telemetry=[reading])
    await client.get("/x?secret")
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 1}
    assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "success", "first"): 1}
    assert reading.points(OPERATION_DURATION)[TARGET, "GET", "success"].sum == 1
    assert reading.counts(ATTEMPTS_PER_OPERATION) == {(TARGET,): 1}
    assert reading.counts(RETRIES) == {}
    assert reading.counts(OPERATIONS_ACTIVE) == {}


async def test_each_retry_is_a_decision(world: World) -> None:
    """By what had failed; the last line says what the retries saved."""
    reading = Reading()
    client = world.client([503, httpx.ReadError, 200], retry=EXACT, telemetry=[reading])
    await client.get()
    assert reading.counts(RETRIES) == {
        (TARGET, "server_error", "scheduled"): 1,
        (TARGET, "network_error", "scheduled"): 1,
        (TARGET, "network_error", "succeeded"): 1,
    }
    assert reading.counts(ATTEMPT_DURATION) == {
        (TARGET, "GET", "server_error", "first"): 1,
        (TARGET, "GET", "network_error", "again"): 1,
        (TARGET, "GET", "success", "again"): 1,
    }
    assert reading.points(RETRY_WAIT) == {(TARGET,): 6.0}
    stats = client.stats()
    assert (stats.operations, stats.attempts, stats.retries) == (1, 3, 2)


@pytest.mark.parametrize(
    ("settings", "answers", "decision"),
    [
        ({"retry": {"max_attempts": 1}}, [500], None),
        ({"retry": None}, [500], None),
        ({"retry": {"max_attempts": 2, **EXACT}}, [500, 500], "attempts"),
        ({}, [404], "not_retryable"),
        ({"retry": {"budget": {"ratio": 0, "minimum_per_second": 0}}}, [500], "budget"),
        ({"timeout": {"total": 0.5}}, [500], "deadline"),
        ({"circuit_breaker": {"failure_threshold": 1}, "retry": None}, [500], None),
    ],
    ids=["one", "off", "attempts", "not-retryable", "budget", "deadline", "circuit"],
)
async def test_what_ends_the_retries_is_a_decision_too(
    world: World, settings: dict[str, Any], answers: list[int], decision: str | None
) -> None:
    """Except where there are none."""
    reading = Reading()
    client = world.client(answers, telemetry=[reading], **settings)
    with pytest.raises(MyAPIError):
        await client.get()
    decisions = {labels[2] for labels in reading.counts(RETRIES)} - {"scheduled"}
    assert decisions == ({decision} if decision else set())


async def test_a_body_that_is_gone_comes_after_the_deadline(world: World) -> None:
    """The first reason that holds is told."""
    reading = Reading()

    async def once() -> AsyncIterator[bytes]:
        yield b"x"

    content: Any = once() if world.is_async else iter([b"x"])
    client = world.client([500], telemetry=[reading], timeout={"total": 0.5})
    with pytest.raises(MyAPIError):
        await client.post("/", content=content)
    assert reading.counts(RETRIES) == {(TARGET, "server_error", "deadline"): 1}


async def test_slots_are_counted_while_they_are_taken(world: World) -> None:
    """And how long those queued that got one."""
    reading = Reading()
    client = world.client(
        a_second,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1.5},
        telemetry=[reading],
    )
    calls = [world.start(client.get()) for _ in range(3)]
    await world.sleep(0.5)
    assert reading.points(BULKHEAD_IN_USE) == {(): 1}
    assert reading.points(BULKHEAD_WAITING) == {(): 2}
    assert reading.points(BULKHEAD_LIMIT) == {(): 1}
    assert reading.points(OPERATIONS_ACTIVE) == {(TARGET,): 3}
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting, stats.slots_limit) == (1, 2, 1)
    assert stats.targets[TARGET].active == 3
    outcomes = [await world.outcome(call) for call in calls]
    assert isinstance(outcomes[2], PoolTimeoutError)
    wait = reading.points(BULKHEAD_WAIT)[()]
    assert (wait.count, wait.sum) == (1, 1)
    assert reading.counts(REJECTIONS) == {(TARGET, "bulkhead"): 1}
    assert reading.counts(OPERATION_DURATION) == {
        (TARGET, "GET", "success"): 2,
        (TARGET, "GET", "bulkhead_full"): 1,
    }
    assert client.stats().rejections == {"bulkhead": 1}


async def test_a_deadline_in_the_queue_is_a_rejection(world: World) -> None:
    """One during an attempt is not."""
    reading = Reading()
    client = world.client(
        a_second, bulkhead={"max_concurrency": 1}, retry=None, telemetry=[reading]
    )
    first = world.start(client.get())
    await world.sleep(0.25)
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=0.5)
    await first.result()
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=0.5)
    assert reading.counts(REJECTIONS) == {(TARGET, "deadline"): 1}
    assert reading.counts(OPERATION_DURATION)[TARGET, "GET", "deadline"] == 2


async def test_how_long_an_operation_may_take(world: World) -> None:
    """Where that is bounded."""
    reading = Reading()
    world.client(200, timeout={"total": 7}, telemetry=[reading])
    assert reading.points(OPERATION_TIMEOUT) == {(): 7.0}
    world.client(200, telemetry=[reading])
    assert reading.points(OPERATION_TIMEOUT) == {}


async def test_what_is_left_of_the_budget(world: World) -> None:
    """The free retries of a second, and what operations have paid in."""
    reading = Reading()
    budget = {"ratio": 0.5, "minimum_per_second": 2}
    client = world.client([200, 500, 200], retry={"budget": budget, **EXACT}, telemetry=[reading])
    await client.get()
    assert reading.points(BUDGET_AVAILABLE) == {(): 2.5}
    await client.get()
    assert client.stats().budget_available == pytest.approx(3.0)


async def test_a_cancelled_call_is_counted_as_that(world: World) -> None:
    """Its attempt too; nothing of it is left under way."""
    reading = Reading()
    client = world.client(a_second, telemetry=[reading])
    call = world.start(client.get())
    await world.sleep(0.5)
    call.cancel()
    await world.outcome(call)
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "cancelled"): 1}
    assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "cancelled", "first"): 1}
    assert reading.counts(OPERATIONS_ACTIVE) == {}


async def test_a_stream_is_under_way_until_it_is_left(world: World) -> None:
    """Its attempt has ended at the head."""
    reading = Reading()
    client = world.client(Answer(200, (b"one", b"two")), telemetry=[reading])
    async with client.stream("GET", "/"):
        assert reading.counts(OPERATIONS_ACTIVE) == {(TARGET,): 1}
        assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "success", "first"): 1}
        assert reading.counts(OPERATION_DURATION) == {}
    assert reading.counts(OPERATIONS_ACTIVE) == {}
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 1}


async def test_a_bug_of_the_callers_is_another_outcome(world: World) -> None:
    """The attempt is counted all the same."""
    reading = Reading()

    def bug(request: httpx.Request) -> None:
        raise LookupError("in an auth flow")

    client = world.client(200, telemetry=[reading])
    with pytest.raises(LookupError):
        await client.get("/", auth=bug)
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "other"): 1}
    assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "other", "first"): 1}


async def test_what_never_left_is_an_operation(world: World) -> None:
    """Of the target it was meant for."""
    reading = Reading()
    client = world.client(httpx.ConnectError, telemetry=[reading], retry=None)
    with pytest.raises(APINetworkError):
        await client.get("http://b.example:80/")
    [labels] = reading.counts(OPERATION_DURATION)
    assert labels == ("http://b.example", "GET", "connect_error")


async def test_no_client_is_counted_with_another(world: World) -> None:
    """Each has numbers of its own."""
    first, second = Reading(), Reading()
    one = world.client(200, name="one", telemetry=[first])
    other = world.client(200, name="other", telemetry=[second])
    await one.get()
    await other.get()
    await other.get()
    assert (first.source.snapshot().client, second.source.snapshot().client) == ("one", "other")
    assert sum(first.counts(OPERATION_DURATION).values()) == 1
    assert sum(second.counts(OPERATION_DURATION).values()) == 2


@pytest.mark.parametrize(
    "given", ["prometheus", 3, None, Reading], ids=["text", "number", "nothing", "class"]
)
async def test_what_is_no_telemetry_is_refused(world: World, given: object) -> None:
    """With what is allowed."""
    with pytest.raises(TypeError, match="give objects such as PrometheusMetrics"):
        world.client(200, telemetry=[given])


async def test_a_good_answer_that_is_asked_for_again_was_an_attempt(world: World) -> None:
    """A `retry_if` wants another; it is counted when that begins."""
    reading = Reading()
    retry: Any = {**EXACT, "retry_if": lambda response, _: response.status_code == 202}
    client = world.client([202, a_second], retry=retry, telemetry=[reading])
    call = world.start(client.get())
    await world.sleep(2.5)
    assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "success", "first"): 1}
    await call.result()
    assert reading.counts(ATTEMPT_DURATION) == {
        (TARGET, "GET", "success", "first"): 1,
        (TARGET, "GET", "success", "again"): 1,
    }


async def test_many_calls_are_all_counted(world: World) -> None:
    """Whether or not anybody looks meanwhile; targets that are too many are told of."""
    reading = Reading()
    client = world.client(200, telemetry=[reading], base_url="")
    for number in range(450):
        await client.get(f"http://host-{number % 110}.test/")
    assert sum(reading.counts(OPERATION_DURATION).values()) == 450
    assert len(reading.counts(ATTEMPTS_PER_OPERATION)) == MOST_TARGETS + 1
    others = reading.counts(ATTEMPTS_PER_OPERATION)[OTHER,]
    assert reading.counts(SERIES_OVERFLOW) == {(): others}


async def test_whoever_is_told_each_value_is_told_at_once(world: World) -> None:
    """Of a plain operation, too."""
    told: list[tuple[str, tuple[str, ...], float]] = []

    class Recording(Reading):
        def attach(self, source: Any) -> None:
            source.recorders = (self,)

        def record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
            told.append((instrument.name, labels, value))

    client = world.client(a_second, telemetry=[Recording()])
    await client.get()
    assert told == [
        ("attempt.duration", (TARGET, "GET", "success", "first"), 1),
        ("operation.duration", (TARGET, "GET", "success"), 1),
        ("attempts_per_operation", (TARGET,), 1),
    ]


async def test_an_interrupt_at_the_end_leaves_a_counted_attempt(world: World) -> None:
    """The operation ended with it, whatever the answer was."""
    reading = Reading()

    def interrupt(_event: object) -> None:
        raise KeyboardInterrupt

    listener = listens_to(OperationSucceeded)(interrupt)
    client = world.client(200, telemetry=[reading], listeners=[listener])
    with pytest.raises(KeyboardInterrupt):
        await client.get()
    assert reading.counts(ATTEMPT_DURATION) == {(TARGET, "GET", "success", "first"): 1}
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 1}


async def test_a_recorder_that_raises_harms_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the operation is counted."""

    class Raising(Reading):
        def attach(self, source: Any) -> None:
            super().attach(source)
            source.recorders = (self,)

        def record(self, *_told: object) -> None:
            raise LookupError("no")

    reading = Raising()
    client = world.client(200, telemetry=[reading])
    await client.get()
    assert "a recorder of metrics raised" in caplog.text
    assert reading.counts(OPERATION_DURATION) == {(TARGET, "GET", "success"): 1}

"""Attempts that the policy wants and that are not made: why, and what trace that leaves."""

import logging
from typing import Any

import pytest

from client import CircuitOpenError, CircuitState, MyAPIError, ServerError, ServiceUnavailableError
from client.events import Event, RetryRefused, RetryScheduled
from tests.behaviour.wire import Answer
from tests.behaviour.world import Caller, World, listens_to

OPENS_AT_ONCE = {"failure_threshold": 1}
SLOW = {"min_wait_seconds": 10, "max_wait_seconds": 10, "budget": None}
CUT_OFF = "no other attempt was made: the circuit has opened"


class Refusals:
    """Listens to the attempts that are not made."""

    listens_to = (RetryRefused,)

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def __call__(self, event: Event) -> None:
        """Remember it."""
        self.heard.append(event)


def notes(error: BaseException) -> list[str]:
    """What was added to an error."""
    return getattr(error, "__notes__", [])


async def opened_by_another(world: World, client: Caller, url: str = "/") -> None:
    """Let another operation fail for good, three seconds from now."""
    await world.sleep(3)
    with pytest.raises(ServerError):
        await client.get(url, retry=None)
    assert world.now() == 1003


async def test_a_probe_is_one_attempt(world: World) -> None:
    """It waits neither for a retry nor for what a `Retry-After` asks."""
    refusals = Refusals()
    client = world.client(
        [500, Answer(503, headers={"Retry-After": "7"}), 200],
        retry={"max_attempts": 5},
        circuit_breaker=OPENS_AT_ONCE,
        listeners=[refusals],
    )
    with pytest.raises(ServerError):
        await client.get(retry=None)
    await world.sleep(30)
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert (caught.value.attempts, world.now()) == (1, 1030)
    assert notes(caught.value) == [
        "no other attempt was made: a probe of the circuit is one attempt"
    ]
    [refusal] = refusals.heard
    assert (refusal.reason, refusal.attempt, refusal.max_attempts) == ("circuit", 1, 5)
    assert refusal.error is caught.value
    assert client.circuit_state is CircuitState.OPEN


@pytest.mark.parametrize("scope", ["client", "origin"])
async def test_who_waits_for_his_next_attempt_when_the_circuit_opens_waits_no_longer(
    world: World, scope: str
) -> None:
    """He gets the error he has in hand, at once, and what another origin does is no matter."""
    client = world.client(
        500, retry=SLOW, circuit_breaker={**OPENS_AT_ONCE, "scope": scope}, base_url=""
    )
    waiting = world.start(client.get("http://a.example/"))
    elsewhere = world.start(client.get("http://b.example/"))
    await opened_by_another(world, client, "http://a.example/")
    error = await world.outcome(waiting)
    assert (type(error), error.attempts, world.now()) == (ServerError, 1, 1003)
    assert notes(error) == [CUT_OFF]
    other = await world.outcome(elsewhere)
    assert other.attempts == (1 if scope == "client" else 3)


async def test_who_comes_back_to_an_open_circuit_makes_no_other_attempt(world: World) -> None:
    """The circuit opened while his own attempt was under way."""

    async def slow(arrival: Any) -> int:
        await arrival.takes(5)
        return 500

    client = world.client([slow, 500], retry=SLOW, circuit_breaker=OPENS_AT_ONCE)
    waiting = world.start(client.get())
    await opened_by_another(world, client)
    error = await world.outcome(waiting)
    assert (type(error), error.attempts, world.now()) == (ServerError, 1, 1005)
    assert notes(error) == [CUT_OFF]


async def test_nor_where_it_has_half_opened_since(world: World) -> None:
    """A probe is out then, and nobody else."""

    async def slow(arrival: Any) -> int:
        await arrival.takes(5)
        return 500

    circuit = {**OPENS_AT_ONCE, "recovery_timeout": 1}
    client = world.client([slow, 500, 200, 200], retry=SLOW, circuit_breaker=circuit)
    waiting = world.start(client.get())
    await opened_by_another(world, client)
    await world.sleep(1)
    await client.get()
    assert client.circuit_state is CircuitState.CLOSED
    assert (await world.outcome(waiting)).attempts == 1


async def test_a_circuit_that_another_process_opened_ends_it_too(world: World) -> None:
    """By a storage that is shared: nobody wakes who waits, but no attempt follows."""
    import pybreaker  # noqa: PLC0415 - in this test alone

    storage = pybreaker.CircuitMemoryStorage(pybreaker.STATE_CLOSED)
    client = world.client(500, retry=SLOW, circuit_breaker={"storage": lambda _name: storage})
    waiting = world.start(client.get())
    await world.sleep(3)
    storage.state = pybreaker.STATE_OPEN
    error = await world.outcome(waiting)
    assert (error.attempts, world.now()) == (1, 1010)
    assert notes(error) == [CUT_OFF]


async def test_a_stream_whose_answer_was_let_go_of_ends_with_its_error(world: World) -> None:
    """There is nothing to read in it any more."""
    client = world.client(Answer(500, (b"x",)), retry=SLOW, circuit_breaker=OPENS_AT_ONCE)
    waiting = world.start(client.streamed())
    await opened_by_another(world, client)
    error = await world.outcome(waiting)
    assert (type(error), error.attempts, world.now()) == (ServerError, 1, 1003)
    assert error.response is None


async def test_a_good_answer_that_was_let_go_of_cannot_be_handed_over(world: World) -> None:
    """`retry_if` asked for another: the circuit is what is left to tell."""
    client = world.client(
        [Answer(202, (b"x",)), 500],
        retry={**SLOW, "retry_if": lambda *_outcome: True},
        circuit_breaker=OPENS_AT_ONCE,
    )
    waiting = world.start(client.streamed())
    await opened_by_another(world, client)
    error = await world.outcome(waiting)
    assert (type(error), error.attempts, error.request_sent) == (CircuitOpenError, 1, True)
    assert error.retry_after == 30


async def test_a_good_answer_that_was_read_is_handed_over(world: World) -> None:
    """It is the answer in hand."""
    client = world.client(
        [202, 500],
        retry={**SLOW, "retry_if": lambda *_outcome: True},
        circuit_breaker=OPENS_AT_ONCE,
    )
    waiting = world.start(client.get())
    await opened_by_another(world, client)
    assert (await world.outcome(waiting)).status_code == 202


async def refused(world: World, **options: Any) -> tuple[MyAPIError, RetryRefused]:
    """The error of a call whose second attempt is not made, and what a listener heard."""
    refusals = Refusals()
    budget = {"ratio": 0, "minimum_per_second": 0}
    client = world.client(
        500,
        retry={
            "min_wait_seconds": 5,
            "max_wait_seconds": 5,
            "budget": options.pop("budget", budget),
        },
        listeners=[refusals],
    )
    with pytest.raises(ServerError) as caught:
        await client.request("POST", **options)
    [refusal] = refusals.heard
    assert refusal.error is caught.value
    assert refusal.response is caught.value.response
    return caught.value, refusal


async def test_the_budget_leaves_a_trace(world: World) -> None:
    """A note on the original error, and an event."""
    error, refusal = await refused(world)
    assert notes(error) == ["no other attempt was made: the retry budget is used up"]
    assert (refusal.reason, refusal.attempt, refusal.max_attempts) == ("budget", 1, 3)


async def test_the_deadline_leaves_a_trace(world: World) -> None:
    """With the wait for which no time is left."""
    error, refusal = await refused(world, deadline=4, budget=None)
    text = "no other attempt was made: the wait of 5 s would outlast the deadline"
    assert (notes(error), refusal.reason) == ([text], "deadline")


async def test_a_body_leaves_a_trace(world: World) -> None:
    """One that can be read but once."""

    async def later() -> Any:
        yield b"x"

    body = later() if world.is_async else (chunk for chunk in [b"x"])
    error, refusal = await refused(world, content=body, budget=None)
    text = "no other attempt was made: the request's body cannot be sent a second time"
    assert (notes(error), refusal.reason) == ([text], "body")


async def test_what_the_policy_ends_is_told_without_a_note(world: World) -> None:
    """An operation that has used up its attempts, or whose error is not worth one."""
    refusals = Refusals()
    client = world.client([500, 500, 404], retry={"max_attempts": 2}, listeners=[refusals])
    for _ in range(2):
        with pytest.raises(MyAPIError) as caught:
            await client.get()
        assert notes(caught.value) == []
    assert [(each.attempt, each.reason) for each in refusals.heard] == [
        (2, "attempts"),
        (1, "not_retryable"),
    ]


async def test_where_retries_are_off_none_is_refused(world: World) -> None:
    """Nobody would have made one."""
    refusals = Refusals()
    client = world.client([500, 404], retry={"max_attempts": 1}, listeners=[refusals])
    with pytest.raises(MyAPIError):
        await client.get()
    with pytest.raises(MyAPIError):
        await client.get(retry=None)
    assert refusals.heard == []


async def test_a_good_answer_that_nobody_wants_again_is_no_refusal(world: World) -> None:
    """A `retry_if` that is asked about it and says no; but one that says yes too often is."""
    refusals = Refusals()
    retry: Any = {"max_attempts": 2, "retry_if": lambda response, _: response.status_code == 202}
    client = world.client([200, 202, 202], retry=retry, listeners=[refusals])
    assert [(await client.get()).status_code for _ in range(2)] == [200, 202]
    assert [each.reason for each in refusals.heard] == ["attempts"]


async def test_calls_that_are_turned_away_do_not_pay(world: World) -> None:
    """Neither by the circuit, nor by the bulkhead, nor by a deadline in the queue."""
    budget = {"ratio": 0.25, "minimum_per_second": 0}

    async def slow(arrival: Any) -> int:
        await arrival.takes(10)
        return 200

    client = world.client(
        [500, slow, 500, 500],
        retry={"budget": budget},
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1},
        circuit_breaker={**OPENS_AT_ONCE, "recovery_timeout": 20, "scope": "origin"},
        base_url="",
    )
    with pytest.raises(ServerError):
        await client.get("http://a.example/")
    await world.gather(*(client.get("http://a.example/") for _ in range(20)))
    holder = world.start(client.get("http://b.example/"))
    await world.gather(*(client.get("http://b.example/") for _ in range(20)))
    await world.gather(*(client.get("http://b.example/", deadline=0.5) for _ in range(20)))
    await world.outcome(holder)
    with pytest.raises(ServerError) as caught:
        await client.get("http://b.example/")
    # Three were admitted: three quarters of a retry.
    assert (caught.value.attempts, len(client.wire.arrivals)) == (1, 3)


async def test_leaving_a_generator_early_is_no_failure(world: World) -> None:
    """`GeneratorExit` is how Python says that nobody reads on."""
    client = world.client(Answer(200, (b"a", b"b")))
    with pytest.raises(GeneratorExit):
        async with client.stream():
            raise GeneratorExit
    assert client.stats().failures == {}
    assert client.stats().operations == 1


class Broken(logging.Handler):
    """A handler of the log that raises, which logging lets through."""

    def handle(self, record: logging.LogRecord) -> bool:
        """Raise."""
        raise ZeroDivisionError(record.getMessage())


async def test_a_raising_listener_and_a_raising_log_lose_nothing(world: World) -> None:
    """Not the call, not its slot, not the statistics, not the circuit."""

    @listens_to(RetryScheduled, RetryRefused)
    def broken(_event: Event) -> None:
        raise ZeroDivisionError

    def everything(_event: Event) -> None:
        raise ZeroDivisionError

    logger, handler = logging.getLogger("resilient_client"), Broken()
    logger.addHandler(handler)
    try:
        client = world.client(
            [500, 500, 200],
            retry={"max_attempts": 2},
            circuit_breaker={**OPENS_AT_ONCE, "recovery_timeout": 1},
            listeners=[broken, everything],
            logging={"level": "DEBUG"},
        )
        with pytest.raises(ServerError):
            await client.get()
        await world.sleep(1)
        assert (await client.get()).status_code == 200
    finally:
        logger.removeHandler(handler)
    stats = client.stats()
    assert (stats.operations, stats.attempts, stats.failures) == (2, 3, {"ServerError": 1})
    assert stats.slots_in_use == 0
    assert client.circuit_state is CircuitState.CLOSED


async def test_an_interrupt_in_a_listener_loses_no_statistics(world: World) -> None:
    """It passes through, as interrupts do."""

    @listens_to(RetryRefused)
    def interrupted(_event: Event) -> None:
        raise KeyboardInterrupt

    client = world.client(
        500, retry={"budget": {"ratio": 0, "minimum_per_second": 0}}, listeners=[interrupted]
    )
    with pytest.raises(KeyboardInterrupt):
        await client.get()
    assert client.stats().failures == {"KeyboardInterrupt": 1}

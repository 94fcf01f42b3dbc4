"""A circuit isolated by hand: calls fail at once, with the reason, until that ends."""

from contextlib import suppress
from typing import Any

import httpx
import pytest

from client import (
    CircuitIsolatedError,
    CircuitOpenError,
    CircuitState,
    MyAPIError,
    PoolTimeoutError,
    ServerError,
)
from client.events import (
    AttemptStarted,
    CircuitClosed,
    CircuitHalfOpened,
    CircuitIsolated,
    CircuitOpened,
    CircuitRejected,
    CircuitReleased,
    OperationFailed,
    OperationSucceeded,
    SlotWaited,
)
from client.metrics.instruments import CIRCUIT_STATE
from client.testing import EventRecorder
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import BASE_URL, Caller, World, listens_to

ISOLATED, OPEN, HALF_OPEN, CLOSED = (
    CircuitState.ISOLATED,
    CircuitState.OPEN,
    CircuitState.HALF_OPEN,
    CircuitState.CLOSED,
)
OPENS_AT_ONCE = {"failure_threshold": 1}
BREAKERS = pytest.mark.parametrize(
    "breaker",
    [OPENS_AT_ONCE, {**OPENS_AT_ONCE, "scope": "origin"}, None],
    ids=["client", "origin", "none"],
)


async def isolated(client: Caller, url: str = "/") -> CircuitIsolatedError:
    """A call that is turned away because somebody isolated the circuit."""
    with pytest.raises(CircuitIsolatedError) as caught:
        await client.get(url)
    return caught.value


async def slow(arrival: Arrival) -> int:
    """A server that takes five seconds."""
    await arrival.takes(5)
    return 200


@BREAKERS
async def test_calls_fail_at_once_until_it_is_released(world: World, breaker: Any) -> None:
    """Whatever breaker is configured, for origins that were never called, too."""
    client = world.client(200, circuit_breaker=breaker)
    client.raw.circuit.isolate("maintenance")
    await world.sleep(100)
    for url in ("/x?secret", "http://other.test/"):
        error = await isolated(client, url)
        assert isinstance(error, CircuitOpenError)
        assert (error.reason, error.retry_after) == ("maintenance", None)
        assert (error.attempts, error.request_sent) == (0, False)
        assert "Circuit breaker is OPEN: isolated by hand: maintenance" in str(error)
        assert "secret" not in str(error)
    assert client.circuit_state is client.raw.circuit.state is ISOLATED
    assert client.stats().circuits["client"] == "isolated"
    assert client.wire.arrivals == []
    client.raw.circuit.release()
    await client.get()
    assert client.circuit_state is (None if breaker is None else CLOSED)


@BREAKERS
async def test_one_origin_can_be_isolated_alone(world: World, breaker: Any) -> None:
    """With or without its port, as statistics show it."""
    client = world.client(200, circuit_breaker=breaker)
    client.raw.circuit.isolate("maintenance", scope=BASE_URL)
    await isolated(client)
    await client.get("http://other.test/")
    assert client.stats().circuits["http://server.test:80"] == "isolated"
    assert client.circuit_state is ISOLATED
    client.raw.circuit.release("http://server.test:80")
    await client.get()


@pytest.mark.parametrize("scope", ["client", "origin"])
async def test_the_end_of_its_time_leads_to_a_probe(world: World, scope: str) -> None:
    """One, whose success closes the circuit."""
    heard: list[Any] = []
    settings = {**OPENS_AT_ONCE, "scope": scope}
    client = world.client(slow, circuit_breaker=settings, listeners=[heard.append])
    client.raw.circuit.isolate(
        "maintenance", scope=BASE_URL if scope == "origin" else None, seconds=60
    )
    await world.sleep(59)
    assert (await isolated(client)).retry_after == pytest.approx(1)
    await world.sleep(1)
    assert client.circuit_state is HALF_OPEN
    assert CircuitReleased not in set(map(type, heard)), "to look at it ends nothing"
    outcomes = await world.gather(client.get(), client.get(), client.get())
    assert [type(each) for each in outcomes].count(CircuitOpenError) == 2
    assert [type(each) for each in outcomes].count(httpx.Response) == 1
    assert client.circuit_state is CLOSED
    moved = [each for each in heard if hasattr(each, "scope")]
    assert [type(each) for each in moved] == [
        CircuitIsolated,
        CircuitReleased,
        CircuitHalfOpened,
        CircuitClosed,
    ]


async def test_without_a_circuit_its_time_simply_ends(world: World) -> None:
    """Nobody has to probe."""
    client = world.client(slow, circuit_breaker=None, bulkhead=None)
    client.raw.circuit.isolate("maintenance", seconds=60)
    await isolated(client)
    await world.sleep(60)
    assert client.circuit_state is None
    outcomes = await world.gather(client.get(), client.get())
    assert [type(each) for each in outcomes] == [httpx.Response] * 2


@BREAKERS
async def test_nothing_is_prepared_for_a_call_that_is_turned_away(
    world: World, breaker: Any
) -> None:
    """No slot is taken and no retry paid for; listeners hear what they hear of an open circuit."""
    heard: list[Any] = []
    client = world.client(200, circuit_breaker=breaker, listeners=[heard.append])
    client.raw.circuit.isolate("maintenance", seconds=60)
    del heard[:]
    with pytest.raises(CircuitIsolatedError) as caught:
        await client.get("/x", request_id="r")
    rejected, failed = heard
    assert (type(rejected), rejected.retry_after, rejected.request_id) == (CircuitRejected, 60, "r")
    assert (type(failed), failed.error, failed.attempts) == (OperationFailed, caught.value, 0)
    stats = client.stats()
    assert stats.rejections == {"circuit": 1}
    assert stats.failures == {"CircuitIsolatedError": 1}


@BREAKERS
async def test_who_queues_for_a_slot_is_turned_away_when_it_comes(
    world: World, breaker: Any
) -> None:
    """Nothing of it is sent."""
    client = world.client(slow, circuit_breaker=breaker, bulkhead={"max_concurrency": 1})
    first = world.start(client.get())
    await world.sleep(1)
    queued = world.start(client.get())
    await world.sleep(1)
    client.raw.circuit.isolate("maintenance")
    assert isinstance(await world.outcome(queued), CircuitIsolatedError)
    assert isinstance(await world.outcome(first), httpx.Response)
    assert len(client.wire.arrivals) == 1


@BREAKERS
async def test_a_call_under_way_makes_no_further_attempt(world: World, breaker: Any) -> None:
    """It ends with the error in hand, at once where it waits."""
    client = world.client(503, circuit_breaker=breaker and {}, retry={"max_attempts": 5})
    waiting = world.start(client.get())
    await world.sleep(0.1)
    client.raw.circuit.isolate("maintenance")
    error = await world.outcome(waiting)
    assert type(error).__name__ == "ServiceUnavailableError"
    assert "no other attempt was made: the circuit was isolated" in error.__notes__
    assert world.now() == pytest.approx(1000.1)
    assert len(client.wire.arrivals) == 1


async def test_a_retry_to_another_origin_goes_on(world: World) -> None:
    """Who waits is not woken before its time."""
    client = world.client([503, 200], retry={"jitter": False})
    waiting = world.start(client.get())
    await world.sleep(0.1)
    client.raw.circuit.isolate("maintenance", scope="http://other.test")
    assert (await waiting.result()).status_code == 200
    assert world.now() == 1002


async def test_the_outcome_of_a_probe_that_is_out_changes_nothing(world: World) -> None:
    """Good or bad, of a probe or of a call from before."""
    for answer in (200, 500):

        async def late(arrival: Arrival, answer: int = answer) -> int:
            await arrival.takes(5)
            return answer

        client = world.client([500, late, 200], retry=None, circuit_breaker=OPENS_AT_ONCE)
        with pytest.raises(ServerError):
            await client.get()
        await world.sleep(30)
        probe = world.start(client.get())
        await world.sleep(1)
        client.raw.circuit.isolate("maintenance")
        await world.outcome(probe)
        assert client.circuit_state is ISOLATED
        client.raw.circuit.release()
        assert client.circuit_state is CLOSED
        await client.get()


async def test_a_stream_is_turned_away_too(world: World) -> None:
    """Before it begins; one that is open is read to its end."""
    client = world.client(Answer(200, (b"a", b"b")))
    async with client.stream() as response:
        client.raw.circuit.isolate("maintenance")
        assert await client.read(response) == b"ab"
    with pytest.raises(CircuitIsolatedError):
        await client.streamed()


async def test_an_open_circuit_is_closed_by_a_release(world: World) -> None:
    """And by a reset, isolated or not."""
    client = world.client([500, 200, 500, 200], retry=None, circuit_breaker=OPENS_AT_ONCE)
    with pytest.raises(ServerError):
        await client.get()
    client.raw.circuit.isolate("maintenance")
    client.raw.circuit.release()
    await client.get()
    with pytest.raises(ServerError):
        await client.get()
    client.raw.circuit.reset()
    await client.get()


async def test_a_listener_may_isolate(world: World) -> None:
    """In the middle of the call that opened the circuit; everything is heard in its order."""
    heard: list[type] = []

    def listen(event: object) -> None:
        if isinstance(event, CircuitOpened):
            client.raw.circuit.isolate("opened once too often")
        if hasattr(event, "scope"):
            heard.append(type(event))

    client = world.client(500, retry=None, circuit_breaker=OPENS_AT_ONCE, listeners=[listen])
    with pytest.raises(ServerError):
        await client.get()
    assert (await isolated(client)).reason == "opened once too often"
    client.raw.circuit.reset()
    assert heard == [CircuitOpened, CircuitIsolated, CircuitReleased, CircuitClosed]


async def test_a_circuit_whose_break_is_over_shows_as_half_open(world: World) -> None:
    """In every reading, though nobody calls, and nothing is told of that."""
    heard: list[Any] = []
    client = world.client(
        [500, 200], retry=None, circuit_breaker=OPENS_AT_ONCE, listeners=[heard.append]
    )
    with pytest.raises(ServerError):
        await client.get()
    opened = world.wall_clock()
    await world.sleep(29)
    assert client.circuit_state is OPEN
    await world.sleep(1)
    del heard[:]
    assert client.circuit_state is HALF_OPEN
    assert client.stats().circuits == {"client": "half-open"}
    [stats] = client.raw.circuit.stats()
    assert (stats.state, stats.since, stats.last_error) == (HALF_OPEN, opened + 30, "ServerError")
    points = client.raw._session.engine.metrics.snapshot().points(CIRCUIT_STATE)
    assert {labels for labels, value in points.items() if value} == {("client", "half-open")}
    assert len(points) == 4
    assert heard == []
    await client.get()
    assert [type(each) for each in heard if hasattr(each, "scope")] == [
        CircuitHalfOpened,
        CircuitClosed,
    ]


@BREAKERS
@pytest.mark.parametrize("scope", [None, BASE_URL], ids=["all", "origin"])
async def test_who_queues_for_a_slot_is_turned_away_at_once(
    world: World, breaker: Any, scope: str | None
) -> None:
    """And not when the slot comes. Calls elsewhere wait for theirs."""
    recorder = EventRecorder(CircuitRejected, SlotWaited)
    client = world.client(
        slow,
        circuit_breaker=breaker,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 30},
        listeners=[recorder],
    )
    first = world.start(client.get())
    await world.sleep(1)
    queued = [world.start(isolated(client)) for _ in range(2)]
    other = world.start(client.get("http://other.test/"))
    await world.sleep(1)
    client.raw.circuit.isolate("maintenance", scope=scope, seconds=60)
    for task in queued:
        error = await task.result()
        assert (error.reason, error.attempts, error.request_sent) == ("maintenance", 0, False)
    if scope is None:
        assert isinstance(await world.outcome(other), CircuitIsolatedError)
    assert world.now() == 1002
    assert client.stats().slots_waiting == (0 if scope is None else 1)
    assert isinstance(await world.outcome(first), httpx.Response)
    await world.outcome(other)
    assert client.stats().rejections == {"circuit": 3 if scope is None else 2}
    gone, got = CircuitRejected.__name__, SlotWaited.__name__
    assert recorder.names == [gone, gone, gone if scope is None else got]


async def test_isolated_in_the_moment_in_which_a_slot_comes(world: World) -> None:
    """Nothing is sent, and nothing goes wrong in the event loop, which the world would notice."""

    @listens_to(OperationSucceeded)
    def isolate(_event: object, /) -> None:
        client.raw.circuit.isolate("maintenance")

    client = world.client(slow, bulkhead={"max_concurrency": 1}, listeners=[isolate])
    first = world.start(client.get())
    await world.sleep(1)
    queued = world.start(client.get())
    assert isinstance(await world.outcome(first), httpx.Response)
    assert isinstance(await world.outcome(queued), CircuitIsolatedError)
    assert len(client.wire.arrivals) == 1


async def test_who_queues_goes_on_where_it_is_released_at_once(world: World) -> None:
    """Nobody is turned away by what is over, and the patience is what it was."""
    client = world.client(slow, bulkhead={"max_concurrency": 1, "acquisition_timeout": 5.5})
    first = world.start(client.get())
    await world.sleep(1)
    queued = world.start(client.get())
    await world.sleep(1)
    late = world.start(client.get())
    await world.sleep(1)
    client.raw.circuit.isolate("by mistake")
    client.raw.circuit.release()
    for task in (first, queued):
        assert isinstance(await world.outcome(task), httpx.Response)
    error = await world.outcome(late)
    assert isinstance(error, PoolTimeoutError)
    assert error.elapsed == 5.5
    assert "came free within 5.5 s" in str(error)


async def test_isolated_from_another_thread_or_task(world: World) -> None:
    """While calls come and go: none is sent after that, and none is lost."""
    client = world.client(slow, bulkhead={"max_concurrency": 3})
    started: list[float] = []
    calls = [world.start(client.get()) for _ in range(9)]

    async def isolate() -> None:
        await world.sleep(7)
        client.raw.circuit.isolate("maintenance")
        started.append(world.now())

    await world.gather(isolate())
    outcomes = [await world.outcome(call) for call in calls]
    kinds = [type(each) for each in outcomes]
    assert kinds.count(httpx.Response) == 6
    assert kinds.count(CircuitIsolatedError) == 3
    assert len(client.wire.arrivals) == 6


async def test_a_closed_client_says_so(world: World) -> None:
    """That it is isolated as well matters no more."""
    client = world.client()
    client.raw.circuit.isolate("maintenance")
    await client.close()
    with pytest.raises(MyAPIError, match="the client is closed"):
        await client.get()


async def test_an_attempt_is_never_begun(world: World) -> None:
    """By whatever way a call comes."""
    heard: list[Any] = []
    client = world.client(listeners=[heard.append])
    client.raw.circuit.isolate("maintenance")
    for options in ({}, {"retry": None}, {"retry": {"max_attempts": 9}}, {"deadline": 5}):
        with suppress(CircuitIsolatedError):
            await client.get(**options)
    assert [each for each in heard if isinstance(each, AttemptStarted)] == []

"""What listeners are told: which events, in what order, with what in them."""

import logging
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, get_args
from unittest.mock import patch

import httpx
import pytest

from client import (
    CircuitOpenError,
    NotFoundError,
    PoolTimeoutError,
    ServerError,
    events,
)
from client.metrics.instruments import LISTENER_ERRORS
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World
from tests.unit.metrics.reading import Reading

EXACT = {"jitter": False}
OPENS_AT_ONCE = {"failure_threshold": 1}
ABOUT: dict[str, Any] = {"request_id": "r", "method": "GET", "url": "http://server.test/x"}
KINDS = get_args(events.Event)


def about(heard: list[Any]) -> dict[str, Any]:
    """What all events of the one operation say that was heard of."""
    [operation_id] = {event.operation_id for event in heard}
    assert re.fullmatch("[0-9a-f]{32}", operation_id)
    return {**ABOUT, "operation_id": operation_id}


def ended(**more: Any) -> events.AttemptEnded:
    """The end of a first attempt that took no time."""
    of_the_first: dict[str, Any] = {
        "attempt": 1,
        "target": "http://server.test",
        "seconds": 0,
        "error": None,
    }
    return events.AttemptEnded(**of_the_first | more)


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


async def test_a_healthy_call(world: World) -> None:
    """Admitted and answered; the URL is shown without its query."""
    heard: list[object] = []
    client = world.client(Answer(204), listeners=[heard.append], bulkhead={"max_concurrency": 5})
    response = await client.get("/x?secret", request_id="r")
    assert heard == [
        events.BulkheadAcquired(slots_left=4, **about(heard)),
        events.AttemptStarted(attempt=1, **about(heard)),
        ended(status_code=204, outcome="success", **about(heard)),
        events.OperationSucceeded(
            response=response, status_code=204, attempts=1, elapsed=0, **about(heard)
        ),
    ]


async def test_a_request_id_that_was_made(world: World) -> None:
    """Is told first."""
    heard: list[Any] = []
    client = world.client(listeners=[heard.append])
    await client.get("/x")
    assert isinstance(heard[0], events.RequestIdMade)
    assert heard[0] == events.RequestIdMade(**{**about(heard), "request_id": client.wire.ids[0]})


async def test_a_call_that_needs_retries(world: World) -> None:
    """Each wait is told before it begins, with the failure it follows."""
    heard: list[Any] = []
    times: list[float] = []

    def listen(event: object) -> None:
        heard.append(event)
        times.append(world.now() - 1000)

    client = world.client([503, httpx.ReadError, 200], listeners=[listen], retry=EXACT)
    response = await client.get("/x", request_id="r")
    _, *attempts, end = heard
    begun, over, (first, second) = attempts[::3], attempts[1::3], attempts[2::3]
    assert begun == [events.AttemptStarted(attempt=number, **about(heard)) for number in (1, 2, 3)]
    assert (first.attempt, first.max_attempts, first.wait) == (1, 3, 2)
    assert (second.attempt, second.max_attempts, second.wait) == (2, 3, 4)
    assert [type(event) for event in (first, second)] == [events.RetryScheduled] * 2
    assert first.error.status_code == first.response.status_code == 503
    assert second.response is None
    assert isinstance(second.error.__cause__, httpx.ReadError)
    assert (first.request_id, first.method, first.url) == ("r", "GET", "http://server.test/x")
    assert end == events.OperationSucceeded(
        response=response, status_code=200, attempts=3, elapsed=6, **about(heard)
    )
    assert [(each.attempt, each.outcome) for each in over] == [
        (1, "server_error"),
        (2, "network_error"),
        (3, "success"),
    ]
    assert [each.error for each in over] == [first.error, second.error, None]
    assert times == [0, 0, 0, 0, 2, 2, 2, 6, 6, 6]


async def test_a_retry_that_was_asked_for(world: World) -> None:
    """Has no failure to show but the asking."""
    heard: list[Any] = []
    retry = {"retry_if": lambda response, _error: response.status_code == 202}
    client = world.client([202, 200], listeners=[heard.append], retry=retry)
    await client.get()
    (scheduled,) = (event for event in heard if isinstance(event, events.RetryScheduled))
    assert isinstance(scheduled.error, ValueError)
    assert str(scheduled.error) == "retry_if asked for another attempt"


async def test_a_call_that_fails(world: World) -> None:
    """Is told with what the caller sees."""
    heard: list[Any] = []
    client = world.client(404, listeners=[heard.append])
    with pytest.raises(NotFoundError) as caught:
        await client.get("/x", request_id="r")
    assert heard[-1] == events.OperationFailed(
        error=caught.value, attempts=1, elapsed=0, **about(heard)
    )


async def test_a_call_that_queues(world: World) -> None:
    """How many were before it, and when it had its slot."""
    heard: list[Any] = []
    client = world.client(a_second, bulkhead={"max_concurrency": 1}, listeners=[heard.append])
    await world.gather(*(client.get("/x", request_id=name) for name in "abc"))
    waiting = [event for event in heard if isinstance(event, events.BulkheadWaiting)]
    assert [(event.request_id, event.waiting, event.limit) for event in waiting] == [
        ("b", 0, 1),
        ("c", 1, 1),
    ]
    acquired = [event for event in heard if isinstance(event, events.BulkheadAcquired)]
    assert [(event.request_id, event.slots_left) for event in acquired] == [
        ("a", 0),
        ("b", 0),
        ("c", 0),
    ]
    waited = [event for event in heard if isinstance(event, events.SlotWaited)]
    assert [event.request_id for event in waited] == ["b", "c"]
    assert [event.seconds for event in waited] == pytest.approx([1, 2])
    ends = [event for event in heard if isinstance(event, events.OperationSucceeded)]
    assert [event.elapsed for event in ends] == pytest.approx([1, 2, 3])


async def test_a_call_that_is_turned_away_by_the_bulkhead(world: World) -> None:
    """Waiting, rejection, failure."""
    heard: list[Any] = []
    client = world.client(
        a_second,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.25},
        listeners=[heard.append],
    )
    busy = world.start(client.get())
    await world.sleep(0.5)
    del heard[:]
    with pytest.raises(PoolTimeoutError) as caught:
        await client.get("/x", request_id="r")
    assert heard == [
        events.BulkheadWaiting(waiting=0, limit=1, **about(heard)),
        events.BulkheadRejected(timeout=0.25, **about(heard)),
        events.OperationFailed(error=caught.value, attempts=0, elapsed=0.25, **about(heard)),
    ]
    await busy.result()


async def test_the_life_of_a_circuit(world: World) -> None:
    """Opened, rejecting, half open, closed; each with the operation that moved it."""
    heard: list[Any] = []
    client = world.client(
        [500, 200],
        retry=None,
        bulkhead=None,
        circuit_breaker=OPENS_AT_ONCE,
        listeners=[heard.append],
    )
    with pytest.raises(ServerError) as failure:
        await client.get("/x", request_id="r")
    begun, over, opened, failed = heard
    assert [type(begun), type(over)] == [events.AttemptStarted, events.AttemptEnded]
    assert type(opened) is events.CircuitOpened
    assert (opened.failures, opened.recovery_timeout, opened.scope) == (1, 30, "client")
    assert type(opened.last_error) is ServerError
    assert (opened.request_id, opened.method, opened.url) == tuple(ABOUT.values())
    assert failed.error is failure.value
    del heard[:]
    await world.sleep(10)
    with pytest.raises(CircuitOpenError) as rejection:
        await client.get("/x", request_id="r")
    assert heard == [
        events.CircuitRejected(retry_after=20, **about(heard)),
        events.OperationFailed(error=rejection.value, attempts=0, elapsed=0, **about(heard)),
    ]
    del heard[:]
    await world.sleep(25)
    response = await client.get("/x", request_id="r")
    assert heard == [
        events.CircuitHalfOpened(scope="client", **about(heard)),
        events.AttemptStarted(attempt=1, **about(heard)),
        ended(status_code=200, outcome="success", **about(heard)),
        events.CircuitClosed(scope="client", open_seconds=35, **about(heard)),
        events.OperationSucceeded(
            response=response, status_code=200, attempts=1, elapsed=0, **about(heard)
        ),
    ]


async def test_an_open_circuit_turns_a_call_away_before_anything_is_taken(world: World) -> None:
    """No slot is asked for, though there are some."""
    heard: list[Any] = []
    client = world.client(
        [500], retry=None, circuit_breaker=OPENS_AT_ONCE, listeners=[heard.append]
    )
    with pytest.raises(ServerError):
        await client.get("/x", request_id="r")
    del heard[:]
    with pytest.raises(CircuitOpenError):
        await client.get("/x", request_id="r")
    assert [type(each) for each in heard] == [events.CircuitRejected, events.OperationFailed]


async def test_a_circuit_of_an_origin_is_named_by_it(world: World) -> None:
    """In its events too."""
    heard: list[Any] = []
    client = world.client(
        [500, 200],
        retry=None,
        circuit_breaker={**OPENS_AT_ONCE, "scope": "origin"},
        listeners=[heard.append],
    )
    await world.outcome(world.start(client.get()))
    await world.sleep(30)
    await client.get()
    scopes = [event.scope for event in heard if hasattr(event, "scope")]
    assert scopes == ["http://server.test:80"] * 3


async def test_only_the_probe_that_opens_it_half_tells_so(world: World) -> None:
    """Once per break."""
    heard: list[Any] = []
    client = world.client(
        [500, 200, 200],
        retry=None,
        circuit_breaker={**OPENS_AT_ONCE, "success_threshold": 2},
        listeners=[heard.append],
    )
    await world.outcome(world.start(client.get()))
    await world.sleep(30)
    await client.get()
    await client.get()
    kinds = [type(event) for event in heard if hasattr(event, "scope")]
    assert kinds == [events.CircuitOpened, events.CircuitHalfOpened, events.CircuitClosed]


async def test_a_listener_that_raises_harms_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, the other listeners hear the event, and the call goes on."""
    heard: list[object] = []

    def raises(event: object) -> None:
        raise LookupError("bug in a listener")

    reading = Reading()
    client = world.client([503, 200], listeners=[raises, heard.append], telemetry=[reading])
    response = await client.get()
    assert response.status_code == 200
    assert len(heard) == 8
    logged = [record for record in caplog.records if record.name == "resilient_client"]
    assert [record.getMessage() for record in logged] == [
        "a listener raised on RequestIdMade",
        "a listener raised on BulkheadAcquired",
        "a listener raised on AttemptStarted",
        "a listener raised on AttemptEnded",
        "a listener raised on RetryScheduled",
        "a listener raised on AttemptStarted",
        "a listener raised on AttemptEnded",
        "a listener raised on OperationSucceeded",
    ]
    assert all(record.exc_info and record.exc_info[0] is LookupError for record in logged)
    [(labels, count)] = reading.counts(LISTENER_ERRORS).items()
    assert (labels[0].rpartition(".")[2], count) == ("raises", 8)


async def test_a_listener_may_name_what_it_wants(world: World) -> None:
    """In `listens_to`."""

    class Picky:
        listens_to = frozenset({events.OperationSucceeded})

        def __init__(self) -> None:
            self.heard: list[object] = []

        def __call__(self, event: events.Event, /) -> None:
            self.heard.append(event)

    picky = Picky()
    client = world.client([503, 200], listeners=[picky])
    await client.get()
    assert [type(event) for event in picky.heard] == [events.OperationSucceeded]


async def test_without_a_listener_no_record_is_built(world: World) -> None:
    """An event that nobody hears costs nothing."""
    client = world.client(
        [500, 200, 500, a_second, a_second, a_second],
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1.5},
        circuit_breaker=OPENS_AT_ONCE,
        retry=EXACT,
        logging={"level": "CRITICAL"},
    )
    built: list[str] = []

    def build(name: str) -> Callable[..., None]:
        return lambda _self, **_: built.append(name)

    with ExitStack() as patches:
        for kind in KINDS:
            patches.enter_context(patch.object(kind, "__init__", build(kind.__name__)))
        await client.get()
        with pytest.raises(ServerError):
            await client.get(retry=None)
        with pytest.raises(CircuitOpenError):
            await client.get()
        await world.sleep(30)
        outcomes = await world.gather(client.get(), client.get(), client.get())
    assert isinstance(outcomes[2], PoolTimeoutError)
    assert client.circuit_state == "closed"
    assert built == []


async def test_what_is_logged_is_told_without_listeners(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The log is a listener like others, and always there."""
    caplog.set_level(logging.DEBUG, "resilient_client")
    client = world.client([500, 200], logging={"level": "DEBUG"}, retry=EXACT)
    await client.get("/x?secret", request_id="r")
    logged = [record.getMessage() for record in caplog.records if record.name == "resilient_client"]
    assert [line.split()[0] for line in logged] == ["event='bulkhead", "event='retry'"]
    assert all("request_id='r'" in line and "secret" not in line for line in logged)

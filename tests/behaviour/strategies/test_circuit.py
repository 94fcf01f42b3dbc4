"""The circuit: it opens on failing operations, fails fast, and lets one probe find out."""

import ssl
from typing import Any

import httpx
import pybreaker
import pytest

from client import (
    APIConnectionError,
    APINetworkError,
    CircuitOpenError,
    CircuitState,
    InvalidRequestError,
    NotFoundError,
    PoolTimeoutError,
    ServerError,
    ServiceUnavailableError,
    TLSVerificationError,
)
from client.events import CircuitOpened
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import Caller, World

OPEN, HALF_OPEN, CLOSED = CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED
OPENS_AT_ONCE = {"failure_threshold": 1}


async def fail(client: Caller, times: int = 1) -> None:
    """Let operations fail, each for good."""
    for _ in range(times):
        with pytest.raises(APIConnectionError):
            await client.get()


async def opened(world: World, *then: object, **settings: object) -> Caller:
    """A client whose circuit has just opened on a 500; `then` is what the server does next."""
    client = world.client([500, *then], retry=None, circuit_breaker={**OPENS_AT_ONCE, **settings})
    await fail(client)
    assert client.circuit_state is OPEN
    return client


async def test_three_failures_and_the_fourth_call_fails_fast(world: World) -> None:
    """With a threshold of three, whatever number of attempts each operation made."""
    client = world.client(500, circuit_breaker={"failure_threshold": 3})
    for _ in range(3):
        assert client.circuit_state is CLOSED
        with pytest.raises(ServerError) as caught:
            await client.get()
        assert not isinstance(caught.value, CircuitOpenError)
    assert len(client.wire.arrivals) == 9
    before = world.now()
    with pytest.raises(CircuitOpenError, match="Circuit breaker is OPEN"):
        await client.get()
    assert world.now() == before
    assert len(client.wire.arrivals) == 9


async def test_a_rejection_tells_when_and_why(world: World) -> None:
    """And is an error of the tree like others."""
    client = await opened(world)
    await world.sleep(12)
    with pytest.raises(CircuitOpenError) as caught:
        await client.request("PUT", "/x?a=b", request_id="r")
    error = caught.value
    assert str(error) == (
        "PUT http://server.test/x failed: Circuit breaker is OPEN: a probe may go in 18 s; "
        "it opened on ServerError (request id r)"
    )
    assert error.retry_after == pytest.approx(18)
    assert type(error.last_error) is ServerError
    assert error.last_error.status_code == 500
    assert (error.last_error.response, error.last_error.__traceback__) == (None, None)
    assert (error.attempts, error.request_sent, error.elapsed) == (0, False, 0)
    assert isinstance(error, APIConnectionError)
    assert client.stats().rejections == {"circuit": 1}


async def test_an_origin_s_circuit_opens_on_its_first_failure(world: World) -> None:
    """Which says so, though there was no circuit before it."""
    heard: list[Any] = []
    breaker = {**OPENS_AT_ONCE, "scope": "origin"}
    client = world.client(503, retry=None, circuit_breaker=breaker, listeners=[heard.append])
    with pytest.raises(ServiceUnavailableError):
        await client.get(request_id="first")
    with pytest.raises(CircuitOpenError, match="it opened on ServiceUnavailableError"):
        await client.get()
    [event] = [each for each in heard if isinstance(each, CircuitOpened)]
    assert (event.request_id, type(event.last_error)) == ("first", ServiceUnavailableError)


async def test_a_circuit_opened_by_hand_has_no_cause(world: World) -> None:
    """Nothing is said of one."""
    storage = pybreaker.CircuitMemoryStorage("closed")
    client = world.client(200, circuit_breaker={"storage": lambda _scope: storage})
    storage.state = "open"
    with pytest.raises(CircuitOpenError, match=r"go in 30 s \(request id r\)$") as caught:
        await client.get(request_id="r")
    assert caught.value.last_error is None


async def test_only_failures_in_a_row_count(world: World) -> None:
    """A success between them starts the count anew, and so does an answer like 404."""
    client = world.client(
        [500, 500, 200, 500, 500, 404, 500, 500, 500],
        retry=None,
        circuit_breaker={"failure_threshold": 3},
    )
    await fail(client, 2)
    await client.get()
    await fail(client, 2)
    with pytest.raises(NotFoundError):
        await client.get()
    await fail(client, 2)
    assert client.circuit_state is CLOSED
    await fail(client)
    assert client.circuit_state is OPEN


async def test_a_retry_that_succeeds_is_a_success(world: World) -> None:
    """One operation is one outcome."""
    client = world.client([500, 500, 200], circuit_breaker=OPENS_AT_ONCE)
    await client.get()
    assert client.circuit_state is CLOSED


async def test_after_the_break_one_probe_closes_it(world: World) -> None:
    """Not a moment sooner."""
    client = await opened(world, 200, 200)
    await world.sleep(29.9)
    await rejected(client)
    await world.sleep(0.1)
    await client.get()
    assert client.circuit_state is CLOSED
    await client.get()


async def rejected(client: Caller) -> CircuitOpenError:
    """A call that the circuit turns away."""
    with pytest.raises(CircuitOpenError) as caught:
        await client.get()
    return caught.value


async def test_a_failed_probe_opens_it_again(world: World) -> None:
    """For another whole break."""
    client = await opened(world, 503, 200)
    await world.sleep(30)
    await fail(client)
    assert client.circuit_state is OPEN
    error = await rejected(client)
    assert error.retry_after == 30
    assert isinstance(error.last_error, ServiceUnavailableError)
    await world.sleep(30)
    await client.get()
    assert client.circuit_state is CLOSED


async def test_one_probe_however_many_wait(world: World) -> None:
    """The others are turned away at once, and told that a probe is out."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    client = await opened(world, slow)
    await world.sleep(30)
    outcomes = await world.gather(*(client.get() for _ in range(20)))
    answers = [outcome for outcome in outcomes if isinstance(outcome, httpx.Response)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, CircuitOpenError)]
    assert (len(answers), len(errors)) == (1, 19)
    assert len(client.wire.arrivals) == 2
    assert {error.retry_after for error in errors} == {0.0}
    assert all("Circuit breaker is OPEN: a probe is out;" in str(error) for error in errors)
    assert world.now() == 1035


async def test_several_probes_where_that_is_asked_for(world: World) -> None:
    """`half_open_max_calls` of them, and `success_threshold` successes close it."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    client = await opened(world, slow, slow, slow, half_open_max_calls=3, success_threshold=3)
    await world.sleep(30)
    tasks = [world.start(client.get()) for _ in range(5)]
    await world.sleep(1)
    assert client.circuit_state is HALF_OPEN
    outcomes = [await world.outcome(task) for task in tasks]
    assert sum(isinstance(outcome, httpx.Response) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, CircuitOpenError) for outcome in outcomes) == 2
    assert client.circuit_state is CLOSED


async def test_it_stays_half_open_until_enough_probes_succeeded(world: World) -> None:
    """One after the other."""
    client = await opened(world, 200, 200, success_threshold=2)
    await world.sleep(30)
    await client.get()
    assert client.circuit_state is HALF_OPEN
    await client.get()
    assert client.circuit_state is CLOSED


async def test_a_cancelled_probe_gives_its_permit_back(world: World) -> None:
    """It says nothing about the server: the next call is the probe."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    client = await opened(world, slow, 200)
    await world.sleep(30)
    probe = world.start(client.get())
    await world.sleep(1)
    await rejected(client)
    probe.cancel()
    with pytest.raises(world.cancellation):
        await probe.result()
    assert client.circuit_state is HALF_OPEN
    await client.get()
    assert client.circuit_state is CLOSED


async def test_a_probe_that_sent_nothing_gives_its_permit_back(world: World) -> None:
    """A URL that httpx refuses, a bug in the call, a refused certificate."""
    refusal = httpx.ConnectError("x")
    refusal.__cause__ = ssl.SSLCertVerificationError("x")
    client = await opened(world, httpx.UnsupportedProtocol, LookupError, refusal, 200)
    await world.sleep(30)
    for kind in (InvalidRequestError, LookupError, TLSVerificationError):
        with pytest.raises(kind):
            await client.get()
        assert client.circuit_state is HALF_OPEN
    await client.get()
    assert client.circuit_state is CLOSED


async def test_an_error_status_closes_it_where_it_does_not_count(world: World) -> None:
    """A 404 is an answer: the server is there."""
    client = await opened(world, 404)
    await world.sleep(30)
    with pytest.raises(NotFoundError):
        await client.get()
    assert client.circuit_state is CLOSED


async def test_what_began_before_it_opened_changes_nothing(world: World) -> None:
    """Late failures do not push the break on, late successes do not close it."""

    async def late_failure(arrival: Arrival) -> int:
        await arrival.takes(10)
        return 500

    async def late_success(arrival: Arrival) -> int:
        await arrival.takes(11)
        return 200

    client = world.client(
        [late_failure, late_success, 500, 200], retry=None, circuit_breaker=OPENS_AT_ONCE
    )
    late = [world.start(client.get()), world.start(client.get())]
    await world.sleep(1)
    await fail(client)
    for task in late:
        await world.outcome(task)
    assert client.circuit_state is OPEN
    assert (await rejected(client)).retry_after == pytest.approx(20)
    await world.sleep(20)
    await client.get()
    assert client.circuit_state is CLOSED


async def test_cancellations_do_not_count(world: World) -> None:
    """However many."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    client = world.client(slow, circuit_breaker=OPENS_AT_ONCE)
    for _ in range(3):
        task = world.start(client.get())
        await world.sleep(1)
        task.cancel()
        await world.outcome(task)
    assert client.circuit_state is CLOSED


async def test_rejections_are_neither_counted_nor_retried(world: World) -> None:
    """Otherwise an open circuit would keep itself open, and callers waiting."""
    client = world.client([500, 200], retry=None, circuit_breaker=OPENS_AT_ONCE)
    await fail(client)
    for _ in range(10):
        with pytest.raises(CircuitOpenError) as caught:
            await client.get(retry={"max_attempts": 5, "statuses": [500]})
        assert caught.value.retry_after == 30
    assert world.now() == 1000
    await world.sleep(30)
    await client.get()


async def test_a_full_bulkhead_does_not_count(world: World) -> None:
    """It is ours, not the server's."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 200

    client = world.client(
        slow,
        circuit_breaker=OPENS_AT_ONCE,
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 1},
    )
    busy = world.start(client.get())
    await world.sleep(1)
    for _ in range(2):
        with pytest.raises(PoolTimeoutError):
            await client.get()
    assert client.circuit_state is CLOSED
    await busy.result()


@pytest.mark.parametrize(
    ("expected", "steps", "state"),
    [
        (ServerError, [httpx.ReadError, 429, 404, 200], CLOSED),
        (ServerError, [503], OPEN),
        ((APINetworkError, NotFoundError), [500, 429, 200], CLOSED),
        ((APINetworkError, NotFoundError), [404], OPEN),
        ((APINetworkError, NotFoundError), [httpx.WriteError], OPEN),
        (LookupError, [LookupError], OPEN),
        (LookupError, [ValueError, 500], CLOSED),
    ],
)
async def test_expected_exception_says_what_counts(
    world: World, expected: object, steps: list[object], state: CircuitState
) -> None:
    """One class or several; foreign ones too."""
    client = world.client(
        steps,
        retry=None,
        circuit_breaker={**OPENS_AT_ONCE, "expected_exception": expected},
    )
    for _ in steps:
        await world.outcome(world.start(client.get()))
    assert client.circuit_state is state


async def test_one_circuit_per_origin(world: World) -> None:
    """A dead origin does not take the others along; the client's state is the worst of them."""

    async def by_host(arrival: Arrival) -> int:
        return 500 if arrival.request.url.host == "dead.test" else 200

    client = world.client(by_host, retry=None, circuit_breaker={**OPENS_AT_ONCE, "scope": "origin"})
    assert client.circuit_state is CLOSED
    await client.get("http://live.test/a")
    assert client.circuit_state is CLOSED
    with pytest.raises(ServerError):
        await client.get("http://dead.test/a")
    with pytest.raises(CircuitOpenError):
        await client.get("http://dead.test:80/b")
    await client.get("http://live.test/b")
    await client.get("http://live.test:8080/b")
    assert client.circuit_state is OPEN
    # What never failed has no circuit yet.
    assert client.stats().circuits == {"http://dead.test:80": "open"}
    await world.sleep(30)
    with pytest.raises(ServerError):
        await client.get("http://dead.test/")


async def test_a_half_open_origin_shows(world: World) -> None:
    """Between open and closed."""
    client = await opened(world, 200, scope="origin", success_threshold=2)
    await world.sleep(30)
    await client.get()
    assert client.circuit_state is HALF_OPEN


async def test_without_a_circuit_nobody_is_turned_away(world: World) -> None:
    """`circuit_breaker=None` switches the layer off."""
    client = world.client(500, retry=None, circuit_breaker=None)
    await fail(client, 20)
    assert client.circuit_state is None
    assert client.stats().circuits == {}
    assert len(client.wire.arrivals) == 20


async def test_a_share_of_failures_can_open_it(world: World) -> None:
    """`failure_rate`, over the operations of a window."""
    client = world.client(
        [200, 500, 200, 500],
        retry=None,
        circuit_breaker={"failure_rate": 0.5, "minimum_calls": 4},
    )
    for _ in range(4):
        await world.outcome(world.start(client.get()))
    assert client.circuit_state is OPEN


async def test_a_stream_moves_it_when_it_ends(world: World) -> None:
    """Its probe is out until then."""
    client = await opened(world, Answer(200, (b"x",)))
    await world.sleep(30)
    async with client.stream() as response:
        assert client.circuit_state is HALF_OPEN
        await rejected(client)
        await client.read(response)
    assert client.circuit_state is CLOSED

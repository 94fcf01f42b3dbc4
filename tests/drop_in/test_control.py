"""Isolated by hand: drop-in clients and transports, with a circuit, a shared one, or none."""

import asyncio
import gc
import pickle
import threading
import weakref
from typing import Any

import pytest

from client import CircuitBreaker, CircuitIsolatedError, CircuitOpenError, CircuitState
from client.events import (
    CircuitClosed,
    CircuitHalfOpened,
    CircuitIsolated,
    CircuitOpened,
    CircuitReleased,
)
from client.metrics.instruments import CIRCUIT_TRANSITIONS
from tests.drop_in.kits import URL, Face, Kit
from tests.eventually import PATIENCE_SECONDS

ISOLATED, HALF_OPEN, CLOSED = CircuitState.ISOLATED, CircuitState.HALF_OPEN, CircuitState.CLOSED


async def isolated(client: Face, **options: Any) -> Any:
    """The error of a call that is turned away."""
    with pytest.raises(CircuitIsolatedError) as caught:
        await client.get(URL, **options)
    return caught.value


async def test_a_client_without_a_circuit(kit: Kit) -> None:
    """Turns calls away with an error of httpx, and of the tree, that travels."""
    client = kit.client(200)
    assert client.circuit.state is None
    client.circuit.isolate("maintenance", seconds=60)
    error = await isolated(client)
    assert isinstance(error, kit.error("TransportError"))
    assert issubclass(CircuitIsolatedError, CircuitOpenError)
    assert (type(error).__name__, error.reason, error.retry_after) == (
        "CircuitIsolatedError",
        "maintenance",
        60,
    )
    assert isinstance(error.request, kit.module.Request)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (type(again), again.reason) == (type(error), "maintenance")
    assert client.stats().circuits == {"client": "isolated"}
    kit.clock.now += 60
    assert (await client.get(URL)).status_code == 200
    assert client.circuit.states == {}


async def test_a_stream_and_an_override_are_turned_away(kit: Kit) -> None:
    """By whatever way a call comes; one with a circuit of its own heeds both."""
    client, other = kit.client(200), CircuitBreaker(name="other")
    client.circuit.isolate("maintenance")
    await isolated(client, max_retries=0)
    await isolated(client, circuit_breaker=other)
    with pytest.raises(CircuitIsolatedError):
        async with client.stream():
            pass
    client.circuit.release()
    other.isolate("the other")
    assert (await isolated(client, circuit_breaker=other)).reason == "the other"
    await client.get(URL)
    other.release()
    await client.get(URL, circuit_breaker=other)
    assert len(client._transport.arrivals) == 2


@pytest.mark.parametrize("isolated_one", ["client", "call"])
async def test_a_call_with_a_circuit_of_its_own_makes_no_further_attempt(
    kit: Kit, isolated_one: str
) -> None:
    """Whichever of the two is isolated."""
    breaker = CircuitBreaker()

    def isolate(_request: Any) -> int:
        (client.circuit if isolated_one == "client" else breaker).isolate("maintenance")
        return 503

    client = kit.client(isolate)
    assert (await client.get(URL, circuit_breaker=breaker)).status_code == 503
    assert len(client._transport.arrivals) == 1
    assert kit.clock.waits == []


async def test_a_circuit_isolated_through_one_client_is_so_for_all(kit: Kit) -> None:
    """And through itself; its state is the same everywhere."""
    breaker = CircuitBreaker(name="payments")
    one, other = (kit.client(200, circuit_breaker=breaker) for _ in range(2))
    one.circuit.isolate("maintenance")
    await isolated(other)
    assert breaker.state is other.circuit.state is ISOLATED
    assert other.stats().circuits == {"payments": "isolated"}
    breaker.release()
    await one.get(URL)
    breaker.isolate("again", scope=URL)
    await isolated(one)
    assert breaker.state is CLOSED
    other.circuit.reset()
    await one.get(URL)


async def test_its_end_leads_to_a_probe(kit: Kit) -> None:
    """As after a break."""
    breaker = CircuitBreaker(success_threshold=2)
    client = kit.client(200, circuit_breaker=breaker)
    breaker.isolate("maintenance", seconds=60)
    kit.clock.now += 60
    assert breaker.state is HALF_OPEN
    await client.get(URL)
    assert breaker.state is HALF_OPEN
    await client.get(URL)
    assert breaker.state is CLOSED


async def test_every_client_hears_of_the_circuit_they_share(kit: Kit) -> None:
    """Each under its own name; only who moved it with the call that did."""
    breaker = CircuitBreaker(1, 60)
    heard: dict[str, list[Any]] = {"one": [], "other": []}
    one = kit.client(
        "ConnectError",
        circuit_breaker=breaker,
        name="one",
        listeners=[heard["one"].append],
        max_retries=0,
    )
    other = kit.client(
        200, circuit_breaker=breaker, name="other", listeners=[heard["other"].append]
    )
    await kit.outcome(one.get(URL, headers={"X-Request-ID": "r"}))
    kit.clock.now += 60
    await other.get(URL)
    breaker.isolate("maintenance")
    breaker.release()
    for name, told in heard.items():
        moved = [each for each in told if hasattr(each, "scope")]
        assert [type(each) for each in moved] == [
            CircuitOpened,
            CircuitHalfOpened,
            CircuitClosed,
            CircuitIsolated,
            CircuitReleased,
            CircuitClosed,
        ]
        assert {each.client for each in moved} == {name}
        own = 1 if name == "one" else 2
        assert [each.url is not None for each in moved].count(True) == own
    opened = heard["one"][2] if isinstance(heard["one"][2], CircuitOpened) else heard["one"][3]
    assert (opened.request_id, opened.method, opened.cause) == ("r", "GET", "local")
    for client in (one, other):
        counted = client._drop_in._engine.metrics.snapshot().counts(CIRCUIT_TRANSITIONS)
        assert counted == {
            ("circuit", "open", "local"): 1,
            ("circuit", "half-open", "local"): 1,
            ("circuit", "closed", "local"): 1,
            ("circuit", "isolated", "manual"): 1,
            ("circuit", "closed", "manual"): 1,
        }


async def test_a_call_s_own_circuit_is_told_to_its_client(kit: Kit) -> None:
    """Though it shares it with nobody; counted among others, for there may be many."""
    heard: list[Any] = []
    client = kit.client("ConnectError", listeners=[heard.append], max_retries=0)
    await kit.outcome(client.get(URL, circuit_breaker=CircuitBreaker(1, name="own")))
    [opened] = [each for each in heard if isinstance(each, CircuitOpened)]
    assert (opened.scope, opened.url) == ("own", URL)
    counted = client._drop_in._engine.metrics.snapshot().counts(CIRCUIT_TRANSITIONS)
    assert counted == {("_OTHER", "open", "local"): 1}


async def test_a_client_that_is_gone_or_closed_is_told_nothing(kit: Kit) -> None:
    """The circuit keeps none alive."""
    breaker, heard = CircuitBreaker(), list[Any]()
    real = kit.ours_of(circuit_breaker=breaker, listeners=[heard.append], verify=False)
    gone = weakref.ref(real._drop_in)
    del real
    gc.collect()
    assert gone() is None
    client = kit.client(200, circuit_breaker=breaker, listeners=[heard.append])
    breaker.isolate("maintenance")
    assert len(heard) == 1
    await client.close()
    breaker.release()
    assert len(heard) == 1


async def test_a_transport_is_steered_alike(kit: Kit) -> None:
    """In any client."""
    kind = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    transport = getattr(kit.ours, kind)(kit.wire(200))
    client = kit.face(kit.theirs_of(transport=transport))
    transport.circuit.isolate("maintenance")
    await isolated(client)
    transport.circuit.release()
    assert (await client.get(URL)).status_code == 200


def test_worlds_and_threads_hear_in_one_order() -> None:
    """An async and a blocking client share a circuit, which a thread isolates and releases."""
    breaker, at_once = CircuitBreaker(1, 0), threading.Barrier(3)
    blocking = _Side(Kit("httpx", is_async=False), breaker)
    waiting = _Side(Kit("httpx2", is_async=True), breaker)

    def steer() -> None:
        at_once.wait(PATIENCE_SECONDS)
        for _ in range(20):
            breaker.isolate("maintenance")
            breaker.release()

    def call() -> None:
        at_once.wait(PATIENCE_SECONDS)
        for _ in range(20):
            _outcome_of(blocking.client)

    async def call_async() -> None:
        at_once.wait(PATIENCE_SECONDS)
        for _ in range(20):
            await waiting.kit.outcome(waiting.client.get(URL))
        await waiting.client.aclose()

    threads = [threading.Thread(target=each) for each in (steer, call)]
    for thread in threads:
        thread.start()
    asyncio.run(call_async())
    for thread in threads:
        thread.join()
    blocking.client.close()
    for side in (blocking, waiting):
        _check_story([type(each) for each in side.heard if hasattr(each, "scope")])


class _Side:
    """A client of one world, and what its listener hears."""

    def __init__(self, kit: Kit, breaker: CircuitBreaker) -> None:
        self.kit = kit
        self.heard: list[Any] = []
        self.client = kit.ours_of(
            transport=kit.wire("ConnectError", 200),
            circuit_breaker=breaker,
            listeners=[self.heard.append],
            max_retries=0,
        )


def _outcome_of(client: Any) -> Any:
    try:
        return client.get(URL)
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error


def _check_story(moved: list[type]) -> None:
    """What is told follows from what was told before."""
    before = {
        CircuitOpened: {"closed", "half-open"},
        CircuitHalfOpened: {"open", "released"},
        CircuitClosed: {"open", "half-open", "released"},
        CircuitIsolated: {"closed", "open", "half-open", "isolated"},
        CircuitReleased: {"isolated"},
    }
    after = {
        CircuitOpened: "open",
        CircuitHalfOpened: "half-open",
        CircuitClosed: "closed",
        CircuitIsolated: "isolated",
        CircuitReleased: "released",
    }
    state = "closed"
    for kind in moved:
        assert state in before[kind], (state, kind)
        state = after[kind]

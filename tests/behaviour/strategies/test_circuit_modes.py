"""A circuit that only observes, one that is off, and circuits that go by other settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from client import (
    APIConnectionError,
    CircuitIsolatedError,
    CircuitOpenError,
    CircuitState,
    ServerError,
)
from client.events import CircuitClosed, CircuitOpened, CircuitRejected, WouldReject
from client.metrics.instruments import CIRCUIT_STATE, REJECTIONS
from client.metrics.strategy_instruments import WOULD_REJECT
from client.testing import EventRecorder
from tests.behaviour.world import BASE_URL
from tests.unit.metrics.reading import Reading

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

TARGET = "http://server.test"
OTHER = "http://other.test"
OPENS_AT_ONCE = {"failure_threshold": 1, "recovery_timeout": 30}
OPEN, HALF_OPEN, CLOSED = CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED


async def fail(client: Caller, times: int = 1, **options: Any) -> None:
    """Let operations fail, each at the server."""
    for _ in range(times):
        with pytest.raises(ServerError) as caught:
            await client.get(**options)
        assert not isinstance(caught.value, CircuitOpenError)


def observing(world: World, server: Any, **options: Any) -> Caller:
    """A client whose circuit opens at once and turns nobody away."""
    circuit = {**OPENS_AT_ONCE, "mode": "observe"}
    return world.client(server, **{"retry": None, "circuit_breaker": circuit, **options})


async def test_who_observes_lets_everybody_in_and_tells_of_it(world: World) -> None:
    """It opens, and half opens, as it would."""
    reading = Reading()
    recorder = EventRecorder(WouldReject, CircuitOpened, CircuitClosed, CircuitRejected)
    client = observing(world, [500, 500, 200, 200], listeners=[recorder], telemetry=[reading])
    await fail(client, 2, request_id="order-1")
    assert client.circuit_state is OPEN
    assert (await client.get()).status_code == 200
    assert client.circuit_state is OPEN
    await world.sleep(30)
    assert (await client.get()).status_code == 200
    assert client.circuit_state is CLOSED
    assert recorder.names == ["CircuitOpened", "WouldReject", "WouldReject", "CircuitClosed"]
    would = recorder.of(WouldReject)[0]
    assert (would.by, would.wait, would.request_id) == ("circuit", None, "order-1")
    assert reading.points(WOULD_REJECT) == {(TARGET, "circuit"): 2}
    assert reading.points(REJECTIONS) == {}
    assert client.stats().rejections == {}


async def test_observing_without_a_listener_counts(world: World) -> None:
    """In the metrics."""
    reading = Reading()
    client = observing(world, 500, telemetry=[reading], logging={"level": "ERROR"})
    await fail(client, 3)
    assert reading.points(WOULD_REJECT) == {(TARGET, "circuit"): 2}


async def test_what_it_would_have_turned_away_says_nothing(world: World) -> None:
    """Neither its failures nor its successes: such calls would not have been made."""
    client = observing(world, [500, 500, 200, 500])
    await fail(client, 2)
    await world.sleep(29)
    assert (await client.get()).status_code == 200
    assert client.circuit_state is OPEN
    await world.sleep(1)
    assert client.circuit_state is HALF_OPEN
    await fail(client)
    assert client.circuit_state is OPEN


async def test_beside_a_probe_all_others_would_wait(world: World) -> None:
    """Each is told of, and none does."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(1)
        return 200 if arrival.at >= 1031 else 500

    recorder = EventRecorder(WouldReject)
    client = observing(world, slow, listeners=[recorder])
    await fail(client)
    await world.sleep(30)
    assert {each.status_code for each in await world.gather(*(client.get() for _ in range(3)))} == {
        200
    }
    assert (len(recorder), world.now()) == (2, 1032)
    assert client.circuit_state is CLOSED


async def test_retries_go_on_where_it_only_observes(world: World) -> None:
    """Of a call that it would have ended when it opened, and of what would have been a probe."""
    retry = {"max_attempts": 3, "jitter": False}
    client = observing(world, [500] * 9 + [200], retry=retry)
    other = world.start(client.get(request_id="other"))
    await fail(client)
    assert isinstance(await world.outcome(other), ServerError)
    assert (client.circuit_state, client.wire.ids.count("other")) == (OPEN, 3)
    await world.sleep(30)
    await fail(client)
    assert len(client.wire.arrivals) == 9


async def test_isolated_by_hand_it_keeps_everybody_out(world: World) -> None:
    """Whoever does that means it; its state is seen, and ended, as ever."""
    client = observing(world, 200)
    client.raw.circuit.isolate("maintenance")
    with pytest.raises(CircuitIsolatedError):
        await client.get()
    assert client.raw.health()["reasons"] == ["the circuit of client is isolated"]
    assert client.raw.health(ready_requires=[TARGET])["ready"] is False
    client.raw.circuit.release()
    assert (await client.get()).status_code == 200


async def test_a_client_whose_circuit_only_observes_stays_ready(world: World) -> None:
    """All its calls go through."""
    client = observing(world, 500)
    await fail(client)
    health = client.raw.health(ready_requires=[TARGET])
    assert (health["ready"], health["status"]) == (True, "degraded")
    assert health["reasons"] == ["the circuit of client, which only observes, is open"]
    client.raw.reconfigure(circuit_breaker={"mode": "enforce"})
    health = client.raw.health(ready_requires=[TARGET])
    assert (health["ready"], health["reasons"]) == (False, ["the circuit of client is open"])


@pytest.mark.parametrize("scope", ["client", "origin"])
async def test_what_was_observed_can_be_enforced(world: World, scope: str) -> None:
    """With all that was seen."""
    client = observing(world, 500, circuit_breaker={**OPENS_AT_ONCE, "mode": "observe"})
    client.raw.reconfigure(circuit_breaker={"scope": scope})
    await fail(client, 2)
    client.raw.reconfigure(circuit_breaker={"mode": "enforce"})
    with pytest.raises(CircuitOpenError) as caught:
        await client.get()
    assert caught.value.retry_after == 30
    client.raw.reconfigure(circuit_breaker={"mode": "observe"})
    await fail(client)


async def test_switched_off_it_is_not_there(world: World) -> None:
    """Nowhere; but by hand it can be isolated, as without one."""
    reading = Reading()
    circuit = {**OPENS_AT_ONCE, "mode": "off"}
    client = world.client(500, retry=None, circuit_breaker=circuit, telemetry=[reading])
    await fail(client, 3)
    assert client.circuit_state is None
    assert (client.stats().circuits, client.raw.health()["status"]) == ({}, "ok")
    assert reading.points(CIRCUIT_STATE) == {}
    client.raw.circuit.isolate("maintenance")
    assert client.raw.circuit_state is CircuitState.ISOLATED
    with pytest.raises(CircuitIsolatedError):
        await client.get()
    client.raw.circuit.release()
    await fail(client)


@pytest.mark.parametrize("off", [None, {"mode": "off"}], ids=["none", "off"])
async def test_an_open_circuit_can_be_switched_off(world: World, off: object) -> None:
    """And on again: new where there was none, else as it was."""
    client = world.client(500, retry=None, circuit_breaker=OPENS_AT_ONCE)
    await fail(client)
    client.raw.reconfigure(circuit_breaker=off)
    await fail(client, 2)
    assert (client.circuit_state, client.raw.circuit.is_configured) == (None, False)
    client.raw.reconfigure(circuit_breaker={**OPENS_AT_ONCE, "mode": "enforce"})
    assert client.circuit_state is (CLOSED if off is None else OPEN)
    if off is None:
        await fail(client)
    with pytest.raises(CircuitOpenError):
        await client.get()


async def test_an_open_circuit_stays_open(world: World) -> None:
    """For as long as it was to; the next break is of the new length."""
    client = world.client(500, retry=None, circuit_breaker=OPENS_AT_ONCE)
    await fail(client)
    client.raw.reconfigure(circuit_breaker={"recovery_timeout": 5, "failure_threshold": 9})
    await world.sleep(29)
    with pytest.raises(CircuitOpenError):
        await client.get()
    await world.sleep(1)
    await fail(client)
    await world.sleep(4)
    with pytest.raises(CircuitOpenError):
        await client.get()
    await world.sleep(1)
    await fail(client)


async def test_what_was_counted_counts_on(world: World) -> None:
    """Towards another threshold."""
    client = world.client(500, retry=None, circuit_breaker={"failure_threshold": 5})
    await fail(client, 3)
    client.raw.reconfigure(circuit_breaker={"failure_threshold": 4})
    await fail(client)
    assert client.circuit_state is OPEN


async def test_a_default_that_is_given_counts_for_more(world: World) -> None:
    """Beside `failure_rate`, which decides alone otherwise."""
    circuit = {"failure_rate": 0.5, "minimum_calls": 100}
    client = world.client(500, retry=None, circuit_breaker=circuit)
    await fail(client, 4)
    client.raw.reconfigure(circuit_breaker={"failure_threshold": 5})
    await fail(client)
    assert client.circuit_state is OPEN


async def test_circuits_of_another_kind_are_new(world: World) -> None:
    """One for each origin, in place of one for the client; nobody is told of the old any more."""
    recorder = EventRecorder(CircuitOpened, CircuitClosed)
    circuit = {"failure_threshold": 2}
    client = world.client(500, retry=None, circuit_breaker=circuit, listeners=[recorder])
    await fail(client, 2)
    client.raw.reconfigure(circuit_breaker={"scope": "origin"})
    assert client.circuit_state is CLOSED
    await fail(client, 2)
    with pytest.raises(CircuitOpenError):
        await client.get()
    await fail(client, url=OTHER)
    assert [event.scope for event in recorder.of(CircuitOpened)] == ["client", f"{TARGET}:80"]
    assert client.stats().circuits == {f"{TARGET}:80": "open", f"{OTHER}:80": "closed"}


async def test_a_call_under_way_moves_no_circuit_that_is_gone(world: World) -> None:
    """Nor the one that came."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 500

    recorder = EventRecorder(CircuitOpened)
    client = world.client(slow, retry=None, circuit_breaker=OPENS_AT_ONCE, listeners=[recorder])
    task = world.start(client.get())
    await world.sleep(1)
    client.raw.reconfigure(circuit_breaker={"scope": "origin"})
    assert isinstance(await world.outcome(task), ServerError)
    assert (client.circuit_state, client.stats().circuits, len(recorder)) == (CLOSED, {}, 0)


async def test_a_probe_under_way_is_not_waited_for(world: World) -> None:
    """Where its circuit is gone."""

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(5)
        return 500

    client = world.client(slow, retry=None, circuit_breaker=OPENS_AT_ONCE)
    await fail(client)
    await world.sleep(30)
    probe = world.start(client.get())
    await world.sleep(1)
    client.raw.reconfigure(circuit_breaker={"scope": "origin"})
    client.raw.reconfigure(circuit_breaker={"scope": "client"})
    other = world.start(client.get())
    assert [type(await world.outcome(each)) for each in (probe, other)] == [ServerError] * 2


@pytest.mark.parametrize("scope", [None, BASE_URL], ids=["all", "origin"])
async def test_what_is_isolated_stays_so(world: World, scope: str | None) -> None:
    """Whatever circuits come and go, until it is released."""
    client = world.client(500, retry=None)
    client.raw.circuit.isolate("maintenance", scope, seconds=60)
    circuits: list[Any] = [
        {"scope": "origin", "failure_threshold": 1},
        None,
        {"failure_threshold": 1},
        {"mode": "observe"},
        {"mode": "off"},
        {"mode": "enforce", "scope": "origin"},
    ]
    for circuit in circuits:
        client.raw.reconfigure(circuit_breaker=circuit)
        with pytest.raises(CircuitIsolatedError, match="maintenance"):
            await client.get()
        assert client.circuit_state is CircuitState.ISOLATED
    await world.sleep(60)
    await fail(client)
    assert client.circuit_state is OPEN
    client.raw.circuit.reset()
    assert client.circuit_state is CLOSED


async def test_a_circuit_that_came_while_isolated_goes_on_closed(world: World) -> None:
    """When it is released."""
    recorder = EventRecorder(CircuitClosed)
    client = world.client(200, circuit_breaker=None, listeners=[recorder])
    client.raw.circuit.isolate("maintenance")
    client.raw.reconfigure(circuit_breaker=OPENS_AT_ONCE)
    client.raw.circuit.release()
    assert (await client.get()).status_code == 200
    assert [(event.scope, event.cause) for event in recorder.of(CircuitClosed)] == [
        ("client", "manual")
    ]


async def test_a_grown_break_stays_grown(world: World) -> None:
    """Unless the length of breaks is another; none is longer than the longest allowed now."""
    circuit = {**OPENS_AT_ONCE, "recovery_multiplier": 2}
    client = world.client(500, retry=None, circuit_breaker=circuit)

    async def next_break() -> float:
        recorder.clear()
        with pytest.raises(APIConnectionError):
            await client.get()
        seconds = recorder.one(CircuitOpened).recovery_timeout
        await world.sleep(seconds)
        return seconds

    recorder = EventRecorder(CircuitOpened)
    client.raw._session.listen(recorder)
    assert [await next_break() for _ in range(3)] == [30, 60, 120]
    client.raw.reconfigure(circuit_breaker={"success_threshold": 2})
    assert await next_break() == 240
    client.raw.reconfigure(circuit_breaker={"max_recovery_timeout": 100})
    assert await next_break() == 100
    client.raw.reconfigure(circuit_breaker={"recovery_timeout": 7})
    assert await next_break() == 14

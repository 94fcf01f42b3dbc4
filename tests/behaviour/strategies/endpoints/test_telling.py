"""What is told, counted and shown of endpoints."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client.dashboard.state import LocalState
from client.events import (
    EndpointEjected,
    EndpointReturned,
    EndpointsPanicked,
    HedgeLost,
    WouldReject,
)
from client.metrics.instruments import ATTEMPT_DURATION, OPERATION_DURATION
from client.metrics.strategy_instruments import (
    ENDPOINT_EJECTIONS,
    ENDPOINT_OUTSTANDING,
    ENDPOINTS,
    WOULD_REJECT,
)
from client.runtime.coroutines import run_to_end
from tests.behaviour.strategies.endpoints.services import Service, balanced, states
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World


async def test_an_ejection_and_a_return_are_told(world: World) -> None:
    """With the operation that brought them about."""
    told: list[Event] = []
    service = Service(a=503)
    client = balanced(world, service, listeners=[told.append])
    for _ in range(10):
        await client.get("/x")
    [ejected] = [each for each in told if isinstance(each, EndpointEjected)]
    assert (ejected.endpoint, ejected.reason, ejected.seconds) == (
        "http://a",
        "consecutive_failures",
        30,
    )
    assert (ejected.ejected, ejected.total, ejected.url) == (1, 2, "/x")
    service.hosts.clear()
    await world.sleep(30)
    for _ in range(2):
        await client.get("/x")
    [returned] = [each for each in told if isinstance(each, EndpointReturned)]
    assert (returned.endpoint, returned.seconds, returned.ejected) == ("http://a", 30, 0)


async def test_panic_is_told(world: World) -> None:
    """And its end."""
    told: list[Event] = []
    service = Service(a=503, b=503)
    client = balanced(
        world,
        service,
        "http://a",
        "http://b",
        "http://c",
        balancing={
            "policy": "round_robin",
            "outliers": {"max_ejection_share": 1, "consecutive_failures": 1},
        },
        listeners=[told.append],
    )
    for _ in range(3):
        await client.get("/x")
    panics = [each for each in told if isinstance(each, EndpointsPanicked)]
    assert [(each.is_on, each.ejected, each.total) for each in panics] == [(True, 2, 3)]
    service.hosts.clear()
    await world.sleep(30)
    for _ in range(4):
        await client.get("/x")
    panics = [each for each in told if isinstance(each, EndpointsPanicked)]
    assert [each.is_on for each in panics] == [True, False]


async def test_who_observes_is_told_what_would_be_ejected(world: World) -> None:
    """And the endpoint stays in."""
    told: list[Event] = []
    service = Service(a=503)
    client = balanced(
        world,
        service,
        balancing={"policy": "round_robin", "outliers": {"mode": "observe"}},
        listeners=[told.append],
    )
    for _ in range(10):
        await client.get("/x")
    assert [each.by for each in told if isinstance(each, WouldReject)] == ["outliers"]
    assert not [each for each in told if isinstance(each, EndpointEjected)]
    assert service.count("a") > 5
    points = client.raw._session.metrics.snapshot().points(WOULD_REJECT)
    assert points == {("endpoints", "outliers"): 1}


async def test_they_are_counted_and_measured(world: World) -> None:
    """Operations for the service, attempts by endpoint, whatever is out."""
    client = balanced(world, Service(a=503, b=Answer(200, (b"b",))), "http://a/api", "http://b")
    for _ in range(10):
        await client.get("/x")
    async with client.stream("GET", "http://b/x") as response:
        taken = client.raw._session.metrics.snapshot()
        await client.read(response)
    assert taken.points(ENDPOINT_OUTSTANDING) == {("http://a/api",): 0, ("http://b",): 1}
    assert taken.points(ENDPOINTS) == {
        ("in",): 1,
        ("slow_start",): 0,
        ("ejected",): 1,
        ("probing",): 0,
        ("drained",): 0,
    }
    assert taken.points(ENDPOINT_EJECTIONS) == {("http://a/api", "consecutive_failures"): 1}
    assert {labels[0] for labels in taken.counts(OPERATION_DURATION)} == {"endpoints"}
    attempts = taken.counts(ATTEMPT_DURATION)
    assert {labels[0] for labels in attempts} == {"http://a/api", "http://b"}


async def test_statistics_and_health_have_them(world: World) -> None:
    """JSON can hold both, and a client is ready that has another endpoint."""
    client = balanced(world, Service(a=503), "http://user:secret@a", "http://b")
    assert client.raw.health()["status"] == "ok"
    for _ in range(10):
        await client.get("/x")
    stats = client.stats()
    assert list(stats.endpoints) == ["http://a", "http://b"]
    ejected, well = stats.endpoints.values()
    assert (ejected.state, ejected.cause) == ("ejected", "consecutive_failures")
    assert 0 < ejected.seconds_left <= 30
    assert (well.state, well.cause, well.weight, well.outstanding) == ("in", None, 1.0, 0)
    assert "secret" not in json.dumps(dataclasses.asdict(stats))
    health = client.raw.health()
    assert (health["status"], health["ready"]) == ("degraded", True)
    assert health["endpoints"] == {"http://a": "ejected"}
    assert health["reasons"] == ["the endpoint http://a is ejected (consecutive_failures)"]


def shown_by(client: Caller) -> Any:
    """What the live page of a client says."""
    return json.loads(run_to_end(LocalState([client.raw]).read()))


async def test_the_live_page_shows_them(world: World) -> None:
    """A row for each, which changes only when something has happened."""
    client = balanced(world, Service(a=503))
    for _ in range(10):
        await client.get("/x")
    state = shown_by(client)
    [shown] = state["clients"]
    rows = [
        dict(zip(state["columns"]["endpoints"], row, strict=True)) for row in shown["endpoints"]
    ]
    assert [(row["endpoint"], row["state"], row["attempts"], row["errors"]) for row in rows] == [
        ("http://a", "ejected", 5, 5),
        ("http://b", "in", 10, 0),
    ]
    await world.sleep(1)
    assert shown_by(client)["clients"][0]["endpoints"] == shown["endpoints"]


async def test_a_hedge_that_lost_is_told_by_its_endpoint(world: World) -> None:
    """Where it was."""

    async def late(arrival: Arrival) -> Step:
        await arrival.takes(10)
        return 200

    told: list[Event] = []
    client = balanced(
        world,
        Service(a=late),
        hedge={"delay": 1, "max_extra_load": 1},
        balancing={"policy": "ordered"},
        listeners=[told.append],
    )
    await client.get("/x")
    [lost] = [each for each in told if isinstance(each, HedgeLost)]
    assert lost.target == "http://a"


ENDINGS: dict[str, tuple[Any, str, int]] = {
    "answer": (200, "in", 0),
    "missing": (404, "in", 0),
    "busy": (503, "in", 1),
    "refused": (httpx.ConnectError, "in", 1),
    "late": (httpx.ReadTimeout, "in", 1),
    "enough": (429, "in", 0),
    "no-connection": (httpx.PoolTimeout, "in", 0),
}


@pytest.mark.parametrize("name", ENDINGS)
async def test_what_an_attempt_says_of_its_endpoint(world: World, name: str) -> None:
    """A failure of the server is one, an answer is none, and 429 neither."""
    step, state, failures = ENDINGS[name]
    client = balanced(world, Service(a=step), "http://a", retry=None)
    await world.outcome(world.start(client.get("/x")))
    assert (states(client)["http://a"].state, states(client)["http://a"].failures) == (
        state,
        failures,
    )


@pytest.mark.parametrize(("waits", "failures"), [(0, 1), (9, 0)], ids=["all", "rest"])
async def test_a_deadline_is_the_endpoints_failure_if_that_had_the_time(
    world: World, waits: float, failures: int
) -> None:
    """And not where the first attempt has used it up."""

    async def late(arrival: Arrival) -> Step:
        await arrival.takes(100)
        return 200

    async def busy(arrival: Arrival) -> Step:
        await arrival.takes(waits)
        return 503

    client = balanced(
        world,
        Service(a=busy, b=late) if waits else Service(a=late, b=late),
        balancing={"policy": "ordered"},
        timeout={"read": 50},
    )
    await world.outcome(world.start(client.get("/x", deadline=10)))
    assert states(client)["http://b" if waits else "http://a"].failures == failures


async def test_a_caller_who_gives_up_says_little(world: World) -> None:
    """No failure, but the endpoint takes at least so long."""

    async def late(arrival: Arrival) -> Step:
        await arrival.takes(100)
        return 200

    client = balanced(world, Service(a=late), "http://a", retry=None)
    call = world.start(client.get("/x"))
    await world.sleep(5)
    call.cancel()
    await world.outcome(call)
    state = states(client)["http://a"]
    assert state.failures == 0
    assert state.latency == pytest.approx(5)

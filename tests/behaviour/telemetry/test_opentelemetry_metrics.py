"""What clients count, as OpenTelemetry's own SDK collects it."""

from __future__ import annotations

import gc
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from opentelemetry import context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

from client import MyAPIError
from client.events import AttemptEnded
from client.metrics import instruments
from client.metrics.instruments import SECONDS, Instrument
from client.telemetry import OpenTelemetryMetrics
from client.telemetry.opentelemetry.api import OURS
from tests.unit.metrics.counting import Counting

if TYPE_CHECKING:
    from tests.behaviour.world import World

EXACT = {"jitter": False}
TARGET = "http://server.test"


class Collected:
    """What a provider has, read at once."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.telemetry = OpenTelemetryMetrics(MeterProvider([self._reader]))

    def metric(self, name: str) -> Any:
        """One metric, or None where it has no value."""
        data = self._reader.get_metrics_data()
        if data is None:
            return None
        return next(
            (
                metric
                for resource in data.resource_metrics
                for scope in resource.scope_metrics
                for metric in scope.metrics
                if metric.name == name
            ),
            None,
        )

    def points(self, name: str) -> list[Any]:
        """Its points."""
        metric = self.metric(name)
        return [] if metric is None else list(metric.data.data_points)

    def values(self, name: str, label: str) -> dict[Any, float]:
        """The values of a counter or gauge, by one label."""
        return {point.attributes[label]: point.value for point in self.points(name)}


async def test_a_call_with_retries_is_counted(world: World) -> None:
    """Each metric has the label of its client."""
    collected = Collected()
    client = world.client(
        [503, httpx.ReadError, 200], name="orders", retry=EXACT, telemetry=[collected.telemetry]
    )
    await client.get("/x?secret")
    [operation] = collected.points("resilient_http.operation.duration")
    assert dict(operation.attributes) == {
        "client": "orders",
        "target": TARGET,
        "method": "GET",
        "outcome": "success",
    }
    assert operation.explicit_bounds == SECONDS
    assert (operation.count, operation.sum) == (1, 6.0)
    outcomes = [
        point.attributes["outcome"] for point in collected.points("resilient_http.attempt.duration")
    ]
    assert sorted(outcomes) == ["network_error", "server_error", "success"]
    assert collected.values("resilient_http.retries", "decision") == {
        "scheduled": 1,
        "succeeded": 1,
    }
    waited = collected.metric("resilient_http.retry.wait")
    assert (waited.unit, waited.data.is_monotonic) == ("s", True)
    assert [point.value for point in waited.data.data_points] == [6.0]


async def test_requests_are_measured_by_the_conventions(world: World) -> None:
    """Also those that raise."""
    collected = Collected()
    client = world.client(
        [503, httpx.ReadTimeout, 200], retry=EXACT, telemetry=[collected.telemetry]
    )
    await client.get()
    shared = {
        "http.request.method": "GET",
        "server.address": "server.test",
        "server.port": 80,
        "url.scheme": "http",
    }
    points = collected.points("http.client.request.duration")
    assert [dict(point.attributes) for point in points] == [
        {**shared, "http.response.status_code": 503, "error.type": "503"},
        {**shared, "error.type": "httpx.ReadTimeout"},
        {**shared, "http.response.status_code": 200},
    ]


async def test_given_twice_it_counts_once(world: World) -> None:
    """Durations, too, and what it hears as a listener."""
    collected = Collected()
    client = world.client(200, telemetry=[collected.telemetry, collected.telemetry])
    await client.get()
    for name in ("resilient_http.attempt.duration", "http.client.request.duration"):
        assert [point.count for point in collected.points(name)] == [1]


async def test_slots_stand_as_gauges(world: World) -> None:
    """While the client is there."""
    collected = Collected()
    client = world.client(bulkhead={"max_concurrency": 7}, telemetry=[collected.telemetry])
    await client.get()
    assert collected.values("resilient_http.bulkhead.limit", "client") == {"default": 7}


async def test_a_rejection_is_counted(world: World) -> None:
    """By what turned the call away."""
    collected = Collected()
    client = world.client(
        500,
        circuit_breaker={"failure_threshold": 1},
        retry=None,
        telemetry=[collected.telemetry],
    )
    for _ in "ab":
        with pytest.raises(MyAPIError):
            await client.get()
    assert collected.values("resilient_http.rejections", "by") == {"circuit": 1}
    states = collected.values("resilient_http.circuit.state", "state")
    assert states["open"] == 1
    assert states["closed"] == 0


def test_clients_of_one_name_count_together_until_the_last_is_gone() -> None:
    """What one has counted that is gone is not lost before: a counter would fall."""
    collected = Collected()
    first, second = Counting(), Counting()
    for counting in (first, second):
        collected.telemetry.attach(counting.metrics)
        counting.metrics.add(instruments.RETRY_WAIT, ("x",), 2)
        counting.operation()
    assert collected.values("resilient_http.retry.wait", "target") == {"x": 4}
    del counting, first
    gc.collect()
    for _ in "twice":
        assert collected.values("resilient_http.retry.wait", "target") == {"x": 4}
    del second
    gc.collect()
    assert collected.values("resilient_http.retry.wait", "target") == {}


def test_an_instrument_of_a_strategy_is_made_at_its_first_value() -> None:
    """Nobody knew of it before."""
    collected = Collected()
    counting = Counting()
    collected.telemetry.attach(counting.metrics)
    sizes = Instrument(name="sizes", kind="histogram", help="Sizes", unit="By", bounds=(1.0,))
    hits = Instrument(name="hits", kind="counter", help="Hits", labels=("kind",))
    counting.metrics.observe(sizes, (), 3)
    counting.metrics.add(hits, ("warm",))
    [size] = collected.points("resilient_http.sizes")
    assert (size.sum, size.explicit_bounds) == (3, (1.0,))
    assert collected.values("resilient_http.hits", "kind") == {"warm": 1}


def test_what_is_no_provider_is_refused() -> None:
    """At once."""
    provider: Any = "provider"
    with pytest.raises(TypeError, match="give a MeterProvider"):
        OpenTelemetryMetrics(provider)


def event() -> Any:
    """The end of an attempt."""
    about: dict[str, Any] = {"request_id": None, "method": "GET", "url": "http://a.example/"}
    return AttemptEnded(
        attempt=1,
        target="http://a.example",
        seconds=0.1,
        status_code=200,
        outcome="success",
        error=None,
        **about,
    )


class Followed:
    """A trace of ours that somebody follows from the outside, or not."""

    def __init__(self, *, is_followed: bool) -> None:
        self.is_followed = is_followed


@pytest.mark.parametrize(("is_followed", "measured"), [(True, 0), (False, 1)], ids=["yes", "no"])
def test_what_another_follows_from_outside_is_measured_there(
    measured: int, *, is_followed: bool
) -> None:
    """Not twice."""
    collected = Collected()
    outer = context.get_current()
    context.attach(context.set_value(OURS, Followed(is_followed=is_followed)))
    try:
        collected.telemetry(event())
    finally:
        context.attach(outer)
    assert len(collected.points("http.client.request.duration")) == measured


def test_within_a_span_of_the_instrumentation_nothing_is_measured() -> None:
    """It measures itself."""
    collected = Collected()
    tracer = TracerProvider().get_tracer("opentelemetry.instrumentation.httpx")
    with tracer.start_as_current_span("GET"):
        collected.telemetry(event())
    assert collected.points("http.client.request.duration") == []


@pytest.mark.parametrize("is_at_work", [True, False], ids=["at-work", "idle"])
def test_where_the_instrumentation_is_at_work_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, *, is_at_work: bool
) -> None:
    """Whether it is says its class."""
    kind = type("Instrumentor", (), {"is_instrumented_by_opentelemetry": is_at_work})
    package = SimpleNamespace(HTTPXClientInstrumentor=kind)
    monkeypatch.setitem(sys.modules, "opentelemetry.instrumentation.httpx", package)
    collected = Collected()
    collected.telemetry(event())
    assert len(collected.points("http.client.request.duration")) == (not is_at_work)


def test_an_instrument_is_made_once_whoever_comes_first() -> None:
    """Two threads may want it at once: the second finds it under the lock."""
    collected = Collected()
    sizes = Instrument(name="sizes", kind="histogram", help="Sizes", unit="By", bounds=(1.0,))

    class Late(dict[Any, Any]):
        """Says once that it is not there."""

        looked = 0

        def __contains__(self, key: object) -> bool:
            self.looked += 1
            return self.looked > 1 and super().__contains__(key)

    late = Late({sizes: None})
    collected.telemetry._histograms = late
    collected.telemetry.record("a", sizes, (), 1.0)
    assert late.looked == 2

"""Spans of calls to several endpoints, and what goes out with their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.behaviour.strategies.endpoints.lists import TWO, Registry
from tests.behaviour.strategies.endpoints.services import Service, balanced
from tests.behaviour.wire import Answer
from tests.unit.telemetry.spans import Spans, attribute, traceparent

if TYPE_CHECKING:
    from tests.behaviour.world import World


def carried(client: Any) -> list[str | None]:
    """The `traceparent` of each request that came."""
    return [arrival.request.headers.get("traceparent") for arrival in client.wire.arrivals]


async def test_a_span_says_where_its_attempt_went(world: World) -> None:
    """To which endpoint, each of them."""
    spans = Spans()
    client = balanced(
        world, Service(a=503), "http://a/api", "http://b:81", telemetry=[spans.tracing()]
    )
    for _ in range(2):
        await client.get("/x?token=secret")
    where = {
        (
            attribute(each, "url.full"),
            attribute(each, "server.address"),
            attribute(each, "server.port"),
        )
        for each in spans.attempts
    }
    assert where == {("http://a/api/x", "a", 80), ("http://b:81/x", "b", 81)}
    assert carried(client) == [traceparent(each) for each in spans.attempts]


async def test_it_says_so_at_its_end_where_that_was_not_known_before(world: World) -> None:
    """The list came after the attempt had begun, and the name in its place never shows."""
    spans = Spans()
    client = balanced(
        world, Service(), endpoints=Registry(world, [TWO]).function, telemetry=[spans.tracing()]
    )
    answer = await client.get("/x?token=secret")
    [attempt] = spans.attempts
    assert attribute(attempt, "url.full") == answer.extensions["resilience"].endpoint + "/x"
    assert attribute(attempt, "server.address") == answer.request.url.host
    assert "invalid" not in str([each.attributes for each in (*spans.operations, attempt)])


async def test_a_redirect_within_the_service_carries_the_trace(world: World) -> None:
    """And one that leaves it does not."""
    spans = Spans()
    service = Service(
        a=Answer(302, headers={"Location": "http://b/there"}),
        b=Answer(302, headers={"Location": "http://evil/"}),
    )
    client = balanced(world, service, telemetry=[spans.tracing()])
    await client.get("http://a/x")
    [attempt] = spans.attempts
    assert carried(client) == [traceparent(attempt), traceparent(attempt), None]

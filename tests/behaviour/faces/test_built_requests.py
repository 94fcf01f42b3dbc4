"""Requests that are built before they are sent: for middleware, fallbacks and hedges."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import ResilientClient
from client.config import ClientConfig, HedgeConfig
from tests.behaviour.strategies.middleware.written_once import in_world, passing
from tests.unit.telemetry.spans import Spans

if TYPE_CHECKING:
    from tests.behaviour.strategies.middleware.written_once import Next
    from tests.behaviour.world import World

AROUND = pytest.mark.parametrize("where", ["middleware", "attempt_middleware"])


@AROUND
async def test_what_is_said_with_a_request_is_said_with_a_built_one(
    world: World, where: str
) -> None:
    """Credentials, and whether redirects are followed."""
    client = world.client([302, 200], retry=None, **{where: in_world(world, passing)})
    answer = await client.get(auth=("user", "word"), follow_redirects=False)
    assert answer.status_code == 302
    (arrival,) = client.wire.arrivals
    assert arrival.request.headers["authorization"].startswith("Basic ")


async def test_a_client_of_the_callers_carries_a_trace_in_a_built_request(world: World) -> None:
    """As in one that httpx builds itself."""
    wire = world.wire(200)
    theirs = world.httpx_client(transport=wire)
    client = world.client(
        http_client=theirs,
        telemetry=[Spans().tracing()],
        attempt_middleware=in_world(world, passing),
    )
    await client.get()
    (arrival,) = wire.arrivals
    assert "traceparent" in arrival.request.headers


async def replacing(request: httpx.Request, call_next: Next) -> Any:
    """Send two requests in place of one, each with a body of its own."""
    url, headers = request.url, {"X-Request-ID": request.headers["X-Request-ID"]}
    await call_next(httpx.Request("POST", url, headers=headers, content=b"first"))
    return await call_next(httpx.Request("POST", url, headers=headers, content=b"second"))


async def test_each_pass_may_bring_another_body(world: World) -> None:
    """That of the pass is sent."""
    client = world.client(200, middleware=in_world(world, replacing))
    await client.get()
    assert [each.request.content for each in client.wire.arrivals] == [b"first", b"second"]


async def test_a_body_that_a_middleware_brings_may_be_hedged(world: World) -> None:
    """Where it can be sent twice."""
    hedge = HedgeConfig(delay=1, methods=frozenset({"POST"}), max_extra_load=1)
    client = world.client(200, middleware=in_world(world, replacing), hedge=hedge)
    assert (await client.get()).status_code == 200


async def test_a_file_is_not_hedged(world: World) -> None:
    """Two attempts would read it by turns."""
    hedge = HedgeConfig(delay=1, methods=frozenset({"POST"}), max_extra_load=1)

    async def late(arrival: Any) -> int:
        await arrival.takes(3)
        return 200

    client = world.client(late, hedge=hedge)
    await client.post(files={"file": io.BytesIO(b"content")})
    assert len(client.wire.arrivals) == 1


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # what an ended loop leaves behind
def test_hedges_go_on_in_a_later_loop() -> None:
    """What went on in the loop that has ended is forgotten."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    client = ResilientClient(ClientConfig(hedge=HedgeConfig(delay=1)), transport=transport)
    for _ in range(2):
        assert asyncio.run(client.get("http://server.test/")).status_code == 200

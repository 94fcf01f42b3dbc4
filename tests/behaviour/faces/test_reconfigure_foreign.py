"""`client.reconfigure` with an httpx client that was passed in, and connections of one's own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import APITimeoutError, ClientConfig, ResilientClient, SyncResilientClient
from client.transports.httpcore.pools import pools_of
from tests.behaviour.world import BASE_URL

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


def foreign(world: World, **settings: Any) -> Caller:
    """A client that goes through one which was built elsewhere, with timeouts of its own."""
    wire = world.wire(silent)
    http = world.httpx_client(transport=wire, timeout=7, base_url="http://other.test/")
    kind = ResilientClient if world.is_async else SyncResilientClient
    config = ClientConfig(**{"base_url": BASE_URL, "retry": None, **settings})
    return world.caller(kind(config, http_client=http), wire)


async def patience(world: World, client: Caller) -> float:
    """How long a call waits for the server."""
    before = world.now()
    with pytest.raises(APITimeoutError):
        await client.get("/a")
    assert str(client.wire.last.url) == f"{BASE_URL}/a"
    return world.now() - before


async def test_what_is_given_counts_for_more_than_what_it_has(world: World) -> None:
    """Also where that is our default; taken back, it has its own again."""
    client = foreign(world)
    base = client.raw.config
    assert await patience(world, client) == 7
    client.raw.reconfigure(retry={"max_attempts": 1})
    assert await patience(world, client) == 7
    client.raw.reconfigure(timeout={"read": 15})
    assert await patience(world, client) == 15
    client.raw._session.reconfigure({}, base)
    assert await patience(world, client) == 7


async def test_what_only_its_owner_can_set_is_refused(world: World) -> None:
    """As when the client is made."""
    client = foreign(world)
    with pytest.raises(ValueError, match="max_body_bytes cannot be applied to an http_client"):
        client.raw.reconfigure(max_body_bytes=5)
    assert client.raw.config.max_body_bytes is None


def bounds(http: Any) -> set[tuple[int, int]]:
    """How many connections the pools under an httpx client open, and keep."""
    return {(pool._max_connections, pool._max_keepalive_connections) for pool in pools_of(http)}


def test_the_pool_grows_with_the_bulkhead() -> None:
    """And never shrinks: what is open is in use, or will be."""
    with SyncResilientClient(ClientConfig(bulkhead=None)) as client:
        http = client._session.http.client
        assert bounds(http) == {(100, 20)}
        client.reconfigure(bulkhead={"max_concurrency": 70})
        assert bounds(http) == {(sys.maxsize, 70)}
        client.reconfigure(bulkhead={"max_concurrency": 30})
        client.reconfigure(retry=None)
        assert bounds(http) == {(sys.maxsize, 70)}
        client.reconfigure(bulkhead=None)
        assert bounds(http) == {(sys.maxsize, 70)}


def test_one_that_is_built_later_is_built_so() -> None:
    """By the settings that are in force then."""
    client = SyncResilientClient(ClientConfig())
    client.reconfigure(bulkhead={"max_concurrency": 70})
    with client:
        assert bounds(client._session.http.client) == {(sys.maxsize, 70)}


@pytest.mark.parametrize("given", ["transport", "http_client"])
def test_the_pool_of_somebody_else_stays_as_it_is(given: str) -> None:
    """Its bounds are its owner's."""
    transport = httpx.HTTPTransport(limits=httpx.Limits(max_connections=3), verify=False)
    with httpx.Client(transport=transport) as http:
        parts: dict[str, Any] = {"transport": transport, "http_client": http}
        with SyncResilientClient(ClientConfig(), **{given: parts[given]}) as client:
            client._ensure_initialized()
            client.reconfigure(bulkhead={"max_concurrency": 70})
            assert bounds(http) == {(3, 3)}


@pytest.mark.parametrize("idle", [20, None], ids=str)
def test_a_fast_pool_grows_too(idle: int | None) -> None:
    """It is another one; where it keeps all, it goes on doing so."""
    made = ResilientClient(ClientConfig(backend="aiohttp", bulkhead=None))
    transport = made._session.http.client._transport
    pool = transport._pool
    pool._bounds = pool._bounds._replace(idle=idle)
    assert pool._bounds[:2] == (100, idle)
    made.reconfigure(bulkhead={"max_concurrency": 70})
    assert pool._bounds[:2] == (None, idle and 70)
    made.reconfigure(bulkhead={"max_concurrency": 7})
    assert pool._bounds[:2] == (None, idle and 70)

"""Connections that die between two calls: a retry hides it, and the circuit does not hear of it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from client import CircuitState
from tests.eventually import PATIENCE_SECONDS
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.scripts import healthy
from tests.wire.twins import pools_of, settings, together

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script, ScriptedServer
    from tests.wire.twins import Client, Twin

CALLERS = 8


def closes_while_idle(connection: Connection) -> None:
    """Promise to keep the connection, and close it (FIN)."""
    connection.read_request()
    connection.answer(body=b"ok")


def closes_at_reuse(connection: Connection) -> None:
    """Close the connection (FIN) just when the next request comes."""
    connection.read_request()
    connection.answer(body=b"ok")
    connection.read_request()


def resets_at_reuse(connection: Connection) -> None:
    """Cut the connection (RST) just when the next request comes."""
    connection.read_request()
    connection.answer(body=b"ok")
    connection.read_request()
    connection.reset()


def resets_at_once(connection: Connection) -> None:
    """Cut a connection at its first request."""
    connection.read_request()
    connection.reset()


def client_of(twin: Twin, server: ScriptedServer) -> Client:
    """A client whose circuit opens at the first failure."""
    return twin.client(settings(server.url, circuit_breaker={"failure_threshold": 1}))


def all_have_expired(client: Client) -> bool:
    """Whether the pool knows that its connections are dead; it may have thrown them out already."""
    return all(connection.has_expired() for connection in pools_of(client)[0].connections)


async def check_all_went_well(twin: Twin, client: Client, server: ScriptedServer) -> None:
    """Assert that no call failed, and that nothing is held."""
    assert client.stats().failures == {}
    assert client.circuit_state is CircuitState.CLOSED
    await check_nothing_is_held(twin, client, server)


async def test_fin_while_idle(twin: Twin, serve: Serve) -> None:
    """The pool sees it before it sends anything: not even an attempt is lost."""
    server = serve(closes_while_idle, healthy)
    async with client_of(twin, server) as client:
        await client.get("/")
        await twin.until(lambda: all_have_expired(client))
        response = await client.request("POST", "/", content=b"abc")
        assert response.extensions["resilience"].attempts == 1
        assert [request.body for request in server.requests] == [b"", b"abc"]
        await check_all_went_well(twin, client, server)
    await check_nothing_is_left(twin, server)


@pytest.mark.parametrize("script", [closes_at_reuse, resets_at_reuse])
async def test_lost_on_reuse(twin: Twin, serve: Serve, script: Script) -> None:
    """The race that keep-alive cannot avoid costs an attempt, and no call."""
    server = serve(script, healthy)
    async with client_of(twin, server) as client:
        await client.get("/")
        response = await client.request("POST", "/", content=b"abc")
        assert response.extensions["resilience"].attempts == 2
        assert [request.body for request in server.requests] == [b"", b"abc", b"abc"]
        await check_all_went_well(twin, client, server)
    await check_nothing_is_left(twin, server)


async def test_all_pooled_connections_die_while_idle(twin: Twin, serve: Serve) -> None:
    """A server that restarts costs neither a call nor an attempt."""
    all_callers = threading.Barrier(CALLERS)

    def dies_with_all_others(connection: Connection) -> None:
        connection.read_request()
        all_callers.wait(PATIENCE_SECONDS)
        connection.answer(body=b"ok")

    server = serve(*[dies_with_all_others] * CALLERS, healthy)
    async with client_of(twin, server) as client:
        await all_get_ok(twin, client)
        await twin.until(lambda: all_have_expired(client))
        await all_get_ok(twin, client)
        assert client.stats().retries == 0
        await check_all_went_well(twin, client, server)
    await check_nothing_is_left(twin, server)


@pytest.mark.parametrize("callers", [1, CALLERS])
async def test_all_pooled_connections_die_on_reuse(twin: Twin, serve: Serve, callers: int) -> None:
    """A peer that forgot its connections without a word costs each call one attempt, not more."""
    all_callers = threading.Barrier(CALLERS)
    next_callers = threading.Barrier(callers)

    def dies_with_all_others(connection: Connection) -> None:
        connection.read_request()
        all_callers.wait(PATIENCE_SECONDS)
        connection.answer(body=b"ok")
        connection.read_request()
        next_callers.wait(PATIENCE_SECONDS)
        connection.reset()

    server = serve(*[dies_with_all_others] * CALLERS, healthy)
    async with client_of(twin, server) as client:
        await all_get_ok(twin, client)
        assert len(pools_of(client)[0].connections) == CALLERS
        await all_get_ok(twin, client, callers)
        assert client.stats().retries == callers
        await check_all_went_well(twin, client, server)
    await check_nothing_is_left(twin, server)


async def test_a_cut_connection_takes_none_of_another_origin_along(
    twin: Twin, serve: Serve
) -> None:
    """What stands idle there has had no part in it."""
    server, other = serve(resets_at_reuse, resets_at_once, healthy), serve(healthy)
    async with client_of(twin, server) as client:
        await client.get("/")
        await client.get(other.url)
        assert (await client.get("/")).extensions["resilience"].attempts == 3
        await client.get(other.url)
        assert (server.accepted, other.accepted) == (3, 1)
        await check_nothing_is_held(twin, client, server, other)
    await check_nothing_is_left(twin, server, other)


async def test_a_new_connection_that_is_cut_takes_no_other_along(twin: Twin, serve: Serve) -> None:
    """It says nothing about those that have served, and the retry goes over one of them."""
    answer, cut = threading.Event(), threading.Event()

    def answers_when_told(connection: Connection) -> None:
        connection.read_request()
        answer.wait(PATIENCE_SECONDS)
        connection.answer(body=b"ok")
        healthy(connection)

    def resets_when_told(connection: Connection) -> None:
        connection.read_request()
        cut.wait(PATIENCE_SECONDS)
        connection.reset()

    server = serve(answers_when_told, resets_when_told)
    async with client_of(twin, server) as client:
        first = twin.start(client.get("/"))
        await twin.until(lambda: len(server.requests) == 1)
        second = twin.start(client.get("/"))
        await twin.until(lambda: len(server.requests) == 2)
        answer.set()
        await first.result()
        cut.set()
        assert (await second.result()).extensions["resilience"].attempts == 2
        assert server.accepted == 2
        await check_all_went_well(twin, client, server)
    await check_nothing_is_left(twin, server)


async def all_get_ok(twin: Twin, client: Client, callers: int = CALLERS) -> None:
    """Have so many callers at the same time."""
    answers = await together(twin, *[client.get("/") for _ in range(callers)])
    assert [getattr(answer, "text", answer) for answer in answers] == ["ok"] * callers

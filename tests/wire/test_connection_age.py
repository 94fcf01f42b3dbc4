"""Connections that are older than they may be: closed, whether idle or after what is under way."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from client.transports.httpcore.connection_age import limit_age
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripted_server import head
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, pools_of, settings

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Client, Twin

AGE = 60.0


def limited(client: Client, seconds: float | None = AGE) -> None:
    """Bound the age of a client's connections."""
    limit_age(client._session.http.client, seconds)


def connections_of(client: Client) -> list[Any]:
    """Those in the pool of a client."""
    return list(pools_of(client)[0].connections)


def make_old(client: Client) -> None:
    """Let all connections of a client have been opened long ago."""
    for connection in connections_of(client):
        connection.made_at -= AGE + 1


async def test_a_young_one_is_used_again(twin: Twin, serve: Serve) -> None:
    """As without a limit."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        limited(client)
        for _ in range(3):
            await client.get("/")
        assert server.accepted == 1
        check_all_is_back(client)


async def test_an_idle_one_that_is_old_is_closed(twin: Twin, serve: Serve) -> None:
    """And a new one is opened: no attempt is lost."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        limited(client)
        await client.get("/")
        make_old(client)
        response = await client.get("/")
        assert response.extensions["resilience"].attempts == 1
        assert server.accepted == 2
        assert len(connections_of(client)) == 1
        check_all_is_back(client)


async def test_one_that_stood_before_the_limit_was_set_grows_old_too(
    twin: Twin, serve: Serve
) -> None:
    """Its age is counted from then at the latest."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        await client.get("/")
        limited(client)
        await client.get("/")
        assert server.accepted == 1
        make_old(client)
        await client.get("/")
        assert server.accepted == 2


async def test_one_in_use_is_closed_after_its_exchange(twin: Twin, serve: Serve) -> None:
    """Its answer is read to the end."""
    is_old = threading.Event()

    def answers_in_pieces(connection: Connection) -> None:
        connection.read_request()
        connection.send(head(content_length="4") + b"ab")
        assert is_old.wait(PATIENCE_SECONDS)
        connection.send(b"cd")
        connection.stall()

    server = serve(answers_in_pieces, healthy)
    async with twin.client(settings(server.url)) as client:
        limited(client)
        async with client.stream("GET", "/") as response:
            make_old(client)
            is_old.set()
            assert await twin.read(response) == b"abcd"
        assert connections_of(client) == []
        assert (await client.get("/")).text == "ok"
        check_all_is_back(client)


@pytest.mark.parametrize("seconds", [None, 1000.0], ids=["no-limit", "higher-limit"])
async def test_the_limit_can_be_changed(twin: Twin, serve: Serve, seconds: float | None) -> None:
    """For connections that stand, too."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        limited(client, None)
        limited(client)
        await client.get("/")
        make_old(client)
        limited(client, seconds)
        await client.get("/")
        assert server.accepted == 1
        limited(client, 1.0)
        await client.get("/")
        assert server.accepted == 2


async def test_old_ones_to_a_proxy(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a pool of its own, which goes by the same limit."""
    proxy = serve(healthy)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    async with twin.client(settings("http://far.invalid")) as client:
        limited(client)
        for _ in range(2):
            await client.get("/")
            for pool in pools_of(client):
                for connection in pool.connections:
                    connection.made_at -= AGE + 1
        assert proxy.accepted == 2

"""Old HTTP/2 connections: what is under way on them ends as if they were young; nothing begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client.transports.httpcore.connection_age import limit_age
from tests.wire.http2.conftest import (
    check_all_is_gone,
    check_all_went_back,
    config_for,
    connections_of,
)

if TYPE_CHECKING:
    from tests.wire.http2.conftest import Speak
    from tests.wire.http2_server import Peer
    from tests.wire.twins import Client, Twin

AGE = 60.0


def serves(peer: Peer) -> None:
    """Answer each request with its target."""
    peer.serve()


def make_old(client: Client) -> None:
    """Let all connections of a client have been opened long ago."""
    for connection in connections_of(client):
        connection.made_at -= AGE + 1


async def test_an_idle_one_that_is_old_is_closed(twin: Twin, speak: Speak) -> None:
    """A young one is used again."""
    server = speak(serves, serves)
    async with twin.client(config_for(server)) as client:
        limit_age(client._session.http.client, AGE)
        await client.get("/")
        await client.get("/")
        assert server.tcp.accepted == 1
        make_old(client)
        assert (await client.get("/new")).text == "/new"
        assert (server.tcp.accepted, len(connections_of(client))) == (2, 1)
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_no_stream_is_begun_on_an_old_one(twin: Twin, speak: Speak) -> None:
    """While one is under way it stands, and is closed after that."""

    def never_ends(peer: Peer) -> None:
        first = peer.request(0)
        peer.head(first)
        peer.data(first, b"begun")
        peer.stall()

    server = speak(never_ends, serves)
    async with twin.client(config_for(server)) as client:
        limit_age(client._session.http.client, AGE)
        async with client.stream("GET", "/") as response:
            make_old(client)
            assert (await client.get("/new")).text == "/new"
            assert len(connections_of(client)) == 2
            assert response.status_code == 200
            assert await anext(aiter(twin.chunks(response))) == b"begun"
        assert len(connections_of(client)) == 1
        assert (await client.get("/new")).text == "/new"
        assert server.tcp.accepted == 2
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)

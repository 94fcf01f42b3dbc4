"""The cache over real connections: each backend, HTTP/2, streams, and what becomes of sockets."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest

from client import ResilientClient
from client.cache import SQLiteStorage
from tests.wire.cancelling import OFTEN, cancel_at_every_tick, get
from tests.wire.test_cancellation import ONE, stream
from tests.wire.twins import AsyncTwin, check_all_is_back, settings

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.wire.cancelling import Call, Way
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

BODY = b"hello " * 1000
PACKED = gzip.compress(BODY)
TAGGED = {"cache_control": "max-age=0", "etag": '"one"'}


def serves(connection: Connection) -> None:
    """Answer with what may be kept, packed; and with 304 to who asks whether it still holds."""
    while True:
        request = connection.read_request()
        if request.target == "/":
            connection.answer(200, b"ok")
        elif request.target == "/large":
            connection.answer(200, b"x" * 3_000_000, cache_control="max-age=60")
        elif "if-none-match" in request.headers:
            connection.answer(304, b"", **TAGGED)
        else:
            said = TAGGED if request.target == "/tagged" else {"cache_control": "max-age=60"}
            connection.answer(200, PACKED, content_encoding="gzip", **said)


def status_of(response: httpx.Response) -> Any:
    """What the cache did for an answer."""
    return response.extensions["cache"].status


async def test_a_hit_is_what_a_miss_was(serve: Serve, twin: Twin) -> None:
    """Read whole or streamed, and no connection is taken for it."""
    server = serve(serves)
    async with twin.client(settings(server.url, cache={})) as client:
        for status in ("miss", "hit"):
            response = await client.get("/page")
            assert (response.content, status_of(response)) == (BODY, status)
            async with client.stream("GET", "/streamed") as streamed:
                assert (await twin.read(streamed), status_of(streamed)) == (BODY, status)
            check_all_is_back(client)
    assert server.accepted == 1


async def test_raw_bytes_are_those_of_the_wire(serve: Serve) -> None:
    """Of a hit, too."""
    server, twin = serve(serves), AsyncTwin()
    for backend in ("httpx", "aiohttp"):
        async with twin.client(settings(server.url, cache={}, backend=backend)) as client:
            for status in ("miss", "hit"):
                async with client.stream("GET", "/page") as response:
                    raw = b"".join([chunk async for chunk in response.aiter_raw()])
                assert (raw, status_of(response)) == (PACKED, status)


async def test_a_connection_goes_on_after_a_304(serve: Serve, twin: Twin) -> None:
    """Streamed or not."""
    server = serve(serves)
    async with twin.client(settings(server.url, cache={})) as client:
        await client.get("/tagged")
        for _ in range(2):
            assert status_of(await client.get("/tagged")) == "revalidated"
            async with client.stream("GET", "/tagged") as streamed:
                check_all_is_back(client)
                assert await twin.read(streamed) == BODY
            assert status_of(streamed) == "revalidated"
    assert server.accepted == 1


async def test_what_is_too_large_passes_and_is_not_kept(serve: Serve, twin: Twin) -> None:
    """Nor is any of it held in memory."""
    server = serve(serves)
    async with twin.client(settings(server.url, cache={})) as client:
        for _ in range(2):
            response = await client.get("/large")
            assert (len(response.content), status_of(response)) == (3_000_000, "miss")
            async with client.stream("GET", "/large") as streamed:
                assert len(await twin.read(streamed)) == 3_000_000
        check_all_is_back(client)


async def test_a_file_outlives_the_client(serve: Serve, twin: Twin, tmp_path: Path) -> None:
    """And is used again after it was closed."""
    server = serve(serves, serves)
    storage = SQLiteStorage(tmp_path / "cache.db")
    config = settings(server.url, cache={"storage": storage, "storage_timeout": 5.0})
    for status in ("miss", "hit"):
        async with twin.client(config) as client:
            response = await client.get("/page")
            assert (response.content, status_of(response)) == (BODY, status)


@pytest.mark.parametrize("way", OFTEN)
@pytest.mark.parametrize("call", [stream("/tagged"), get("/large")], ids=["revalidated", "missed"])
async def test_cancelled_at_any_tick(serve: Serve, way: Way, call: Call) -> None:
    """Nothing is lost, whatever the cache is at."""
    server = serve(serves)
    async with ResilientClient(settings(server.url, cache={}, **ONE)) as client:
        await cancel_at_every_tick(client, way, call)

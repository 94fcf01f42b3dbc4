"""The reverse proxy that suites of others are run against."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.wire.cache.reverse_proxy import MODES, Reverse, fronts

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection


def one_answer(connection: Connection) -> None:
    """Answer one request, with a header field for everybody and one for the connection."""
    request = connection.read_request()
    if request.target == "/broken":
        return
    status = 500 if request.method == "POST" else 200
    headers = {"cache_control": "max-age=60", "x_a": "1", "connection": "close"}
    connection.answer(status, request.target.encode() + request.body, **headers)


@pytest.mark.parametrize("mode", MODES)
def test_what_comes_is_passed_on(serve: Serve, mode: str) -> None:
    """Of the origin, of the cache where there is one, and of an origin that says nothing."""
    server = serve(one_answer)

    async def story() -> None:
        async with (
            fronts(mode, server.url) as front,
            httpx.AsyncClient(
                transport=httpx.ASGITransport(Reverse(server.url, front)), base_url="http://proxy"
            ) as client,
        ):
            first, second = [await client.get("/a?b=%2F") for _ in range(2)]
            assert first.text == second.text == "/a?b=%2F"
            assert first.headers["x-a"] == second.headers["x-a"] == "1"
            assert "connection" not in first.headers
            assert "age" not in first.headers
            assert ("age" in second.headers) is (mode != "none")
            assert (await client.head("/a?b=%2F")).text == ""
            failed = await client.post("/a", content=b"sent")
            assert (failed.status_code, failed.text) == (500, "/asent")
            assert (await client.get("/broken")).status_code == 502

    asyncio.run(story())

"""Under trio, too, a failed handshake is httpx's error and leaves nothing behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from client import AsyncClient
from tests.wire.scripts import healthy, reads_nothing

if TYPE_CHECKING:
    from tests.drop_in.conftest import Serve


def test_a_server_that_speaks_no_tls(serve: Serve) -> None:
    """Retried as a connection that never stood, then raised."""
    server = serve(lambda connection: connection.answer(400))

    async def story() -> None:
        async with AsyncClient(max_retries=1, backoff_factor=0) as client:
            with pytest.raises(httpx.ConnectError):
                await client.post(server.url.replace("http:", "https:"))

    trio.run(story)
    assert server.accepted == 2


def test_a_handshake_that_does_not_end(serve: Serve) -> None:
    """Its timeout is httpx's."""
    server = serve(reads_nothing)

    async def story() -> None:
        async with AsyncClient(max_retries=0, timeout=0.1) as client:
            with pytest.raises(httpx.ConnectTimeout):
                await client.get(server.url.replace("http:", "https:"))

    trio.run(story)


def test_closing_in_a_thread_without_asyncio(serve: Serve) -> None:
    """Nothing reaches for a loop of asyncio's."""
    server = serve(healthy)

    async def story() -> None:
        client = AsyncClient()
        assert (await client.get(server.url)).status_code == 200
        await client.aclose()

    raised: list[BaseException] = []

    def run() -> None:
        try:
            trio.run(story)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert raised == []

"""What USAGE.md says does not work. When a test here fails, something got better: say so there."""

import asyncio
import gc
import time
from collections.abc import Iterator

import httpx
import pytest

from client import ClientConfig, ResilientClient, SyncResilientClient
from server.testing import FailureServer

SHORT = 0.002


# What the first loop left open is reported when it is collected: that is part of the limit.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_async_client_belongs_to_one_loop(failure_server: FailureServer) -> None:
    """The second loop meets a connection of the first."""
    client = ResilientClient(ClientConfig(base_url=failure_server.url))

    async def call() -> httpx.Response:
        return await client.get("/msg")

    async def call_and_close() -> None:
        try:
            await call()
        finally:
            await client.close()

    asyncio.run(call())
    with pytest.raises(RuntimeError, match="Event loop is closed"):
        asyncio.run(call_and_close())
    gc.collect()


class Drip(httpx.SyncByteStream):
    """A body whose pieces come late but come."""

    def __iter__(self) -> Iterator[bytes]:
        """Send five of them, each as late as the deadline is long."""
        for _ in range(5):
            time.sleep(SHORT)
            yield b"x"


def test_a_foreign_transport_is_not_held_to_the_deadline() -> None:
    """The answer comes late."""
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, stream=Drip()))
    with SyncResilientClient(transport=transport) as client:
        response = client.get("https://api.example/", deadline=SHORT)
    assert response.content == b"xxxxx"
    assert response.extensions["resilience"].elapsed > SHORT

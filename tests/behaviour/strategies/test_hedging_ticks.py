"""Streams that are cancelled at any tick of the loop while their attempts are hedged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from client import ClientConfig, ResilientClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TICKS = 60
"""More than such a call takes."""


class Slow(httpx.AsyncByteStream):
    """A body that takes a moment to be closed, as that of a socket does."""

    def __init__(self) -> None:
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"failed"

    async def aclose(self) -> None:
        """Close it, which cannot be broken off."""
        self.is_closed = True
        await asyncio.sleep(0)


class Failing(httpx.AsyncBaseTransport):
    """Answers everything with status 500."""

    def __init__(self) -> None:
        self.bodies: list[Slow] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make an answer that somebody must close."""
        del request
        self.bodies.append(Slow())
        return httpx.Response(500, stream=self.bodies[-1])


async def cancel_at_every_tick(retry: dict[str, float] | None) -> int:
    """Do so, look each time whether all was closed, and return how many hedges were sent."""
    server = Failing()
    config = ClientConfig.model_validate(
        {
            "base_url": "http://server.test",
            "retry": retry,
            "circuit_breaker": None,
            "hedge": {"delay": 3600, "max_extra_load": 1},
        }
    )

    async def stream(client: ResilientClient) -> None:
        async with client.stream("GET", "/"):
            pytest.fail("it cannot succeed")

    async with ResilientClient(config, transport=server) as client:
        for ticks in range(TICKS):
            task = asyncio.create_task(stream(client))
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert [body for body in server.bodies if not body.is_closed] == []
        return client.stats().hedges


RETRIES = {"none": None, "at once": {"min_wait_seconds": 0.0, "max_wait_seconds": 0.0}}


@pytest.mark.parametrize("retry", RETRIES)
def test_all_that_failed_is_closed(retry: str) -> None:
    """Also the answer of the first attempt, while that of the hedge is let go of."""
    assert asyncio.run(cancel_at_every_tick(RETRIES[retry])) > 0

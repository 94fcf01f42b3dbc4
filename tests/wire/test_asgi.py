"""A user's application under test: no socket, httpx's own transport for ASGI, two ways in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import CircuitOpenError, DeadlineExceededError, ResilientClient, ServerError
from server.app import create_app
from tests.wire.twins import settings

if TYPE_CHECKING:
    from collections.abc import Callable


def by_transport() -> ResilientClient:
    """Give the client a transport: everything else is its own."""
    transport = httpx.ASGITransport(app=create_app())
    return ResilientClient(settings("http://app", **CONFIG), transport=transport)


def by_client() -> ResilientClient:
    """Give it a client that knows where the application is."""
    transport = httpx.ASGITransport(app=create_app())
    owned = httpx.AsyncClient(transport=transport, base_url="http://app")
    return ResilientClient(settings("", **CONFIG), http_client=owned)


CONFIG: dict[str, Any] = {"circuit_breaker": {"failure_threshold": 2}}


@pytest.mark.parametrize("make", [by_transport, by_client])
async def test_an_application_is_called(make: Callable[[], ResilientClient]) -> None:
    """Retries, circuit, deadline and request ids as over the wire."""
    async with make() as client:
        await client.post("/fail/count/2")
        response = await client.get("/msg", request_id="mine")
        assert response.json()["request_id"] == "mine"
        assert response.extensions["resilience"].attempts == 3
        with pytest.raises(DeadlineExceededError):
            await client.get("/msg", params={"delay": 5000}, deadline=0.05)
        async with client.stream("GET", "/msg", request_id="mine") as streamed:
            assert (await streamed.aread()) != b""
        await client.post("/fail/count/10")
        for _ in range(2):
            with pytest.raises(ServerError):
                await client.get("/msg", retry=None)
        with pytest.raises(CircuitOpenError):
            await client.get("/msg")
        assert client.stats().slots_in_use == 0

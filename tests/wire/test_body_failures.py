"""A body that breaks is a failure of its attempt: retried, and seen by the circuit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import (
    APIConnectionError,
    APINetworkError,
    APITimeoutError,
    CircuitState,
    ResponseError,
)
from tests.wire.scripted_server import head
from tests.wire.scripts import (
    closes_in_the_body,
    explodes,
    forgets_the_last_chunk,
    garbles_a_chunk,
    healthy,
    lies_about_the_encoding,
    resets_in_the_body,
    stalls_in_the_body,
)
from tests.wire.twins import check_all_is_back, read_stream, settings

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Twin


def breaks_a_chunk(connection: Connection) -> None:
    """Close inside a chunk."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked") + b"ff\r\nhello")


def patience(script: Script) -> dict[str, float]:
    """Wait shortly for silence alone, so that a busy machine turns nothing else into it."""
    return {"read": 0.1 if script is stalls_in_the_body else 10.0}


BREAKS = [
    pytest.param(closes_in_the_body, APINetworkError, id="short"),
    pytest.param(resets_in_the_body, APINetworkError, id="reset"),
    pytest.param(forgets_the_last_chunk, APINetworkError, id="no-last-chunk"),
    pytest.param(breaks_a_chunk, APINetworkError, id="broken-chunk"),
    pytest.param(garbles_a_chunk, APINetworkError, id="garbled-chunk"),
    pytest.param(stalls_in_the_body, APITimeoutError, id="silent"),
]


@pytest.mark.parametrize(("script", "kind"), BREAKS)
async def test_it_is_retried(
    twin: Twin, serve: Serve, script: Script, kind: type[APIConnectionError]
) -> None:
    """Two answers break, the third is whole."""
    server = serve(script, script, healthy)
    config = settings(server.url, timeout=patience(script), bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        response = await client.get("/")
        assert response.text == "ok"
        assert response.extensions["resilience"].attempts == 3
        check_all_is_back(client)
        assert (client.stats().retries, server.accepted) == (2, 3)


@pytest.mark.parametrize(("script", "kind"), BREAKS)
async def test_it_counts_for_the_circuit(
    twin: Twin, serve: Serve, script: Script, kind: type[APIConnectionError]
) -> None:
    """And the error says what broke, and that the request had arrived."""
    server = serve(script)
    config = settings(
        server.url,
        timeout=patience(script),
        retry={"max_attempts": 2},
        circuit_breaker={"failure_threshold": 1},
    )
    async with twin.client(config) as client:
        with pytest.raises(kind) as failed:
            await client.get("/")
        assert type(failed.value) is kind
        assert (failed.value.attempts, failed.value.request_sent) == (2, True)
        assert client.circuit_state is CircuitState.OPEN
        check_all_is_back(client)


@pytest.mark.parametrize(("script", "kind"), BREAKS)
async def test_it_ends_a_stream(
    twin: Twin, serve: Serve, script: Script, kind: type[APIConnectionError]
) -> None:
    """What the caller has begun to read is not retried, but it counts all the same."""
    server = serve(script)
    config = settings(
        server.url,
        timeout={"read": 0.1},
        circuit_breaker={"failure_threshold": 1},
        bulkhead={"max_concurrency": 1},
    )
    async with twin.client(config) as client:
        with pytest.raises(kind) as failed:
            await read_stream(twin, client)
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)
        assert client.circuit_state is CircuitState.OPEN
        assert server.accepted == 1
        check_all_is_back(client)


@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "stream"])
async def test_a_body_in_another_encoding_is_not_retried(
    twin: Twin, serve: Serve, *, is_streamed: bool
) -> None:
    """Another attempt would bring the same; the server is there, so the circuit stays closed."""
    server = serve(lies_about_the_encoding, healthy)
    config = settings(
        server.url, circuit_breaker={"failure_threshold": 1}, bulkhead={"max_concurrency": 1}
    )
    async with twin.client(config) as client:
        with pytest.raises(ResponseError) as failed:
            await (read_stream(twin, client) if is_streamed else client.get("/"))
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)
        assert (client.circuit_state, server.accepted) == (CircuitState.CLOSED, 1)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"


async def test_a_body_that_is_too_large_is_cut_off(twin: Twin, serve: Serve) -> None:
    """Long before a small answer has grown to its full size, and without a retry."""
    server = serve(explodes, healthy)
    config = settings(server.url, max_body_bytes=100_000, bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        with pytest.raises(ResponseError, match="max_body_bytes") as failed:
            await client.get("/")
        assert (failed.value.attempts, failed.value.request_sent) == (1, True)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"

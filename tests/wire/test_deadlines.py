"""A deadline holds in every phase of an exchange, and what the call held is given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from client import CircuitState, DeadlineExceededError
from tests.wire.scripts import (
    LARGE,
    after_an_answer,
    drips_chunks,
    drips_the_body,
    drips_the_head,
    healthy,
    reads_nothing,
    reads_slowly,
    stalls_before_the_head,
    stalls_in_the_body,
)
from tests.wire.twins import check_all_is_back, outcome_of, read_stream, settings

if TYPE_CHECKING:
    import ssl

    from server.testing import FailureServer
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Client, Twin

SECONDS = 0.12
PHASES = [
    pytest.param(stalls_before_the_head, "GET", None, id="head-stalls"),
    pytest.param(drips_the_head, "GET", None, id="head-drips"),
    pytest.param(stalls_in_the_body, "GET", None, id="body-stalls"),
    pytest.param(drips_the_body, "GET", None, id="body-drips"),
    pytest.param(drips_chunks, "GET", None, id="chunks-drip"),
    pytest.param(reads_nothing, "POST", LARGE, id="upload-stalls"),
    pytest.param(reads_slowly, "POST", LARGE, id="upload-crawls"),
]


async def fail_by_deadline(
    client: Client, method: str = "GET", content: bytes | None = None
) -> None:
    """Make a call that ends at its deadline, in its first attempt, having perhaps been sent."""
    with pytest.raises(DeadlineExceededError) as failed:
        await client.request(method, "/", content=content, deadline=SECONDS)
    assert (failed.value.attempts, failed.value.request_sent) == (1, True)
    assert failed.value.__cause__ is not None


@pytest.mark.parametrize(("script", "method", "content"), PHASES)
async def test_over_http(
    twin: Twin, serve: Serve, script: Script, method: str, content: bytes | None
) -> None:
    """The call ends, and a client with a single slot goes on."""
    server = serve(after_an_answer(script), healthy, receive_buffer=4096)
    config = settings(server.url, bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        await client.get("/")
        await fail_by_deadline(client, method, content)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"
        check_all_is_back(client)


@pytest.mark.parametrize(("script", "method", "content"), PHASES)
async def test_over_https(  # noqa: PLR0913, PLR0917 - a case is three of them
    twin: Twin,
    serve: Serve,
    server_tls: ssl.SSLContext,
    script: Script,
    method: str,
    content: bytes | None,
) -> None:
    """The same under TLS."""
    server = serve(after_an_answer(script), healthy, receive_buffer=4096, tls=server_tls)
    config = settings(server.url, bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        await client.get("/")
        await fail_by_deadline(client, method, content)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"
        check_all_is_back(client)


async def test_on_a_new_connection(twin: Twin, serve: Serve) -> None:
    """The one deadline spans connecting, the head and the body."""
    server = serve(drips_the_body, healthy)
    async with twin.client(settings(server.url)) as client:
        with pytest.raises(DeadlineExceededError):
            await client.get("/", deadline=3 * SECONDS)
        assert (await client.get("/")).text == "ok"
        check_all_is_back(client)


async def test_a_deadline_ends_with_its_call(twin: Twin, serve: Serve) -> None:
    """Long after it has passed, the same connection serves a call without one."""
    server = serve(healthy)
    async with twin.client(settings(server.url)) as client:
        await client.get("/")
        for _ in range(3):
            assert (await client.get("/", deadline=0.3)).text == "ok"
        await twin.sleep(0.31)  # real, as each deadline is: what one left behind would strike now
        assert (await client.get("/")).text == "ok"
        assert (await client.get("/", deadline=5)).text == "ok"
        assert server.accepted == 1


async def test_while_connecting(twin: Twin, unaccepting_port: int) -> None:
    """Nobody answers the SYN."""
    config = settings(f"http://127.0.0.1:{unaccepting_port}", bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        for _ in range(2):
            with pytest.raises(DeadlineExceededError) as failed:
                await client.get("/", deadline=SECONDS)
            assert failed.value.attempts == 1
            check_all_is_back(client)


async def test_during_the_handshake(twin: Twin, serve: Serve, server_tls: ssl.SSLContext) -> None:
    """The server accepts, and does not speak TLS."""

    def hangs(connection: Connection) -> None:
        connection.stall()

    silent = serve(hangs)
    config = settings(silent.url.replace("http:", "https:"))
    async with twin.client(config) as client:
        with pytest.raises(DeadlineExceededError) as failed:
            await client.get("/", deadline=SECONDS)
        assert failed.value.attempts == 1
        check_all_is_back(client)
        able = serve(healthy, tls=server_tls)
        assert (await client.get(able.url, deadline=5)).text == "ok"


async def test_in_the_wait_for_a_retry(twin: Twin, failure_server: FailureServer) -> None:
    """A wait that would outlast the deadline is not begun: the error in hand is raised."""
    failure_server.fail_count(3, status=503, retry_after="30")
    async with twin.client(settings(failure_server.url)) as client:
        error = await outcome_of(client.get("/msg", request_id="late", deadline=5))
        assert type(error).__name__ == "ServiceUnavailableError"
        assert failure_server.ledger().requests["late"].arrived == 1
        check_all_is_back(client)


async def test_in_a_later_attempt(twin: Twin, serve: Serve) -> None:
    """It is the operation's: an attempt has what the ones before have left."""

    def fails(connection: Connection) -> None:
        connection.read_request()
        connection.answer(500, connection="close")  # the next attempt has one of its own

    server = serve(fails, drips_the_body)
    async with twin.client(settings(server.url)) as client:
        with pytest.raises(DeadlineExceededError) as failed:
            await client.get("/", deadline=4 * SECONDS)
        assert (failed.value.attempts, failed.value.request_sent) == (2, True)
        check_all_is_back(client)


async def test_in_the_queue_for_a_slot(twin: Twin, serve: Serve) -> None:
    """Waiting for one's turn is part of the operation; it says so by its class."""
    server = serve(stalls_before_the_head)
    config = settings(server.url, bulkhead={"max_concurrency": 1}, retry=None)
    async with twin.client(config) as client:
        occupant = twin.start(outcome_of(client.get("/", deadline=0.5)))
        await twin.until(lambda: len(server.requests) == 1)
        with pytest.raises(DeadlineExceededError) as failed:
            await client.get("/", deadline=SECONDS)
        assert (failed.value.attempts, failed.value.request_sent) == (0, False)
        assert client.stats().slots_in_use == 1
        assert isinstance(await occupant.result(), DeadlineExceededError)
        check_all_is_back(client)
        assert len(server.requests) == 1


@pytest.mark.parametrize("script", [drips_the_body, stalls_in_the_body, drips_chunks])
async def test_while_the_caller_reads_a_stream(twin: Twin, serve: Serve, script: Script) -> None:
    """The body is part of the operation, also where the caller reads it himself."""
    server = serve(script, healthy)
    config = settings(server.url, bulkhead={"max_concurrency": 1})
    async with twin.client(config) as client:
        with pytest.raises(DeadlineExceededError):
            await read_stream(twin, client, deadline=SECONDS)
        check_all_is_back(client)
        assert (await client.get("/")).text == "ok"


async def test_it_counts_for_the_circuit(twin: Twin, serve: Serve) -> None:
    """A server that never gets done is a server that fails."""
    server = serve(after_an_answer(drips_the_body))
    config = settings(server.url, circuit_breaker={"failure_threshold": 1})
    async with twin.client(config) as client:
        await client.get("/")
        await fail_by_deadline(client)
        assert client.circuit_state is CircuitState.OPEN

"""Closing a client ends what it has under way, wherever that is, and soon."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import CircuitState, ClientClosedError, ResilientClient
from client.events import AttemptEnded
from tests.wire.conftest import sockets_to
from tests.wire.scripts import (
    LARGE,
    drips_the_body,
    healthy,
    reads_nothing,
    stalls_before_the_head,
    stalls_in_the_body,
)
from tests.wire.twins import AsyncTwin, outcome_of, settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Coroutine

    from client import ClientConfig
    from server.testing import FailureServer
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Script
    from tests.wire.twins import Client, Twin

PHASES = [
    pytest.param(stalls_before_the_head, None, id="head-stalls"),
    pytest.param(stalls_in_the_body, None, id="body-stalls"),
    pytest.param(drips_the_body, None, id="body-drips"),
    pytest.param(reads_nothing, LARGE, id="upload-stalls"),
]


def config_of(url: str) -> ClientConfig:
    """Two slots, one try, and a circuit that the first failure would open."""
    circuit = {"failure_threshold": 1}
    return settings(url, bulkhead={"max_concurrency": 2}, retry=None, circuit_breaker=circuit)


def is_busy(client: Client) -> bool:
    """Whether a call is under way."""
    return client.stats().slots_in_use == 1


async def close_during(
    twin: Twin,
    client: Client,
    hangs: Callable[[], bool],
    *calls: Coroutine[Any, Any, object],
) -> list[Any]:
    """Begin calls, close the client once they hang, and return how the calls ended."""
    tasks = [twin.start(outcome_of(call)) for call in calls]
    await twin.until(hangs)
    await twin.sleep(0.02)  # a moment for those that only just came there
    await client.close()
    outcomes = [await task.result() for task in tasks]
    stats = client.stats()
    assert (stats.slots_in_use, stats.slots_waiting) == (0, 0)
    assert client.circuit_state is CircuitState.CLOSED
    return outcomes


@pytest.mark.parametrize(("script", "content"), PHASES)
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
async def test_with_calls_in_flight_and_queued(  # noqa: PLR0913 - a case is three of them
    twin: Twin,
    serve: Serve,
    server_tls: ssl.SSLContext,
    script: Script,
    content: bytes | None,
    *,
    tls: bool,
) -> None:
    """Two are in an exchange, two wait for their slots: none outlives the client."""
    server = serve(script, receive_buffer=4096, tls=server_tls if tls else None)
    heard: list[Any] = []
    client = twin.client(config_of(server.url), listeners=[heard.append])
    calls = [client.request("POST", "/", content=content) for _ in range(4)]
    outcomes = await close_during(twin, client, lambda: server.begun == 2, *calls)
    assert [type(each) for each in outcomes] == [ClientClosedError] * 4
    assert sorted((error.attempts, error.request_sent) for error in outcomes) == [
        (0, False),
        (0, False),
        (1, True),
        (1, True),
    ]
    assert [each.outcome for each in heard if isinstance(each, AttemptEnded)] == ["other"] * 2
    await twin.until(lambda: sockets_to(server.port) == 0)


async def test_while_connecting(twin: Twin, unaccepting_port: int) -> None:
    """The connection that nobody waits for any more is given up as well."""
    config = config_of(f"http://127.0.0.1:{unaccepting_port}").merged(timeout={"connect": 3.0})
    heard: list[Any] = []
    client, began = twin.client(config, listeners=[heard.append]), time.monotonic()
    [error] = await close_during(twin, client, lambda: is_busy(client), client.get("/"))
    assert isinstance(error, ClientClosedError)
    assert error.attempts == 1
    assert [each.outcome for each in heard if isinstance(each, AttemptEnded)] == ["other"]
    assert time.monotonic() - began < 3.0, "it waited for the connect timeout"


async def test_during_the_handshake(twin: Twin, serve: Serve) -> None:
    """A server that does not speak TLS."""
    server = serve(reads_nothing)
    client = twin.client(config_of(server.url.replace("http:", "https:")))
    [error] = await close_during(twin, client, lambda: server.begun == 1, client.get("/"))
    assert isinstance(error, ClientClosedError)


async def test_in_the_wait_for_a_retry(twin: Twin, failure_server: FailureServer) -> None:
    """The wait ends at once, and no attempt follows it."""
    failure_server.fail_count(1, status=503, retry_after="30")
    client = twin.client(config_of(failure_server.url).merged(retry={"max_attempts": 2}))
    call = client.get("/msg", request_id="late")
    [error] = await close_during(
        twin, client, lambda: failure_server.ledger().arrived == 1 and is_busy(client), call
    )
    assert isinstance(error, ClientClosedError)
    assert (error.attempts, error.request_sent) == (1, True)
    assert failure_server.ledger().requests["late"].arrived == 1


async def test_while_the_caller_reads_a_stream(twin: Twin, serve: Serve) -> None:
    """Also where he reads it in one thread and closes in another."""
    server = serve(drips_the_body)
    client = twin.client(config_of(server.url))

    async def read() -> bytes:
        async with client.stream("GET", "/") as response:
            return await twin.read(response)

    [error] = await close_during(twin, client, lambda: server.begun == 1, read())
    assert isinstance(error, ClientClosedError)
    assert (error.attempts, error.request_sent) == (1, True)


async def test_inside_the_block_of_a_stream(twin: Twin, serve: Serve) -> None:
    """Leaving the block is no error then, reading on is one."""
    server = serve(stalls_in_the_body)
    client = twin.client(config_of(server.url))
    async with client.stream("GET", "/") as response:
        await client.close()
    assert response.is_closed
    other = twin.client(config_of(server.url))

    async def read_on() -> None:
        async with other.stream("GET", "/") as response:
            await other.close()
            await twin.read(response)

    with pytest.raises(ClientClosedError):
        await read_on()


async def test_a_closed_client_is_refused(twin: Twin, failure_server: FailureServer) -> None:
    """Closing twice is fine; what comes after is an error that says so, and sends nothing."""
    client = twin.client(config_of(failure_server.url))
    await client.get("/msg")
    failure_server.clear()
    await client.close()
    await client.close()
    with pytest.raises(ClientClosedError, match="closed") as refused:
        await client.get("/msg")
    assert refused.value.attempts == 0
    assert failure_server.ledger().arrived == 0


async def test_a_client_that_was_never_used(twin: Twin) -> None:
    """There is nothing to close, and it is closed all the same."""
    client = twin.client(config_of("http://127.0.0.1:9"))
    await client.close()
    with pytest.raises(ClientClosedError):
        await client.get("/")


async def test_a_foreign_client_stays_open(twin: Twin, serve: Serve) -> None:
    """It is its owner's, and its connections are."""
    server = serve(healthy)
    owned: Any = httpx.AsyncClient() if twin.is_async else httpx.Client()
    client = twin.client(settings(server.url), http_client=owned)
    assert (await client.get("/")).text == "ok"
    await client.close()
    assert not owned.is_closed
    again = twin.client(settings(server.url), http_client=owned)
    assert (await again.get("/")).text == "ok"
    assert server.accepted == 1
    await again.close()
    if twin.is_async:
        await owned.aclose()
    else:
        owned.close()


async def test_a_transport_serves_one_client_after_another(twin: Twin, serve: Serve) -> None:
    """A transport of httpx's can be used again after its client was closed; so it is here."""
    server = serve(healthy)
    transport: Any = httpx.AsyncHTTPTransport() if twin.is_async else httpx.HTTPTransport()
    for _ in range(3):
        async with twin.client(settings(server.url), transport=transport) as client:
            assert (await client.get("/", deadline=5)).text == "ok"
    assert server.accepted == 3


async def test_a_call_through_a_foreign_client_ends_too(serve: Serve) -> None:
    """In the async world, where it can be cancelled; that client goes on."""
    server = serve(stalls_before_the_head, healthy)
    async with httpx.AsyncClient() as owned:
        client = ResilientClient(config_of(server.url), http_client=owned)
        call = asyncio.create_task(client.get("/"))
        await AsyncTwin().until(lambda: server.requests)
        await client.close()
        with pytest.raises(ClientClosedError):
            await call
        assert (await owned.get(server.url)).text == "ok"


async def test_who_queues_for_a_slot_is_told(twin: Twin, serve: Serve) -> None:
    """At once, and what is the matter."""
    server = serve(stalls_in_the_body)
    config = settings(
        server.url, bulkhead={"max_concurrency": 1, "acquisition_timeout": 60.0}, retry=None
    )
    client = twin.client(config)
    async with client.stream("GET", "/"):
        queueing = [twin.start(client.get("/")) for _ in range(3)]
        await twin.until(lambda: client.stats().slots_waiting == 3)
        await client.close()
        for each in queueing:
            with pytest.raises(ClientClosedError):
                await each.result()
        assert client.stats().slots_waiting == 0
    assert client.stats().slots_in_use == 0

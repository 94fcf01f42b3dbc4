"""Connections between calls: stale ones are replaced, and a pool of one never runs dry."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from client import CircuitState, NotFoundError, ServerError
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripted_server import head
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, outcome_of, pools_of, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from server.testing import FailureServer
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Client, Twin

    Use = Callable[[Twin, Client], Awaitable[object]]

ONE = {"max_concurrency": 1, "acquisition_timeout": 5.0}


def answers_once(connection: Connection) -> None:
    """Promise to keep the connection, and close it (FIN)."""
    connection.read_request()
    connection.answer(body=b"ok")


def resets_at_reuse(connection: Connection) -> None:
    """Keep the connection until the next request comes, and reset it then (RST)."""
    connection.read_request()
    connection.answer(body=b"ok")
    connection.read_request()
    connection.reset()


def closes_at_reuse(connection: Connection) -> None:
    """Close the connection just when the next request comes."""
    connection.read_request()
    connection.answer(body=b"ok")
    connection.read_request()


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_closed_while_idle(twin: Twin, serve: Serve, method: str) -> None:
    """The pool sees the FIN before it sends anything: no attempt is lost."""
    server = serve(answers_once)
    async with twin.client(settings(server.url)) as client:
        for _ in range(3):
            response = await client.request(method, "/", content=b"x")
            assert response.extensions["resilience"].attempts == 1
            await twin.until(
                lambda: all(each.has_expired() for each in pools_of(client)[0].connections)
            )
        assert server.accepted == 3
        check_all_is_back(client)


@pytest.mark.parametrize("script", [resets_at_reuse, closes_at_reuse])
@pytest.mark.parametrize("is_streamed", [False, True], ids=["whole", "stream"])
async def test_lost_at_reuse(
    twin: Twin, serve: Serve, script: Script, *, is_streamed: bool
) -> None:
    """The race that keep-alive cannot avoid: the request is sent again on a new connection."""
    server = serve(script, healthy)
    async with twin.client(settings(server.url, bulkhead=ONE)) as client:
        await client.get("/")
        if is_streamed:
            async with client.stream("POST", "/", content=b"abc") as response:
                assert await twin.read(response) == b"ok"
        else:
            response = await client.request("POST", "/", content=b"abc")
        assert response.extensions["resilience"].attempts == 2
        assert client.circuit_state is CircuitState.CLOSED
        assert [request.body for request in server.requests] == [b"", b"abc", b"abc"]
        check_all_is_back(client)


async def test_many_lost_at_once(twin: Twin, serve: Serve) -> None:
    """A restarted server leaves a pool full of dead connections: no call fails for it."""
    hold = threading.Barrier(8)

    def serves_once_with_all_others(connection: Connection) -> None:
        connection.read_request()
        hold.wait(PATIENCE_SECONDS)
        connection.answer(body=b"ok")

    server = serve(*[serves_once_with_all_others] * 8, healthy)
    async with twin.client(settings(server.url)) as client:
        for _ in range(2):
            tasks = [twin.start(client.get("/")) for _ in range(8)]
            assert [(await task.result()).text for task in tasks] == ["ok"] * 8
        assert client.stats().failures == {}
        check_all_is_back(client)


def big_failure(connection: Connection) -> None:
    """Answer every request with a 503 that has a large body."""
    while True:
        connection.read_request()
        connection.answer(503, b"x" * 500_000)


def endless_failure(connection: Connection) -> None:
    """Answer with a 503 whose body does not end."""
    connection.read_request()
    connection.send(head(503, transfer_encoding="chunked"))
    while True:
        connection.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")


def silent_failure(connection: Connection) -> None:
    """Answer with a small 503 whose body does not come."""
    connection.read_request()
    connection.send(head(503, content_length="10"))
    connection.stall()


async def fail(twin: Twin, client: Client) -> None:
    """Get an answer that is an error."""
    with pytest.raises(ServerError) as failed:
        await client.get("/")
    assert failed.value.attempts == 2


async def fail_to_stream(twin: Twin, client: Client) -> None:
    """Get an answer that is an error in place of a stream."""
    with pytest.raises(ServerError) as failed:
        async with client.stream("GET", "/"):
            pass
    assert failed.value.attempts == 2
    assert failed.value.response.is_closed


@pytest.mark.parametrize(
    ("script", "use"),
    [
        (big_failure, fail),
        (big_failure, fail_to_stream),
        (endless_failure, fail_to_stream),
    ],
)
async def test_a_pool_of_one_survives_discarded_answers(
    twin: Twin, serve: Serve, script: Script, use: Use
) -> None:
    """Answers that a retry replaces, or an error carries, give their connection back."""
    server = serve(script)
    config = settings(server.url, bulkhead=ONE, retry={"max_attempts": 2}, circuit_breaker=None)
    async with twin.client(config) as client:
        for _ in range(3):
            await use(twin, client)
            check_all_is_back(client)


async def test_an_error_of_stream_carries_its_body(twin: Twin, serve: Serve) -> None:
    """What the server says about the failure can be read, if it is not too much."""

    def explains(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(404, b"no such thing")

    server = serve(explains)
    async with twin.client(settings(server.url, bulkhead=ONE)) as client:
        for _ in range(3):
            with pytest.raises(NotFoundError) as failed:
                async with client.stream("GET", "/"):
                    pass
            assert failed.value.response.text == "no such thing"
            check_all_is_back(client)
        assert server.accepted == 1


async def test_an_answer_that_does_not_come_is_discarded_in_bounded_time(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Draining it is not worth much time, for closing it costs but a connection."""
    monkeypatch.setattr("client.faces.disposal._DRAIN_SECONDS", 0.1)
    server = serve(silent_failure, healthy)
    async with twin.client(settings(server.url, bulkhead=ONE)) as client:
        async with client.stream("GET", "/", deadline=8) as response:
            assert await twin.read(response) == b"ok"
        assert response.extensions["resilience"].attempts == 2
        check_all_is_back(client)


async def leave_unread(twin: Twin, client: Client) -> None:
    """Do not look at the body."""
    async with client.stream("GET", "/"):
        pass


async def leave_early(twin: Twin, client: Client) -> None:
    """Read some of the body."""
    async with client.stream("GET", "/") as response:
        async for _ in twin.chunks(response):
            break


async def leave_by_error(twin: Twin, client: Client) -> None:
    """Raise something in the middle of the body."""
    async with client.stream("GET", "/") as response:
        async for _ in twin.chunks(response):
            raise LookupError


async def leave_by_return(twin: Twin, client: Client) -> int:
    """Return from inside the block."""
    async with client.stream("GET", "/") as response:
        return response.status_code


@pytest.mark.parametrize("leave", [leave_unread, leave_early, leave_by_error, leave_by_return])
async def test_a_pool_of_one_survives_early_exits_from_a_stream(
    twin: Twin, serve: Serve, leave: Use
) -> None:
    """However the block is left: that says nothing about the server, and holds nothing."""

    def serves_much(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.answer(body=b"x" * 2_000_000)

    server = serve(serves_much)
    config = settings(server.url, bulkhead=ONE, circuit_breaker={"failure_threshold": 1})
    async with twin.client(config) as client:
        for _ in range(3):
            await outcome_of(leave(twin, client))
            check_all_is_back(client)
        assert client.circuit_state is CircuitState.CLOSED
        assert len((await client.get("/")).content) == 2_000_000


async def test_a_connection_is_used_again(twin: Twin, failure_server: FailureServer) -> None:
    """Success, failure and retry alike, in order, take a single connection."""
    async with twin.client(settings(failure_server.url, bulkhead=ONE)) as client:
        await client.get("/msg")
        [connection] = pools_of(client)[0].connections
        failure_server.fail_count(2)
        await client.get("/msg")
        async with client.stream("GET", "/msg") as response:
            await twin.read(response)
        assert pools_of(client)[0].connections == [connection]

"""The server does not keep to the protocol."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from client import APINetworkError
from tests.eventually import PATIENCE_SECONDS
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.catalogue.faults import Fault, each
from tests.wire.scripted_server import head
from tests.wire.scripts import healthy, stalls_in_the_body
from tests.wire.twins import pools_of, settings

if TYPE_CHECKING:
    import ssl

    from tests.wire.catalogue.conftest import Meet
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, ScriptedServer
    from tests.wire.twins import Client, Twin

SURPLUS = head(content_length="8") + b"surplus!"


def speaks_ssh(connection: Connection) -> None:
    """Greet as another kind of server."""
    connection.send(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
    connection.stall()


def contradicts_itself(connection: Connection) -> None:
    """Give two lengths."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 20\r\n\r\nok")
    connection.stall()


def gives_no_length(connection: Connection) -> None:
    """Give a length that is none."""
    connection.read_request()
    connection.send(head(content_length="-2") + b"ok")
    connection.stall()


def sends_a_nul(connection: Connection) -> None:
    """Put a NUL into a header."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nX-Evil: a\0b\r\nContent-Length: 2\r\n\r\nok")
    connection.stall()


FAULTS = [
    Fault("garbage in place of an answer", APINetworkError, speaks_ssh, is_retried=True),
    Fault("two lengths that differ", APINetworkError, contradicts_itself, is_retried=True),
    Fault("length that is no number", APINetworkError, gives_no_length, is_retried=True),
    Fault("NUL in a header", APINetworkError, sends_a_nul, is_retried=True),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """What breaks the protocol breaks the connection."""
    await meet(fault)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_surplus_bytes_after_an_answer(twin: Twin, serve: Serve, method: str) -> None:
    """They are not given to the next request, which goes over another connection."""

    def says_too_much(connection: Connection) -> None:
        is_head = connection.read_request().method == "HEAD"
        connection.send(head(content_length="2") + (b"" if is_head else b"ok") + SURPLUS)
        connection.stall()

    server = serve(says_too_much, healthy)
    async with twin.client(settings(server.url)) as client:
        await client.request(method, "/")
        await check_the_next_call(twin, client, server)
    await check_nothing_is_left(twin, server)


async def test_surplus_bytes_some_time_after_an_answer(twin: Twin, serve: Serve) -> None:
    """The same where they come while the connection is idle."""
    answered = threading.Event()

    def says_too_much_later(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")
        answered.wait(PATIENCE_SECONDS)
        connection.send(SURPLUS)
        connection.stall()

    server = serve(says_too_much_later, healthy)
    async with twin.client(settings(server.url)) as client:
        assert (await client.get("/")).text == "ok"
        [connection] = pools_of(client)[0].connections
        answered.set()
        await twin.until(connection.has_expired)
        await check_the_next_call(twin, client, server)
    await check_nothing_is_left(twin, server)


async def check_the_next_call(twin: Twin, client: Client, server: ScriptedServer) -> None:
    """Assert that it gets its own answer, over a second connection and at the first attempt."""
    response = await client.get("/")
    assert (response.text, response.extensions["resilience"].attempts) == ("ok", 1)
    assert (server.accepted, client.stats().failures) == (2, {})
    await check_nothing_is_held(twin, client, server)


async def test_surplus_in_a_record_of_its_own(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """It came along with the answer, and is not even decrypted when that ends."""

    def poisons(connection: Connection) -> None:
        connection.read_request()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.answer(body=b"ok")
        connection.send(SURPLUS)
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)
        connection.stall()

    def is_busy_with_the_second(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")
        stalls_in_the_body(connection)

    server = serve(is_busy_with_the_second, poisons, healthy, tls=server_tls)
    async with twin.client(settings(server.url)) as client:
        assert (await client.get("/")).text == "ok"
        async with client.stream("GET", "/"):  # over the first connection, where nothing is wrong
            assert (await client.get("/")).text == "ok"
            assert (await client.get("/")).text == "ok"
        assert server.accepted == 3
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)

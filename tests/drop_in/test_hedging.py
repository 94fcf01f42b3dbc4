"""Hedging behind httpx's own interface, on asyncio, on trio and in threads."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING, Any

import pytest
import trio

from tests.drop_in.kits import ON_EACH_KIT, Kit
from tests.eventually import eventually
from tests.wire.conftest import sockets_to
from tests.wire.scripts import healthy, serves
from tests.wire.test_hedging import late, threads

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from tests.drop_in.conftest import Serve
    from tests.wire.scripted_server import Connection

SOON: dict[str, Any] = {"delay": 0.15, "max_extra_load": 1}


def losers_of(client: Any) -> Any:
    """The attempts of a client that go on though they have lost."""
    return client._drop_in._strategies._hedging[1]


async def until(condition: Callable[[], object]) -> None:
    """Let other tasks of trio run until something holds."""
    while not condition():  # noqa: ASYNC110 - no event tells of it
        await trio.sleep(0.001)


@ON_EACH_KIT
async def test_a_hedge_answers_where_the_first_is_late(kit: Kit, serve: Serve) -> None:
    """And the connection of the first lives."""
    release = threading.Event()
    server = serve(late(release), healthy)
    client = kit.real_client(hedge=SOON)
    response = await client.get(server.url)
    assert response.text == "ok"
    assert response.extensions["resilience"].attempts == 2
    release.set()
    while losers_of(client.real):
        await client.get(server.url, hedge=None)
    assert client.real.stats().hedges == 1
    assert sockets_to(server.port) == 2


@ON_EACH_KIT
async def test_without_retries_there_are_hedges_all_the_same(kit: Kit, serve: Serve) -> None:
    """Whoever switches retries off has said nothing of these."""
    server = serve(late(threading.Event()), healthy)
    client = kit.real_client(hedge={**SOON, "on_lose": "cancel"}, max_retries=0)
    assert (await client.get(server.url)).text == "ok"


@ON_EACH_KIT
async def test_a_stream_is_hedged_up_to_its_head(kit: Kit, serve: Serve) -> None:
    """Its body and its request are those of the winner."""
    server = serve(late(threading.Event()), healthy)
    client = kit.real_client(hedge={**SOON, "on_lose": "cancel"}, max_total_time=20)
    async with client.stream("GET", server.url) as response:
        assert await kit.read(response) == b"ok"
    assert len(server.requests) == 2


@ON_EACH_KIT
async def test_a_body_of_a_stream_that_breaks_tells_of_its_own_request(
    kit: Kit, serve: Serve
) -> None:
    """And not of the one that lost."""

    def breaks(connection: Connection) -> None:
        connection.read_request()
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    server = serve(late(threading.Event()), breaks)
    client = kit.real_client(hedge={**SOON, "on_lose": "cancel"})
    async with client.stream("GET", server.url) as response:
        with pytest.raises(kit.error("RemoteProtocolError")) as caught:
            await kit.read(response)
        assert caught.value.request is response.request


@ON_EACH_KIT
async def test_each_attempt_has_headers_of_its_own(kit: Kit, serve: Serve) -> None:
    """What a flow of the caller's writes into one does not come into another."""
    base: Any = kit.module.Auth

    class Numbered(base):  # type: ignore[misc] # of either family
        def __init__(self) -> None:
            self.used = 0

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            self.used += 1
            request.headers["X-Number"] = str(self.used)
            yield request

    server = serve(late(threading.Event()), healthy)
    client = kit.real_client(hedge={**SOON, "on_lose": "cancel"})
    response = await client.get(server.url, auth=Numbered())
    assert response.text == "ok"
    # Which of them comes first to the server is the machine's affair.
    assert response.request.headers["X-Number"] in {"1", "2"}
    assert {each.headers["x-number"] for each in server.requests} == {"1", "2"}


@ON_EACH_KIT
async def test_a_write_is_not_hedged(kit: Kit, serve: Serve) -> None:
    """Unless its method is among those that may be, and its body lies in memory."""

    def slow(connection: Connection) -> None:
        while True:
            connection.read_request()
            connection.stopping.wait(0.5)
            connection.answer(body=b"ok")

    server = serve(slow)
    client = kit.real_client(hedge=SOON)
    assert (await client.post(server.url, content=b"x")).text == "ok"
    assert len(server.requests) == 1
    puts = {**SOON, "methods": ["PUT"], "max_body_bytes": 200}
    bodies: list[dict[str, Any]] = [
        {"content": b"x" * 200},
        {"content": b"x" * 201},
        {"files": {"a": b"b"}},
        {"files": {"a": io.BytesIO(b"b")}},
        {"content": kit.body(b"x")},
    ]
    sent: list[int] = []
    for body in bodies:
        response = await client.put(server.url, hedge=puts, **body)
        sent.append(response.extensions["resilience"].attempts)
    assert sent == [2, 1, 2, 1, 1]


@ON_EACH_KIT
async def test_where_all_fail_httpx_s_own_error_comes_out(kit: Kit, serve: Serve) -> None:
    """That of the first attempt, with a note of all."""

    def cut(connection: Connection) -> None:
        connection.read_request()
        connection.stopping.wait(0.5)
        connection.reset()

    def refuse(connection: Connection) -> None:
        connection.read_request()
        connection.stopping.wait(0.05)

    server = serve(cut, refuse)
    client = kit.real_client(hedge=SOON, max_retries=1)
    with pytest.raises(kit.error("ReadError")) as caught:
        await client.get(server.url)
    assert any(note.startswith("2 attempts were made") for note in caught.value.__notes__)
    assert len(server.requests) == 2


async def test_closing_the_client_ends_those_that_lost(kit: Kit, serve: Serve) -> None:
    """With their connections."""
    server = serve(late(threading.Event()), healthy)
    client = kit.real_client(hedge=SOON)
    assert (await client.get(server.url)).text == "ok"
    await client.close()
    if not kit.is_async:
        eventually(lambda: not threads())
        eventually(lambda: not sockets_to(server.port))


@pytest.mark.parametrize("kind", ["Client", "Transport"])
@pytest.mark.parametrize("on_lose", ["drain", "cancel"])
@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_on_trio(family: str, on_lose: str, kind: str, serve: Serve) -> None:
    """In tasks of the system's, which end with their connections."""
    release = threading.Event()
    server = serve(late(release), serves)

    async def story() -> None:
        kit = Kit(family, is_async=True)
        hedge = {**SOON, "on_lose": on_lose}
        client: Any
        if kind == "Client":
            client = kit.ours_of(hedge=hedge, verify=False)
            ours = client
        else:
            transport = kit.ours.AsyncResilientTransport(
                kit.module.AsyncHTTPTransport(verify=False), hedge=hedge
            )
            client, ours = kit.theirs_of(transport=transport), transport
        async with client:
            assert (await client.get(server.url)).text == "ok"
            release.set()
            await until(lambda: not losers_of(ours))
            assert ours.stats().hedges == 1
            alive = 2 if on_lose == "drain" else 1
            await until(lambda: sockets_to(server.port) == alive)
            with trio.move_on_after(0.1) as scope:
                await client.get(f"{server.url}/stall")
            assert scope.cancelled_caught
            await until(lambda: not losers_of(ours))
            assert (await client.get(server.url)).text == "ok"

    trio.run(story)

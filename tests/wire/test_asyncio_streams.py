"""Heads leave without a turn of the event loop, and nothing else is different for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import anyio
import httpcore
import httpx
import httpx2
import pytest
import trio

from client import AsyncClient
from client import httpx2 as ours_of_httpx2
from tests.wire.scripts import healthy
from tests.wire.twins import AsyncTwin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

CONTENT = bytes(range(256)) * 40_000


@pytest.fixture(params=[AsyncClient, ours_of_httpx2.AsyncClient], ids=["httpx", "httpx2"])
def kind(request: pytest.FixtureRequest) -> Any:
    """The drop-in client of either family."""
    return request.param


def stream_of(client: Any) -> Any:
    """Its only connection."""
    (connection,) = client._transport._pool.connections
    return connection._connection._network_stream


async def test_a_head_does_not_wait_for_the_loop(kind: Any, serve: Serve) -> None:
    """Anyio is asked for none."""
    server = serve(healthy)
    async with kind() as client:
        await client.get(server.url)
        inner, written = stream_of(client)._inner, []
        slow = type(inner).write

        async def write(buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
            written.append(buffer)
            await slow(inner, buffer, timeout)

        inner.write = write
        for _ in range(3):
            await stream_of(client).write(b"")
            assert (await client.get(server.url)).status_code == 200
        assert written == []
        await client.post(server.url, content=b"body")
        assert written == [b"body"]
    assert server.accepted == 1


async def test_what_the_socket_does_not_take_at_once_is_waited_for(kind: Any, serve: Serve) -> None:
    """Each byte once and in its place, in one piece and in many."""
    server = serve(healthy, receive_buffer=4096)

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(CONTENT), 50_000):
            yield CONTENT[start : start + 50_000]

    async with kind() as client:
        for content in (CONTENT, pieces(), CONTENT):
            await client.post(server.url, content=content)
    assert server.accepted == 1
    assert [request.body == CONTENT for request in server.requests] == [True] * 3


async def test_who_does_not_read_is_not_waited_for_for_ever(kind: Any, serve: Serve) -> None:
    """The write timeout holds for what the socket did not take."""
    server = serve(lambda connection: connection.ignore(), receive_buffer=4096)
    module = {AsyncClient: httpx}.get(kind, httpx2)
    async with kind(timeout=module.Timeout(5, write=0.05), max_retries=0) as client:
        with pytest.raises(module.WriteTimeout):
            await client.post(server.url, content=CONTENT)
        assert client._transport._pool.connections == []


async def test_a_write_that_was_broken_off_is_the_last_at_once(kind: Any, serve: Serve) -> None:
    """Some of it may be in the transport's buffer yet, and must not be overtaken."""
    server = serve(healthy)
    async with kind() as client:
        await client.get(server.url)
        stream = stream_of(client)
        waiting = asyncio.create_task(stream.write(CONTENT * 10))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        slowly: list[bytes] = []

        async def write(buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
            slowly.append(buffer)

        stream._inner.write = write
        await stream.write(b"more")
        assert slowly == [b"more"]


async def test_nothing_is_written_to_what_was_closed(kind: Any, serve: Serve) -> None:
    """Not even while its socket is open yet."""
    server = serve(healthy)
    async with kind() as client:
        await client.get(server.url)
        stream = stream_of(client)
        closing = stream.aclose()
        closing.send(None)  # as far as to its first wait
        with pytest.raises(Exception, match=r"^$") as caught:
            await stream.write(b"more")
        assert type(caught.value).__name__ == "WriteError"
        closing.close()


async def test_an_upload_that_never_waits_leaves_turns_to_others(kind: Any, serve: Serve) -> None:
    """Its pieces are there at once, and the socket takes them all."""
    server = serve(healthy)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal turns
        turns = 0
        for _ in range(20):
            yield b"x" * 10
        assert turns >= 20

    async with kind() as client:
        task = asyncio.create_task(others())
        assert (await client.post(server.url, content=pieces())).status_code == 200
        task.cancel()


CUTS = ("scope before", "task before", "scope", "task", "timeout")


@pytest.mark.parametrize("how", CUTS)
async def test_a_cancelled_upload_is_not_made_whole(kind: Any, serve: Serve, how: str) -> None:
    """Though all of it would fit into the socket at once: its source may have been broken."""
    server = serve(healthy)

    async def cut(scope: anyio.CancelScope) -> AsyncIterator[bytes]:
        yield b"some of it"
        if how == "scope":
            scope.cancel()
        elif how == "task":
            task.cancel()
        elif how == "timeout":
            time.sleep(0.05)  # noqa: ASYNC251 - longer than the limit, and the loop stands still
        for _ in range(3 if how == "timeout" else 1):  # anyio, too, is late by one
            yield b"more"

    async def upload() -> None:
        with anyio.CancelScope() as scope:
            async with asyncio.timeout(0.02 if how == "timeout" else None):
                if how == "scope before":
                    scope.cancel()
                elif how == "task before":
                    task.cancel()
                await client.post(server.url, content=cut(scope))

    async with kind() as client:
        await client.get(server.url)
        task = asyncio.create_task(upload())
        await asyncio.wait([task])
        assert task.cancelled() is ("task" in how)
    await AsyncTwin().until(lambda: not server._open)
    assert [request.method for request in server.requests] == ["GET"]


async def test_a_head_that_is_cancelled_stays_here(kind: Any, serve: Serve) -> None:
    """At the last moment, by whoever looks on."""
    server = serve(healthy)

    async def cancel(event: str, _info: object) -> None:
        if event == "http11.send_request_headers.started":
            scope.cancel()

    async with kind() as client:
        await client.get(server.url)
        with anyio.CancelScope() as scope:
            await client.get(server.url, extensions={"trace": cancel})
        assert scope.cancelled_caught
    await AsyncTwin().until(lambda: not server._open)
    assert len(server.requests) == 1


async def test_a_time_that_is_up_already_is_up(kind: Any, serve: Serve) -> None:
    """Nothing is sent then."""
    server = serve(healthy)
    module = {AsyncClient: httpx}.get(kind, httpx2)
    async with kind(max_retries=0) as client:
        await client.get(server.url)
        with pytest.raises(module.WriteTimeout):
            await client.get(server.url, timeout=module.Timeout(5, write=0))
    assert len(server.requests) == 1


def test_another_loop_than_asyncios(serve: Serve) -> None:
    """Where httpcore was told to use anyio under trio."""
    server = serve(healthy)

    async def story() -> None:
        transport: Any = httpx.AsyncHTTPTransport()
        transport._pool._network_backend = httpcore.AnyIOBackend()
        async with AsyncClient(transport=transport) as client:
            assert (await client.get(server.url)).status_code == 200

    trio.run(story)


async def test_a_backend_of_somebodys_own_sees_all_that_is_written(serve: Serve) -> None:
    """Whatever it makes of it: the socket below it is none of our business."""
    seen: list[bytes] = []

    class Stream:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __getattr__(self, name: str) -> Any:
            return getattr(self.inner, name)

        async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
            seen.append(buffer)
            await self.inner.write(buffer, timeout)

    class Backend:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        async def connect_tcp(self, *arguments: Any, **options: Any) -> Stream:
            return Stream(await self.inner.connect_tcp(*arguments, **options))

    server = serve(healthy)
    transport: Any = httpx.AsyncHTTPTransport()
    transport._pool._network_backend = Backend(transport._pool._network_backend)
    async with AsyncClient(transport=transport) as client:
        for _ in range(3):
            await client.get(server.url)
    assert [each.split()[0] for each in seen if each] == [b"GET"] * 3


async def test_a_server_that_has_gone_is_told_by_reading(kind: Any, serve: Serve) -> None:
    """A write that fails, or one of nothing, does not take the error away."""
    module = {AsyncClient: httpx}.get(kind, httpx2)

    def resets(connection: Connection) -> None:
        connection.read_request()
        connection.reset()

    server = serve(resets)
    async with kind(max_retries=0) as client:
        for _ in range(50):
            with pytest.raises(module.ReadError):
                await client.post(server.url, content=b"x")

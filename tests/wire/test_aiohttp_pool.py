"""The connections of the fast transport: how many, for how long, and that none is ever lost."""

from __future__ import annotations

import asyncio
import random
import threading
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest

from client import AiohttpTransport
from client.transports.aiohttp.answer import _NOTHING
from client.transports.aiohttp.wire import Wire
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripts import echoes, healthy, stalls_before_the_head, stalls_in_the_body
from tests.wire.twins import AsyncTwin

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection


until = AsyncTwin().until


def transport_with(**limits: Any) -> AiohttpTransport:
    """A transport with limits."""
    return AiohttpTransport(limits=httpx.Limits(**limits))


def check_nothing_is_held(transport: AiohttpTransport) -> None:
    """Assert that only idle connections stand, and nobody waits."""
    pool = transport._pool
    assert [each for each in pool.connections if not each.is_pooled] == []
    assert (pool._opening, list(pool._queued)) == (0, [])
    assert sum(map(len, pool._idle.values())) == len(pool.connections)


async def test_connections_are_used_again(serve: Serve) -> None:
    """The last one first, so that the others may expire."""
    server = serve(healthy)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        await asyncio.gather(*[http.get(server.url) for _ in range(3)])
        assert len(transport._pool.connections) == server.accepted
        before = server.accepted
        for _ in range(5):
            await http.get(server.url)
        assert server.accepted == before
        check_nothing_is_held(transport)


async def test_a_full_pool_serves_in_turn(serve: Serve) -> None:
    """More calls than connections."""
    server = serve(echoes)
    transport = transport_with(max_connections=2)
    async with httpx.AsyncClient(transport=transport) as http:
        answers = await asyncio.gather(*[http.get(f"{server.url}/{n}") for n in range(20)])
        assert [answer.text for answer in answers] == [f"/{n}" for n in range(20)]
        assert server.accepted == 2
        check_nothing_is_held(transport)


async def test_old_connections_are_closed_although_nobody_asks_for_one(serve: Serve) -> None:
    """Also where they might stand idle for ever."""
    server = serve(healthy)
    transport = transport_with(keepalive_expiry=None)
    transport.limit_age(0.01)
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(server.url)
        await until(lambda: transport._pool.connections == [])


async def test_a_full_pool_makes_room_for_another_origin(serve: Serve) -> None:
    """By closing what is idle, or what comes free."""
    first, second = serve(echoes), serve(echoes)
    transport = transport_with(max_connections=1)
    async with httpx.AsyncClient(transport=transport) as http:
        for server in (first, second, first):
            assert (await http.get(f"{server.url}/x")).text == "/x"
        servers = (first, second) * 5
        answers = await asyncio.gather(*[http.get(f"{server.url}/y") for server in servers])
        assert {answer.text for answer in answers} == {"/y"}
        assert len(transport._pool.connections) == 1
        check_nothing_is_held(transport)


@pytest.mark.parametrize("most", [0, 1])
async def test_no_more_are_kept_than_may_be(serve: Serve, most: int) -> None:
    """The one that has been idle longest goes."""
    server = serve(healthy)
    transport = transport_with(max_keepalive_connections=most)
    async with httpx.AsyncClient(transport=transport) as http:
        await asyncio.gather(*[http.get(server.url) for _ in range(3)])
        assert len(transport._pool.connections) == most
        check_nothing_is_held(transport)


async def test_what_is_idle_too_long_is_closed(serve: Serve) -> None:
    """Whether anybody calls meanwhile or not."""
    server = serve(healthy)
    transport = transport_with(keepalive_expiry=0.02)
    async with httpx.AsyncClient(transport=transport) as http:
        await asyncio.gather(http.get(server.url), http.get(server.url))
        await until(lambda: not transport._pool.connections)
        await http.get(server.url)
        check_nothing_is_held(transport)


async def test_an_expired_connection_is_not_used(serve: Serve) -> None:
    """Where nobody has come by yet to close it."""
    server = serve(healthy)
    transport = transport_with(keepalive_expiry=60)
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(server.url)
        transport._pool.connections[0].idle_since -= 61
        await http.get(server.url)
        assert server.accepted == 2
        # One that comes too early looks again later, one of another time does nothing.
        transport._pool._sweep_now(transport._pool._era)
        transport._pool._sweep_now(object())
        assert len(transport._pool.connections) == 1


async def test_one_that_the_server_closes_while_it_is_idle_is_forgotten(serve: Serve) -> None:
    """At once, and not only when somebody wants it."""
    is_over = threading.Event()

    def answers_once(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")
        is_over.wait(PATIENCE_SECONDS)

    server = serve(answers_once)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        await http.get(server.url)
        assert [each.is_pooled for each in transport._pool.connections] == [True]
        is_over.set()
        await until(lambda: not transport._pool.connections)
        check_nothing_is_held(transport)


async def test_where_one_is_dead_the_idle_ones_to_its_origin_are_closed(serve: Serve) -> None:
    """The server may have gone since; those to others stay."""
    server, other = serve(healthy), serve(healthy)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        await asyncio.gather(http.get(server.url), http.get(server.url), http.get(other.url))
        pool = transport._pool
        (kept,) = [each for each in pool.connections if str(other.port) in str(each.key)]
        (first, *_) = [each for each in pool.connections if each is not kept]
        pool.drop_idle(first.key)
        assert pool.connections == [kept]
        check_nothing_is_held(transport)


@pytest.mark.parametrize("limits", [{"keepalive_expiry": None}, {"max_connections": None}])
async def test_without_a_limit(serve: Serve, limits: dict[str, Any]) -> None:
    """None is none."""
    server = serve(healthy)
    transport = transport_with(**limits)
    async with httpx.AsyncClient(transport=transport) as http:
        for _ in range(2):
            await http.get(server.url)
        assert server.accepted == 1
        check_nothing_is_held(transport)


async def test_whoever_gives_up_waiting_leaves_his_place(serve: Serve) -> None:
    """To the next, also where he was given it in the very moment.

    Between giving a connection back and the caller's next line nothing suspends: whom that line
    cancels has just been handed the connection, or its place.
    """
    answer = threading.Event()

    def answers_when_told(connection: Connection) -> None:
        while True:
            connection.read_request()
            answer.wait(PATIENCE_SECONDS)
            connection.answer(body=b"ok")

    def answers_elsewhere(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"elsewhere")

    server, other = serve(answers_when_told), serve(answers_elsewhere)
    transport = transport_with(max_connections=1)
    pool = transport._pool
    async with httpx.AsyncClient(transport=transport) as http:

        async def get_and_cancel(url: str, number: int) -> httpx.Response:
            response = await http.get(url)
            tasks[number].cancel()
            return response

        first = asyncio.create_task(get_and_cancel(server.url, 1))
        await until(lambda: server.requests)
        waiting = [asyncio.create_task(http.get(server.url)) for _ in range(2)]
        waiting.append(asyncio.create_task(get_and_cancel(server.url, 3)))
        elsewhere = [asyncio.create_task(http.get(other.url)) for _ in range(2)]
        tasks = [*waiting, *elsewhere]
        await until(lambda: len(pool._queued) == 5)
        waiting[0].cancel()
        answer.set()
        ended = await asyncio.gather(first, *waiting, *elsewhere, return_exceptions=True)
        kinds = [getattr(each, "text", type(each)) for each in ended]
        cancelled = asyncio.CancelledError
        assert kinds == ["ok", cancelled, cancelled, "ok", cancelled, "elsewhere"]
        check_nothing_is_held(transport)


async def test_closing_turns_everybody_away(serve: Serve) -> None:
    """Who waits for an answer, for a body and for a connection."""
    for script, has_begun in ((stalls_before_the_head, False), (stalls_in_the_body, True)):
        server = serve(script)
        transport = transport_with(max_connections=1)
        async with httpx.AsyncClient(transport=transport) as http:
            calls = [asyncio.create_task(http.get(server.url)) for _ in range(3)]
            await until(lambda: len(transport._pool._queued) == 2)  # noqa: B023 - awaited at once
            await until(lambda: server.requests)  # noqa: B023 - likewise
            (wire,) = transport._pool.connections
            await until(lambda: wire.has_begun() is has_begun)  # noqa: B023 - likewise
            calls[2].cancel()
            await transport.aclose()
            ended = await asyncio.gather(*calls, return_exceptions=True)
            kinds = [type(each) for each in ended]
            assert kinds == [httpx.ReadError, httpx.PoolTimeout, asyncio.CancelledError]
            check_nothing_is_held(transport)


async def test_a_closed_transport_can_be_used_again(serve: Serve) -> None:
    """As httpx's own can."""
    server = serve(healthy)
    transport = AiohttpTransport()
    for _ in range(2):
        async with transport:
            request = httpx.Request("GET", server.url)
            response = await transport.handle_async_request(request)
            assert await response.aread() == b"ok"
    assert server.accepted == 2


async def test_closing_while_a_connection_is_being_opened(serve: Serve) -> None:
    """It is closed as soon as it is there."""
    server = serve(healthy)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        call = asyncio.create_task(http.get(server.url))
        while not transport._pool._opening:  # noqa: ASYNC110 - it lasts but a few turns
            await asyncio.sleep(0)
        await transport.aclose()
        with pytest.raises(httpx.ConnectError, match="closed"):
            await call
        check_nothing_is_held(transport)


async def test_closing_before_the_opening_of_a_connection_fails() -> None:
    """It is counted no more."""
    transport = AiohttpTransport()
    pool = transport._pool

    async def dial() -> Any:
        await pool.close()
        raise httpx.ConnectError("refused")

    with pytest.raises(httpx.ConnectError, match="refused"):
        await pool.open("origin", dial, None)
    check_nothing_is_held(transport)


async def test_no_cancellation_loses_a_connection(serve: Serve) -> None:
    """Whenever it comes."""
    server = serve(echoes)
    chance = random.Random(1)  # noqa: S311 - to try out moments
    transport = transport_with(max_connections=3)

    async def call(http: httpx.AsyncClient, number: int) -> None:
        try:
            async with asyncio.timeout(chance.random() * 0.02):
                answer = await http.get(f"{server.url}/{number}")
        except TimeoutError:
            return
        assert answer.text == f"/{number}"

    async with httpx.AsyncClient(transport=transport) as http:
        for _ in range(5):
            await asyncio.gather(*[call(http, number) for number in range(30)])
            check_nothing_is_held(transport)
        assert (await http.get(f"{server.url}/last")).text == "/last"
        check_nothing_is_held(transport)


async def test_a_cancelled_upload(serve: Serve) -> None:
    """Takes its connection along."""
    server = serve(lambda connection: connection.ignore(), receive_buffer=4096)
    transport = AiohttpTransport()
    async with httpx.AsyncClient(transport=transport) as http:
        call = asyncio.create_task(http.post(server.url, content=b"x" * 8_000_000))
        await until(lambda: transport._pool.connections)
        (wire,) = transport._pool.connections
        await until(wire.transport.get_write_buffer_size)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert transport._pool.connections == []
        check_nothing_is_held(transport)


async def test_who_gave_up_waiting_leaves_nothing_behind(serve: Serve) -> None:
    """Neither a place in the queue nor, with its exception, the request."""
    server = serve(stalls_before_the_head)
    transport = transport_with(max_connections=1)
    async with httpx.AsyncClient(transport=transport) as http:
        first = asyncio.create_task(http.get(server.url))
        await until(lambda: server.accepted == 1)
        timeout = httpx.Timeout(5, pool=0.01)
        for _ in range(3):
            with pytest.raises(httpx.PoolTimeout):
                await http.get(server.url, timeout=timeout)
        assert list(transport._pool._queued) == []
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first


class _Standing:
    """A connection in a pool, as far as the queue looks at it."""

    is_reusable = True
    is_pooled = False
    key = ""

    def __init__(self, *, is_fresh: bool) -> None:
        self._is_fresh = is_fresh
        self.was_dropped = False

    async def dial(self) -> Self:
        """Open it."""
        return self

    def is_fresh(self) -> bool:
        """Whether it can serve."""
        return self._is_fresh

    def drop(self) -> None:
        """Close it."""
        self.was_dropped = True


@pytest.mark.parametrize("is_known", [True, False])
async def test_who_is_handed_a_dead_one_dials(*, is_known: bool) -> None:
    """In its place where it still has one; otherwise he queues, or dials, like anybody."""
    pool: Any = transport_with(max_connections=1)._pool
    dead, fresh = _Standing(is_fresh=False), _Standing(is_fresh=True)
    await pool.open("a", dead.dial, None)
    opening = asyncio.create_task(pool.open("a", fresh.dial, 5))
    await asyncio.sleep(0)
    pool.give_back(dead)
    if not is_known:
        pool.forget(dead)
    assert await opening is fresh
    assert dead.was_dropped is is_known
    assert pool._opening == 0
    pool.forget(dead)
    pool.forget(fresh)


async def test_who_had_a_place_when_the_transport_was_closed_does_not_dial() -> None:
    """The place belongs to the connections before."""
    transport = transport_with(max_connections=1)
    pool: Any = transport._pool
    before = _Standing(is_fresh=True)
    await pool.open("a", before.dial, None)

    async def dial() -> None:
        pytest.fail("nothing is opened any more")

    opening = asyncio.create_task(pool.open("a", dial, None))
    await asyncio.sleep(0)
    pool.forget(before)
    await transport.aclose()
    with pytest.raises(httpx.ConnectError):
        await opening
    assert pool._opening == 0


class _Socket:
    """A transport of asyncio's, as far as a connection looks at it."""

    is_aborted = False

    def is_closing(self) -> bool:
        """Tell that it stands."""
        return False

    def abort(self) -> None:
        """Close it."""
        self.is_aborted = True


@pytest.mark.parametrize("is_pooled", [True, False])
async def test_what_comes_when_no_answer_is_due_spoils_the_connection(*, is_pooled: bool) -> None:
    """It serves no more; where nobody uses it, it is closed at once."""
    socket = _Socket()
    read_head: Any = None
    wire: Any = Wire(asyncio.get_running_loop(), httpx, lambda _wire: None, read_head)
    wire.transport, wire._due, wire.is_pooled = socket, _NOTHING, is_pooled
    assert wire.is_fresh()
    wire.data_received(b"HTTP/1.1 200 OK")
    assert not wire.is_fresh()
    assert socket.is_aborted is is_pooled

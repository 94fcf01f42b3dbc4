"""Middleware around calls whose answers are streamed: what is not handed on is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import MyAPIError, ServiceUnavailableError
from tests.behaviour.strategies.middleware.written_once import answering, in_world, passing
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.behaviour.strategies.middleware.written_once import Next
    from tests.behaviour.world import World

LARGE = Answer(200, (b"x" * 70_000, b"y" * 70_000), {"Content-Length": "140000"})
ONCE: dict[str, Any] = {"retry": None}
BOTH = pytest.mark.parametrize("kind", ["middleware", "attempt_middleware"])


@BOTH
async def test_what_is_handed_on_stays_open(world: World, kind: str) -> None:
    """And holds its slot until the caller has let go of it."""
    around = in_world(world, passing, passing)
    client = world.client(LARGE, bulkhead={"max_concurrency": 1}, **{kind: around})
    async with client.stream() as response:
        assert client.wire.taken(0) == 0
        assert client.stats().slots_in_use == 1
        assert len(await client.read(response)) == 140_000
    assert client.stats().slots_in_use == 0


@BOTH
async def test_what_is_not_handed_on_is_closed_at_once(world: World, kind: str) -> None:
    """And the caller gets what the middleware answers, with no slot held for that."""

    async def forgetful(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return httpx.Response(200, content=b"own")

    around = in_world(world, passing, forgetful)
    client = world.client(LARGE, **ONCE, **{kind: around})
    async with client.stream() as response:
        assert client.wire.unclosed() == []
        assert await client.read(response) == b"own"
        assert client.stats().slots_in_use == (0 if kind == "middleware" else 1)


@BOTH
async def test_an_answer_is_closed_when_the_middleware_raises(world: World, kind: str) -> None:
    """Whatever it raises."""

    async def failing(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        raise LookupError

    client = world.client(LARGE, **{kind: in_world(world, failing)})
    with pytest.raises(LookupError):
        await client.streamed()
    assert client.wire.unclosed() == []


@BOTH
async def test_every_answer_that_is_not_handed_on_is_closed(world: World, kind: str) -> None:
    """Those that middleware made, too, also where closing one of them fails."""
    made: list[httpx.Response] = []
    broken = httpx.ReadError("in closing")

    class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
        """An own body, which says when it is closed."""

        closed = 0

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"own"

        def __iter__(self) -> Iterator[bytes]:
            yield b"own"

        def close(self) -> None:
            Body.closed += 1
            raise LookupError

        async def aclose(self) -> None:
            self.close()

    async def making(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        made.append(httpx.Response(200, stream=Body()))
        return made[-1]

    async def dropping(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return httpx.Response(200, content=b"last")

    around = in_world(world, dropping, making)
    server = Answer(200, (b"abc",), closing=broken)
    client = world.client(server, **{kind: around})
    with pytest.raises(LookupError):
        await client.streamed()
    assert Body.closed == 1
    assert client.wire.unclosed() == []


async def test_an_answer_is_let_go_of_before_the_next_pass(world: World) -> None:
    """A small one is drained, so that its connection can be used again."""
    seen: list[list[object]] = []

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return await call_next(request)

    async def second(_arrival: object) -> Answer:
        seen.append(list(client.wire.unclosed()))
        return Answer(200, (b"abc",), {"Content-Length": "3"})

    client = world.client(second, middleware=in_world(world, twice))
    assert await client.streamed() == [b"abc"]
    assert seen == [[], []]
    assert client.wire.taken(0) == 1


async def test_a_failure_of_a_stream_is_what_it_was(world: World) -> None:
    """The error carries the answer, which was read; a look at it hurts nobody."""
    seen: list[bytes] = []

    async def looking(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        seen.append(await (response.aread() if world.is_async else _read(response)))
        return response

    async def nibbling(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        body = response.aiter_bytes() if world.is_async else response.iter_bytes()
        if world.is_async:
            assert [chunk async for chunk in body] == [b"busy"]  # type: ignore[union-attr] # it is of this world
        else:
            assert list(body) == [b"busy"]  # type: ignore[arg-type] # likewise
        return response

    client = world.client(Answer(503, (b"busy",)), circuit_breaker=None, **ONCE)
    for around in (passing, looking, nibbling):
        for kind in ("middleware", "attempt_middleware"):
            with pytest.raises(ServiceUnavailableError) as caught:
                await client.streamed(**{kind: in_world(world, around)})
            if around is not nibbling:
                assert caught.value.response.content == b"busy"
    assert seen == [b"busy", b"busy"]


async def _read(response: httpx.Response) -> bytes:
    return response.read()


@BOTH
async def test_an_own_answer_with_an_error_status(world: World, kind: str) -> None:
    """It is raised as that of a server."""
    client = world.client(**ONCE, **{kind: in_world(world, answering(503, b"own"))})
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.streamed()
    assert caught.value.response.content == b"own"


@BOTH
async def test_an_own_answer_is_read_where_nothing_is_streamed(world: World, kind: str) -> None:
    """The caller gets it as any other."""

    class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
        """A body in two pieces."""

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"a"
            yield b"b"

        def __iter__(self) -> Iterator[bytes]:
            return iter([b"a", b"b"])

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        del request, call_next
        return httpx.Response(200, stream=Body())

    client = world.client(**{kind: in_world(world, around)})
    assert (await client.get()).content == b"ab"
    assert b"".join(await client.streamed()) == b"ab"


async def test_a_streamed_failure_that_came_with_no_answer(world: World) -> None:
    """No slot is held while the middleware thinks about it."""
    slots: list[int] = []

    async def thinking(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await call_next(request)
        except MyAPIError:
            slots.append(client.stats().slots_in_use)
            raise

    client = world.client(httpx.ConnectError, middleware=in_world(world, thinking), **ONCE)
    with pytest.raises(MyAPIError):
        await client.streamed()
    assert slots == [0]


@ONLY_ASYNCIO
@BOTH
async def test_cancelled_at_any_tick(world: World, kind: str) -> None:
    """Everything is closed and given back, wherever that was."""
    import asyncio  # noqa: PLC0415 - in this world alone

    async def ticking(request: httpx.Request, call_next: Next) -> httpx.Response:
        await asyncio.sleep(0)
        response = await call_next(request)
        if kind == "middleware":
            response = await call_next(request)
        await asyncio.sleep(0)
        return response

    async def dropping(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        await asyncio.sleep(0)
        return httpx.Response(200, content=b"own")

    async def server(_arrival: object) -> Answer:
        await asyncio.sleep(0)
        return Answer(200, (b"abc", b"def"))

    chains: list[Any] = [[ticking, passing], [ticking, dropping], [dropping, ticking]]
    for around in chains:
        client = world.client(server, bulkhead={"max_concurrency": 1}, **{kind: around}, **ONCE)
        for ticks in range(25):
            task = world.start(client.streamed(deadline=30))
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            await world.outcome(task)
            assert client.stats().slots_in_use == 0
            assert client.wire.unclosed() == []
        assert client.circuit_state == "closed"

"""Functions as fallbacks: what they are given, and what they may do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    DeadlineExceededError,
    MyAPIError,
    ServerError,
)
from client.events import FallbackUsed
from client.testing import EventRecorder
from tests.behaviour.twins import ONLY_ASYNCIO, ONLY_BLOCKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import World

TARGET = "http://server.test"
CANNED = httpx.Response(203, json=[1], headers={"X-From": "shelf"})


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


def awaited(world: World, answer: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A fallback of the kind that is awaited where that is possible."""

    async def call(error: MyAPIError, request: httpx.Request) -> object:
        await world.sleep(1)
        return answer(error, request)

    return call if world.is_async else answer


async def test_a_function_is_given_the_error_and_the_request(world: World) -> None:
    """The error is one of the tree, as it would have been raised."""
    given: list[Any] = []

    def answer(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        given.extend([error, request])
        return httpx.Response(200, text="from the shelf")

    client = world.client(
        503, retry={"jitter": False, "max_attempts": 2}, fallback=awaited(world, answer)
    )
    response = await client.get("/a")
    error, request = given
    assert response.text == "from the shelf"
    assert (error.status_code, error.attempts, error.response.status_code) == (503, 2, 503)
    assert (request.method, str(request.url)) == ("GET", f"{TARGET}/a")
    assert response.request is request


async def test_an_answer_keeps_what_it_has(world: World) -> None:
    """As one that another client brought does; returned again and again, nobody sees a trace."""
    elsewhere = httpx.Request("GET", "http://elsewhere.test/")
    brought = httpx.Response(200, json=[1], request=elsewhere)
    client = world.client(503, retry=None, fallback=lambda *_: brought)
    response = await client.get()
    assert (response.json(), response.request) == ([1], elsewhere)
    made = httpx.Response(200, json=[2])
    client = world.client(503, retry=None, fallback=lambda *_: made)
    first, second = await client.get("/a"), await client.get("/b")
    assert [each.request.url.path for each in (first, second)] == ["/a", "/b"]
    first.headers["X-Mine"] = "yes"
    assert "X-Mine" not in second.headers
    assert (brought.extensions, made.extensions) == ({}, {})


async def test_an_answer_that_was_not_read_is_read(world: World) -> None:
    """As the caller expects of a call that is no stream; a stream is handed over as it is."""
    taken: list[int] = []

    def pieces() -> Iterator[bytes]:
        taken.append(1)
        yield b"from "
        taken.append(2)
        yield b"the shelf"

    async def later() -> AsyncIterator[bytes]:
        for piece in pieces():
            yield piece

    def answer(*_: object) -> httpx.Response:
        return httpx.Response(200, content=later() if world.is_async else pieces())

    client = world.client(503, retry=None, fallback=answer)
    assert (await client.get()).text == "from the shelf"
    taken.clear()
    async with client.stream() as response:
        assert taken == []
        chunks = [chunk async for chunk in client.chunks(response)]
    assert (chunks, taken) == ([b"from ", b"the shelf"], [1, 2])


async def test_what_it_raises_is_raised(world: World) -> None:
    """From the original."""

    def empty(*_: object) -> httpx.Response:
        raise LookupError("the shelf is empty")

    client = world.client(500, retry=None, fallback=awaited(world, empty))
    with pytest.raises(LookupError, match="the shelf is empty") as caught:
        await client.get()
    assert isinstance(caught.value.__cause__, ServerError)


async def test_what_it_says_is_the_cause_stays_the_cause(world: World) -> None:
    """The original is found behind it."""
    reason = OSError("no disk")

    def empty(*_: object) -> httpx.Response:
        raise LookupError("the shelf is empty") from reason

    client = world.client(500, retry=None, fallback=empty)
    with pytest.raises(LookupError) as caught:
        await client.get()
    assert caught.value.__cause__ is reason
    assert isinstance(caught.value.__context__, ServerError)


async def test_it_may_raise_the_original(world: World) -> None:
    """Which is then as it was."""
    given: list[MyAPIError] = []

    def decline(error: MyAPIError, _request: httpx.Request) -> httpx.Response:
        given.append(error)
        raise error

    recorder = EventRecorder(FallbackUsed)
    client = world.client(httpx.ReadError, retry=None, fallback=decline, listeners=[recorder])
    with pytest.raises(APINetworkError) as caught:
        await client.get()
    assert caught.value is given[0]
    assert isinstance(caught.value.__cause__, httpx.ReadError)
    assert recorder.events == []


async def test_a_plain_function_runs_even_without_time_left(world: World) -> None:
    """It takes none."""
    client = world.client(silent, fallback=lambda *_: httpx.Response(203))
    response = await client.get(deadline=3)
    assert isinstance(response.extensions["resilience"].error, DeadlineExceededError)
    assert (response.status_code, world.now()) == (203, 1003)


@ONLY_ASYNCIO
async def test_what_is_awaited_has_what_the_deadline_leaves(world: World) -> None:
    """And then the operation ends in its own error."""
    slept: list[float] = []

    async def slow(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        try:
            await asyncio.sleep(5)
        finally:
            slept.append(world.now())
        return httpx.Response(203)

    client = world.client(500, retry=None, fallback=slow)
    assert (await client.get(deadline=6)).status_code == 203
    with pytest.raises(ServerError) as caught:
        await client.get(deadline=4)
    assert slept == [1005, 1009]
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


@ONLY_ASYNCIO
async def test_what_is_awaited_without_time_left_does_not_begin(world: World) -> None:
    """But what needs no time is done."""

    async def fast(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        return httpx.Response(203)

    async def slow(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(1)
        return httpx.Response(203)

    client = world.client(silent)
    assert (await client.get(deadline=3, fallback=fast)).status_code == 203
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=3, fallback=slow)


@ONLY_ASYNCIO
async def test_a_timeout_of_its_own_is_its_own(world: World) -> None:
    """As long as the operation has time."""

    async def impatient(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(1):
            await asyncio.sleep(2)
        raise AssertionError

    client = world.client(500, retry=None, fallback=impatient)
    for deadline in (None, 60):
        with pytest.raises(TimeoutError) as caught:
            await client.get(deadline=deadline)
        assert not isinstance(caught.value, MyAPIError)


@ONLY_ASYNCIO
async def test_anything_to_await_will_do(world: World) -> None:
    """A future is no coroutine, and is not closed where it takes too long."""
    future = asyncio.get_running_loop().create_future()
    client = world.client(500, retry=None, fallback=lambda *_: future)
    with pytest.raises(ServerError):
        await client.get(deadline=1)
    future = asyncio.get_running_loop().create_future()
    future.set_result(httpx.Response(203))
    assert (await client.get()).status_code == 203
    assert (await client.get(deadline=60)).status_code == 203


@ONLY_ASYNCIO
async def test_cancelled_in_it_the_call_is_cancelled(world: World) -> None:
    """And nothing is told of an answer."""

    async def slow(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(5)
        raise AssertionError

    recorder = EventRecorder(FallbackUsed)
    client = world.client(500, retry=None, fallback=slow, listeners=[recorder])
    for deadline in (None, 60):
        task = world.start(client.get(deadline=deadline))
        await world.sleep(1)
        task.cancel()
        assert isinstance(await world.outcome(task), asyncio.CancelledError)
    assert recorder.events == []


class Awaitable:
    """Something to await that is no coroutine."""

    def __await__(self) -> Iterator[None]:
        raise AssertionError


@ONLY_BLOCKING
async def test_a_blocking_client_awaits_nothing(world: World) -> None:
    """It says so when it is made, or when it first sees that."""

    async def answer(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        raise AssertionError

    class Answer:
        async def __call__(self, error: MyAPIError, request: httpx.Request) -> httpx.Response:
            raise AssertionError

    for given in (answer, Answer()):
        with pytest.raises(TypeError, match="is async: give a blocking client a plain one"):
            world.client(500, fallback=given)

    def late(error: MyAPIError, request: httpx.Request) -> object:
        return answer(error, request)

    def later(error: MyAPIError, request: httpx.Request) -> object:
        return Awaitable()

    for fallback in (late, later):
        client = world.client(500, retry=None, fallback=fallback)
        with pytest.raises(TypeError, match="the fallback is async, and this client is not"):
            await client.get()


@pytest.mark.parametrize("wrong", [None, 5, "text"], ids=str)
async def test_anything_but_a_response_is_a_bug(world: World, wrong: object) -> None:
    """Which is told from the original."""
    client = world.client(500, retry=None, fallback=lambda *_: wrong)
    with pytest.raises(TypeError, match=r"the fallback returned a builtins\.\w+: return a httpx"):
        await client.get()

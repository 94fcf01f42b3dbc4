"""A call that a fallback answered keeps nothing alive, and leaves others as they were."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any
from weakref import ref

import httpx
import pytest

from client import (
    MyAPIError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.behaviour.world import World

CANNED = httpx.Response(203, json=[1], headers={"X-From": "shelf"})


class Payload:
    """Something in a request whose life can be watched."""


@pytest.fixture
def _no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def fallbacks(world: World) -> dict[str, Callable[[Any, Any], Any]]:
    """Each of the ways in which a fallback may go."""

    def answer(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        return httpx.Response(203)

    def decline(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        raise error

    def fail(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        raise LookupError

    async def slow(error: MyAPIError, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(60)
        raise AssertionError

    ways: dict[str, Callable[[Any, Any], Any]] = {
        "answer": answer,
        "decline": decline,
        "fail": fail,
    }
    return {**ways, "slow": slow} if world.is_async else ways


@pytest.mark.usefixtures("_no_collector")
@pytest.mark.parametrize("streamed", [False, True], ids=["request", "stream"])
@pytest.mark.parametrize("failure", [httpx.ReadError, 500], ids=["error", "status"])
@pytest.mark.parametrize("way", ["answer", "decline", "fail", "slow"])
async def test_a_call_that_was_answered_is_freed(
    world: World, way: str, failure: Any, *, streamed: bool
) -> None:
    """At once, without the garbage collector, whatever the fallback did."""
    if (fallback := fallbacks(world).get(way)) is None:
        return
    client = world.client(failure, retry=None, fallback=fallback)
    payload = Payload()
    kept = ref(payload)
    options: dict[str, Any] = {"extensions": {"payload": payload}, "deadline": 20}

    async def call() -> ref[MyAPIError] | None:
        try:
            if streamed:
                async with client.stream(**options) as response:
                    return ref(response.extensions["resilience"].error)
            return ref((await client.get(**options)).extensions["resilience"].error)
        except (MyAPIError, LookupError) as error:
            return ref(error.__cause__ if isinstance(error, LookupError) else error)  # type: ignore[arg-type] # which is one

    error = await call()
    assert error is not None
    del client.wire.arrivals[:], payload
    options.clear()
    await world.sleep(0)  # the loop itself holds what the last task waited for
    if failure != 500:  # httpx ties an answer and its stream into a cycle
        assert kept() is None
        assert error() is None


async def test_what_the_caller_was_handling_is_left_as_it_was(world: World) -> None:
    """An answer keeps an error without its frames: not those of other errors."""
    client = world.client(httpx.ReadError, retry=None, fallback=CANNED)
    handled: LookupError | None = None
    error: Any = None

    async def call() -> None:
        nonlocal handled, error
        try:
            _ = {"a": 1}["x"]
        except LookupError as caught:
            handled = caught
            error = (await client.get()).extensions["resilience"].error

    await call()
    assert handled is not None
    assert handled.__traceback__ is not None
    assert (error.__context__, error.__cause__.__context__) == (None, None)

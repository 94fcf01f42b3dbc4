"""A call through middleware keeps nothing alive: no cycle holds its request, answer or errors."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import ref

import httpx
import pytest

from client import ClientConfig, MyAPIError, RetryConfig, SyncResilientClient
from tests.behaviour.strategies.middleware.written_once import in_world, noting, passing
from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.behaviour.strategies.middleware.written_once import Next
    from tests.behaviour.world import World

# On Python 3.13 some of it is freed by the garbage collector only.
pytestmark = pytest.mark.any_python

RETRY = {"jitter": False, "max_attempts": 2}


@pytest.fixture(autouse=True)
def _no_collector() -> Iterator[None]:
    """What is freed here is freed by its last reference alone."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Payload:
    """Something in a request whose life can be watched."""


class MishapError(Exception):
    """What middleware raises here."""


async def wrapping(request: httpx.Request, call_next: Next) -> httpx.Response:
    """Raise something else."""
    try:
        return await call_next(request)
    except MyAPIError as error:
        raise MishapError from error


async def mending(request: httpx.Request, call_next: Next) -> httpx.Response:
    """Answer in the place of a failure."""
    with suppress(MyAPIError):
        await call_next(request)
    return httpx.Response(200)


async def failing(request: httpx.Request, call_next: Next) -> httpx.Response:
    """Raise something after all went well."""
    await call_next(request)
    raise MishapError


async def trying_again(request: httpx.Request, call_next: Next) -> httpx.Response:
    """Make two passes of one that failed."""
    try:
        return await call_next(request)
    except MyAPIError:
        return await call_next(request)


HABITS = {"passing": passing, "wrapping": wrapping, "mending": mending, "failing": failing}


@pytest.mark.parametrize("kind", ["middleware", "attempt_middleware"])
@pytest.mark.parametrize("habit", [*HABITS, "trying again"])
@pytest.mark.parametrize("server", [httpx.ReadError, 503, 200], ids=["error", "status", "good"])
@pytest.mark.parametrize("streamed", [False, True], ids=["request", "stream"])
async def test_a_call_is_freed_with_what_it_ended_in(
    world: World, server: Any, habit: str, kind: str, *, streamed: bool
) -> None:
    """At once, without the garbage collector."""
    if habit == "trying again" and kind == "attempt_middleware":
        return
    around = in_world(world, passing, HABITS.get(habit, trying_again))
    options: dict[str, Any] = {"extensions": {"payload": Payload()}, kind: around}
    client = world.client(server, retry=RETRY, circuit_breaker=None)
    payload = ref(options["extensions"]["payload"])

    async def call() -> None:
        with suppress(MyAPIError, MishapError):
            if streamed:
                await client.streamed(deadline=30, **options)
            await client.request("GET", **options)

    await call()
    client.wire.forget()
    options.clear()
    await world.sleep(0)  # the loop itself holds what the last task waited for
    if isinstance(server, int):
        gc.collect()  # httpx ties an answer and its stream into a cycle
    assert payload() is None


async def test_an_error_is_freed_when_nobody_holds_it(world: World) -> None:
    """One that a middleware has seen, and let through."""
    notes: list[Any] = []
    kinds = {
        "middleware": in_world(world, noting(notes)),
        "attempt_middleware": in_world(world, noting(notes)),
    }
    client = world.client(httpx.ReadError, retry=RETRY, circuit_breaker=None, **kinds)
    with suppress(MyAPIError):
        await client.get()
    errors = [ref(note) for note in notes]
    assert len(errors) == 3
    notes.clear()
    client.wire.forget()
    await world.sleep(0)
    assert [error() for error in errors] == [None, None, None]


async def test_an_answer_is_not_kept_while_the_next_pass_is_under_way(world: World) -> None:
    """It may be large."""
    first: list[Any] = []
    alive: list[bool] = []

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        first.append(ref(response))
        del response
        return await call_next(request)

    async def server(_arrival: object) -> Answer:
        if first:
            gc.collect()  # as above
            alive.append(first[0]() is not None)
        return Answer(200, (b"abc",))

    client = world.client(server, middleware=in_world(world, twice))
    await client.get()
    assert alive == [False]


def test_a_client_is_freed_with_its_plugins() -> None:
    """They know it, and it knows them; nothing keeps the two alive."""

    class Plugin:
        """Does nothing."""

        def start(self, client: object) -> None:
            """Look at the client, and forget it."""

    config = ClientConfig(retry=RetryConfig(min_wait_seconds=0))
    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    client = SyncResilientClient(config, transport=transport, plugins=[Plugin()])
    client.get("http://server.test/")
    watched = ref(client)
    del client
    assert watched() is None

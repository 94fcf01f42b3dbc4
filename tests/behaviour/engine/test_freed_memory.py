"""A failed call keeps nothing alive: no cycle holds its request, its answer or its errors."""

import gc
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any
from weakref import ReferenceType, ref

import httpx
import pytest

from client import ClientConfig, Event, MyAPIError, RetryConfig, SyncResilientClient
from client.events import RetryScheduled
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import World

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


def watched() -> tuple[dict[str, Any], Any]:
    """Options of a call, and a weak reference to something in its requests."""
    payload = Payload()
    return {"extensions": {"payload": payload}}, ref(payload)


async def reference_to_error(
    call: Coroutine[Any, Any, object],
) -> ReferenceType[MyAPIError] | None:
    """Let a call fail, and keep nothing but a weak reference to its error."""
    try:
        await call
    except MyAPIError as caught:
        return ref(caught)
    return None


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


FAILURES: dict[str, Any] = {
    "connect error": (httpx.ConnectError, {}),
    "read error": (httpx.ReadError, {}),
    "timeout": (httpx.ReadTimeout, {}),
    "deadline": (silent, {"deadline": 3}),
    "bad request": (httpx.UnsupportedProtocol, {}),
    "bug": (LookupError, {}),
}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("streamed", [False, True], ids=["request", "stream"])
async def test_a_failed_call_is_freed_with_its_error(
    world: World,
    kind: str,
    *,
    streamed: bool,
) -> None:
    """At once, without the garbage collector."""
    server, more = FAILURES[kind]
    client = world.client(server, retry=RETRY)
    options, payload = watched()

    async def call() -> None:
        with suppress(MyAPIError, LookupError):
            if streamed:
                await client.streamed(**options, **more)
            await client.get(**options, **more)

    await call()
    del client.wire.arrivals[:]
    options.clear()
    await world.sleep(0)  # the loop itself holds what the last task waited for
    assert payload() is None


async def test_a_failed_call_is_freed_though_the_client_remembers_it(world: World) -> None:
    """An open circuit keeps the error that opened it, without its ballast."""
    client = world.client(httpx.ReadError, retry=RETRY, circuit_breaker={"failure_threshold": 1})
    options, payload = watched()

    error = await reference_to_error(client.get(**options))
    del client.wire.arrivals[:]
    options.clear()
    assert client.circuit_state == "open"
    assert error is not None
    assert error() is None
    assert payload() is None


async def test_an_answer_is_freed_with_its_error(world: World) -> None:
    """One that httpx has not tied into a cycle of its own, as it does with those it sends."""
    client = world.client(retry=RETRY)
    answers: list[Any] = []

    def answer(*_: object, **__: object) -> httpx.Response:
        response = httpx.Response(503)
        answers.append(ref(response))
        return response

    with world.patch_request() as request:
        request.side_effect = answer
        error = await reference_to_error(client.get())
    assert len(answers) == 2
    assert answers[0]() is None
    assert error is not None
    assert error() is None
    assert answers[1]() is None


async def test_a_broken_body_is_freed_with_its_error(world: World) -> None:
    """Though its operation remembers until its end what broke it."""
    client = world.client([Answer(200, (b"x", httpx.ReadError("x")))])

    error = await reference_to_error(client.streamed())
    assert error is not None
    assert error() is None


async def test_a_good_answer_outlives_nothing(world: World) -> None:
    """The first attempt's failure is not held by the answer that followed it."""
    client = world.client(retry=RETRY)
    answers: list[Any] = []

    def answer(*_: object, **__: object) -> httpx.Response:
        response = httpx.Response(200 if answers else 503)
        answers.append(ref(response))
        return response

    with world.patch_request() as request:
        request.side_effect = answer
        response = await client.get()
    assert answers[0]() is None
    assert answers[1]() is response


async def test_a_rejected_call_is_freed_with_its_error(world: World) -> None:
    """In an outage that is how most of them end."""
    client = world.client([500], retry=None, circuit_breaker={"failure_threshold": 1})
    with suppress(MyAPIError):
        await client.get()
    options, payload = watched()
    error = await reference_to_error(client.get(**options))
    assert error is not None
    del options
    assert error() is None
    assert payload() is None


def test_a_failure_that_is_retried_is_not_kept_meanwhile() -> None:
    """Its answer may be large, and the next attempt may take its time."""
    failed: list[ReferenceType[Exception]] = []
    alive: list[object] = []

    def note(event: Event) -> None:
        if isinstance(event, RetryScheduled):
            failed.append(ref(event.error))

    def app(_request: httpx.Request) -> httpx.Response:
        gc.collect()  # an answer and its stream know each other
        alive.extend(error() for error in failed)
        return httpx.Response(200 if failed else 503)

    config = ClientConfig(retry=RetryConfig(min_wait_seconds=0, max_wait_seconds=0))
    made = SyncResilientClient(config, transport=httpx.MockTransport(app), listeners=[note])
    with made as client:
        assert client.get("http://server.test/").status_code == 200
    assert alive == [None]

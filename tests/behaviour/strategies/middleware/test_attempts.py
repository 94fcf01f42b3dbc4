"""Middleware around attempts: inside the retries, around each sending."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    APITimeoutError,
    AuthenticationError,
    ChaosConfig,
    DeadlineExceededError,
    MyAPIError,
    RaiseFault,
    ServiceUnavailableError,
)
from client.events import AttemptEnded
from tests.behaviour.strategies.middleware.written_once import (
    answering,
    in_world,
    noting,
    passing,
    setting,
)
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import listens_to

if TYPE_CHECKING:
    from tests.behaviour.strategies.middleware.written_once import Next
    from tests.behaviour.world import World

RETRY = {"jitter": False, "max_attempts": 3}
ONCE: dict[str, Any] = {"retry": None}


async def test_it_goes_around_each_attempt(world: World) -> None:
    """The first is the outermost; each sees every answer as one."""
    notes: list[Any] = []
    around = in_world(world, noting(notes), setting("X-Mark", "x"))
    client = world.client([503, 429, 200], attempt_middleware=around, retry=RETRY)
    response = await client.get()
    assert response.extensions["resilience"].attempts == 3
    assert notes == [503, 429, 200]
    assert {each.request.headers["X-Mark"] for each in client.wire.arrivals} == {"x"}
    assert client.raw.attempt_middleware == tuple(around)


async def test_the_request_id_stays(world: World) -> None:
    """Whatever is done to the headers."""

    async def forwarding(request: httpx.Request, call_next: Next) -> httpx.Response:
        request.headers.update({"x-request-id": "of somebody else"})
        return await call_next(request)

    async def forgetting(request: httpx.Request, call_next: Next) -> httpx.Response:
        del request.headers["X-Request-ID"]
        return await call_next(request)

    client = world.client()
    for around in (forwarding, forgetting):
        await client.get(request_id="mine", attempt_middleware=in_world(world, around))
    assert client.wire.ids == ["mine", "mine"]


async def test_it_follows_the_header_s_name(world: World) -> None:
    """Also after a change of the configuration."""
    around = in_world(world, setting("X-Id", "another"))
    client = world.client(request_id_header="X-Id", attempt_middleware=around)
    await client.get(request_id="mine")
    assert client.wire.last.headers["X-Id"] == "mine"
    client.raw.reconfigure(request_id_header="X-Other")
    await client.get(request_id="mine")
    sent = client.wire.last.headers
    assert (sent["X-Id"], sent["X-Other"]) == ("another", "mine")


FAILURES: dict[str, tuple[Any, type[MyAPIError]]] = {
    "never sent": (httpx.ConnectError, APINetworkError),
    "broken off": (httpx.ReadError, APINetworkError),
    "too slow": (httpx.ReadTimeout, APITimeoutError),
}


@pytest.mark.parametrize("kind", FAILURES)
async def test_a_failure_that_is_let_through_is_what_it_was(world: World, kind: str) -> None:
    """In every respect: its class and cause, retries, circuit, metrics, whether it was sent."""
    server, expected = FAILURES[kind]
    notes: list[Any] = []
    outcomes: list[list[Any]] = []
    for more in ({}, {"attempt_middleware": in_world(world, noting(notes), passing)}):
        ended: list[Any] = []

        @listens_to(AttemptEnded)
        def listener(event: Any, ended: list[Any] = ended) -> None:
            ended.append((event.outcome, type(event.error), event.attempt))

        client = world.client(
            server,
            retry=RETRY,
            circuit_breaker={"failure_threshold": 1},
            listeners=[listener],
            **more,
        )
        with pytest.raises(expected) as caught:
            await client.get(request_id="mine")
        error = caught.value
        stats = client.stats()
        ended += [str(error), error.request_sent, error.attempts, type(error.__cause__)]
        ended += [client.circuit_state, stats.failures, stats.retries, len(client.wire.arrivals)]
        outcomes.append(ended)
    assert outcomes[0] == outcomes[1]
    assert [type(each) for each in notes] == [expected] * 3
    assert [type(each.__cause__) for each in notes] == [server] * 3


async def test_it_may_swallow_a_failure(world: World) -> None:
    """What it answers then is a success, to retries and circuit as well."""

    async def mending(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await call_next(request)
        except APINetworkError:
            return httpx.Response(200, content=b"mended")

    client = world.client(
        httpx.ReadError,
        attempt_middleware=in_world(world, mending),
        circuit_breaker={"failure_threshold": 1},
        retry=RETRY,
    )
    response = await client.get()
    assert response.content == b"mended"
    assert response.request.url == "http://server.test/"
    assert response.extensions["resilience"].attempts == 1
    assert client.circuit_state == "closed"


async def test_it_may_answer_itself(world: World) -> None:
    """By an error status, too, which is retried as one of a server."""
    client = world.client(attempt_middleware=in_world(world, answering(503)), retry=RETRY)
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert caught.value.attempts == 3
    assert client.wire.arrivals == []


async def test_it_calls_once(world: World) -> None:
    """A second call is refused, from whatever place in the chain."""

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return await call_next(request)

    client = world.client(retry=RETRY)
    for around in ([twice], [passing, twice], [twice, passing]):
        with pytest.raises(RuntimeError, match="call_next was called a second time"):
            await client.get(attempt_middleware=in_world(world, *around))
    assert len(client.wire.arrivals) == 3
    assert client.circuit_state == "closed"


async def test_a_refused_second_call_may_be_survived(world: World) -> None:
    """The first answer is whole."""

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        with pytest.raises(RuntimeError):
            await call_next(request)
        return response

    client = world.client(Answer(200, (b"abc",)), attempt_middleware=in_world(world, twice))
    assert (await client.get()).content == b"abc"


async def test_a_foreign_exception_passes_untouched(world: World) -> None:
    """Of any class, before and after: it is not retried, and moves no circuit."""
    bugs = [httpx.ConnectError("of another client"), LookupError("x"), TimeoutError()]

    def before(bug: Exception) -> Any:
        async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
            raise bug

        return around

    def after(bug: Exception) -> Any:
        async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
            await call_next(request)
            raise bug

        return around

    client = world.client(
        Answer(200, (b"abc",)),
        circuit_breaker={"failure_threshold": 1, "expected_exception": Exception},
        retry=RETRY,
    )
    for bug in bugs:
        for around in (before(bug), after(bug)):
            attempts = client.stats().attempts
            for call in (client.get, client.streamed):
                with pytest.raises(type(bug)) as caught:
                    await call(attempt_middleware=in_world(world, around), deadline=30)
                assert caught.value is bug
            assert client.stats().attempts == attempts + 2
    assert client.circuit_state == "closed"


async def test_an_error_of_the_tree_of_its_own_passes_as_it_is(world: World) -> None:
    """It is not retried, whatever it is called."""
    made = ServiceUnavailableError("of another client")

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        raise made

    client = world.client(
        attempt_middleware=in_world(world, around),
        circuit_breaker={"failure_threshold": 1},
        retry=RETRY,
    )
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get()
    assert caught.value is made
    assert client.stats().attempts == 1
    assert client.circuit_state == "closed"


async def test_what_wraps_a_failure_is_foreign(world: World) -> None:
    """Only the failure itself is the failure."""

    async def wrapping(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await call_next(request)
        except MyAPIError as error:
            raise LookupError("wrapped") from error

    client = world.client(
        httpx.ReadError, attempt_middleware=in_world(world, wrapping), retry=RETRY
    )
    with pytest.raises(LookupError, match="wrapped") as caught:
        await client.get()
    assert isinstance(caught.value.__cause__, APINetworkError)
    assert client.stats().attempts == 1


async def test_a_bug_of_the_caller_s_below_is_no_failure(world: World) -> None:
    """It comes through as what it is."""
    notes: list[Any] = []
    client = world.client(LookupError, attempt_middleware=in_world(world, noting(notes)))
    with pytest.raises(LookupError):
        await client.get()
    assert [type(each) for each in notes] == [LookupError]


async def test_time_in_it_counts_against_the_deadline(world: World) -> None:
    """What is left goes to the wire."""

    async def slow(request: httpx.Request, call_next: Next) -> httpx.Response:
        world.stall(2)
        return await call_next(request)

    async def silent(arrival: Arrival) -> int:
        await arrival.takes(90)
        return 200

    client = world.client(silent, attempt_middleware=in_world(world, slow))
    begun = world.now()
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=3)
    assert world.now() - begun == pytest.approx(3)
    assert caught.value.request_sent is True


@ONLY_ASYNCIO
async def test_one_that_waits_too_long_is_ended(world: World) -> None:
    """At the deadline."""

    async def hanging(request: httpx.Request, call_next: Next) -> httpx.Response:
        await world.sleep(90)
        return await call_next(request)

    client = world.client(attempt_middleware=[hanging])
    begun = world.now()
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=3)
    assert world.now() - begun == pytest.approx(3)


@ONLY_ASYNCIO
async def test_a_sending_that_is_left_to_itself_loses_nothing(world: World) -> None:
    """The call fails, and says why; what the sending brings is closed."""
    import asyncio  # noqa: PLC0415 - in this world alone

    left: list[asyncio.Task[Any]] = []

    async def leaving(request: httpx.Request, call_next: Next) -> httpx.Response:
        left.append(asyncio.ensure_future(call_next(request)))
        await asyncio.sleep(1)
        return httpx.Response(200)

    async def slow(arrival: Arrival) -> Answer:
        await arrival.takes(3)
        return Answer(200, (b"abc",))

    client = world.client(slow, attempt_middleware=[leaving])
    with pytest.raises(RuntimeError, match="returned while its call_next was under way"):
        await client.streamed()
    await left.pop()


@ONLY_ASYNCIO
async def test_call_next_is_over_with_its_attempt(world: World) -> None:
    """Who kept it gets an error."""
    kept: list[Any] = []

    async def keeping(request: httpx.Request, call_next: Next) -> httpx.Response:
        kept.extend((request, call_next))
        return httpx.Response(200)

    client = world.client(attempt_middleware=[keeping])
    await client.get()
    request, call_next = kept
    with pytest.raises(RuntimeError, match="when all was over"):
        await call_next(request)


async def test_chaos_is_inside(world: World) -> None:
    """It sees the faults that are injected as failures of the exchange."""
    notes: list[Any] = []
    client = world.client(
        attempt_middleware=in_world(world, noting(notes)),
        chaos=ChaosConfig(faults=(RaiseFault(exception=httpx.ReadError),), injection_rate=1.0),
        allow_chaos=True,
        retry=RETRY,
    )
    with pytest.raises(APINetworkError) as caught:
        await client.get()
    assert [type(each) for each in notes] == [APINetworkError] * 3
    assert "injected by chaos" in caught.value.__notes__
    assert client.wire.arrivals == []


async def test_both_kinds_together(world: World) -> None:
    """Those around calls see what those around attempts have made of it."""
    notes: list[Any] = []

    async def turning(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return httpx.Response(401)

    client = world.client(
        middleware=in_world(world, noting(notes)), attempt_middleware=in_world(world, turning)
    )
    with pytest.raises(AuthenticationError):
        await client.get()
    assert notes == [401]


async def test_a_call_brings_its_own_in_place_of_the_client_s(world: World) -> None:
    """Or adds to them."""
    client = world.client(attempt_middleware=in_world(world, setting("X-Client", "1")))
    mine = in_world(world, setting("X-Mine", "1"))
    for around, expected in (
        (mine, (None, "1")),
        ([*client.raw.attempt_middleware, *mine], ("1", "1")),
        ([], (None, None)),
    ):
        await client.get(attempt_middleware=around)
        sent = client.wire.last.headers
        assert (sent.get("X-Client"), sent.get("X-Mine")) == expected

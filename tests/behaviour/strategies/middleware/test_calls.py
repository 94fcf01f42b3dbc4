"""Middleware around calls: once a call, outside of all gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APINetworkError,
    AuthenticationError,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    InvalidRequestError,
    MyAPIError,
    NotFoundError,
    ServerError,
    ServiceUnavailableError,
)
from client.events import OperationFailed, OperationSucceeded
from tests.behaviour.strategies.middleware.written_once import (
    answering,
    in_world,
    noting,
    passing,
    setting,
)
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer, Arrival
from tests.behaviour.world import BASE_URL, listens_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.behaviour.strategies.middleware.written_once import Next
    from tests.behaviour.world import World

RETRY = {"jitter": False, "max_attempts": 2}
ONCE: dict[str, Any] = {"retry": None}


async def test_the_first_is_the_outermost(world: World) -> None:
    """It sees the request first and the answer last, once a call however often that is tried."""
    told: list[str] = []

    def named(name: str) -> Any:
        async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
            told.append(f"{name} before")
            response = await call_next(request)
            told.append(f"{name} after")
            return response

        return around

    around = in_world(world, named("first"), named("second"))
    client = world.client([503, 200], middleware=around, retry=RETRY)
    assert (await client.get()).status_code == 200
    assert told == ["first before", "second before", "second after", "first after"]
    assert client.raw.middleware == tuple(around)
    assert client.raw.attempt_middleware == ()


async def test_every_answer_comes_as_an_answer(world: World) -> None:
    """Also one that is raised to the caller in the end, when it is the same failure as ever."""
    notes: list[Any] = []
    client = world.client(404, middleware=in_world(world, noting(notes)), **ONCE)
    with pytest.raises(NotFoundError) as caught:
        await client.get("/there?token=x")
    assert notes == [404]
    assert caught.value.response.status_code == 404
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)
    assert "GET http://server.test/there failed: 404 Not Found" in str(caught.value)


async def test_our_errors_come_as_errors(world: World) -> None:
    """With the exception of httpx behind them; what is let through is the very same."""
    notes: list[Any] = []
    client = world.client(httpx.ReadError, middleware=in_world(world, noting(notes)), retry=RETRY)
    with pytest.raises(APINetworkError) as caught:
        await client.get()
    assert notes == [caught.value]
    assert isinstance(caught.value.__cause__, httpx.ReadError)
    assert caught.value.attempts == 2


async def test_it_may_answer_itself(world: World) -> None:
    """Nothing is sent then, and the answer has all that one of a server has."""
    told: list[Any] = []

    @listens_to(OperationSucceeded)
    def listener(event: Any) -> None:
        told.append((event.status_code, event.attempts))

    around = in_world(world, answering(203, b"kept"))
    client = world.client(middleware=around, listeners=[listener])
    response = await client.get("/a")
    assert (response.status_code, response.content) == (203, b"kept")
    assert str(response.request.url) == f"{BASE_URL}/a"
    assert response.elapsed.total_seconds() == 0
    assert response.extensions["resilience"].attempts == 0
    assert told == [(203, 0)]
    assert client.wire.arrivals == []


async def test_its_own_error_status_is_raised_as_a_server_s_is(world: World) -> None:
    """It is an answer like any other."""
    client = world.client(middleware=in_world(world, answering(401)))
    with pytest.raises(AuthenticationError) as caught:
        await client.get()
    assert caught.value.response.status_code == 401
    assert caught.value.attempts == 0


async def test_it_may_mend_a_failure(world: World) -> None:
    """The operation succeeded then; the circuit hears what really happened, and is told once."""
    told: list[object] = []

    @listens_to(OperationSucceeded, OperationFailed)
    def listener(event: object) -> None:
        told.append(type(event).__name__)

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        return httpx.Response(200) if response.status_code == 503 else response

    client = world.client(
        503,
        middleware=in_world(world, around),
        circuit_breaker={"failure_threshold": 2},
        listeners=[listener],
        **ONCE,
    )
    for _ in range(2):
        assert (await client.get()).status_code == 200
    assert client.circuit_state == "open"
    assert told == ["OperationSucceeded", "OperationSucceeded"]
    assert client.stats().operations == 2
    with pytest.raises(CircuitOpenError):
        await client.get()


async def test_a_rejection_comes_to_it_too(world: World) -> None:
    """It may answer where the circuit lets nobody through."""

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await call_next(request)
        except CircuitOpenError:
            return httpx.Response(200, content=b"stale")

    client = world.client(500, circuit_breaker={"failure_threshold": 1}, **ONCE)
    with pytest.raises(ServerError):
        await client.get()
    response = await client.get(middleware=in_world(world, around))
    assert response.content == b"stale"


async def test_a_second_call_is_a_pass_of_its_own(world: World) -> None:
    """With all its attempts, through all gates; the request id stays."""

    async def refreshing(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        if response.status_code == 401:
            request.headers["Authorization"] = "Bearer new"
            response = await call_next(request)
        return response

    client = world.client(
        [503, 401, 503, 200],
        middleware=in_world(world, refreshing),
        retry=RETRY,
        bulkhead={"max_concurrency": 1},
    )
    response = await client.get()
    assert response.status_code == 200
    assert response.extensions["resilience"].attempts == 4
    assert len(set(client.wire.ids)) == 1
    sent = [arrival.request.headers.get("Authorization") for arrival in client.wire.arrivals]
    assert sent == [None, None, "Bearer new", "Bearer new"]
    assert client.stats().operations == 1


async def test_a_pass_is_a_success_or_a_failure_of_its_own_to_the_circuit(world: World) -> None:
    """What was turned away in the second has not made one of the first."""

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return await call_next(request)

    client = world.client(
        [500, 200, 500, 500],
        middleware=in_world(world, twice),
        circuit_breaker={"failure_threshold": 2},
        **ONCE,
    )
    assert (await client.get()).status_code == 200
    assert client.circuit_state == "closed"
    with pytest.raises(ServerError):
        await client.get()
    assert client.circuit_state == "open"


async def test_another_request_goes_where_it_says(world: World) -> None:
    """Circuit, errors, events and figures follow; the `Host` header too."""
    told: list[str] = []

    @listens_to(OperationFailed)
    def listener(event: Any) -> None:
        told.append(event.url)

    async def elsewhere(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        request.url = httpx.URL("http://second.test/b")
        return await call_next(request)

    client = world.client(
        [200, 503],
        middleware=in_world(world, elsewhere),
        circuit_breaker={"failure_threshold": 1, "scope": "origin"},
        listeners=[listener],
        **ONCE,
    )
    with pytest.raises(ServiceUnavailableError) as caught:
        await client.get("/a", headers={"Authorization": "x"})
    assert caught.value.url == "http://second.test/b"
    assert told == ["http://second.test/b"]
    first, second = (arrival.request for arrival in client.wire.arrivals)
    assert (str(first.url), first.headers["Host"]) == ("http://server.test/a", "server.test")
    assert (str(second.url), second.headers["Host"]) == ("http://second.test/b", "second.test")
    assert second.headers["Authorization"] == "x"
    circuits = client.stats().circuits
    assert circuits["http://second.test:80"] == "open"
    assert "http://server.test:80" not in circuits
    targets = client.stats().targets
    assert targets["http://server.test"].attempts == {"success": 1}
    assert targets["http://second.test"].attempts == {"server_error": 1}
    assert targets["http://second.test"].operations == {"server_error": 1}


async def test_a_request_of_its_own_making_has_what_the_call_had(world: World) -> None:
    """Its id and its timeouts; another method is another method."""

    async def another(request: httpx.Request, call_next: Next) -> httpx.Response:
        first = await call_next(request)
        sent = first.request  # which has been on its way already
        sent.headers["X-Request-ID"] = "somebody else's"
        await call_next(sent)
        return await call_next(httpx.Request("POST", request.url, content=b"more"))

    client = world.client(middleware=in_world(world, another))
    response = await client.get(timeout=7, request_id="mine")
    assert response.extensions["resilience"].request_id == "mine"
    assert client.wire.ids == ["mine"] * 3
    assert [arrival.request.method for arrival in client.wire.arrivals] == ["GET", "GET", "POST"]
    assert client.wire.bodies == [b"", b"", b"more"]
    assert [each.timeouts["read"] for each in client.wire.arrivals] == [7, 7, 7]


async def test_the_caller_s_own_host_header_stays(world: World) -> None:
    """It was not made of the URL."""

    async def elsewhere(request: httpx.Request, call_next: Next) -> httpx.Response:
        request.url = httpx.URL("http://second.test/b")
        return await call_next(request)

    client = world.client(middleware=in_world(world, elsewhere))
    await client.get(headers={"Host": "virtual.test"})
    assert client.wire.last.headers["Host"] == "virtual.test"


async def test_every_attempt_has_a_request_of_its_own(world: World) -> None:
    """What is put into one does not come to the next, nor to the middleware outside."""
    seen: list[httpx.Request] = []

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        seen.append(request)
        return response

    async def marked(request: httpx.Request, call_next: Next) -> httpx.Response:
        assert "X-Mark" not in request.headers
        request.headers["X-Mark"] = "x"
        return await call_next(request)

    client = world.client(
        [503, 200],
        middleware=in_world(world, around),
        attempt_middleware=in_world(world, marked),
        retry=RETRY,
    )
    await client.get()
    assert "X-Mark" not in seen[0].headers
    assert [each.request.headers["X-Mark"] for each in client.wire.arrivals] == ["x", "x"]


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "bytes": lambda: {"content": b"body"},
    "json": lambda: {"json": {"a": 1}},
    "form": lambda: {"data": {"a": "1"}},
    "multipart": lambda: {"files": {"a": b"body"}},
}


@pytest.mark.parametrize("kind", BODIES)
async def test_a_body_is_sent_whole_each_time(world: World, kind: str) -> None:
    """In every attempt of every pass."""

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return await call_next(request)

    client = world.client([503, 200, 503, 200], middleware=in_world(world, twice), retry=RETRY)
    await client.post(**BODIES[kind]())
    bodies = client.wire.bodies
    assert len(bodies) == 4
    assert len(set(bodies)) == 1
    assert bodies[0]


async def test_what_can_be_read_once_is_sent_once(world: World) -> None:
    """A second pass fails, rather than to send an empty body."""

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        return await call_next(request)

    async def chunks_async() -> Any:
        yield b"once"

    body = chunks_async() if world.is_async else iter([b"once"])
    client = world.client(200, middleware=in_world(world, twice))
    with pytest.raises(InvalidRequestError, match="cannot be sent a second time") as caught:
        await client.post(content=body)
    assert caught.value.request_sent is True
    assert client.wire.bodies == [b"once"]


async def test_another_body_that_can_be_read_once(world: World) -> None:
    """Likewise, where a middleware brings it; and it is not retried."""

    async def chunks_async() -> Any:
        yield b"once"

    async def replacing(request: httpx.Request, call_next: Next) -> httpx.Response:
        body: Any = chunks_async() if world.is_async else (chunk for chunk in [b"once"])
        return await call_next(httpx.Request("POST", request.url, content=body))

    client = world.client([503], middleware=in_world(world, replacing), retry=RETRY)
    with pytest.raises(ServiceUnavailableError):
        await client.post(content=b"first")
    assert client.wire.bodies == [b"once"]


async def test_a_body_for_the_other_world_is_refused(world: World) -> None:
    """Before anything is sent, by the error that tells why."""

    async def chunks_async() -> Any:
        yield b"x"  # pragma: no cover - never read

    async def replacing(request: httpx.Request, call_next: Next) -> httpx.Response:
        body: Any = iter([b"x"]) if world.is_async else chunks_async()
        return await call_next(httpx.Request("POST", request.url, content=body))

    client = world.client(middleware=in_world(world, replacing))
    with pytest.raises(RuntimeError, match="client cannot read"):
        await client.get()
    assert client.wire.arrivals == []


async def test_time_in_it_counts_against_the_deadline(world: World) -> None:
    """What is left when it goes on is all there is for the rest."""
    notes: list[Any] = []

    async def slow(request: httpx.Request, call_next: Next) -> httpx.Response:
        await world.sleep(2)
        return await call_next(request)

    async def silent(arrival: Arrival) -> int:
        await arrival.takes(90)
        return 200

    client = world.client(silent, middleware=in_world(world, slow, noting(notes)))
    begun = world.now()
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=3)
    assert world.now() - begun == pytest.approx(3)
    assert notes == [caught.value]
    assert caught.value.attempts == 1
    assert caught.value.request_sent is True


async def test_nothing_is_sent_when_all_the_time_was_spent_in_it(world: World) -> None:
    """The deadline is looked at before a request goes out."""

    async def slow(request: httpx.Request, call_next: Next) -> httpx.Response:
        world.stall(5)
        return await call_next(request)

    client = world.client(middleware=in_world(world, slow))
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=3)
    assert caught.value.request_sent is False
    assert client.wire.arrivals == []


@ONLY_ASYNCIO
async def test_one_that_waits_too_long_is_ended(world: World) -> None:
    """At the deadline, before and after the request was sent."""

    async def hanging(request: httpx.Request, call_next: Next) -> httpx.Response:
        await world.sleep(90)
        return await call_next(request)

    async def hanging_after(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        await world.sleep(90)
        return response

    client = world.client()
    for around, sent in ((hanging, False), (hanging_after, True)):
        begun = world.now()
        with pytest.raises(DeadlineExceededError) as caught:
            await client.get(deadline=3, middleware=[around])
        assert world.now() - begun == pytest.approx(3)
        assert caught.value.request_sent is sent


@ONLY_ASYNCIO
async def test_a_timeout_of_its_own_is_its_own(world: World) -> None:
    """Within the deadline it says nothing of that."""
    import asyncio  # noqa: PLC0415 - in this world alone

    async def impatient(request: httpx.Request, call_next: Next) -> httpx.Response:
        async with asyncio.timeout(1):
            return await call_next(request)

    async def silent(arrival: Arrival) -> int:
        await arrival.takes(10)
        return 200

    client = world.client(silent, middleware=[impatient])
    with pytest.raises(TimeoutError):
        await client.get(deadline=30)
    assert client.circuit_state == "closed"


@ONLY_ASYNCIO
async def test_a_pass_that_was_given_up_is_no_success(world: World) -> None:
    """A middleware that cancels it may go on with another."""
    import asyncio  # noqa: PLC0415 - in this world alone

    async def impatient(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await asyncio.wait_for(call_next(request), 1)
        except TimeoutError:
            return await call_next(request)

    async def slow_once(arrival: Arrival) -> int:
        if len(client.wire.arrivals) == 1:
            await arrival.takes(10)
        return 200

    client = world.client(
        slow_once, middleware=[impatient], bulkhead={"max_concurrency": 1}, **ONCE
    )
    for deadline in (None, 30):
        del client.wire.arrivals[:]
        response = await client.get(deadline=deadline)
        assert response.status_code == 200
        assert len(client.wire.arrivals) == 2


async def test_a_foreign_exception_passes_untouched(world: World) -> None:
    """Before and after the call; it moves no circuit, and is told once."""
    told: list[object] = []

    @listens_to(OperationFailed)
    def listener(event: Any) -> None:
        told.append(event.error)

    bug = httpx.ConnectError("of another client")

    async def before(request: httpx.Request, call_next: Next) -> httpx.Response:
        raise bug

    async def after(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        raise bug

    client = world.client(
        circuit_breaker={"failure_threshold": 1, "expected_exception": Exception},
        listeners=[listener],
    )
    for around in (before, after):
        with pytest.raises(httpx.ConnectError) as caught:
            await client.get(middleware=in_world(world, around))
        assert caught.value is bug
        assert caught.value.__cause__ is None
    assert told == [bug, bug]
    assert client.circuit_state == "closed"


async def test_an_error_of_the_tree_that_is_not_this_call_s_passes_as_it_is(world: World) -> None:
    """One of another client's, or made up; no fallback answers for it."""
    made = AuthenticationError("no token")

    async def around(request: httpx.Request, call_next: Next) -> httpx.Response:
        await call_next(request)
        raise made

    client = world.client(middleware=in_world(world, around), fallback=httpx.Response(200))
    with pytest.raises(AuthenticationError) as caught:
        await client.get()
    assert caught.value is made


async def test_the_error_of_an_earlier_pass_is_still_the_call_s_own(world: World) -> None:
    """A fallback answers for it."""
    caught: list[MyAPIError] = []

    async def twice(request: httpx.Request, call_next: Next) -> httpx.Response:
        for _ in range(2):
            try:
                await call_next(request)
            except MyAPIError as error:
                caught.append(error)
        raise caught[0]

    client = world.client(httpx.ReadError, middleware=in_world(world, twice), **ONCE)
    with pytest.raises(APINetworkError) as raised:
        await client.get()
    assert raised.value is caught[0]
    caught.clear()
    response = await client.get(fallback=httpx.Response(200, content=b"kept"))
    assert response.content == b"kept"


async def test_a_pass_after_one_that_failed(world: World) -> None:
    """What it brings is the answer of the call, streamed or not."""

    async def trying_again(request: httpx.Request, call_next: Next) -> httpx.Response:
        try:
            return await call_next(request)
        except APINetworkError:
            return await call_next(request)

    server = [httpx.ReadError, Answer(200, (b"abc",))] * 2
    client = world.client(server, middleware=in_world(world, trying_again), **ONCE)
    assert (await client.get()).content == b"abc"
    assert await client.streamed() == [b"abc"]


async def test_an_earlier_answer_may_be_handed_on(world: World) -> None:
    """It has been read; of an error status it is raised as that."""

    async def first_of_two(request: httpx.Request, call_next: Next) -> httpx.Response:
        first = await call_next(request)
        await call_next(request)
        return first

    around = in_world(world, first_of_two)
    client = world.client([Answer(200, (b"a",)), 500, 404, 200], middleware=around, **ONCE)
    assert (await client.get()).content == b"a"
    with pytest.raises(NotFoundError):
        await client.get()


WRONG_ANSWERS: dict[str, tuple[Any, str]] = {
    "nothing": (None, "returned a NoneType: return the response of call_next"),
    "text": ("ok", "returned a str"),
}


@pytest.mark.parametrize("kind", WRONG_ANSWERS)
async def test_what_is_no_response_is_refused(world: World, kind: str) -> None:
    """By an error that says what to return; what was sent for is closed."""
    answer, text = WRONG_ANSWERS[kind]

    async def forgetful(request: httpx.Request, call_next: Next) -> Any:
        await call_next(request)
        return answer

    client = world.client(Answer(200, (b"abc",)), middleware=in_world(world, forgetful))
    with pytest.raises(TypeError, match=text):
        await client.get()
    with pytest.raises(TypeError, match=text):
        await client.streamed()


async def test_what_is_no_request_is_refused(world: World) -> None:
    """Of the other family, too, or with a URL that is none."""

    async def wrong(request: httpx.Request, call_next: Next) -> httpx.Response:
        return await call_next(str(request.url))

    async def wrong_url(request: httpx.Request, call_next: Next) -> httpx.Response:
        vars(request)["url"] = "http://server.test/"
        return await call_next(request)

    client = world.client()
    with pytest.raises(TypeError, match=r"call_next was given a str: give a httpx\.Request"):
        await client.get(middleware=in_world(world, wrong))
    with pytest.raises(TypeError, match=r"give an httpx\.URL"):
        await client.get(middleware=in_world(world, wrong_url))


@ONLY_ASYNCIO
async def test_a_coroutine_that_was_never_awaited_is_refused(world: World) -> None:
    """Python does not complain about it besides."""

    async def careless(request: httpx.Request, call_next: Next) -> Any:
        return call_next(request)

    client = world.client(middleware=[careless])
    with pytest.raises(TypeError, match="returned a coroutine"):
        await client.get()


@ONLY_ASYNCIO
async def test_two_passes_at_once_are_refused(world: World) -> None:
    """A pass gives back what the one before was granted."""
    import asyncio  # noqa: PLC0415 - in this world alone

    errors: list[object] = []

    async def at_once(request: httpx.Request, call_next: Next) -> httpx.Response:
        both = asyncio.gather(call_next(request), call_next(request), return_exceptions=True)
        first, second = await both
        errors.append(second)
        assert isinstance(first, httpx.Response)
        return first

    async def slow(arrival: Arrival) -> int:
        await arrival.takes(1)
        return 200

    client = world.client(slow, middleware=[at_once])
    assert (await client.get()).status_code == 200
    assert "call_next is under way" in str(errors[0])
    assert len(client.wire.arrivals) == 1


@ONLY_ASYNCIO
async def test_a_pass_that_is_left_to_itself_loses_nothing(world: World) -> None:
    """The call fails, and says why; the pass gives back what it has when it ends."""
    import asyncio  # noqa: PLC0415 - in this world alone

    left: list[asyncio.Task[Any]] = []

    async def leaving(request: httpx.Request, call_next: Next) -> httpx.Response:
        left.append(asyncio.ensure_future(call_next(request)))
        await asyncio.sleep(1)
        return httpx.Response(200)

    async def slow(arrival: Arrival) -> Answer:
        await arrival.takes(3)
        return Answer(200, (b"abc",))

    client = world.client(slow, middleware=[leaving], bulkhead={"max_concurrency": 1})
    for call in (client.get, client.streamed):
        with pytest.raises(RuntimeError, match="returned while its call_next was under way"):
            await call(**({} if call == client.get else {"deadline": 30}))
        await left.pop()
        assert client.stats().slots_in_use == 0
    assert (await client.get(middleware=[])).status_code == 200


@ONLY_ASYNCIO
async def test_call_next_is_over_with_its_call(world: World) -> None:
    """Who kept it gets an error, and nothing is sent."""
    kept: list[Any] = []

    async def keeping(request: httpx.Request, call_next: Next) -> httpx.Response:
        kept.extend((request, call_next))
        return httpx.Response(200)

    client = world.client(middleware=[keeping])
    await client.get()
    request, call_next = kept
    with pytest.raises(RuntimeError, match="when all was over"):
        await call_next(request)
    assert client.wire.arrivals == []


async def test_a_call_brings_its_own_in_place_of_the_client_s(world: World) -> None:
    """Or adds to them; and none at all costs nothing."""
    client = world.client(middleware=in_world(world, setting("X-Client", "1")))
    mine = in_world(world, setting("X-Mine", "1"))
    for around, expected in (
        (mine, (None, "1")),
        ([*client.raw.middleware, *mine], ("1", "1")),
        ([], (None, None)),
    ):
        await client.get(middleware=around)
        sent = client.wire.last.headers
        assert (sent.get("X-Client"), sent.get("X-Mine")) == expected


async def test_what_httpx_refuses_to_build_is_our_error(world: World) -> None:
    """As it is without middleware."""
    client = world.client(middleware=in_world(world, passing))
    with pytest.raises(InvalidRequestError):
        await client.get("http://server.test:port/")
    with pytest.raises(AttributeError):
        await client.get(params=3)


async def test_a_closed_client_sends_no_further_pass(world: World) -> None:
    """The error says that it is closed."""

    async def closing(request: httpx.Request, call_next: Next) -> httpx.Response:
        client.close_now()
        return await call_next(request)

    client = world.client(middleware=in_world(world, closing))
    with pytest.raises(ClientClosedError):
        await client.get()


async def test_no_slot_is_held_while_it_works_on(world: World) -> None:
    """So it may call the same client meanwhile, as for a token."""

    async def asking(request: httpx.Request, call_next: Next) -> httpx.Response:
        response = await call_next(request)
        await client.get("/token", middleware=[])
        return response

    client = world.client(
        middleware=in_world(world, asking),
        bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.1},
    )
    assert (await client.get()).status_code == 200
    assert len(client.wire.arrivals) == 2

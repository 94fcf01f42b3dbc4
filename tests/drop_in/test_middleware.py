"""Middleware and plugins of the drop-in clients, transports and functions: httpx all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trio

from client import (
    APINetworkError,
    CircuitBreaker,
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    HttpRequestError,
    MyAPIError,
    RateLimitError,
    ServiceUnavailableError,
)
from tests.codings import MEBIBYTE
from tests.drop_in.kits import ON_EACH_KIT, URL, Kit
from tests.drop_in.test_functions import called
from tests.drop_in.wire import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

BOTH = pytest.mark.parametrize("where", ["middleware", "attempt_middleware"])
LARGE = Reply(503, (b"x" * MEBIBYTE, b"y" * MEBIBYTE))


def around(kit: Kit, function: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    """Return an async middleware, or one that blocks in its place."""
    if kit.is_async:
        return function

    def plain(request: Any, call_next: Any) -> Any:
        walking: Any = function(request, kit.awaited(call_next))
        try:
            walking.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it suspended")

    return plain


async def passing(request: Any, call_next: Any) -> Any:
    """Do nothing but go on."""
    return await call_next(request)


def noting(notes: list[Any]) -> Any:
    """Return a middleware that writes down what comes of `call_next`."""

    async def walk(request: Any, call_next: Any) -> Any:
        try:
            response = await call_next(request)
        except Exception as error:
            notes.append(error)
            raise
        notes.append(response.status_code)
        return response

    return walk


@ON_EACH_KIT
@BOTH
async def test_it_goes_around_send(kit: Kit, where: str) -> None:
    """In each client; every answer comes as an answer, and is returned as httpx returns it."""
    notes: list[Any] = []
    mine = around(kit, noting(notes))
    client = kit.client(503, 404, max_retries=1, **{where: [mine]})
    response = await client.get(URL)
    assert response.status_code == 404
    assert notes == ([404] if where == "middleware" else [503, 404])
    assert getattr(client.real, where) == (mine,)
    assert response.extensions["resilience"].attempts == 2
    assert client._transport.left_open == 0


@BOTH
@pytest.mark.parametrize("failure", ["ConnectError", "ReadError", "ReadTimeout"])
async def test_a_failure_that_is_let_through_is_httpx_s(kit: Kit, failure: str, where: str) -> None:
    """The very exception, with its notes; inside it is ours, with that as its cause."""
    notes: list[Any] = []
    told: list[Any] = []
    client = kit.client(
        failure,
        max_retries=1,
        on_failure=lambda info: told.append(type(info.error)),
        **{where: [around(kit, noting(notes)), around(kit, passing)]},
    )
    outcome = await kit.outcome(client.get(URL))
    plain = await kit.outcome(kit.client(failure, max_retries=1).get(URL))
    assert type(outcome) is type(plain) is kit.error(failure)
    assert [note.split(" in ")[0] for note in outcome.__notes__] == ["2 attempts were made"]
    assert all(isinstance(note, HttpRequestError) for note in notes)
    assert notes[-1].__cause__ is outcome
    assert told == [kit.error(failure)]
    assert len(client._transport.arrivals) == 2


@BOTH
async def test_what_was_never_sent_is_known_as_that(kit: Kit, where: str) -> None:
    """A write is retried then, and only then."""
    for failure, attempts in (("ConnectError", 3), ("ReadError", 1)):
        client = kit.client(failure, max_retries=2, **{where: [around(kit, passing)]})
        await kit.outcome(client.post(URL, content=b"x"))
        assert len(client._transport.arrivals) == attempts


@BOTH
async def test_the_caller_s_own_request_stays_as_it_was(kit: Kit, where: str) -> None:
    """It may be sent by somebody else at the same time."""

    async def marking(request: Any, call_next: Any) -> Any:
        request.headers["Authorization"] = "Bearer x"
        return await call_next(request)

    client = kit.client(200, **{where: [around(kit, marking)]})
    request = kit.request()
    response = await client.send(request)
    assert client._transport.arrivals[0].headers["authorization"] == "Bearer x"
    assert "authorization" not in request.headers
    assert response.request.headers["Authorization"] == "Bearer x"


async def test_the_caller_s_request_id_stays(kit: Kit) -> None:
    """And nothing is added where there was none."""

    async def changing(request: Any, call_next: Any) -> Any:
        request.headers["X-Request-ID"] = "another"
        return await call_next(request)

    client = kit.client(200, middleware=[around(kit, changing)])
    await client.get(URL, headers={"X-Request-ID": "mine"})
    await client.get(URL, middleware=())
    first, second = client._transport.arrivals
    assert first.headers["x-request-id"] == "mine"
    assert "x-request-id" not in second.headers


async def test_a_request_of_its_own_making(kit: Kit) -> None:
    """It has the timeouts of the client where that which it replaces has none of its own."""

    async def another(request: Any, call_next: Any) -> Any:
        return await call_next(kit.module.Request("PUT", request.url, content=kit.body(b"x")))

    client = kit.client(503, middleware=[around(kit, another)], max_retries=1, timeout=7)
    for request in (kit.request(), client.build_request("GET", URL, timeout=3)):
        response = await client.send(request)
        assert response.status_code == 503
    arrivals = client._transport.arrivals
    assert [(each.method, each.body) for each in arrivals] == [("PUT", b"x")] * 2
    assert [each.timeouts["read"] for each in arrivals] == [7, 3]


async def test_a_token_is_refreshed(kit: Kit) -> None:
    """By a second pass, which has all its attempts."""

    async def refreshing(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        if response.status_code != 401:
            return response
        request.headers["Authorization"] = "Bearer new"
        return await call_next(request)

    client = kit.client(401, 503, 200, max_retries=1, middleware=[around(kit, refreshing)])
    assert (await client.post(URL, content=b"body")).status_code == 200
    arrivals = client._transport.arrivals
    assert [each.body for each in arrivals] == [b"body"] * 3
    assert [each.headers.get("authorization") for each in arrivals] == [
        None,
        "Bearer new",
        "Bearer new",
    ]


async def test_errors_name_where_it_goes(kit: Kit) -> None:
    """Where the request was changed, that is."""

    async def elsewhere(request: Any, call_next: Any) -> Any:
        request.url = kit.module.URL("http://second.test/")
        return await call_next(request)

    breaker = CircuitBreaker(failure_threshold=1)
    client = kit.client(
        "ReadError", max_retries=0, circuit_breaker=breaker, middleware=[around(kit, elsewhere)]
    )
    await kit.outcome(client.get(URL))
    turned_away: Any = await kit.outcome(client.get(URL))
    assert isinstance(turned_away, CircuitOpenError)
    assert isinstance(turned_away, kit.error("TransportError"))
    assert turned_away.url == "http://second.test/"
    assert str(getattr(turned_away, "request").url) == "http://second.test/"  # noqa: B009 - of httpx
    assert client._transport.arrivals[0].headers["host"] == "second.test"


@BOTH
async def test_a_hook_that_raises_for_a_status(kit: Kit, where: str) -> None:
    """It comes as an error of ours, and out as what it was."""
    notes: list[Any] = []

    def check(response: Any) -> None:
        response.raise_for_status()

    client = kit.client(
        404,
        event_hooks={"response": [kit.awaited_if_async(check)]},
        **{where: [around(kit, noting(notes))]},
    )
    with pytest.raises(kit.error("HTTPStatusError")) as caught:
        await client.get(URL)
    assert isinstance(notes[0], HttpRequestError)
    assert notes[0].__cause__ is caught.value
    assert notes[0].status_code == 404


async def test_a_large_error_is_whole_for_those_around_calls(kit: Kit) -> None:
    """Also where it was read in part, because another attempt might have followed."""
    seen: list[int] = []

    async def looking(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        seen.append(len(response.content))
        return response

    client = kit.client(
        LARGE,
        middleware=[around(kit, looking)],
        circuit_breaker=CircuitBreaker(failure_threshold=1),
        max_retries=1,
    )
    response = await client.get(URL)
    assert len(response.content) == 2 * MEBIBYTE
    assert seen == [2 * MEBIBYTE]
    assert client._transport.left_open == 0


async def test_a_large_error_that_breaks_where_it_is_read_on(kit: Kit) -> None:
    """It comes as an error, and out as the exception of httpx."""
    notes: list[Any] = []
    broken = Reply(503, (b"x" * MEBIBYTE, b"y", "ReadError"))
    client = kit.client(
        broken,
        middleware=[around(kit, noting(notes))],
        circuit_breaker=CircuitBreaker(failure_threshold=1),
        max_retries=1,
    )
    outcome = await kit.outcome(client.get(URL))
    assert isinstance(outcome, kit.error("ReadError"))
    assert [type(each) for each in notes] == [APINetworkError]
    assert client._transport.left_open == 0


async def test_a_large_error_that_an_attempt_s_drops_is_closed(kit: Kit) -> None:
    """Though it was read in part only."""

    async def dropping(request: Any, call_next: Any) -> Any:
        await call_next(request)
        return kit.module.Response(200)

    client = kit.client(LARGE, attempt_middleware=[around(kit, dropping)])
    assert (await client.get(URL)).status_code == 200
    assert client._transport.left_open == 0


@BOTH
async def test_its_own_answers(kit: Kit, where: str) -> None:
    """Also an error status, and a body that is still to be read."""

    async def answering(request: Any, _call_next: Any) -> Any:
        status = int(request.url.path.strip("/"))
        return kit.module.Response(status, content=kit.body(b"a", b"b"))

    client = kit.client(200, **{where: [around(kit, answering)]}, max_retries=0)
    for status in (200, 404):
        response = await client.get(f"{URL}{status}")
        assert (response.status_code, response.content) == (status, b"ab")
        assert str(response.request.url) == f"{URL}{status}"
        async with client.stream(url=f"{URL}{status}") as streamed:
            assert await kit.read(streamed) == b"ab"
    assert client._transport.arrivals == []


@BOTH
async def test_streams(kit: Kit, where: str) -> None:
    """What is handed on stays open, what is not is closed."""

    async def dropping(request: Any, call_next: Any) -> Any:
        response = await call_next(request)
        return response if response.status_code == 200 else kit.module.Response(200)

    client = kit.client(200, 503, 404, **{where: [around(kit, dropping)]})
    async with client.stream() as response:
        assert client._transport.left_open == 1
        assert await kit.read(response) == b"ok"
    for _ in range(2):
        async with client.stream() as response:
            assert client._transport.left_open == 0
            assert response.status_code == 200


async def test_a_failure_of_a_stream_is_handed_on_unread(kit: Kit) -> None:
    """As with httpx."""
    notes: list[Any] = []
    client = kit.client(404, middleware=[around(kit, noting(notes))])
    async with client.stream() as response:
        assert response.status_code == 404
        assert client._transport.left_open == 1
        assert await kit.read(response) == b"ok"
    assert notes == [404]


@BOTH
async def test_foreign_exceptions_pass(kit: Kit, where: str) -> None:
    """Those of httpx, too; they move no circuit."""
    bug = kit.error("ConnectError")("of another client")

    async def failing(request: Any, call_next: Any) -> Any:
        await call_next(request)
        raise bug

    breaker = CircuitBreaker(failure_threshold=1, expected_exception=Exception)
    client = kit.client(200, circuit_breaker=breaker, **{where: [around(kit, failing)]})
    for _ in range(2):
        assert await kit.outcome(client.get(URL)) is bug
    assert len(client._transport.arrivals) == 2
    assert getattr(bug, "__notes__", []) == []


async def test_the_whole_time(kit: Kit) -> None:
    """What is spent in a middleware is gone."""

    async def slow(request: Any, call_next: Any) -> Any:
        kit.clock.now += 2
        return await call_next(request)

    client = kit.client(Reply(takes=5), max_total_time=3, middleware=[around(kit, slow)])
    outcome = await kit.outcome(client.get(URL))
    assert isinstance(outcome, DeadlineExceededError)
    assert client._transport.arrivals[0].timeouts["read"] == 1


async def test_a_call_brings_its_own(kit: Kit) -> None:
    """Of one use, too; none at all switches off."""
    notes: list[Any] = []
    client = kit.client(200, middleware=[around(kit, noting(notes))])
    mine: list[Any] = []
    await client.get(URL, middleware=iter([around(kit, noting(mine))]))
    await client.get(URL, middleware=[*client.real.middleware, around(kit, noting(mine))])
    await client.get(URL, middleware=())
    await client.send(kit.request(), middleware=())
    assert (len(notes), len(mine)) == (1, 2)


async def test_functions_go_through_it_once(kit: Kit) -> None:
    """Their own, or that of the client they are given; and raise errors of the tree."""
    notes: list[Any] = []
    mine = around(kit, noting(notes))
    client = kit.client(429, max_retries=0, middleware=[mine], attempt_middleware=[mine])
    with pytest.raises(RateLimitError):
        await called(kit, "get", through=client)
    assert notes == [429, 429]
    notes.clear()
    plain = kit.plain(503)
    with pytest.raises(ServiceUnavailableError):
        await called(kit, "get", through=plain, middleware=[mine], max_retries=0)
    assert notes == [503]


async def test_transports(kit: Kit) -> None:
    """Each hop of a redirect is a call of its own."""
    notes: list[Any] = []
    wire = kit.wire(Reply(302, headers={"Location": "/there"}), 503, 200)
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    mine, each = around(kit, noting(notes)), around(kit, passing)
    transport = getattr(kit.ours, name)(
        wire, backoff_factor=0, middleware=[mine], attempt_middleware=[each]
    )
    assert (transport.middleware, transport.attempt_middleware) == ((mine,), (each,))
    client = kit.plain(transport=transport, follow_redirects=True)
    assert (await client.get(URL)).status_code == 200
    assert notes == [302, 200]
    assert wire.left_open == 0


class Life:
    """A plugin that tells when it is started and closed."""

    def __init__(self, kit: Kit, told: list[str], *, fails: bool = False) -> None:
        self.told = told

        def start(_client: Any) -> None:
            told.append("started")
            if fails:
                raise LookupError

        self.start = kit.awaited_if_async(start)
        self.close = kit.awaited_if_async(lambda: told.append("closed"))


@ON_EACH_KIT
async def test_plugins_live_with_the_client(kit: Kit) -> None:
    """From its first call, or from where it is entered, to its end."""
    for enters in (False, True):
        told: list[str] = []
        client = kit.client(200, plugins=[Life(kit, told)])
        if enters:
            async with client as entered:
                assert entered is client.real
                assert told == ["started"]
        else:
            await client.get(URL)
            assert told == ["started"]
            await client.close()
        assert told == ["started", "closed"]


class Closing:
    """A plugin that closes its client as soon as it is started."""

    def __init__(self, kit: Kit) -> None:
        async def start(client: Any) -> None:
            await (client.aclose() if kit.is_async else kit.awaited(client.close)())

        def plain(client: Any) -> None:
            client.close()

        self.start = start if kit.is_async else plain


@ON_EACH_KIT
async def test_a_client_that_a_plugin_closes_cannot_be_entered(kit: Kit) -> None:
    """Nobody could use it."""
    client = kit.client(200, plugins=[Closing(kit)])
    with pytest.raises(ClientClosedError):
        async with client:
            pass  # pragma: no cover - it does not come to that


async def test_what_breaks_an_answer_that_middleware_sees_is_raised(kit: Kit) -> None:
    """An answer that another attempt might have replaced is read on for it."""
    broken = Reply(503, (b"x" * MEBIBYTE, b"y" * MEBIBYTE, "ReadError"))
    notes: list[Any] = []
    client = kit.client(
        broken, max_retries=1, retry_if=refusing, middleware=[around(kit, noting(notes))]
    )
    with pytest.raises(kit.error("ReadError")):
        await client.get(URL)
    assert isinstance(notes[0], APINetworkError)


def refusing(_response: object, _exception: object) -> bool:
    """Let no attempt follow."""
    return False


async def test_what_plugins_bring(kit: Kit) -> None:
    """Middleware inside of the client's own, listeners and telemetry."""
    told: list[Any] = []
    own, theirs = around(kit, passing), around(kit, passing)

    class Plugin:
        """Brings all there is."""

        middleware = (theirs,)
        attempt_middleware = (theirs,)
        listeners = (told.append,)

    client = kit.client(200, middleware=[own], plugins=[Plugin()])
    assert client.real.middleware == (own, theirs)
    assert client.real.attempt_middleware == (theirs,)
    await client.get(URL)
    assert told


async def test_one_that_fails_stops_the_client(kit: Kit) -> None:
    """With its error; also where the client is entered."""
    for enters in (False, True):
        told: list[str] = []
        client = kit.client(200, plugins=[Life(kit, told), Life(kit, told, fails=True)])

        async def use(client: Any = client, *, enters: bool = enters) -> None:
            if enters:
                async with client:
                    pass  # pragma: no cover - it is not entered
            await client.get(URL)

        with pytest.raises(LookupError):
            await use()
        assert told == ["started", "started", "closed"]
        assert client.real.is_closed
        assert isinstance(await kit.outcome(client.get(URL)), RuntimeError)
        assert client._transport.arrivals == []


async def test_a_transport_starts_them_with_each_of_its_lives(kit: Kit) -> None:
    """It may be used again after it was closed."""
    told: list[str] = []
    name = "AsyncResilientTransport" if kit.is_async else "ResilientTransport"
    transport = getattr(kit.ours, name)(kit.wire(200), plugins=[Life(kit, told)])
    for _ in range(2):
        client = kit.plain(transport=transport)
        await client.get(URL)
        await client.close()
    face = kit.face(transport)
    async with face:
        assert told[-1] == "started"
    assert told == ["started", "closed"] * 3


async def test_a_function_s_client_has_its_plugins_started(kit: Kit) -> None:
    """By its first call."""
    told: list[str] = []
    client = kit.client(200, plugins=[Life(kit, told)])
    await called(kit, "get", through=client)
    assert told == ["started"]


@pytest.mark.parametrize("family", ["httpx", "httpx2"])
def test_trio(family: str) -> None:
    """Calls that wait for a start, passes and deadlines run there as well."""
    told: list[str] = []

    async def story() -> None:
        kit = Kit(family, is_async=True)
        wire = kit.wire(200)

        class Plugin:
            """Starts slowly."""

            async def start(self, _client: Any) -> None:
                """Take a moment."""
                await trio.sleep(0.01)
                told.append("started")

        async def twice(request: Any, call_next: Any) -> Any:
            await call_next(request)
            return await call_next(request)

        async def hanging(request: Any, call_next: Any) -> Any:
            await call_next(request)
            await trio.sleep_forever()

        async with kit.ours_of(transport=wire, plugins=[Plugin()], verify=False) as client:
            client._drop_in.plugins.begin_anew()
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(lambda: client.get(URL, middleware=[twice]))
            with pytest.raises(DeadlineExceededError):
                await client.get(URL, middleware=[hanging], max_total_time=0.05)
            response = await client.get(URL, middleware=[twice], max_total_time=60)
            assert response.status_code == 200
        assert wire.left_open == 0

    trio.run(story)
    assert told == ["started"] * 2


async def test_an_error_of_the_tree_of_its_own_passes_as_it_is(kit: Kit) -> None:
    """It is none of this call's."""
    made = MyAPIError("no token")

    async def failing(_request: Any, _call_next: Any) -> Any:
        raise made

    client = kit.client(200, middleware=[around(kit, failing)])
    assert await kit.outcome(client.get(URL)) is made

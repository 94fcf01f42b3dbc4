"""How a client begins and ends, and what it makes of the clients and transports it is given."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from client import (
    ClientClosedError,
    ClientConfig,
    InsecureTLSWarning,
    MyAPIError,
    ResilientClient,
    ServerError,
    SyncResilientClient,
    create_resilient_client,
)
from client.events import BulkheadAcquired, Event, RequestIdMade, RetryScheduled
from client.transports.httpcore.thread_deadline import cut_to_deadline
from tests.behaviour.twins import ONLY_ASYNCIO
from tests.behaviour.wire import Answer, Arrival, Server, Wire
from tests.behaviour.world import BASE_URL, Caller, World, listens_to

EXACT = {"jitter": False}


async def a_second(arrival: Arrival) -> int:
    """A server that takes one."""
    await arrival.takes(1)
    return 200


def count_builds(world: World) -> tuple[AbstractContextManager[object], list[object]]:
    """Count the httpx clients that are made; in the middle of each, others get their turn."""
    kind = world.httpx_client
    made: list[object] = []
    original = kind.__init__

    def counted(self: object, **options: object) -> None:
        made.append(self)
        if not world.is_async:
            world.run(world.sleep(0))
        original(self, **options)

    return patch.object(kind, "__init__", counted), made


async def test_the_with_statement(world: World) -> None:
    """It builds the one httpx client and closes it."""
    client = world.client(200)
    patched, made = count_builds(world)
    with patched:
        async with client.opened() as entered:
            assert entered is client.raw
            assert len(made) == 1
            await client.get()
            await client.get()
            assert client.wire.closings == 0
    assert len(made) == 1
    assert client.wire.closings == 1
    assert client.raw.is_closed


async def test_a_lifetime_held_by_hand(world: World) -> None:
    """As a FastAPI lifespan does."""
    client = world.client(200)
    patched, made = count_builds(world)
    with patched:
        assert await client.initialize() is client.raw
        assert await client.initialize() is client.raw
        await client.get()
        await client.close()
    assert len(made) == 1
    assert client.wire.closings == 1


async def test_nothing_is_built_before_the_first_use(world: World) -> None:
    """And a client that was never used is closed without building."""
    patched, made = count_builds(world)
    with patched:
        used, unused = world.client(200), world.client(200)
        assert made == []
        assert not used.raw.is_closed
        await used.get()
        assert len(made) == 1
        await unused.close()
    assert len(made) == 1
    assert unused.wire.closings == 0


async def test_a_hundred_first_calls_build_one_client(world: World) -> None:
    """All at once."""
    client = world.client(a_second, bulkhead={"max_concurrency": 100})
    patched, made = count_builds(world)
    with patched:
        outcomes = await world.gather(*(client.get() for _ in range(100)))
    assert all(isinstance(outcome, httpx.Response) for outcome in outcomes)
    assert len(made) == 1
    assert world.now() == 1001


async def test_closing_twice_is_fine(world: World) -> None:
    """And so is closing what was never used."""
    client = world.client(200)
    await client.get()
    await client.close()
    await client.close()
    assert client.raw.is_closed
    assert client.wire.closings == 1


async def test_use_after_close_is_a_clear_error(world: World) -> None:
    """For every way of using it; a `RuntimeError`, as of httpx, and of our own tree."""
    client = world.client(200)
    await client.get()
    await client.close()
    text = "the client is closed; make a new one"
    with pytest.raises(ClientClosedError) as caught:
        await client.get("/x?q", request_id="r")
    assert isinstance(caught.value, RuntimeError)
    assert isinstance(caught.value, MyAPIError)
    assert str(caught.value) == f"GET http://server.test/x failed: {text} (request id r)"
    assert (caught.value.attempts, caught.value.request_sent) == (0, False)
    assert caught.value.elapsed == 0
    with pytest.raises(ClientClosedError, match=text):
        async with client.stream():
            pass
    with pytest.raises(ClientClosedError, match=text):
        await client.initialize()
    with pytest.raises(ClientClosedError, match=text):
        async with client.opened():
            pass
    assert len(client.wire.arrivals) == 1


async def test_a_call_that_waits_to_retry_ends_at_the_close(world: World) -> None:
    """At once."""
    client = world.client([500], retry=EXACT)
    task = world.start(client.get(request_id="r"))
    await world.sleep(0.5)
    await client.close()
    with pytest.raises(ClientClosedError, match=r"make a new one \(request id r\)") as caught:
        await task.result()
    assert world.now() == 1000.5
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)


async def test_a_call_whose_wait_ends_with_the_close(world: World) -> None:
    """At the same moment, in this order: it does not begin another attempt."""
    client = world.client([500], retry=EXACT)
    task = world.start(client.get())
    await world.sleep(2)
    await client.close()
    with pytest.raises(ClientClosedError):
        await task.result()
    assert len(client.wire.arrivals) == 1


async def test_a_wait_is_not_begun_on_a_closed_client(world: World) -> None:
    """Where a listener closes it just before."""

    @listens_to(RetryScheduled)
    def close(event: object) -> None:
        client.close_now()

    client = world.client([500], listeners=[close], retry=EXACT)
    with pytest.raises(ClientClosedError):
        await client.get()
    assert world.now() == 1000


async def test_a_call_in_flight_fails_as_closed(world: World) -> None:
    """Whatever its connection makes of it, and without a retry."""

    async def breaks_when_closed(arrival: Arrival) -> int:
        client.close_now()
        raise httpx.ReadError("closed under it")

    client = world.client([breaks_when_closed], circuit_breaker={"failure_threshold": 1})
    with pytest.raises(ClientClosedError) as caught:
        await client.get()
    assert isinstance(caught.value.__cause__, httpx.ReadError)
    assert (caught.value.attempts, caught.value.request_sent) == (1, True)
    assert client.circuit_state == "closed"


@pytest.mark.parametrize(
    ("kind", "sent"), [(httpx.ConnectError, False), (httpx.ReadError, True), (KeyError, True)]
)
async def test_whether_a_call_that_was_in_flight_at_the_close_was_sent(
    world: World, kind: type[Exception], *, sent: bool
) -> None:
    """It may have been, unless its exception says otherwise."""

    async def breaks(arrival: Arrival) -> int:
        client.close_now()
        raise kind("closed under it")

    client = world.client([breaks])
    with pytest.raises(ClientClosedError) as caught:
        await client.get()
    assert caught.value.request_sent is sent


async def test_an_error_of_another_client_passes_a_closed_one_untouched(world: World) -> None:
    """It is not about this one."""
    error = ServerError("of a token server", status_code=503)

    class Token(httpx.Auth):
        def auth_flow(
            self, request: httpx.Request
        ) -> Generator[httpx.Request, httpx.Response, None]:
            yield from ()
            client.close_now()
            raise error

    client = world.client([])
    with pytest.raises(ServerError) as caught:
        await client.get(auth=Token())
    assert caught.value is error


async def test_an_answer_that_comes_all_the_same_is_returned(world: World) -> None:
    """Though the client was closed meanwhile."""

    async def answers(arrival: Arrival) -> int:
        client.close_now()
        return 200

    client = world.client([answers])
    assert (await client.get()).status_code == 200


async def test_an_error_that_comes_all_the_same_is_not_retried(world: World) -> None:
    """It is raised as it is, and nothing is said of a retry."""

    async def fails(arrival: Arrival) -> int:
        client.close_now()
        return 500

    client = world.client([fails])
    with pytest.raises(ServerError) as caught:
        await client.get()
    assert not hasattr(caught.value, "__notes__")


async def test_a_call_that_meets_a_closed_httpx_client_says_so(world: World) -> None:
    """Rather than with the `RuntimeError` of httpx."""

    @listens_to(RequestIdMade)
    def close(event: object) -> None:
        client.close_now()

    client = world.client(200, listeners=[close], bulkhead=None)
    with pytest.raises(ClientClosedError) as caught:
        await client.get()
    assert type(caught.value.__cause__) is RuntimeError


async def test_a_stream_can_be_left_after_the_close(world: World) -> None:
    """The answer is let go of, and so is the slot."""
    client = world.client(Answer(200, (b"x", b"y")))
    async with client.stream() as response:
        await client.close()
        assert response.status_code == 200
    assert client.wire.unclosed() == []
    assert client.stats().slots_in_use == 0


@ONLY_ASYNCIO
async def test_close_ends_what_is_in_flight(world: World) -> None:
    """Also where nothing of the connection can be reached: it is cancelled from outside."""

    async def endless(arrival: Arrival) -> int:
        await world.sleep(3600)
        return 200

    client = world.client([endless, endless], bulkhead={"max_concurrency": 2})
    tasks = [world.start(client.get()) for _ in range(3)]
    await world.sleep(1)
    await client.close()
    outcomes = [await world.outcome(task) for task in tasks]
    assert [type(outcome) for outcome in outcomes] == [ClientClosedError] * 3
    assert world.now() == 1001


class SlowToClose(Wire):
    """A transport whose connections do not want to close."""

    async def aclose(self) -> None:
        """Take long."""
        await self._world.sleep(60)

    def close(self) -> None:
        """Take as long as this thread may."""
        limit = cut_to_deadline(60, TimeoutError)
        assert limit is not None
        self._world.run(self._world.sleep(limit))
        raise TimeoutError


async def test_close_returns_within_a_bound(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Five seconds, and a warning."""
    kind = ResilientClient if world.is_async else SyncResilientClient
    wire = SlowToClose(world, 200)
    client = Caller(world, kind(ClientConfig(base_url=BASE_URL), transport=wire), wire)
    await client.get()
    await client.close()
    assert world.now() == pytest.approx(1005)
    assert "closing the connections took too long" in caplog.text
    assert client.raw.is_closed


def foreign(world: World, server: Server = 200, **options: object) -> tuple[Any, Wire]:
    """An httpx client that somebody else has made, and what it is connected to."""
    wire = world.wire(server)
    return world.httpx_client(transport=wire, **{"base_url": BASE_URL, **options}), wire


async def test_a_client_passed_in_is_used_and_never_closed(world: World) -> None:
    """It stays its owner's."""
    http, wire = foreign(world, [500, 200, 200])
    client = world.client(http_client=http, base_url="")
    patched, made = count_builds(world)
    with patched:
        async with client.opened():
            await client.get("/x")
    assert made == []
    assert [str(arrival.request.url) for arrival in wire.arrivals] == [f"{BASE_URL}/x"] * 2
    assert wire.closings == 0
    assert not http.is_closed
    with pytest.raises(ClientClosedError):
        await client.get("/x")
    sent = http.get("/y")
    assert (await sent if world.is_async else sent).status_code == 200


async def test_its_own_settings_stand(world: World) -> None:
    """Where the configuration says nothing."""
    http, wire = foreign(
        world,
        [Answer(302, headers={"Location": "/b"}), Answer(302, headers={"Location": "/b"})],
        timeout=7,
        headers={"User-Agent": "theirs", "A": "1"},
    )
    client = world.client(http_client=http)
    response = await client.get("/a", timeout=3)
    assert response.status_code == 302
    assert set(wire.arrivals[0].timeouts.values()) == {3}
    await client.get("/a")
    assert set(wire.arrivals[1].timeouts.values()) == {7}
    assert wire.last.headers["User-Agent"] == "theirs"
    assert wire.last.headers["A"] == "1"


async def test_what_was_given_explicitly_overrides_them(world: World) -> None:
    """Base URL, headers, user agent, timeouts and redirects; the call's own wins over all."""
    http, wire = foreign(
        world,
        [200, Answer(302, headers={"Location": "/b"}), 200],
        timeout=7,
        base_url="http://other.test",
        headers={"A": "1", "User-Agent": "theirs"},
    )
    client = world.client(
        http_client=http,
        base_url=BASE_URL,
        headers={"A": "2", "B": "2"},
        user_agent="ours",
        timeout={"read": 2},
        follow_redirects=True,
    )
    await client.get("/a", headers={"b": "3"})
    assert str(wire.last.url) == f"{BASE_URL}/a"
    assert [wire.last.headers[name] for name in ("A", "B", "User-Agent")] == ["2", "3", "ours"]
    assert wire.arrivals[0].timeouts == {"connect": 60, "read": 2, "write": 15, "pool": 5}
    response = await client.get("/a")
    assert str(response.url) == f"{BASE_URL}/b"


@pytest.mark.parametrize(
    ("name", "value"),
    [("verify_ssl", True), ("http2", False), ("trust_env", False), ("max_body_bytes", 10)],
)
async def test_what_only_its_owner_can_set_is_refused(
    world: World, name: str, value: object
) -> None:
    """Even where it is the default."""
    http, _ = foreign(world)
    text = f"^{name} cannot be applied to an http_client that was passed in: set it where that"
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=text):
        world.client(http_client=http, **settings)


async def test_a_client_passed_in_streams_too(world: World) -> None:
    """By the same rules: its own settings, overridden by what was given explicitly."""
    redirect = Answer(302, headers={"Location": "/b"})
    http, wire = foreign(world, [redirect, 503, redirect, 200], timeout=7)
    client = world.client(http_client=http, follow_redirects=True)
    async with client.stream(url="/a") as response:
        assert str(response.url) == f"{BASE_URL}/b"
    assert set(wire.arrivals[0].timeouts.values()) == {7}
    assert wire.unclosed() == []


async def test_an_error_in_a_foreign_hook_is_read(world: World) -> None:
    """A `raise_for_status` in an event hook is common."""

    def hook(response: httpx.Response) -> None:
        response.raise_for_status()

    async def async_hook(response: httpx.Response) -> None:
        response.raise_for_status()

    hooks = {"response": [async_hook if world.is_async else hook]}
    http, wire = foreign(world, [503, 200, 404], event_hooks=hooks)
    client = world.client(http_client=http)
    assert (await client.get()).status_code == 200
    with pytest.raises(MyAPIError, match="404 Not Found") as caught:
        await client.get()
    assert caught.value.status_code == 404
    assert caught.value.response.status_code == 404
    assert len(wire.arrivals) == 3


async def test_a_transport_and_a_client_exclude_each_other(world: World) -> None:
    """A client has its transport."""
    http, wire = foreign(world)
    kind = ResilientClient if world.is_async else SyncResilientClient
    with pytest.raises(ValueError, match=r"^give transport or http_client, not both: a client has"):
        kind(transport=wire, http_client=http)


@pytest.mark.parametrize(
    ("kind", "options", "text"),
    [
        (
            ResilientClient,
            {"http_client": httpx.Client},
            "http_client is a httpx.Client: give a httpx.AsyncClient",
        ),
        (
            SyncResilientClient,
            {"http_client": httpx.AsyncClient},
            "http_client is a httpx.AsyncClient: give a httpx.Client",
        ),
        (
            ResilientClient,
            {"transport": httpx.HTTPTransport},
            "transport is a httpx.HTTPTransport: give a httpx.AsyncBaseTransport",
        ),
        (
            SyncResilientClient,
            {"transport": httpx.AsyncHTTPTransport},
            "transport is a httpx.AsyncHTTPTransport: give a httpx.BaseTransport",
        ),
        (ResilientClient, {"transport": int}, "transport is a builtins.int: give a httpx.Async"),
        (ResilientClient, {"config": dict}, "config is a builtins.dict: give a ClientConfig"),
        (SyncResilientClient, {"config": str}, "config is a builtins.str: give a ClientConfig"),
    ],
)
def test_parts_of_the_wrong_kind_are_refused(
    kind: Callable[..., object], options: dict[str, Any], text: str
) -> None:
    """Saying what was given and what to give."""
    parts = {name: make() for name, make in options.items()}
    with pytest.raises(TypeError) as caught:
        kind(**parts)
    assert str(caught.value).startswith(text)


@ONLY_ASYNCIO
async def test_create_resilient_client(world: World) -> None:
    """The same client, made by a function."""
    config = ClientConfig(base_url=BASE_URL)
    heard: list[object] = []
    wire = world.wire(200)
    async with create_resilient_client(config, transport=wire, listeners=[heard.append]) as client:
        assert type(client) is ResilientClient
        assert client.config is config
        await client.get("/x")
    assert len(wire.arrivals) == 1
    assert heard
    http, wire = foreign(world)
    async with create_resilient_client(http_client=http) as client:
        await client.get("/x")
    assert len(wire.arrivals) == 1


async def test_without_a_configuration_the_defaults_hold(world: World) -> None:
    """`config` is theirs then."""
    kind = ResilientClient if world.is_async else SyncResilientClient
    assert kind().config == ClientConfig()


async def test_verify_ssl_false_warns_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Loudly: as a warning at the line that made the client, and in the log."""
    with pytest.warns(InsecureTLSWarning, match="anyone on the path can read") as caught:
        client = world.client(200, verify_ssl=False)
    assert len(caught) == 1
    assert caught[0].filename.endswith("world.py")
    assert "certificates are not verified" in caplog.text
    caplog.clear()
    await client.get()
    await client.get()
    assert caplog.text == ""


async def test_verify_ssl_false_is_logged_as_asked(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Not where only errors are."""
    with pytest.warns(InsecureTLSWarning):
        world.client(200, verify_ssl=False, logging={"level": "ERROR"})
    assert caplog.text == ""


async def built_with(
    world: World,
    **settings: Any,
) -> dict[str, Any]:
    """What the httpx client is built with."""
    given: dict[str, Any] = {}
    kind = world.httpx_client
    original = kind.__init__

    def spied(self: object, **options: object) -> None:
        given.update(options)
        original(self, **options)

    with patch.object(kind, "__init__", spied):
        await world.client(200, **settings).get()
    return given


async def test_the_httpx_client_is_built_as_configured(world: World) -> None:
    """Every setting that is its own."""
    given = await built_with(
        world,
        trust_env=False,
        http2=True,
        follow_redirects=False,
        headers={"A": "1"},
        user_agent="me",
        timeout={"connect": 1, "read": 2, "write": 3, "pool": 4},
    )
    assert given["base_url"] == BASE_URL
    assert (given["trust_env"], given["http2"], given["follow_redirects"]) == (False, True, False)
    assert given["verify"] is True
    assert httpx.Headers(given["headers"]) == {"A": "1", "User-Agent": "me"}
    assert given["timeout"] == httpx.Timeout(connect=1, read=2, write=3, pool=4)


async def test_the_defaults_of_the_httpx_client(world: World) -> None:
    """Where they are not httpx's own."""
    given = await built_with(world)
    assert (given["trust_env"], given["http2"], given["follow_redirects"]) == (True, False, True)
    assert given["timeout"] == httpx.Timeout(connect=60, read=15, write=15, pool=5)


async def test_the_pool_is_sized_from_the_bulkhead(world: World) -> None:
    """Every slot keeps its connection alive, and none ever waits for one."""
    given = await built_with(world, bulkhead={"max_concurrency": 7})
    assert given["limits"] == httpx.Limits(max_connections=None, max_keepalive_connections=7)
    given = await built_with(world, bulkhead=None)
    assert given["limits"] == httpx.Limits(max_connections=100, max_keepalive_connections=20)


async def test_certificates_are_left_unverified_on_demand(world: World) -> None:
    """Only then."""
    with pytest.warns(InsecureTLSWarning):
        given = await built_with(world, verify_ssl=False)
    assert given["verify"] is False


async def test_http2_without_its_package_names_the_cure(world: World) -> None:
    """The `pip install` line, when the client is made."""
    with (
        patch("client.runtime.lazy_imports.find_spec", return_value=None),
        pytest.raises(
            ImportError,
            match=r"^http2=True needs .* h2: pip install 'resilient-http-client\[http2\]'$",
        ),
    ):
        world.client(200, http2=True)


async def test_headers_and_user_agent_are_sent(world: World) -> None:
    """Once, in whatever case they are written; a call's own wins."""
    client = world.client(200, headers={"A": "1"}, user_agent="me/1")
    await client.get()
    assert (client.wire.last.headers["A"], client.wire.last.headers["User-Agent"]) == ("1", "me/1")
    await client.get(headers={"a": "2", "user-agent": "you"})
    assert client.wire.last.headers.get_list("A") == ["2"]
    assert client.wire.last.headers.get_list("User-Agent") == ["you"]


async def test_a_user_agent_among_the_headers_wins(world: World) -> None:
    """And is sent once, not beside the other."""
    client = world.client(200, headers={"user-agent": "me"})
    await client.get()
    assert client.wire.last.headers.get_list("User-Agent") == ["me"]


@pytest.mark.parametrize("moment", [RequestIdMade, BulkheadAcquired])
async def test_closed_in_the_moment_it_had_its_slot(world: World, moment: type[Event]) -> None:
    """Just before it, or when it is told; nothing is attempted, and the slot comes back."""

    @listens_to(moment)
    def close(event: object) -> None:
        client.close_now()

    client = world.client([], listeners=[close])
    with pytest.raises(ClientClosedError) as caught:
        await client.get()
    assert caught.value.attempts == 0
    assert client.raw.stats().slots_in_use == 0

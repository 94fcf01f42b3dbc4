"""`client.reconfigure`: other settings for a client at work, all of them or none."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import (
    APITimeoutError,
    ClientClosedError,
    ClientConfig,
    DeadlineExceededError,
    ResponseError,
    ServerError,
    SyncResilientClient,
)
from client.events import Reconfigured
from client.testing import EventRecorder
from tests.behaviour.wire import Answer
from tests.behaviour.world import BASE_URL

if TYPE_CHECKING:
    from client import Event
    from tests.behaviour.wire import Arrival
    from tests.behaviour.world import Caller, World

EXACT = {"jitter": False}


async def silent(arrival: Arrival) -> int:
    """A server that takes a minute and a half."""
    await arrival.takes(90)
    return 200


def recorded(world: World, server: Any = 200, **settings: Any) -> tuple[Caller, EventRecorder]:
    """A client, and what is told of its settings."""
    recorder = EventRecorder(Reconfigured)
    return world.client(server, listeners=[recorder], **settings), recorder


def changes(recorder: EventRecorder) -> list[tuple[str, ...]]:
    """What each event says has changed."""
    return [event.changed for event in recorder.of(Reconfigured)]


async def test_calls_go_by_other_settings_from_then_on(world: World) -> None:
    """Also those that are asked for their own by a dict."""
    client, recorder = recorded(world, 500, retry={**EXACT, "max_attempts": 1})
    with pytest.raises(ServerError):
        await client.get()
    client.raw.reconfigure(retry={"max_attempts": 2, "multiplier": 3})
    with pytest.raises(ServerError):
        await client.get()
    with pytest.raises(ServerError):
        await client.get(retry={"max_attempts": 3})
    assert client.wire.times == pytest.approx([0, 0, 3, 3, 6, 12])
    assert client.raw.config.retry.max_attempts == 2
    assert changes(recorder) == [("retry.max_attempts", "retry.multiplier")]


async def test_a_call_under_way_keeps_its_settings(world: World) -> None:
    """Even where it waits for its next attempt."""
    client, _ = recorded(world, 500, retry={**EXACT, "max_attempts": 3})
    task = world.start(client.get())
    await world.sleep(1)
    client.raw.reconfigure(retry=None, timeout={"total": 1}, bulkhead=None, circuit_breaker=None)
    error: Any = await world.outcome(task)
    assert (type(error), error.attempts, world.now()) == (ServerError, 3, 1006)


FORMS: dict[str, dict[str, Any]] = {
    "nested": {"timeout": {"total": 5}},
    "dotted": {"timeout.total": 5},
    "object": {"timeout": ClientConfig(timeout={"total": 5}).timeout},  # type: ignore[arg-type] # a dict will do
}


@pytest.mark.parametrize("form", FORMS)
async def test_settings_are_given_as_merged_takes_them(world: World, form: str) -> None:
    """What is not named stays."""
    client, recorder = recorded(world, silent, timeout={"read": 100})
    client.raw.reconfigure(**FORMS[form])
    with pytest.raises(DeadlineExceededError):
        await client.get()
    assert world.now() == 1005
    expected = [("timeout.total",), ("timeout.read", "timeout.total")][form == "object"]
    assert changes(recorder) == [expected]


@pytest.mark.parametrize(
    "settings",
    [{}, {"retry": {}}, {"retry": {"max_attempts": 3}}, {"base_url": BASE_URL}, {"name": "x"}],
    ids=str,
)
async def test_what_is_so_already_is_not_told(world: World, settings: dict[str, Any]) -> None:
    """Nothing has changed."""
    client, recorder = recorded(world, name="x")
    before = client.raw._session._now.plan
    client.raw.reconfigure(**settings)
    assert changes(recorder) == []
    if "retry" not in settings:
        assert client.raw._session._now.plan is before
    assert (await client.get()).status_code == 200


FIXED: dict[str, tuple[object, str]] = {
    "name": ("other", "what was counted so far stands under it"),
    "verify_ssl": (False, "its connections are made with it"),
    "http2": (True, "its connections are made with it"),
    "trust_env": (False, "its connections are made with it"),
    "backend": ("aiohttp", "its connections are made with it"),
    "headers": ({"X-Other": "s3cret"}, "its httpx client is made with them"),
    "user_agent": ("other", "its httpx client is made with it"),
}


@pytest.mark.parametrize("name", FIXED)
async def test_what_a_client_is_made_with_is_refused(world: World, name: str) -> None:
    """With what to do; and of all that was given with it, nothing has changed."""
    client, recorder = recorded(world)
    before = client.raw.config
    value, reason = FIXED[name]
    expected = f"{name} of a client cannot be changed, because {reason}: make a new client"
    with pytest.raises(ValueError, match=expected) as caught:
        client.raw.reconfigure(**{name: value, "retry": None, "bulkhead": {"max_concurrency": 1}})
    assert "s3cret" not in str(caught.value)
    assert client.raw.config is before
    assert client.stats().slots_limit == 50
    assert changes(recorder) == []


@pytest.mark.parametrize(
    "url",
    ["http://other.test", "https://server.test", "http://server.test:81", ""],
    ids=["host", "scheme", "port", "none"],
)
async def test_a_client_stays_with_its_server(world: World, url: str) -> None:
    """What it knows is about that one; its URL is shown without what may be a secret."""
    client, _ = recorded(world, base_url="http://user:s3cret@server.test/a")
    with pytest.raises(ValueError, match="another scheme or host") as caught:
        client.raw.reconfigure(base_url=url)
    assert "s3cret" not in str(caught.value)


async def test_the_path_of_its_base_may_change(world: World) -> None:
    """And the way in which its server is written."""
    client, recorder = recorded(world, base_url="http://server.test/v1")
    await client.get("/a")
    client.raw.reconfigure(base_url="http://SERVER.test:80/v2")
    await client.get("/a")
    await client.get("b?c")
    await client.get("http://elsewhere.test/d")
    client.raw.reconfigure(base_url="http://server.test/v1")
    await client.get("/a")
    urls = [str(arrival.request.url) for arrival in client.wire.arrivals]
    assert urls == [
        "http://server.test/v1/a",
        "http://server.test/v2/a",
        "http://server.test/v2/b?c",
        "http://elsewhere.test/d",
        "http://server.test/v1/a",
    ]
    assert changes(recorder) == [("base_url",)] * 2


@pytest.mark.parametrize(
    "settings",
    [
        {"nonsense": 1},
        {"retry": {"max_attempts": 0}},
        {"retry": {"min_wait_seconds": 70}},
        {"fallback": 1},
        {"allow_chaos": True},
    ],
    ids=["unknown", "bound", "together", "fallback", "allow_chaos"],
)
async def test_a_wrong_setting_is_refused(world: World, settings: dict[str, Any]) -> None:
    """As in a configuration, and with all that was given with it."""
    client, recorder = recorded(world)
    before = client.raw.config
    with pytest.raises(ValueError, match=next(iter(settings))):
        client.raw.reconfigure(**settings, bulkhead=None)
    assert client.raw.config is before
    assert (changes(recorder), client.stats().slots_limit) == ([], 50)


async def test_where_the_caller_s_code_raises_nothing_has_changed(world: World) -> None:
    """As that which makes the storage of a circuit."""

    def no_storage(_scope: str) -> Any:
        raise OSError("no storage")

    client, recorder = recorded(world, logging={"level": "WARNING"})
    before, circuit = client.raw.config, client.raw.circuit
    circuit.isolate("maintenance", "http://other.test")
    settings = {"bulkhead": None, "logging": {"level": "INFO"}, "retry": None}
    with pytest.raises(OSError, match="no storage"):
        client.raw.reconfigure(circuit_breaker={"storage": no_storage}, **settings)
    assert client.raw.config is before
    assert (changes(recorder), client.stats().slots_limit) == ([], 50)
    assert circuit.states == {"client": "closed", "http://other.test:80": "isolated"}


async def test_timeouts_may_change_and_change_back(world: World) -> None:
    """Each attempt has those of its time, unless its call has its own."""
    client, _ = recorded(world, silent, retry=None)

    async def patience(**options: Any) -> float:
        before = world.now()
        with pytest.raises(APITimeoutError):
            await client.get(**options)
        return world.now() - before

    assert await patience() == 15
    client.raw.reconfigure(timeout={"read": 3})
    assert await patience() == 3
    assert await patience(timeout=4) == 4
    with pytest.raises(APITimeoutError):
        await client.streamed()
    client.raw.reconfigure(timeout={"read": 15})
    assert await patience() == 15


async def test_redirects_may_be_followed_or_not(world: World) -> None:
    """From one call to the next."""
    moved = Answer(302, headers={"Location": "/b"})
    client, _ = recorded(world, [moved, 200, moved, moved, 200, moved])
    assert (await client.get("/a")).status_code == 200
    client.raw.reconfigure(follow_redirects=False)
    assert (await client.get("/a")).status_code == 302
    assert (await client.get("/a", follow_redirects=True)).status_code == 200
    async with client.stream() as response:
        assert response.status_code == 302


async def test_bodies_may_be_bounded_or_not(world: World) -> None:
    """From one answer to the next."""
    client, _ = recorded(world, Answer(200, (b"x" * 100,)), retry=None)
    assert len((await client.get()).content) == 100
    client.raw.reconfigure(max_body_bytes=10)
    with pytest.raises(ResponseError):
        await client.get()
    client.raw.reconfigure(max_body_bytes=None)
    assert len((await client.get()).content) == 100


async def test_the_header_of_the_id_may_change(world: World) -> None:
    """Under another name the same is sent."""
    client, _ = recorded(world)
    client.raw.reconfigure(request_id_header="X-Trace")
    await client.get(request_id="order-1")
    assert client.wire.last.headers["X-Trace"] == "order-1"
    assert "X-Request-ID" not in client.wire.last.headers


async def test_the_log_may_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Its level and its logger; nobody else listens otherwise."""
    told: list[Event] = []
    client = world.client(500, retry=None, listeners=[told.append], logging={"level": "ERROR"})
    with caplog.at_level("DEBUG"):
        client.raw.reconfigure(bulkhead=None)
        assert caplog.records == []
        told.clear()
        client.raw.reconfigure(logging={"level": "DEBUG", "logger_name": "other"})
        with pytest.raises(ServerError):
            await client.get()
    ours = [record for record in caplog.records if record.name != "httpx"]
    assert {record.name for record in ours} == {"other"}
    assert [record.levelno for record in ours].count(logging.INFO) == 1
    assert [type(event).__name__ for event in told].count("Reconfigured") == 1
    assert len(told) == len(set(map(id, told)))


async def test_whoever_is_told_may_reconfigure(world: World) -> None:
    """The settings are in force by then."""
    seen: list[int] = []

    def again(event: Event) -> None:
        if isinstance(event, Reconfigured):
            seen.append(client.raw.config.retry.max_attempts)
            client.raw.reconfigure(retry={"max_attempts": 7})

    client = world.client(listeners=[again])
    client.raw.reconfigure(retry={"max_attempts": 5})
    assert seen == [5, 7]


async def test_a_closed_client_says_so(world: World) -> None:
    """As to every use."""
    client, _ = recorded(world)
    await client.close()
    with pytest.raises(ClientClosedError, match="the client is closed; make a new one"):
        client.raw.reconfigure(retry=None)


async def test_what_is_given_beside_the_settings_stays(world: World) -> None:
    """The fallback and the listeners."""
    client, recorder = recorded(world, 500, retry=None, fallback=httpx.Response(203))
    client.raw.reconfigure(circuit_breaker=None)
    assert (await client.get()).status_code == 203
    client.raw.reconfigure(bulkhead=None)
    assert len(recorder) == 2


async def test_chaos_may_begin_and_end(world: World) -> None:
    """Where it is allowed; as long as it is the same its draws go on."""
    client = world.client(allow_chaos=True)
    chaos = {"faults": [{"status": 299}], "injection_rate": 0.5, "seed": 1}

    async def statuses() -> list[int]:
        return [(await client.get()).status_code for _ in range(10)]

    assert set(await statuses()) == {200}
    client.raw.reconfigure(chaos=chaos)
    first = await statuses()
    assert set(first) == {200, 299}
    client.raw.reconfigure(retry={"max_attempts": 2}, chaos={"seed": 1})
    second = await statuses()
    client.raw.reconfigure(chaos=None)
    assert set(await statuses()) == {200}
    client.raw.reconfigure(chaos={**chaos, "seed": 2})
    client.raw.reconfigure(chaos=chaos)
    assert (await statuses(), await statuses()) == (first, second)


async def test_chaos_that_is_not_allowed_is_warned_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, when it comes; by the log that the client has then."""
    client = world.client(logging={"level": "ERROR"})
    client.raw.reconfigure(logging={"logger_name": "other", "level": "INFO"})
    with caplog.at_level("WARNING"):
        client.raw.reconfigure(chaos={"faults": [{"status": 299}], "injection_rate": 1})
        client.raw.reconfigure(chaos={"injection_rate": 0.9})
    assert (await client.get()).status_code == 200
    [record] = caplog.records
    assert record.name == "other"
    assert "allow_chaos=True was not given" in record.getMessage()


async def test_chaos_of_the_other_family_is_refused(world: World) -> None:
    """And all that was given with it."""
    import httpx2  # noqa: PLC0415 - for this one

    client, recorder = recorded(world, allow_chaos=True)
    before = client.raw.config
    chaos = {"faults": [{"exception": httpx2.ReadError}], "injection_rate": 1}
    with pytest.raises(TypeError, match=r"httpx2\.ReadError"):
        client.raw.reconfigure(chaos=chaos, bulkhead=None, logging={"level": "ERROR"})
    assert client.raw.config is before
    assert (changes(recorder), client.stats().slots_limit) == ([], 50)
    assert (await client.get()).status_code == 200


def test_retries_are_not_put_around_others() -> None:
    """A transport that retries must not find itself inside of a client that does."""
    from client import ResilientTransport  # noqa: PLC0415 - for this one

    transport = ResilientTransport(httpx.MockTransport(lambda _: httpx.Response(200)))
    with SyncResilientClient(ClientConfig(retry=None), transport=transport) as client:
        with pytest.raises(TypeError, match="transport goes through a ResilientTransport"):
            client.reconfigure(retry={}, bulkhead=None)
        assert client.config.retry is None
        assert client.stats().slots_limit == 50
        client.reconfigure(bulkhead=None)

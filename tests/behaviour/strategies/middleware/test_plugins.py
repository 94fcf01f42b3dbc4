"""Plugins: what they bring, when they are started, and what becomes of one that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from client import APINetworkError, ClientClosedError, DeadlineExceededError
from tests.behaviour.strategies.middleware.written_once import as_world_wants, in_world, setting
from tests.behaviour.twins import ONLY_ASYNCIO

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from tests.behaviour.world import World


class Story:
    """What happened to the plugins of a client, in its order."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.told: list[str] = []

    def plugin(
        self,
        name: str,
        *,
        start: Callable[[Any], Awaitable[None]] | None = None,
        close: Callable[[], Awaitable[None]] | None = None,
        **brings: Any,
    ) -> Any:
        """Return a plugin that tells of its life."""
        story = self

        async def starting(client: Any) -> None:
            story.told.append(f"{name} starts")
            if start is not None:
                await start(client)
            story.told.append(f"{name} started")

        async def closing() -> None:
            story.told.append(f"{name} closes")
            if close is not None:
                await close()

        life: dict[str, Any] = {"start": starting, "close": closing}
        methods = {each: as_world_wants(self.world, function) for each, function in life.items()}
        return type(name, (), {**_static(methods), **brings})()


def _static(methods: Mapping[str, Any]) -> dict[str, Any]:
    return {name: staticmethod(function) for name, function in methods.items()}


@pytest.fixture
def story(world: World) -> Story:
    """One in this world."""
    return Story(world)


FULL_LIFE = ["a starts", "a started", "b starts", "b started", "b closes", "a closes"]


async def test_the_first_call_starts_them_and_the_end_closes_them(
    world: World, story: Story
) -> None:
    """In order, and in reverse; once."""
    client = world.client(plugins=[story.plugin("a"), story.plugin("b")])
    assert story.told == []
    await client.get()
    await client.get()
    assert story.told == FULL_LIFE[:4]
    await client.close()
    await client.close()
    assert story.told == FULL_LIFE


async def test_entering_the_client_starts_them(world: World, story: Story) -> None:
    """Before any call."""
    client = world.client(plugins=[story.plugin("a"), story.plugin("b")])
    async with client.opened() as entered:
        assert entered is client.raw
        assert story.told == FULL_LIFE[:4]
    assert story.told == FULL_LIFE


async def test_a_client_that_was_never_used_has_nothing_to_close(
    world: World, story: Story
) -> None:
    """What was not started is not closed."""
    client = world.client(plugins=[story.plugin("a")])
    await client.close()
    assert story.told == []


async def test_what_they_bring(world: World) -> None:
    """Listeners, telemetry, middleware: inside of the client's own."""
    told: list[object] = []

    class Telemetry:
        """Wants to know of the client."""

        def attach(self, source: Any) -> None:
            """Take note."""
            told.append(source.client)

    class Plugin:
        """Brings all four, and has no life of its own."""

        middleware = in_world(world, setting("X-Around", "plugin"))
        attempt_middleware = in_world(world, setting("X-Sent", "plugin"))
        listeners = (lambda event: told.append(type(event).__name__),)
        telemetry = (Telemetry(),)

    own = in_world(world, setting("X-Around", "client"))
    client = world.client(middleware=own, plugins=[Plugin()])
    assert client.raw.middleware == (*own, *Plugin.middleware)
    assert client.raw.attempt_middleware == tuple(Plugin.attempt_middleware)
    await client.get()
    sent = client.wire.last.headers
    assert (sent["X-Around"], sent["X-Sent"]) == ("plugin", "plugin")
    assert told[0] == "default"
    assert "OperationSucceeded" in told
    await client.get(middleware=[], attempt_middleware=[])
    assert "X-Around" not in client.wire.last.headers


async def test_it_is_given_its_client(world: World, story: Story) -> None:
    """Whose calls go through while it starts: it may ask for what it needs."""
    seen: list[object] = []

    async def asking(client: Any) -> None:
        seen.append(client)
        response = client.get("/settings")
        seen.append((await response if world.is_async else response).status_code)

    client = world.client(plugins=[story.plugin("a", start=asking)])
    await client.get()
    assert seen == [client.raw, 200]
    assert len(client.wire.arrivals) == 2
    assert story.told == ["a starts", "a started"]


async def test_one_that_fails_to_start_stops_the_client(world: World, story: Story) -> None:
    """With its error; those started before are closed, and later calls are told that it is."""
    bug = LookupError("no settings")

    async def failing(_client: Any) -> None:
        raise bug

    client = world.client(
        plugins=[story.plugin("a"), story.plugin("b", start=failing), story.plugin("c")]
    )
    with pytest.raises(LookupError) as caught:
        await client.get()
    assert caught.value is bug
    assert story.told == ["a starts", "a started", "b starts", "a closes"]
    assert client.raw.is_closed
    with pytest.raises(ClientClosedError):
        await client.get()
    assert client.wire.arrivals == []
    assert client.stats().operations == 1


async def test_one_that_fails_stops_the_client_that_is_entered(world: World, story: Story) -> None:
    """There is nobody to leave it."""

    async def failing(_client: Any) -> None:
        raise LookupError

    client = world.client(plugins=[story.plugin("a"), story.plugin("b", start=failing)])
    with pytest.raises(LookupError):
        async with client.opened():
            pass  # pragma: no cover - it is not entered
    assert story.told[-1] == "a closes"
    assert client.raw.is_closed


async def test_what_fails_besides_is_a_note(world: World, story: Story) -> None:
    """The caller gets the error of the start."""

    async def failing(*_: Any) -> None:
        raise LookupError

    async def failing_too() -> None:
        raise ValueError

    plugins = [story.plugin("a", close=failing_too), story.plugin("b", start=failing)]
    client = world.client(plugins=plugins)
    with pytest.raises(LookupError) as caught:
        await client.get()
    assert caught.value.__notes__ == ["closing the client failed too: ValueError"]


async def test_two_first_calls_start_them_once(world: World, story: Story) -> None:
    """Both wait for it."""
    sent: list[int] = []

    async def slow(_client: Any) -> None:
        await world.sleep(5)
        sent.append(len(client.wire.arrivals))

    client = world.client(plugins=[story.plugin("a", start=slow)])
    answers = await world.gather(client.get(), client.get(), client.get())
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert story.told == ["a starts", "a started"]
    assert sent == [0]
    assert world.now() == 1005


async def test_who_waits_while_one_fails_is_told_that_the_client_is_closed(
    world: World, story: Story
) -> None:
    """The error itself goes to whoever started it."""

    async def failing(_client: Any) -> None:
        await world.sleep(5)
        raise LookupError

    client = world.client(plugins=[story.plugin("a", start=failing)])
    outcomes = await world.gather(client.get(), client.get())
    assert sorted(type(each).__name__ for each in outcomes) == ["ClientClosedError", "LookupError"]


async def test_a_client_that_is_closed_meanwhile(world: World, story: Story) -> None:
    """Whoever waits is told so at once, and what has been started since is closed."""

    async def slow(_client: Any) -> None:
        await world.sleep(5)

    client = world.client(plugins=[story.plugin("a", start=slow), story.plugin("b")])
    first, second = world.start(client.get()), world.start(client.get())
    entering = world.start(client.initialize())
    await world.sleep(1)
    await client.close()
    assert isinstance(await world.outcome(second), ClientClosedError)
    assert isinstance(await world.outcome(entering), ClientClosedError)
    assert world.now() == 1001
    assert isinstance(await world.outcome(first), ClientClosedError)
    assert story.told == ["a starts", "a started", "a closes"]


async def test_a_start_takes_the_time_of_the_call(world: World, story: Story) -> None:
    """Whoever makes it, or waits for it."""

    async def slow(_client: Any) -> None:
        await world.sleep(5)

    client = world.client(plugins=[story.plugin("a", start=slow)])
    first = world.start(client.get())
    await world.sleep(1)
    begun = world.now()
    with pytest.raises(DeadlineExceededError) as caught:
        await client.get(deadline=2)
    assert world.now() - begun == pytest.approx(2)
    assert caught.value.request_sent is False
    assert (await first.result()).status_code == 200


@ONLY_ASYNCIO
async def test_a_start_that_was_broken_off_is_made_up_for(world: World, story: Story) -> None:
    """By the next call; what had been started by then stays so."""

    async def slow(_client: Any) -> None:
        await world.sleep(5)

    client = world.client(plugins=[story.plugin("a"), story.plugin("b", start=slow)])
    with pytest.raises(DeadlineExceededError):
        await client.get(deadline=2)
    task = world.start(client.get())
    waiting = world.start(client.get())
    await world.sleep(1)
    task.cancel()
    assert (await waiting.result()).status_code == 200
    assert story.told == ["a starts", "a started", *["b starts"] * 3, "b started"]


@ONLY_ASYNCIO
async def test_a_timeout_of_its_own_is_its_error(world: World, story: Story) -> None:
    """And no word about the deadline of the call."""

    async def failing(_client: Any) -> None:
        raise TimeoutError("mine")

    client = world.client(plugins=[story.plugin("a", start=failing)])
    with pytest.raises(TimeoutError, match="mine"):
        await client.get(deadline=30)


async def test_all_are_closed_whatever_one_of_them_does(world: World, story: Story) -> None:
    """What it raises is raised when the others are closed."""

    async def failing() -> None:
        raise LookupError

    plugins = [story.plugin("a"), story.plugin("b", close=failing), story.plugin("c")]
    client = world.client(plugins=plugins)
    await client.get()
    with pytest.raises(LookupError):
        await client.close()
    assert story.told[-3:] == ["c closes", "b closes", "a closes"]


@ONLY_ASYNCIO
async def test_one_that_will_not_close_is_left(
    world: World, story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    """After five seconds, with a warning."""

    async def hanging() -> None:
        await world.sleep(90)

    client = world.client(plugins=[story.plugin("a"), story.plugin("b", close=hanging)])
    await client.get()
    begun = world.now()
    await client.close()
    assert world.now() - begun == 5
    assert story.told[-1] == "a closes"
    assert "closing the plugin b took too long" in caplog.text


async def test_one_without_a_start_is_closed_all_the_same(world: World) -> None:
    """If the client was used; and one without a close need not be."""
    told: list[str] = []

    async def closing() -> None:
        told.append("closed")

    async def starting(_client: Any) -> None:
        told.append("started")

    class Closing:
        """Has but an end."""

        close = staticmethod(as_world_wants(world, closing))

    class Starting:
        """Has but a beginning."""

        start = staticmethod(as_world_wants(world, starting))

    client = world.client(plugins=[Closing(), Starting()])
    await client.get()
    await client.close()
    assert told == ["started", "closed"]


async def test_a_failure_of_its_own_call_is_its_error(world: World, story: Story) -> None:
    """No fallback answers for that: it is another operation's."""

    async def asking(client: Any) -> None:
        response = client.get("/settings", fallback=None)
        if world.is_async:
            await response

    client = world.client(
        httpx.ReadError,
        retry=None,
        fallback=httpx.Response(200),
        plugins=[story.plugin("a", start=asking)],
    )
    with pytest.raises(APINetworkError):
        await client.get()
    assert client.raw.is_closed


def test_another_event_loop_starts_them_anew() -> None:
    """The one before has ended, and with it what had been started there."""
    import asyncio  # noqa: PLC0415 - in this test alone

    from client import ResilientClient  # noqa: PLC0415 - likewise

    told: list[str] = []

    class Plugin:
        """Tells when it is started."""

        async def start(self, _client: object) -> None:
            """Take note."""
            told.append("started")

    async def call() -> int:
        return (await client.get("http://server.test/")).status_code

    async def enter() -> None:
        async with client:
            pass

    transport = httpx.MockTransport(lambda _request: httpx.Response(200))
    client = ResilientClient(transport=transport, plugins=[Plugin()])
    assert [asyncio.run(call()), asyncio.run(call())] == [200, 200]
    asyncio.run(enter())
    assert told == ["started"] * 3


async def test_a_forked_child_starts_them_anew(world: World, story: Story) -> None:
    """It has none of the parent's threads, tasks and connections."""
    client = world.client(plugins=[story.plugin("a")])
    await client.get()
    client.raw._session.plugins.begin_anew()  # as `tell_in_child` has it called
    await client.get()
    assert story.told == ["a starts", "a started"] * 2


async def test_bad_plugins_are_refused_at_once(world: World) -> None:
    """By what is wrong with them, and what to give."""

    class Nothing:
        """Has none of what a plugin has."""

    class Wrong:
        """For the other world."""

        start = staticmethod(_block if world.is_async else _suspend)

    class Short:
        """Takes nothing to start with."""

        start = staticmethod(_suspend_alone if world.is_async else _block_alone)

    class Single:
        """Brings one thing where several are wanted."""

        listeners = print

    class NoMethod:
        """Has a value for a method."""

        close = 3

    for plugin, text in (
        (Nothing, "plugins has Nothing, a class: give an instance of it"),
        (Nothing(), r"plugins has Nothing, which has none of middleware, attempt_middleware"),
        (Wrong(), r"whose start is (a plain function|async)"),
        (Short(), r"whose start takes \(\): it is called as \(client\)"),
        (Single(), r"listeners of the plugin Single is .*: give a list"),
        (NoMethod(), r"whose close is 3: give it a method \(\)"),
    ):
        with pytest.raises(TypeError, match=text):
            world.client(plugins=[plugin])
    with pytest.raises(TypeError, match=r"plugins is .*: give a list"):
        world.client(plugins=Nothing())


def _block(_client: object) -> None:
    """Start a plugin of blocking clients."""


async def _suspend(_client: object) -> None:
    """Start a plugin of async clients."""


def _block_alone() -> None:
    """Start one that takes nothing."""


async def _suspend_alone() -> None:
    """Start one that takes nothing."""

"""Hedged calls over real sockets: their connections, and what a broken-off call leaves."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from client import ResilientClient, SyncResilientClient
from tests.eventually import eventually
from tests.wire.cancelling import OFTEN, cancel_at_every_tick, get, settle
from tests.wire.conftest import sockets_to
from tests.wire.scripts import LARGE, serves
from tests.wire.test_cancellation import ONE, interrupted, leave_stream, stream
from tests.wire.twins import BlockingTwin, check_all_is_back, settings

if TYPE_CHECKING:
    import ssl

    from tests.wire.cancelling import Call, Way
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Client, Twin

AT_ONCE: dict[str, Any] = {"delay": 1e-6, "max_extra_load": 1}
"""A hedge as soon as the first attempt is under way, or nearly."""
SOON: dict[str, Any] = {"delay": 0.02, "max_extra_load": 1}
NAME = "resilient-client"


def late(release: threading.Event, body: bytes = b"late") -> Any:
    """A script that answers its first request when it is let, and all others at once."""

    def script(connection: Connection) -> None:
        connection.read_request()
        while not (release.wait(0.01) or connection.stopping.is_set()):
            pass
        connection.answer(body=body)
        serves(connection)

    return script


def threads() -> list[threading.Thread]:
    """Those of the client's own."""
    return [each for each in threading.enumerate() if each.name == NAME]


async def all_have_ended(client: Client, twin: Twin) -> None:
    """Wait for what the client does by itself."""
    await twin.until(lambda: not client._session._strategies._hedging[1])  # type: ignore[index] # it hedges
    await twin.until(lambda: not threads())


async def test_the_connection_of_one_that_lost_lives(serve: Serve, twin: Twin) -> None:
    """Its answer is read behind the back of the caller, and both serve the next calls."""
    release = threading.Event()
    server = serve(late(release), serves)
    async with twin.client(settings(server.url, hedge=SOON)) as client:
        assert (await client.get("/")).text == "ok"
        release.set()
        await all_have_ended(client, twin)
        check_all_is_back(client)
        assert sockets_to(server.port) == 2
        both = [twin.start(client.get("/")) for _ in range(2)]
        assert {(await each.result()).status_code for each in both} == {200}
        assert server.accepted == 2


async def test_the_connection_of_one_that_is_cancelled_is_closed(serve: Serve, twin: Twin) -> None:
    """At once, whatever it waits for: in a thread that reads, too."""
    server = serve(late(threading.Event()), serves)
    hedge = {**SOON, "on_lose": "cancel"}
    async with twin.client(settings(server.url, hedge=hedge)) as client:
        assert (await client.get("/")).text == "ok"
        await all_have_ended(client, twin)
        check_all_is_back(client)
        await twin.until(lambda: sockets_to(server.port) == 1)


async def test_a_large_answer_of_one_that_lost_is_cut_off(serve: Serve, twin: Twin) -> None:
    """Its connection is not worth it."""
    release = threading.Event()
    server = serve(late(release, LARGE), serves)
    async with twin.client(settings(server.url, hedge=SOON)) as client:
        assert (await client.get("/")).text == "ok"
        release.set()
        await all_have_ended(client, twin)
        check_all_is_back(client)
        await twin.until(lambda: sockets_to(server.port) == 1)


async def test_closing_the_client_ends_those_that_lost(serve: Serve, twin: Twin) -> None:
    """Nothing of it is left."""
    server = serve(late(threading.Event()), serves)
    async with twin.client(settings(server.url, hedge=SOON)) as client:
        assert (await client.get("/")).text == "ok"
    await twin.until(lambda: not threads())
    await twin.until(lambda: not sockets_to(server.port))


async def test_a_stream_is_the_winner_s_own(serve: Serve, twin: Twin) -> None:
    """Up to its end, whatever the other does meanwhile."""
    release = threading.Event()
    server = serve(late(release), serves)
    async with twin.client(settings(server.url, hedge=SOON)) as client:
        async with client.stream("GET", "/large") as response:
            release.set()
            await all_have_ended(client, twin)
            assert await twin.read(response) == LARGE[:300_000]
        check_all_is_back(client)


async def test_the_deadline_ends_them_all(serve: Serve, twin: Twin) -> None:
    """In threads of their own, too."""
    server = serve(late(threading.Event()))
    async with twin.client(settings(server.url, hedge=SOON)) as client:
        with pytest.raises(Exception, match="used up"):
            await client.get("/", deadline=0.2)
        await twin.until(lambda: not threads())
        await twin.until(lambda: not sockets_to(server.port))
        check_all_is_back(client)


CALLS = [
    pytest.param(get("/"), id="kept-connection"),
    pytest.param(get("/last"), id="new-connection"),
    pytest.param(get("/large"), id="large-body"),
    pytest.param(get("/stall"), id="silence"),
    pytest.param(get("/busy"), id="wait-for-retry"),
    pytest.param(stream("/"), id="stream"),
    pytest.param(leave_stream("/large"), id="stream-left-early"),
]


@pytest.mark.parametrize("way", OFTEN)
@pytest.mark.parametrize("call", CALLS)
async def test_cancelled_at_any_tick(serve: Serve, way: Way, call: Call) -> None:
    """The caller sees his own cancellation, and the client is as before."""
    server = serve(serves)
    config = settings(server.url, **ONE, hedge=AT_ONCE)
    async with ResilientClient(config) as client:
        await cancel_at_every_tick(client, way, call)


async def test_cancelled_at_any_tick_over_tls(serve: Serve, server_tls: ssl.SSLContext) -> None:
    """The handshakes of both included."""
    server = serve(serves, tls=server_tls)
    config = settings(server.url, **ONE, hedge={**AT_ONCE, "on_lose": "cancel"})
    async with ResilientClient(config) as client:
        await cancel_at_every_tick(client, OFTEN[0], get("/last"))


async def test_a_storm_of_cancellations_leaves_the_pool_whole(serve: Serve) -> None:
    """Many hedged calls at once, each cancelled at a moment of its own."""
    server = serve(serves)
    slots = {"max_concurrency": 5}
    config = settings(server.url, retry=None, bulkhead=slots, hedge=AT_ONCE)
    async with ResilientClient(config) as client:
        for ticks in range(28):
            targets = ("/", "/last", "/large", "/stall", "/drip")
            tasks = [asyncio.create_task(client.get(target)) for target in targets]
            for task in tasks:
                for _ in range(ticks % 7):
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.wait(tasks)
            await settle(client)
            check_all_is_back(client)
        assert (await client.get("/")).text == "ok"


@pytest.mark.parametrize("target", ["/stall", "/drip"])
def test_interrupted_in_a_race(serve: Serve, target: str) -> None:
    """Ctrl-C in the thread of the caller ends those of its attempts."""
    server, twin = serve(serves), BlockingTwin()

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE, hedge=SOON)) as client:
            for deadline in (None, 20.0):
                with interrupted():
                    await client.get(target, deadline=deadline)
                await twin.until(lambda: not threads())
                check_all_is_back(client)
                assert (await client.get("/")).text == "ok"

    twin.tell(story())


def test_interrupted_while_its_attempts_connect(serve: Serve, unaccepting_port: int) -> None:
    """What comes of the connections later is closed."""
    server, twin = serve(serves), BlockingTwin()

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE, hedge=SOON)) as client:
            with interrupted():
                await client.get(f"http://127.0.0.1:{unaccepting_port}/", deadline=20.0)
            eventually(lambda: not threads())
            check_all_is_back(client)
            assert (await client.get("/")).text == "ok"

    twin.tell(story())


def test_a_hundred_threads_race(serve: Serve) -> None:
    """Each gets an answer, and no thread of the client's own stays."""
    server = serve(serves)
    config = settings(server.url, hedge=AT_ONCE, bulkhead={"max_concurrency": 20})
    with SyncResilientClient(config) as client:
        seen: list[str] = []
        callers = [
            threading.Thread(target=lambda: seen.append(client.get("/").text)) for _ in range(100)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert seen == ["ok"] * 100
        eventually(lambda: not threads())
        stats = client.stats()
        assert stats.operations == 100
        assert stats.attempts == 100 + stats.hedges
        assert stats.slots_in_use == 0

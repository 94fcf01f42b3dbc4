"""Over real sockets and in real threads: lists that are read, active checks, old connections."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import TYPE_CHECKING, Any

import pytest

from client import APITimeoutError, ClientConfig, ResilientClient
from client.strategies.endpoints import checks
from tests.eventually import PATIENCE_SECONDS
from tests.wire.http2_server import over_http2
from tests.wire.scripts import healthy, stalls_before_the_head
from tests.wire.twins import (
    AiohttpTwin,
    AsyncTwin,
    BlockingTwin,
    check_all_is_back,
    outcome_of,
    pools_of,
)

if TYPE_CHECKING:
    import ssl

    from tests.wire.conftest import Serve
    from tests.wire.http2_server import Peer
    from tests.wire.scripted_server import ScriptedServer
    from tests.wire.twins import Twin

OFTEN: dict[str, Any] = {"health_path": "/health"}
"""With the fixture below."""


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let checks follow each other at once, and yet have all the time that they may take."""
    monkeypatch.setattr(checks, "_FIRST", (0.0, 0.001))
    monkeypatch.setattr(checks, "_NEXT", (0.001, 0.002))


def config_for(endpoints: Any, balancing: Any = None, **settings: Any) -> ClientConfig:
    """A client's configuration."""
    return ClientConfig.model_validate(
        {"endpoints": endpoints, "balancing": balancing or {}, "retry": None, **settings}
    )


def checks_at(server: ScriptedServer) -> int:
    """How many checks a server has seen."""
    return sum(request.target.endswith("/health") for request in server.requests)


def states_of(client: Any) -> list[str]:
    """How each endpoint stands."""
    return [state.state for state in client._session._endpoints.balancing.states()]


async def test_a_plain_function_that_blocks_holds_up_nobody(twin: Twin, serve: Serve) -> None:
    """In an async client it is called in a thread: the loop goes on."""
    server = serve(healthy)
    is_asked, goes_on = threading.Event(), threading.Event()

    def read() -> list[str]:
        is_asked.set()
        assert goes_on.wait(PATIENCE_SECONDS)
        return [server.url]

    async with twin.client(config_for(read)) as client:
        tasks = [twin.start(client.get("/")) for _ in range(3)]
        await twin.until(is_asked.is_set)
        await twin.sleep(0.01)
        goes_on.set()
        assert [(await task.result()).text for task in tasks] == ["ok"] * 3
        check_all_is_back(client)


@pytest.mark.parametrize("twin", [AsyncTwin(), AiohttpTwin()], ids=["async", "aiohttp"])
async def test_a_plain_function_may_return_what_is_awaited(twin: Twin, serve: Serve) -> None:
    """As a lambda or a partial does, whose colour nobody sees."""
    server = serve(healthy)

    async def read(name: str) -> list[str]:
        await asyncio.sleep(0)
        return [name]

    async with twin.client(config_for(lambda: read(server.url))) as client:
        assert (await client.get("/")).text == "ok"


async def test_a_client_is_closed_while_its_list_is_read(twin: Twin, serve: Serve) -> None:
    """Whoever waits for it hears of it; a thread that hangs is left behind."""
    server = serve(healthy)
    is_asked, goes_on = threading.Event(), threading.Event()

    def read() -> list[str]:
        is_asked.set()
        assert goes_on.wait(PATIENCE_SECONDS)
        return [server.url]

    async with twin.client(config_for(read)) as client:
        task = twin.start(outcome_of(client.get("/")))
        await twin.until(is_asked.is_set)
        await client.close()
        assert type(await task.result()).__name__ == "ClientClosedError"
    goes_on.set()
    assert server.accepted == 0


async def test_checks_have_connections_of_their_own(twin: Twin, serve: Serve) -> None:
    """A call finds its own connection, and none of theirs."""
    server = serve(healthy)
    async with twin.client(config_for([f"{server.url}/base"], OFTEN)) as client:
        assert (await client.get("/")).text == "ok"
        await twin.until(lambda: checks_at(server) >= 3)
        assert (await client.get("/")).text == "ok"
        assert len(pools_of(client)[0].connections) == 1
        check_all_is_back(client)
    assert {request.target for request in server.requests} == {"/base/", "/base/health"}


async def test_a_silent_endpoint_fails_its_checks(twin: Twin, serve: Serve) -> None:
    """The others are none the worse."""
    good, silent = serve(healthy), serve(stalls_before_the_head)
    endpoints = [good.url, {"url": silent.url, "timeout": {"read": 0.05}}]
    async with twin.client(config_for(endpoints, {**OFTEN, "policy": "ordered"})) as client:
        assert (await client.get("/")).text == "ok"
        await twin.until(lambda: states_of(client)[1] == "ejected")
        await twin.until(lambda: checks_at(good) >= 3)
        assert states_of(client)[0] == "in"
        check_all_is_back(client)


async def test_a_check_that_is_under_way_ends_with_the_client(twin: Twin, serve: Serve) -> None:
    """It is not waited for, and its connection is closed."""
    silent = serve(stalls_before_the_head)
    async with twin.client(config_for([silent.url], OFTEN)) as client:
        with pytest.raises(APITimeoutError):
            await client.get("/", timeout=0.01)
        await twin.until(lambda: checks_at(silent) >= 1)


async def test_checks_are_made_as_calls_are(
    twin: Twin, serve: Serve, server_tls: ssl.SSLContext
) -> None:
    """With the same certificates, and by what speaks HTTP underneath."""
    server = serve(healthy, tls=server_tls)
    url = server.url.replace("http:", "https:")
    async with twin.client(config_for([url], OFTEN)) as client:
        assert (await client.get("/")).text == "ok"
        await twin.until(lambda: checks_at(server) >= 3)
        assert states_of(client) == ["in"]


@pytest.mark.parametrize("twin", [AsyncTwin(), BlockingTwin()], ids=["async", "blocking"])
async def test_checks_over_http2(twin: Twin, serve: Serve) -> None:
    """Where that is what calls speak."""
    seen: list[str] = []

    def answers(peer: Peer) -> None:
        seen.append(peer.request(0).target)
        peer.serve()

    server = serve(over_http2(answers))
    url = server.url.replace("http:", "https:")
    async with twin.client(config_for([url], OFTEN, http2=True)) as client:
        assert (await client.get("/")).http_version == "HTTP/2"
        await twin.until(lambda: seen.count("/health") >= 3)
        assert states_of(client) == ["in"]


async def test_connections_grow_old_as_the_configuration_says(twin: Twin, serve: Serve) -> None:
    """Also when that is changed."""
    server = serve(healthy)
    config = config_for([server.url], {"max_connection_age": 60.0})
    async with twin.client(config) as client:
        reconfigure = getattr(client, "_client", client).reconfigure
        await client.get("/")
        for age, accepted in ((60.0, 2), (None, 2), (30.0, 3), (1000.0, 3)):
            reconfigure(balancing={"max_connection_age": age})
            for connection in pools_of(client)[0].connections:
                connection.made_at -= 61.0
            await client.get("/")
            assert server.accepted == accepted
            check_all_is_back(client)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # sockets of loops that have ended
def test_a_client_goes_on_in_another_loop(serve: Serve) -> None:
    """With its list, and with checks of its own there."""
    server = serve(healthy)
    asked: list[int] = []

    async def read() -> list[str]:
        asked.append(1)
        await asyncio.sleep(0)
        return [server.url]

    client = ResilientClient(config_for(read, OFTEN))

    async def calls() -> None:
        before = checks_at(server)
        assert (await client.get("/")).text == "ok"
        await AsyncTwin().until(lambda: checks_at(server) >= before + 2)

    with asyncio.Runner() as paused:
        paused.run(calls())
        with asyncio.Runner() as second:
            second.run(calls())
            second.run(client.close())
        counted = checks_at(server)
        paused.run(asyncio.sleep(0.1))
    assert checks_at(server) == counted
    assert len(asked) == 2
    gc.collect()  # the connections of a loop that has ended

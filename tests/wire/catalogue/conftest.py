"""The six clients, the meeting of a client with a fault, and the proof that nothing stays."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import pytest

import client.httpx2
from client import CircuitState, MyAPIError, ServerError
from client.events import CircuitOpened
from client.strategies.circuit.circuit import CircuitOutcome
from client.testing import EventRecorder
from tests.eventually import eventually
from tests.wire.catalogue.faults import MOST_ATTEMPTS, secured
from tests.wire.conftest import sockets_to
from tests.wire.twins import (
    AiohttpTwin,
    AsyncTwin,
    BlockingClient,
    BlockingTwin,
    check_all_is_back,
    pools_of,
    settings,
    state_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client import ClientConfig
    from server.testing import FailureServer
    from tests.wire.catalogue.faults import Fault
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection, ScriptedServer
    from tests.wire.twins import Client, Twin


class Httpx2AsyncTwin(AsyncTwin):
    """`client.httpx2.ResilientClient`."""

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""
        return cast("Client", client.httpx2.ResilientClient(config, **parts))


class Httpx2AiohttpTwin(Httpx2AsyncTwin):
    """`client.httpx2.ResilientClient` over aiohttp."""

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""
        return super().client(config.merged(backend="aiohttp"), **parts)


class Httpx2BlockingTwin(BlockingTwin):
    """`client.httpx2.SyncResilientClient`."""

    def client(self, config: ClientConfig, **parts: Any) -> Client:
        """Make a client."""
        made: Any = client.httpx2.SyncResilientClient(config, **parts)
        return cast("Client", BlockingClient(made))


TWINS: dict[str, type[Twin]] = {
    "httpx-async": AsyncTwin,
    "httpx-blocking": BlockingTwin,
    "httpx2-async": Httpx2AsyncTwin,
    "httpx2-blocking": Httpx2BlockingTwin,
    "aiohttp-httpx": AiohttpTwin,
    "aiohttp-httpx2": Httpx2AiohttpTwin,
}

ON_EACH_PYTHON = {"httpx-async", "httpx2-blocking", "aiohttp-httpx"}
"""Each family and each way to speak to a server: what comes of both is the same on every Python."""


def params(*, aiohttp: bool = True) -> list[Any]:
    """The names of the six, or of the four that are not over aiohttp, as params of a fixture."""
    return [
        pytest.param(name, marks=() if name in ON_EACH_PYTHON else pytest.mark.any_python)
        for name in TWINS
        if aiohttp or not name.startswith("aiohttp")
    ]


@pytest.fixture(params=params())
def twin(request: pytest.FixtureRequest) -> Twin:
    """One of the six."""
    return TWINS[request.param]()


class Meet(Protocol):
    """Lets a client meet a fault, and checks all that its row says."""

    async def __call__(self, fault: Fault) -> None:
        """Let the call be a probe of the circuit, and then an ordinary one."""
        ...


@pytest.fixture
def meet(twin: Twin, serve: Serve, request: pytest.FixtureRequest) -> Meet:
    """See `Meet`."""

    async def meet(fault: Fault) -> None:
        server = _server_with(fault, serve)
        base = server.url.replace("http:", "https:") if fault.is_https else server.url
        url = base if fault.at is None else request.getfixturevalue(fault.at)
        opened = EventRecorder(CircuitOpened)
        openings = 1
        async with twin.client(_config_for(fault, base), listeners=[opened]) as client:
            with pytest.raises(ServerError):  # opens the circuit
                await client.get(base, retry=None)
            for attempts, otherwise in (
                (1, CircuitState.HALF_OPEN),  # a probe has no retries
                (fault.attempts, CircuitState.CLOSED),
            ):
                await _fail(twin, client, fault, url, attempts)
                openings += fault.counts is CircuitOutcome.FAILURE
                assert len(opened) == openings
                assert state_of(client) is _state_after(fault, otherwise)
                await check_nothing_is_held(twin, client, server)
                assert (await client.get(base)).text == "ok"
                assert state_of(client) is CircuitState.CLOSED
            failures = client.stats().failures
            assert failures[fault.raises.__name__] == 2 + (fault.raises is ServerError)
        assert server.accepted == 3 + (1 + fault.attempts if fault.script else 0)
        await check_nothing_is_left(twin, server)

    return meet


def _server_with(fault: Fault, serve: Serve) -> ScriptedServer:
    """Serve a failure, and then by turns the fault and an answer, over a connection each."""

    def fails(connection: Connection) -> None:
        connection.read_request()
        connection.answer(500, connection="close")

    def answers(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok", connection="close")

    faulty = [fault.script] if fault.script else []
    before, after = (secured(fails), secured(answers)) if fault.is_https else (fails, answers)
    return serve(before, *faulty, after, *faulty * fault.attempts, after, receive_buffer=4096)


def _config_for(fault: Fault, url: str) -> ClientConfig:
    config = settings(
        url,
        circuit_breaker={"failure_threshold": 1, "recovery_timeout": 0.0},
        retry={"max_attempts": MOST_ATTEMPTS},
        bulkhead={"max_concurrency": 1},
    )
    return config.merged(**fault.config)


def _state_after(fault: Fault, otherwise: CircuitState) -> CircuitState:
    match fault.counts:
        case CircuitOutcome.FAILURE:
            return CircuitState.HALF_OPEN  # its break of no length is over at once
        case CircuitOutcome.SUCCESS:
            return CircuitState.CLOSED
        case _:
            return otherwise


async def _fail(twin: Twin, client: Client, fault: Fault, url: str, attempts: int) -> None:
    received: list[bytes] = []
    with pytest.raises(MyAPIError) as failed:
        await _call(twin, client, fault, url, received)
    error = failed.value
    assert type(error) is fault.raises
    assert (error.attempts, error.request_sent) == (attempts, fault.is_sent)
    assert b"".join(received) == (fault.received or b"")


async def _call(twin: Twin, client: Client, fault: Fault, url: str, received: list[bytes]) -> None:
    if fault.received is None:
        await client.request(fault.method, url, **fault.options)
        return
    async with client.stream(fault.method, url, **fault.options) as response:
        async for chunk in twin.chunks(response):
            received.append(chunk)  # noqa: PERF401 - what came before an error counts


async def check_nothing_is_held(twin: Twin, client: Client, *servers: ScriptedServer) -> None:
    """Assert that a call has ended for good, and that only idle connections stand."""
    check_all_is_back(client)
    idle = sum(len(pool.connections) for pool in pools_of(client))
    await twin.until(lambda: sum(sockets_to(server.port) for server in servers) <= idle)
    await _check_no_task_is_left(twin)


async def check_nothing_is_left(twin: Twin, *servers: ScriptedServer) -> None:
    """Assert that a closed client has neither a connection nor a task."""
    await twin.until(lambda: not any(sockets_to(server.port) for server in servers))
    await _check_no_task_is_left(twin)


async def _check_no_task_is_left(twin: Twin) -> None:
    if twin.is_async:
        await twin.until(lambda: asyncio.all_tasks() == {asyncio.current_task()})


@pytest.fixture(autouse=True)
def _nothing_is_left(failure_server: FailureServer) -> Iterator[None]:
    """Count threads and descriptors: after each test there are as many as before."""
    before = _holdings()
    yield
    eventually(
        lambda: all(now <= then for now, then in zip(_holdings(), before, strict=True)),
        lambda: f"(threads, descriptors): {before}, then {_holdings()}",
    )


def _holdings() -> tuple[int, int]:
    return threading.active_count(), sum(1 for _ in Path("/dev/fd").iterdir())

"""One client in several event loops and processes: it works, or the error says what to do."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import httpx
import pytest

from client import (
    AsyncClient,
    CircuitBreakerConfig,
    ClientClosedError,
    ResilientClient,
    ServerError,
    SyncResilientClient,
)
from client.ports.asyncio_ports import AsyncioPorts
from client.ports.blocking_ports import BlockingPorts
from client.runtime import forking, trio_time
from client.runtime.coroutines import run_to_end
from client.strategies.circuit.circuit import CircuitOutcome, Permit, Rejection
from client.strategies.circuit.scopes import Breaker
from client.transports.httpcore.asyncio_pool import _Uninterrupted
from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS
from tests.wire.cancelling import pass_ticks
from tests.wire.forking import STORIES
from tests.wire.scripts import echoes
from tests.wire.twins import AsyncTwin, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

# The connections that are left in a loop that ended are Python's to complain about.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def _collected() -> Any:
    yield
    gc.collect()


def test_forked(serve: Serve) -> None:
    """Parent and child each get their own answers, on connections of their own."""
    server = serve(echoes)
    run = subprocess.run(
        [sys.executable, "-m", "tests.wire.forking", server.url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == dict.fromkeys(STORIES, 0), run.stderr


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only what is made in the test hear of a fork."""
    monkeypatch.setattr(forking, "_locks", WeakSet())
    monkeypatch.setattr(forking, "_told", WeakSet())


@pytest.mark.usefixtures("alone")
def test_locks_are_free_in_a_child() -> None:
    """Whoever held them."""
    lock = forking.fork_safe(threading.Lock())
    lock.acquire()
    forking._after_fork()
    assert lock.acquire(blocking=False)


@pytest.mark.usefixtures("alone")
def test_connections_are_not_taken_over(serve: Serve) -> None:
    """As in a child, but in this process."""
    server = serve(echoes)
    with SyncResilientClient(settings(server.url)) as client:
        assert client.get("/a").text == "/a"
        forking._after_fork()
        assert client.get("/b").text == "/b"
    assert server.accepted == 2


@pytest.mark.usefixtures("alone")
async def test_nor_are_those_of_an_async_client(serve: Serve) -> None:
    """Which knows its loop again."""
    server = serve(echoes)
    async with ResilientClient(settings(server.url)) as client:
        assert (await client.get("/a")).text == "/a"
        forking._after_fork()
        assert (await client.get("/b")).text == "/b"
    assert server.accepted == 2


def test_without_a_loop_nothing_is_cleared_up() -> None:
    """As when a call is dropped whose loop has ended: nobody could await it."""
    done: list[object] = []

    async def work() -> None:
        done.append(None)

    run_to_end(trio_time.shielded(work()))
    assert done == []


async def test_what_is_being_closed_is_waited_for() -> None:
    """Also where the task that began it was cancelled."""
    closings, may_end, ended = _Uninterrupted(), asyncio.Event(), asyncio.Event()

    async def close() -> None:
        await may_end.wait()
        ended.set()

    begun = asyncio.create_task(closings.run(close()))
    await asyncio.sleep(0)
    begun.cancel()
    waiting = asyncio.create_task(closings.wait())
    await pass_ticks(10)
    assert not waiting.done()
    may_end.set()
    await waiting
    assert ended.is_set()


@pytest.mark.usefixtures("alone")
def test_a_probe_of_the_parent_does_not_block_the_child() -> None:
    """Nobody there would ever report it."""
    config = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=1)
    breaker, origins = Breaker(config), Breaker(config.merged(scope="origin"))
    for circuit in (breaker.single, origins.circuit_for("http://server.test:80")):
        assert circuit is not None
        permit = circuit.admit(0)
        assert isinstance(permit, Permit)
        circuit.record(permit, CircuitOutcome.FAILURE, 0, ServerError("x"))
        assert isinstance(circuit.admit(2), Permit)
        assert isinstance(circuit.admit(2), Rejection)
    forking._after_fork()
    origins.forget_probes()
    for circuit in (breaker.single, origins.circuit_for("http://server.test:80")):
        assert circuit is not None
        assert isinstance(circuit.admit(2), Permit)


def test_a_call_that_ends_in_a_loop_that_goes_on_later(serve: Serve) -> None:
    """Meanwhile the client has begun anew in another."""
    server = serve(echoes)
    client = ResilientClient(settings(server.url))

    async def call() -> None:
        assert (await client.get("/x")).text == "/x"

    async def half() -> Any:
        stream = client.stream("GET", "/large")
        await stream.__aenter__()
        return stream

    first = asyncio.new_event_loop()
    stream = first.run_until_complete(half())
    asyncio.run(call())
    first.run_until_complete(stream.__aexit__(None, None, None))
    first.close()
    asyncio.run(client.close())


def test_in_one_loop_after_another(serve: Serve) -> None:
    """Connections and slots begin anew; what was learnt about the server stays."""
    server = serve(echoes)
    client = ResilientClient(settings(server.url, bulkhead={"max_concurrency": 1}))

    async def call() -> str:
        return (await client.get("/x")).text

    for number in range(3):
        assert asyncio.run(call()) == "/x"
        assert client.stats().operations == number + 1
    assert server.accepted == 3

    async def close() -> None:
        await client.close()

    asyncio.run(close())
    assert client.is_closed


def test_after_a_loop_that_was_left_in_the_middle_of_a_call(serve: Serve) -> None:
    """Its slot is not missing in the next, and comes back to nobody when the call is dropped."""
    server = serve(busy, echoes)
    client = ResilientClient(
        settings(
            server.url,
            bulkhead={"max_concurrency": 1, "acquisition_timeout": 0.0},
            retry={"min_wait_seconds": 60.0, "max_wait_seconds": 60.0},
        )
    )
    loop = asyncio.new_event_loop()
    abandoned = loop.create_task(client.get("/x"))
    loop.run_until_complete(until_it_waits(client))
    assert client.stats().slots_in_use == 1
    abandoned._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio would complain
    loop.close()

    async def call() -> None:
        assert (await client.get("/x")).text == "/x"
        assert client.stats().slots_in_use == 0

    asyncio.run(call())
    del abandoned
    gc.collect()
    assert client.stats().slots_in_use == 0
    asyncio.run(client.close())


def busy(connection: Connection) -> None:
    """Answer one request with a 503."""
    connection.read_request()
    connection.answer(503)


async def until_it_waits(client: ResilientClient) -> None:
    """Return once a call of the client waits for its next attempt."""
    ports = client._session.engine.ports
    assert isinstance(ports, AsyncioPorts)
    await AsyncTwin().until(lambda: ports._sleepers)


def in_two_loops(
    first: Callable[[], Coroutine[Any, Any, Any]], second: Callable[[], Coroutine[Any, Any, Any]]
) -> None:
    """Do the second in a loop of its own while that of the first is running."""

    async def story() -> None:
        await first()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.to_thread(lambda: asyncio.run(second()))

    asyncio.run(story())


def test_in_two_loops_at_once(serve: Serve) -> None:
    """The second is told what to do, and the first goes on."""
    server = serve(echoes)
    client = ResilientClient(settings(server.url))

    async def call() -> None:
        assert (await client.get("/x")).text == "/x"

    async def refused() -> None:
        for attempt in (call, client.close):
            with pytest.raises(ClientClosedError, match="make one client for each"):
                await attempt()

    in_two_loops(call, refused)
    asyncio.run(call())
    asyncio.run(client.close())


def test_a_drop_in_client_in_one_loop_after_another(serve: Serve) -> None:
    """Where httpx would say that the event loop is closed."""
    server = serve(echoes)
    client = AsyncClient(base_url=server.url, max_retries=0)

    async def call() -> None:
        assert (await client.get("/x")).text == "/x"

    async def refused() -> None:
        with pytest.raises(RuntimeError, match="make one client for each"):
            await client.get("/x")

    asyncio.run(call())
    in_two_loops(call, refused)
    asyncio.run(client.aclose())


def test_a_client_of_the_users_in_one_loop_after_another(serve: Serve) -> None:
    """Its connections are not ours to forget; one without any may stay."""
    server = serve(echoes)

    async def call(client: ResilientClient) -> None:
        assert (await client.get("/x")).status_code == 200

    theirs = httpx.AsyncClient()
    client = ResilientClient(settings(server.url), http_client=theirs)
    asyncio.run(call(client))
    with pytest.raises(ClientClosedError, match="make both anew"):
        asyncio.run(call(client))

    without = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200)))
    client = ResilientClient(settings(server.url), http_client=without)
    for _ in range(2):
        asyncio.run(call(client))


def test_a_wait_in_a_loop_that_ended_is_not_woken(serve: Serve) -> None:
    """Closing the client in the next one does not reach for it."""
    server = serve(busy)
    client = ResilientClient(
        settings(server.url, retry={"min_wait_seconds": 60.0, "max_wait_seconds": 60.0})
    )
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(client.get("/x"))
    loop.run_until_complete(until_it_waits(client))
    waiting._log_destroy_pending = False  # type: ignore[attr-defined] # asyncio would complain
    loop.close()
    asyncio.run(client.close())


def test_a_blocking_client_is_bound_to_no_loop() -> None:
    """Nor to a thread."""
    assert BlockingPorts().moved() is False


def test_before_the_first_call_every_loop_will_do(serve: Serve) -> None:
    """Nothing was opened yet; and without a bulkhead there are no slots to renew."""
    server = serve(echoes)
    client = ResilientClient(settings(server.url, bulkhead=None, circuit_breaker=None, retry=None))

    async def call(request_id: str) -> None:
        assert (await client.get("/x", request_id=request_id)).text == "/x"

    for _ in range(2):
        with pytest.raises(ValueError, match="request id"):
            asyncio.run(call("a line\nbreak"))
    asyncio.run(call("a"))
    asyncio.run(call("b"))
    asyncio.run(client.close())

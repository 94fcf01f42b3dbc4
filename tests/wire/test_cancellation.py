"""Cancelling a call, at each tick of the event loop in turn, loses nothing.

Afterwards no slot is taken, no connection is left behind in the pool (`client.pools` says
what httpcore would leave there), and a client with a single slot serves the next call.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from client import CircuitState, ClientClosedError, ResilientClient, ServiceUnavailableError
from tests.eventually import PATIENCE_SECONDS
from tests.wire.cancelling import (
    WAYS,
    cancel_at_every_tick,
    get,
    in_each_way,
    pass_ticks,
    settle,
)
from tests.wire.scripts import LARGE, reads_nothing, serves
from tests.wire.twins import BlockingTwin, check_all_is_back, settings

if TYPE_CHECKING:
    import ssl
    from collections.abc import Generator
    from types import FrameType

    from tests.wire.cancelling import Call, Way
    from tests.wire.conftest import Serve

ONE: dict[str, Any] = {
    "bulkhead": {"max_concurrency": 1, "acquisition_timeout": PATIENCE_SECONDS},
    "circuit_breaker": {"failure_threshold": 1},
    "retry": {"min_wait_seconds": 3.0, "max_wait_seconds": 3.0, "budget": None},
}


def stream(target: str) -> Call:
    """A call for a streamed answer that is read to its end."""

    async def call(client: ResilientClient) -> None:
        async with client.stream("GET", target) as response:
            await response.aread()

    return call


def leave_stream(target: str) -> Call:
    """A call for a streamed answer that is not read."""

    async def call(client: ResilientClient) -> None:
        async with client.stream("GET", target):
            pass

    return call


CALLS = [
    pytest.param(get("/"), id="kept-connection"),
    pytest.param(get("/last"), id="new-connection"),
    pytest.param(get("/large"), id="large-body"),
    pytest.param(get("/drip"), id="dripping-body"),
    pytest.param(get("/stall"), id="silence"),
    pytest.param(get("/busy"), id="wait-for-retry"),
    pytest.param(stream("/"), id="stream"),
    pytest.param(stream("/last"), id="stream-new-connection"),
    pytest.param(stream("/busy"), id="stream-wait-for-retry"),
    pytest.param(leave_stream("/large"), id="stream-left-early"),
]


@pytest.mark.parametrize(("call", "way"), in_each_way(CALLS))
async def test_cancelled_at_any_tick(serve: Serve, way: Way, call: Call) -> None:
    """The caller sees his own cancellation, and the client is as before."""
    server = serve(serves)
    async with ResilientClient(settings(server.url, **ONE)) as client:
        await cancel_at_every_tick(client, way, call)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["/", "/last"])
async def test_cancelled_at_any_tick_over_tls(
    serve: Serve, server_tls: ssl.SSLContext, way: Way, target: str
) -> None:
    """The handshake included."""
    server = serve(serves, tls=server_tls)
    async with ResilientClient(settings(server.url, **ONE)) as client:
        await cancel_at_every_tick(client, way, get(target))


@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_at_any_tick_of_an_upload(serve: Serve, way: Way) -> None:
    """To a peer that does not read."""
    sink, server = serve(reads_nothing, receive_buffer=4096), serve(serves)

    async def upload(client: ResilientClient) -> None:
        await client.post(sink.url, content=LARGE)

    async with ResilientClient(settings(server.url, **ONE)) as client:
        await cancel_at_every_tick(client, way, upload)


@pytest.mark.parametrize("way", WAYS)
async def test_cancelled_in_the_queue(serve: Serve, way: Way) -> None:
    """He who gives up his place in the queue takes nobody's slot along."""
    server = serve(serves)
    async with ResilientClient(settings(server.url, **ONE)) as client:
        occupant = asyncio.create_task(client.get("/stall"))
        await pass_ticks(1)
        for ticks in range(10):
            assert not await way(get("/")(client), ticks)
            stats = client.stats()
            assert (stats.slots_in_use, stats.slots_waiting) == (1, 0)
        heir = asyncio.create_task(client.get("/"))
        await pass_ticks(2)
        occupant.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await heir).text == "ok"
        check_all_is_back(client)


async def test_cancelled_as_the_slot_is_handed_over(serve: Serve) -> None:
    """The slot passes on to the next in the queue."""
    server = serve(serves)
    async with ResilientClient(settings(server.url, **ONE)) as client:
        for ticks in range(6):
            occupant = asyncio.create_task(client.get("/stall"))
            await pass_ticks(1)
            heirs = [asyncio.create_task(client.get("/")) for _ in range(2)]
            await pass_ticks(2)
            occupant.cancel()
            await pass_ticks(ticks)
            heirs[0].cancel()
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert (await heirs[1]).text == "ok"
            await asyncio.wait([occupant, *heirs])
            await settle(client)
            check_all_is_back(client)


async def test_a_storm_of_cancellations_leaves_nothing(serve: Serve) -> None:
    """Many at once, each at a moment of its own, through several connections."""
    server = serve(serves)
    config = settings(server.url, retry=None, bulkhead={"max_concurrency": 5})
    async with ResilientClient(config) as client:
        for ticks in range(28):
            targets = ("/", "/last", "/large", "/stall", "/drip")
            tasks = [asyncio.create_task(client.get(target)) for target in targets]
            for task in tasks:
                await pass_ticks(ticks % 7)
                task.cancel()
            await asyncio.wait(tasks)
            await settle(client)
            check_all_is_back(client)
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert (await client.get("/")).text == "ok"


async def test_a_cancelled_probe_gives_its_permit_back(serve: Serve) -> None:
    """Else the circuit would wait for it, and turn everybody away."""
    server = serve(serves)
    circuit = {"failure_threshold": 1, "recovery_timeout": 0.0}
    config = settings(server.url, retry=None, circuit_breaker=circuit)
    for way in WAYS:
        async with ResilientClient(config) as client:
            with pytest.raises(ServiceUnavailableError):
                await client.get("/busy")
            assert not await way(get("/stall")(client), 20)
            assert (client.circuit_state, client.stats().slots_in_use) == ("half-open", 0)
            assert (await client.get("/")).text == "ok"
            assert client.circuit_state == "closed"


@contextmanager
def interrupted() -> Generator[None]:
    """Press Ctrl-C once this thread waits: the block must not end otherwise.

    It waits where two looks in a row find it at the same instruction. Anywhere else the interrupt
    might meet it before the request is sent, or coverage while it holds a lock of its own, which
    would be locked for ever.
    """
    assert threading.current_thread() is threading.main_thread()
    places: list[tuple[int, int]] = []

    def look(number: int, frame: FrameType | None) -> None:
        assert frame is not None
        places.append((id(frame), frame.f_lasti))
        if places[-2:-1] == places[-1:]:
            signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("call", ["/stall", "/drip", "/busy"])
def test_interrupted_in_an_exchange(serve: Serve, call: str) -> None:
    """What a cancellation is to a task, Ctrl-C is to the main thread."""
    server, twin = serve(serves), BlockingTwin()

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE)) as client:
            for deadline in (None, PATIENCE_SECONDS):
                with interrupted():
                    await client.get(call, deadline=deadline)
                check_all_is_back(client)
                assert client.circuit_state is CircuitState.CLOSED
                assert (await client.get("/")).text == "ok"

    twin.tell(story())


def test_interrupted_while_connecting(serve: Serve, unaccepting_port: int) -> None:
    """What comes of the connection later is closed."""
    server, twin = serve(serves), BlockingTwin()

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE)) as client:
            with interrupted():
                await client.get(f"http://127.0.0.1:{unaccepting_port}/", deadline=0.5)
            check_all_is_back(client)
            assert (await client.get("/")).text == "ok"

    twin.tell(story())


def test_interrupted_in_the_handshake(serve: Serve) -> None:
    """A server that accepts and does not speak TLS."""
    server, twin = serve(serves), BlockingTwin()
    silent = serve(reads_nothing)

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE)) as client:
            with interrupted():
                await client.get(silent.url.replace("http:", "https:"))
            check_all_is_back(client)
            assert (await client.get("/")).text == "ok"

    twin.tell(story())


def test_interrupted_in_the_queue(serve: Serve) -> None:
    """The slot that nobody took goes to the next."""
    server, twin = serve(serves), BlockingTwin()

    async def story() -> None:
        async with twin.client(settings(server.url, **ONE)) as client:
            occupant = twin.start(client.get("/drip"))
            await twin.until(lambda: len(server.requests) == 1)
            with interrupted():
                await client.get("/")
            stats = client.stats()
            assert (stats.slots_in_use, stats.slots_waiting) == (1, 0)
            await client.close()
            with pytest.raises(ClientClosedError):
                await occupant.result()
            assert client.stats().slots_in_use == 0

    twin.tell(story())

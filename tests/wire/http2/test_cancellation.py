"""Cancelling a call over HTTP/2, at each tick of the event loop in turn, loses nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import client.httpx2
from client import ResilientClient
from tests.wire.cancelling import (
    OFTEN,
    by_cancel,
    cancel_at_every_tick,
    get,
    in_each_way,
    pass_ticks,
    settle,
)
from tests.wire.http2.conftest import config_for
from tests.wire.http2_server import Peer
from tests.wire.test_cancellation import ONE, interrupted, leave_stream, stream
from tests.wire.twins import BlockingTwin, check_all_is_back

if TYPE_CHECKING:
    from tests.wire.cancelling import Call, Way
    from tests.wire.http2.conftest import Speak

FAMILIES = pytest.mark.parametrize(
    "kind",
    [
        pytest.param(ResilientClient, id="httpx"),
        pytest.param(client.httpx2.ResilientClient, id="httpx2"),
    ],
)


def upload(target: str) -> Call:
    """A call that sends more than one frame."""

    async def call(ours: ResilientClient) -> None:
        await ours.post(target, content=b"x" * 100_000)

    return call


CALLS = [
    pytest.param(get("/"), id="head-and-body"),
    pytest.param(get("/large"), id="large-body"),
    pytest.param(get("/half"), id="silence-in-the-body"),
    pytest.param(get("/stall"), id="silence"),
    pytest.param(get("/busy"), id="wait-for-retry"),
    pytest.param(upload("/up"), id="upload"),
    pytest.param(upload("/stall"), id="upload-and-silence"),
    pytest.param(stream("/large"), id="stream"),
    pytest.param(leave_stream("/large"), id="stream-left-early"),
]


@pytest.mark.parametrize(("call", "way"), in_each_way(CALLS))
async def test_cancelled_at_any_tick(speak: Speak, way: Way, call: Call) -> None:
    """The caller sees his own cancellation, and one connection serves all further calls."""
    server = speak(Peer.serve)
    async with ResilientClient(config_for(server, **ONE)) as ours:
        assert (await ours.get("/")).text == "ok"
        await cancel_at_every_tick(ours, way, call)
        assert server.tcp.accepted == 1


@pytest.mark.parametrize("call", CALLS)
async def test_cancelled_at_any_tick_with_the_second_family(speak: Speak, call: Call) -> None:
    """The connection and its ticks are the same, and the pool around them is another."""
    server = speak(Peer.serve)
    kind: Any = client.httpx2.ResilientClient
    async with kind(config_for(server, **ONE)) as ours:
        assert (await ours.get("/")).text == "ok"
        await cancel_at_every_tick(ours, by_cancel, call)
        assert server.tcp.accepted == 1


@pytest.mark.parametrize("way", OFTEN)
async def test_cancelled_while_connecting(speak: Speak, way: Way) -> None:
    """The handshake and the first words included."""
    server = speak(Peer.serve)
    for ticks in range(25):
        async with ResilientClient(config_for(server, **ONE)) as ours:
            was_over = await way(get("/")(ours), ticks)
            await settle(ours)
            check_all_is_back(ours)
            assert (await ours.get("/")).text == "ok"
        if was_over:
            break


@FAMILIES
async def test_a_storm_of_cancellations(speak: Speak, kind: Any) -> None:
    """Neighbours come and go, each at a moment of its own; the last ones are served."""
    server = speak(Peer.serve)
    config = config_for(server, retry=None, bulkhead={"max_concurrency": 10})
    async with kind(config) as ours:
        await ours.get("/")
        for ticks in range(21):
            targets = ("/", "/large", "/stall", "/half", "/x")
            tasks = [asyncio.create_task(ours.get(target)) for target in targets]
            survivor = asyncio.create_task(ours.get("/large"))
            for task in tasks:
                await pass_ticks(ticks % 7)
                task.cancel()
            await asyncio.wait(tasks)
            assert len((await survivor).content) == 300_000
            check_all_is_back(ours)
        assert server.tcp.accepted == 1


@pytest.mark.parametrize("target", ["/stall", "/half", "/busy"])
def test_interrupted_in_an_exchange(speak: Speak, target: str) -> None:
    """What a cancellation is to a task, Ctrl-C is to the main thread."""
    server, twin = speak(Peer.serve), BlockingTwin()

    async def story() -> None:
        async with twin.client(config_for(server, **ONE)) as ours:
            await ours.get("/")
            for deadline in (None, 10.0):
                with interrupted():
                    await ours.get(target, deadline=deadline)
                check_all_is_back(ours)
                assert (await ours.get("/")).text == "ok"
            assert server.tcp.accepted == 1

    twin.tell(story())

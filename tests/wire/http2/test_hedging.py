"""Hedged calls over HTTP/2: the stream of one that lost is reset, and its connection goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h2.errors
import pytest

from client import ResilientClient
from tests.wire.cancelling import OFTEN, cancel_at_every_tick, get
from tests.wire.http2.conftest import config_for
from tests.wire.http2_server import Peer
from tests.wire.test_cancellation import ONE, interrupted
from tests.wire.test_hedging import AT_ONCE, SOON, threads
from tests.wire.twins import BlockingTwin, check_all_is_back

if TYPE_CHECKING:
    from tests.wire.cancelling import Way
    from tests.wire.http2.conftest import Speak
    from tests.wire.twins import Twin


def second_is_late(peer: Peer) -> None:
    """Answer all streams but one."""
    index = 0
    while True:
        exchange = peer.request(index)
        if index != 1:
            peer.answer(exchange)
        index += 1


async def test_the_stream_of_one_that_lost_is_reset(speak: Speak, twin: Twin) -> None:
    """Though its answer would be read over HTTP/1.1; in a thread that reads for others, too."""
    server = speak(second_is_late)
    async with twin.client(config_for(server, hedge=SOON)) as client:
        await client.get("/", hedge=None)
        assert (await client.get("/")).text == "ok"
        await twin.until(lambda: not threads())
        for _ in range(3):
            assert (await client.get("/", hedge=None)).text == "ok"
        check_all_is_back(client)
        await twin.until(lambda: server.resets()[1] is not None)
        assert server.resets() == [None, h2.errors.ErrorCodes.CANCEL, *[None] * 4]
        assert server.tcp.accepted == 1


@pytest.mark.parametrize("way", OFTEN)
@pytest.mark.parametrize("target", ["/", "/large", "/stall"])
async def test_cancelled_at_any_tick(speak: Speak, way: Way, target: str) -> None:
    """Both streams are given back, and the connection serves on."""
    server = speak(Peer.serve)
    async with ResilientClient(config_for(server, **ONE, hedge=AT_ONCE)) as client:
        await cancel_at_every_tick(client, way, get(target))


def test_interrupted_in_a_race(speak: Speak) -> None:
    """Ctrl-C in the thread of the caller ends those of its attempts, and no other call."""
    server, twin = speak(Peer.serve), BlockingTwin()

    async def story() -> None:
        async with twin.client(config_for(server, hedge=SOON)) as client:
            await client.get("/", hedge=None)
            for deadline in (None, 20.0):
                with interrupted():
                    await client.get("/stall", deadline=deadline)
                await twin.until(lambda: not threads())
                check_all_is_back(client)
                assert (await client.get("/", hedge=None)).text == "ok"
            assert server.tcp.accepted == 1

    twin.tell(story())


async def test_the_deadline_ends_them_all(speak: Speak, twin: Twin) -> None:
    """Though a thread that may be interrupted looks up now and then."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server, hedge=SOON)) as client:
        await client.get("/", hedge=None)
        with pytest.raises(Exception, match="used up"):
            await client.get("/stall", deadline=0.2)
        await twin.until(lambda: not threads())
        check_all_is_back(client)
        assert (await client.get("/", hedge=None)).text == "ok"

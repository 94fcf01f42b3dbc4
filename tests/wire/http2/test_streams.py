"""A call that ends early resets its stream, and harms no other call on its connection."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import h2.errors
import pytest

from client import APITimeoutError, DeadlineExceededError, MyAPIError
from tests.wire.http2.conftest import (
    check_all_is_gone,
    check_all_went_back,
    config_for,
    connections_of,
)
from tests.wire.http2_server import Peer
from tests.wire.twins import together

if TYPE_CHECKING:
    from tests.wire.http2.conftest import Speak
    from tests.wire.twins import Twin

CANCEL = h2.errors.ErrorCodes.CANCEL
PATIENT = 10.0


async def test_calls_share_a_connection(twin: Twin, speak: Speak) -> None:
    """Each gets its own answer, to what it sent."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server)) as client:
        calls = [
            client.request("POST", f"/{number}", content=b"-" * number * 5000)
            for number in range(20)
        ]
        answers = await together(twin, *calls)
        assert [getattr(each, "content", each) for each in answers] == [
            b"/%d" % number + b"-" * number * 5000 for number in range(20)
        ]
        assert (await client.get("/large")).content == b"x" * 300_000
        assert (await client.get("/")).http_version == "HTTP/2"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"deadline": 0.5}, DeadlineExceededError),
        ({"timeout": (PATIENT, 0.5, PATIENT, PATIENT)}, APITimeoutError),
    ],
    ids=["deadline", "read-timeout"],
)
@pytest.mark.parametrize("target", ["/stall", "/half"])
async def test_a_late_answer_is_reset(
    twin: Twin, speak: Speak, target: str, options: dict[str, object], kind: type[MyAPIError]
) -> None:
    """Whether in its head or in its body, and the connection serves the next call."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server, retry=None)) as client:
        assert (await client.get("/")).text == "ok"
        with pytest.raises(kind) as failed:
            await client.get(target, **options)  # type: ignore[arg-type] # each is one of them
        assert failed.value.request_sent
        await twin.until(lambda: server.resets() == [None, CANCEL])
        assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_a_stream_that_is_left_is_reset(twin: Twin, speak: Speak) -> None:
    """However much of its body has been read."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server)) as client:
        async with client.stream("GET", "/half"):
            pass
        async with client.stream("GET", "/half") as response:
            async for chunk in twin.chunks(response):
                assert chunk == b"x"
                break
        async with client.stream("GET", "/x") as response:
            assert await twin.read(response) == b"/x"
        assert (await client.get("/")).text == "ok"
        assert server.resets() == [CANCEL, CANCEL, None, None]
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_more_calls_give_up_than_streams_are_allowed(twin: Twin, speak: Speak) -> None:
    """A healthy endpoint stays within reach, over the same connection."""
    server = speak(Peer.serve, MAX_CONCURRENT_STREAMS=3)
    async with twin.client(config_for(server, retry=None)) as client:
        assert (await client.get("/")).text == "ok"
        for _ in range(10):
            with pytest.raises(DeadlineExceededError):
                await client.get("/stall", deadline=0.01)
            assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize("order", [["/stall", "/slow"], ["/slow", "/stall"]])
async def test_a_neighbour_outlives_a_deadline(twin: Twin, speak: Speak, order: list[str]) -> None:
    """Whichever of the two was reading from the connection."""
    let = threading.Event()

    def answers_when_told(peer: Peer) -> None:
        peer.answer(peer.request(0))
        peer.request(2)
        slow = next(each for each in peer.exchanges.values() if each.target == "/slow")
        peer.until(lambda: any(each.reset for each in peer.exchanges.values()))
        let.wait(PATIENT)
        peer.answer(slow)
        peer.serve()

    server = speak(answers_when_told)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        tasks = {}
        for count, target in enumerate(order):
            options = {"deadline": 0.3} if target == "/stall" else {}
            tasks[target] = twin.start(client.get(target, **options))  # type: ignore[arg-type] # likewise
            await twin.until(lambda: len(server.peers[0].exchanges) == 2 + count)  # noqa: B023 - at once
        with pytest.raises(DeadlineExceededError):
            await tasks["/stall"].result()
        let.set()
        assert (await tasks["/slow"].result()).text == "ok"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_many_deadlines_at_once(twin: Twin, speak: Speak) -> None:
    """Each call that waits keeps its own, whoever is reading."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        silent = [client.get("/stall", deadline=0.1 + 0.01 * each) for each in range(10)]
        healthy = [client.get("/") for _ in range(10)]
        ends = await together(twin, *silent, *healthy)
        assert [type(end) for end in ends[:10]] == [DeadlineExceededError] * 10
        assert [getattr(end, "text", end) for end in ends[10:]] == ["ok"] * 10
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_a_closed_window_ends_in_a_write_timeout(twin: Twin, speak: Speak) -> None:
    """The server takes nothing of the body; others are served meanwhile."""
    server = speak(Peer.serve, INITIAL_WINDOW_SIZE=0)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        with pytest.raises(APITimeoutError, match="too slowly"):
            await client.request(
                "POST", "/", content=b"x", timeout=(PATIENT, PATIENT, 0.05, PATIENT)
            )
        with pytest.raises(DeadlineExceededError):
            await client.request("POST", "/", content=b"x", deadline=0.05)
        assert (await client.get("/")).text == "ok"
        assert server.resets() == [None, CANCEL, CANCEL, None]
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_a_write_that_does_not_go_on_costs_a_connection(
    twin: Twin, speak: Speak, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer that reads nothing more gets no new call."""
    monkeypatch.setattr("client.transports.http2.wire._STUCK_AFTER", 0.0)

    def stops_reading(peer: Peer) -> None:
        peer.h2.increment_flow_control_window(2**30)
        peer.answer(peer.request(0))
        peer.connection.ignore()

    server = speak(stops_reading, Peer.serve, INITIAL_WINDOW_SIZE=2**30)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        with pytest.raises(APITimeoutError, match="too slowly"):
            await client.request(
                "POST", "/", content=b"x" * 16_000_000, timeout=(PATIENT, PATIENT, 0.1, PATIENT)
            )
        await twin.until(lambda: all(each.has_expired() for each in connections_of(client)))
        assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 2
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)

"""What servers do to streams and connections: how calls end, and what is said of their requests."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import h2.errors
import pytest

from client import (
    APINetworkError,
    APITimeoutError,
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
)
from client.transports.http2.headers import read_request_head
from tests.wire.catalogue.conftest import check_nothing_is_held, check_nothing_is_left
from tests.wire.http2.conftest import (
    check_all_is_gone,
    check_all_went_back,
    config_for,
    connections_of,
)
from tests.wire.http2_server import Peer, agreed_on_http2, over_http2
from tests.wire.twins import outcome_of, together

if TYPE_CHECKING:
    from tests.wire.conftest import Serve
    from tests.wire.http2.conftest import Speak
    from tests.wire.http2_server import PeerScript
    from tests.wire.scripted_server import Connection
    from tests.wire.twins import Twin

CODES = h2.errors.ErrorCodes
PATIENT = 10.0
MALFORMED: list[list[tuple[str, str]]] = [
    [(":status", "abc")],
    [(":status", "99")],
    [(":status", "1000")],
    [(":status", "")],
    [(":status", "101")],
    [(":status", "200"), (":status", "200")],
    [("x-first", "1"), (":status", "200")],
    [("x-only", "1")],
    [(":status", "200"), ("x-a", "v\r\nx-evil: 1")],
    [(":status", "200"), ("x-a", "v\nx-evil: 1")],
    [(":status", "200"), ("x-a", "v\0")],
    [(":status", "200"), ("x-a\r\nx-evil", "1")],
    [(":status", "200"), ("x a", "1")],
    [(":status", "200"), ("", "1")],
    [(":status", "200"), ("X-Upper", "1")],
    [(":status", "200"), (":path", "/")],
    [(":status", "200"), ("content-length", "x")],
    [(":status", "200"), ("content-length", "1"), ("content-length", "2")],
]


def refuses(peer: Peer) -> None:
    """Take no stream on."""
    peer.goaway(1)
    peer.reset(peer.request(0), CODES.REFUSED_STREAM)
    peer.stall()


def goes_away(peer: Peer) -> None:
    """Say that no stream was taken on, in two parts."""
    peer.request(0)
    peer.connection.send(b"\0\0\x0a\x07\0")
    peer.connection.send(b"\0\0\0\0\0\0\0\0\0\0\0")
    peer.connection.send(b"\0\0no")
    peer.stall()


def closes(peer: Peer) -> None:
    """Take a request and leave."""
    peer.request(0)


def cuts(peer: Peer) -> None:
    """Take a request and cut the connection."""
    peer.request(0)
    peer.connection.reset()


def fails_inside(peer: Peer) -> None:
    """Reset the stream in place of an answer."""
    peer.goaway(1)
    peer.reset(peer.request(0), CODES.INTERNAL_ERROR)
    peer.stall()


def fails_in_the_body(peer: Peer) -> None:
    """Reset the stream within the answer."""
    exchange = peer.request(0)
    peer.head(exchange)
    peer.data(exchange, b"x" * 10)
    peer.goaway(1)
    peer.reset(exchange, CODES.CANCEL)
    peer.stall()


def takes_back(peer: Peer) -> None:
    """Begin an answer, and then say that its request was not looked at."""
    exchange = peer.request(0)
    peer.head(exchange)
    peer.data(exchange, b"x" * 10)
    peer.goaway(0)
    peer.stall()


def takes_back_at_once(peer: Peer) -> None:
    """Do so in one breath."""
    exchange = peer.request(0)
    peer.h2.send_headers(exchange.number, [(":status", "200")])
    peer.connection.send(peer.h2.data_to_send() + b"\0\0\x08\7\0\0\0\0\0" + bytes(8))
    peer.stall()


def takes_back_one(peer: Peer) -> None:
    """Do so with one stream."""
    exchange = peer.request(0)
    peer.head(exchange)
    peer.data(exchange, b"x" * 10)
    peer.goaway(1)
    peer.reset(exchange, CODES.REFUSED_STREAM)
    peer.stall()


def takes_back_a_hint(peer: Peer) -> None:
    """Do so with what is no answer yet."""
    exchange = peer.request(0)
    peer.head(exchange, "103")
    peer.goaway(0)
    peer.stall()


def speaks_another_protocol(peer: Peer) -> None:
    """Send what is no frame."""
    peer.request(0)
    peer.connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.stall()


def goes_away_wrongly(peer: Peer) -> None:
    """Send half a GOAWAY."""
    peer.request(0)
    peer.frame(7, b"\0\0")
    peer.stall()


def pushes(peer: Peer) -> None:
    """Push, though the client has said that it may not."""
    exchange = peer.request(0)
    peer.frame(5, b"\0\0\0\2\x88", exchange.number, 4)
    peer.stall()


def answers_unasked(peer: Peer) -> None:
    """Answer a stream that there is not."""
    peer.request(0)
    peer.frame(1, b"\x88", 99, 5)
    peer.stall()


@pytest.mark.parametrize("script", [refuses, goes_away])
async def test_a_request_that_was_not_taken_on(
    twin: Twin, speak: Speak, script: PeerScript
) -> None:
    """Is called unsent, and made again elsewhere."""
    server = speak(script, script, Peer.serve)
    async with twin.client(config_for(server)) as client:
        with pytest.raises(APINetworkError) as failed:
            await client.request("POST", "/", content=b"x", retry=None)
        assert failed.value.request_sent is False
        answer = await client.request("POST", "/up", content=b"x")
        assert (answer.content, answer.extensions["resilience"].attempts) == (b"/upx", 2)
        assert server.tcp.accepted == 3
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


LAST_WORDS = [
    b"",
    b"\0\0\0\4\0\0\0\0\0" + b"\0\0\x08\7\0\0\0\0\0" + bytes(8),  # SETTINGS and GOAWAY
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
]


@pytest.mark.parametrize("says", LAST_WORDS, ids=range(len(LAST_WORDS)))
async def test_a_server_that_is_gone_before_it_is_asked(
    twin: Twin, serve: Serve, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    """Costs an attempt for each connection, for the next could end alike, and so on without end."""

    def is_gone(connection: Connection) -> None:
        connection.send(says)
        connection.sock.shutdown(socket.SHUT_WR)
        said.release()
        connection.stall()

    def serves(peer: Peer) -> None:
        said.release()
        peer.serve()

    def waits(request: Any) -> Any:
        assert said.acquire(timeout=PATIENT)
        return read_request_head(request)

    said = threading.Semaphore(0)
    monkeypatch.setattr("client.transports.http2.connection.read_request_head", waits)
    gone = agreed_on_http2(is_gone)
    server = serve(gone, gone, over_http2(serves))
    url = server.url.replace("http:", "https:")
    async with twin.client(config_for(server, base_url=url)) as client:
        with pytest.raises(APINetworkError) as failed:
            await client.request("POST", "/", content=b"x", retry=None)
        assert (failed.value.request_sent, server.accepted) == (False, 1)
        answer = await client.request("POST", "/up", content=b"x")
        assert (answer.content, answer.extensions["resilience"].attempts) == (b"/upx", 2)
        assert server.accepted == 3
        await check_nothing_is_held(twin, client, server)
    await check_nothing_is_left(twin, server)


@pytest.mark.parametrize(
    "script",
    [
        closes,
        cuts,
        fails_inside,
        fails_in_the_body,
        takes_back,
        takes_back_at_once,
        takes_back_one,
        takes_back_a_hint,
        speaks_another_protocol,
        goes_away_wrongly,
        pushes,
        answers_unasked,
    ],
)
async def test_a_request_whose_fate_is_unknown(
    twin: Twin, speak: Speak, script: PeerScript
) -> None:
    """Is the server's fault, and may have been sent."""
    server = speak(script, script, Peer.serve)
    async with twin.client(config_for(server)) as client:
        with pytest.raises(APINetworkError) as failed:
            await client.get("/", retry=None)
        assert failed.value.request_sent is True
        answer = await client.get("/")
        assert (answer.text, answer.extensions["resilience"].attempts) == ("ok", 2)
        assert server.tcp.accepted == 3
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_a_whole_answer_is_not_taken_back(twin: Twin, speak: Speak) -> None:
    """Though the server would not read the request to its end."""

    def answers_early(peer: Peer) -> None:
        peer.answer(peer.request(0))  # by then the client knows of the window
        exchange = peer.stream(1)
        peer.h2.send_headers(exchange.number, [(":status", "200")])
        peer.h2.send_data(exchange.number, b"early", end_stream=True)
        peer.connection.send(peer.h2.data_to_send() + b"\0\0\x08\7\0\0\0\0\0" + bytes(8))
        peer.connection.stall()

    server = speak(answers_early, INITIAL_WINDOW_SIZE=0)
    async with twin.client(config_for(server)) as client:
        assert (await client.get("/")).status_code == 200
        assert (await client.request("POST", "/", content=b"x")).text == "early"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_all_neighbours_of_a_lost_connection_fail(twin: Twin, speak: Speak) -> None:
    """Each by itself, and each is made again."""

    def closes_with_many(peer: Peer) -> None:
        peer.answer(peer.request(0))
        peer.request(5)

    server = speak(closes_with_many, Peer.serve)
    async with twin.client(config_for(server)) as client:
        await client.get("/")
        answers = await together(twin, *[client.get("/") for _ in range(5)])
        assert [getattr(each, "text", each) for each in answers] == ["ok"] * 5
        assert client.stats().retries == 5
        assert server.tcp.accepted == 2
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize("headers", MALFORMED, ids=repr)
async def test_a_malformed_answer_ends_its_stream_alone(
    twin: Twin, speak: Speak, headers: list[tuple[str, str]]
) -> None:
    """Nothing of it reaches the caller, and the connection goes on."""

    def answers_badly(peer: Peer) -> None:
        slow, bad = peer.request(0), peer.request(1)
        peer.h2.send_headers(bad.number, headers)
        peer.flush()
        peer.until(lambda: bad.reset is not None)
        peer.answer(slow)
        peer.serve()

    server = speak(answers_badly)
    async with twin.client(config_for(server, retry=None)) as client:
        slow = twin.start(client.get("/"))
        await twin.until(lambda: server.peers and server.peers[0].exchanges)
        with pytest.raises(APINetworkError) as failed:
            await client.get("/")
        assert failed.value.request_sent is True
        assert "evil" not in str(failed.value)
        assert (await slow.result()).text == "ok"
        assert server.resets() == [None, CODES.PROTOCOL_ERROR]
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize("body", [b"abc", b"abcdef", b"abcdefghi"])
@pytest.mark.parametrize("end", [True, False])
async def test_a_body_of_another_length_than_announced(
    twin: Twin, speak: Speak, body: bytes, *, end: bool
) -> None:
    """Is no answer; the connection goes on."""

    def answers_badly(peer: Peer) -> None:
        bad = peer.request(0)
        peer.head(bad, "200", ("content-length", "5"))
        peer.h2.send_data(bad.number, body[:2])
        peer.h2.send_data(bad.number, body[2:], end_stream=end or len(body) < 5)
        if not end:
            peer.h2.send_data(bad.number, b"and more", pad_length=3) if len(body) > 5 else None
        peer.flush()
        peer.serve()

    server = speak(answers_badly)
    async with twin.client(config_for(server, retry=None)) as client:
        with pytest.raises(APINetworkError) as failed:
            await client.get("/")
        assert failed.value.request_sent is True
        assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize(("method", "status"), [("HEAD", "200"), ("GET", "304")])
async def test_a_length_without_a_body(twin: Twin, speak: Speak, method: str, status: str) -> None:
    """Is the length that a body would have."""

    def tells_the_length(peer: Peer) -> None:
        peer.head(peer.request(0), status, ("content-length", "1000"), end=True)
        peer.serve()

    server = speak(tells_the_length)
    async with twin.client(config_for(server)) as client:
        answer = await client.request(method, "/")
        assert (answer.headers["content-length"], answer.content) == ("1000", b"")
        assert server.tcp.accepted == 1


async def test_what_a_good_answer_may_hold(twin: Twin, speak: Speak) -> None:
    """Interim answers, padding, trailers; what speaks of a connection is left out."""

    def answers_at_length(peer: Peer) -> None:
        exchange = peer.request(0)
        peer.h2.send_headers(exchange.number, [(":status", "103"), ("link", "</a.css>")])
        peer.h2.send_headers(exchange.number, [(":status", "103")])
        headers = ("x-a", " b "), ("connection", "close"), ("transfer-encoding", "chunked")
        peer.head(exchange, "200", *headers)
        peer.h2.send_data(exchange.number, b"", pad_length=9)
        peer.h2.send_data(exchange.number, b"ok", pad_length=9)
        peer.h2.send_headers(exchange.number, [("x-trailer", "1")], end_stream=True)
        peer.h2.ping(b"12345678")
        peer.flush()
        peer.serve()

    server = speak(answers_at_length)
    async with twin.client(config_for(server)) as client:
        answer = await client.get("/")
        assert (answer.text, dict(answer.headers)) == ("ok", {"x-a": "b"})
        assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 1


async def test_a_server_that_goes_away_in_order(twin: Twin, speak: Speak) -> None:
    """Ends what it has begun; the next call goes over another connection."""

    def goes(peer: Peer) -> None:
        exchange = peer.request(0)
        peer.goaway(2**31 - 1)
        peer.goaway(1)
        peer.answer(exchange)
        peer.stall()

    server = speak(goes, Peer.serve)
    async with twin.client(config_for(server, retry=None)) as client:
        assert (await client.get("/")).text == "ok"
        assert (await client.get("/")).text == "ok"
        assert server.tcp.accepted == 2
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


@pytest.mark.parametrize("says", [b"", b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0"])
async def test_a_connection_that_ends_while_idle(twin: Twin, speak: Speak, says: bytes) -> None:
    """Costs not even an attempt."""

    def leaves_when_told(peer: Peer) -> None:
        peer.answer(peer.request(0))
        said.wait(PATIENT)
        peer.connection.send(says)
        if says:
            peer.stall()

    said = threading.Event()
    server = speak(leaves_when_told, Peer.serve)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        said.set()
        stream = network_stream_of(client)
        await twin.until(lambda: stream.get_extra_info("is_readable"))
        answer = await client.request("POST", "/up", content=b"x")
        assert answer.content == b"/upx"
        assert server.tcp.accepted == 2
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_a_server_that_allows_one_stream(twin: Twin, speak: Speak) -> None:
    """Is spoken to over as many connections as there are calls."""
    both = threading.Barrier(2)

    def answers_with_the_other(peer: Peer) -> None:
        exchange = peer.request(0)
        both.wait(PATIENT)
        peer.answer(exchange)
        peer.stall()

    server = speak(answers_with_the_other, MAX_CONCURRENT_STREAMS=1)
    async with twin.client(config_for(server, retry=None)) as client:
        answers = await together(twin, client.get("/"), client.get("/"))
        assert [getattr(each, "text", each) for each in answers] == ["ok", "ok"]
        await client.close()


async def test_a_server_that_allows_no_stream(twin: Twin, speak: Speak) -> None:
    """Until it does; nothing is sent before."""

    def allows_none_later(peer: Peer) -> None:
        exchange = peer.request(0)
        peer.frame(4, b"\0\3\0\0\0\0")
        peer.answer(exchange)
        peer.serve()

    server = speak(allows_none_later)
    async with twin.client(config_for(server, retry=None)) as client:
        assert (await client.get("/")).text == "ok"
        with pytest.raises(APITimeoutError) as failed:
            await client.get("/", timeout=(PATIENT, PATIENT, PATIENT, 0.05))
        assert failed.value.request_sent is False
        with pytest.raises(DeadlineExceededError):
            await client.get("/", deadline=0.05)
        waiting = twin.start(client.get("/"))
        await twin.sleep(0.01)
        peer = server.peers[0]
        peer.frame(4, b"\0\3\0\0\0\5")
        assert (await waiting.result()).text == "ok"
        assert server.tcp.accepted == 1
        await check_all_went_back(twin, client, server)
    await check_all_is_gone(twin, server)


async def test_an_answer_before_the_request_is_whole(twin: Twin, speak: Speak) -> None:
    """Ends the sending; the rest of the body stays here."""

    def has_had_enough(peer: Peer) -> None:
        peer.answer(peer.request(0))
        exchange = peer.stream(1)
        peer.head(exchange, "413", end=True)
        peer.until(lambda: exchange.reset is not None)
        peer.serve()

    server = speak(has_had_enough, INITIAL_WINDOW_SIZE=0)
    async with twin.client(config_for(server, retry=None)) as client:
        await client.get("/")
        with pytest.raises(MyAPIError) as failed:
            await client.request("POST", "/", content=b"x" * 100)
        assert failed.value.status_code == 413
        assert (await client.get("/")).text == "ok"
        assert server.resets() == [None, CODES.CANCEL, None]
        assert server.tcp.accepted == 1


async def test_a_flood_of_pings_under_a_deadline(twin: Twin, speak: Speak) -> None:
    """Is answered, and moves no timeout on."""

    def floods(peer: Peer) -> None:
        peer.request(0)
        while not peer.connection.stopping.is_set():
            peer.connection.send(b"\0\0\x08\x06\0\0\0\0\0" + b"12345678")

    server = speak(floods)
    async with twin.client(config_for(server, retry=None)) as client:
        with pytest.raises(DeadlineExceededError):
            await client.get("/", deadline=0.2)
        with pytest.raises(APITimeoutError):
            await client.get("/", timeout=(PATIENT, 0.1, 0.1, 0.1))
        await client.close()


async def test_closing_ends_what_is_under_way(twin: Twin, speak: Speak) -> None:
    """For every call on the connection, whoever reads."""
    server = speak(Peer.serve)
    async with twin.client(config_for(server)) as client:
        await client.get("/")
        calls = [twin.start(outcome_of(client.get("/stall"))) for _ in range(3)]
        await twin.until(lambda: len(server.peers[0].exchanges) == 4)
        await client.close()
        ends = [await call.result() for call in calls]
        assert [type(end) for end in ends] == [ClientClosedError] * 3
    await check_all_is_gone(twin, server)


def network_stream_of(client: Any) -> Any:
    """The stream under the only connection of a client."""
    (connection,) = connections_of(client)
    return connection._connection._network_stream

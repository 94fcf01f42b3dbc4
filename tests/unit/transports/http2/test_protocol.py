"""The state of an HTTP/2 connection, against h2 on the other side, without a wire."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.errors
import h2.settings
import pytest

from client.transports.http2.goaway import GoawayFilter
from client.transports.http2.headers import Malformed, Outgoing
from client.transports.http2.protocol import Failure, Protocol, Stream

if TYPE_CHECKING:
    from collections.abc import Callable

HEAD = [(b":method", b"GET"), (b":authority", b"x"), (b":scheme", b"https"), (b":path", b"/")]
GET = Outgoing(HEAD, has_body=False, length=None)
POST = Outgoing(HEAD, has_body=True, length=None)
OK = [(":status", "200")]


class Pair:
    """A protocol, and the server it speaks to."""

    def __init__(self) -> None:
        self.ours = Protocol()
        config = h2.config.H2Configuration(client_side=False, validate_outbound_headers=False)
        self.server = h2.connection.H2Connection(config=config)
        self.server.initiate_connection()
        self.exchange()

    def exchange(self) -> list[Any]:
        """Let each take in what the other has to say; return what the server saw."""
        self.answer()
        return self.server.receive_data(self.ours.output())

    def answer(self) -> None:
        """Let ours take in what the server has to say, all at once."""
        self.ours.receive(self.server.data_to_send())

    def begin(self, head: Outgoing = GET) -> Stream:
        """Begin a stream that both know."""
        stream = self.ours.begin(head, is_to_head=False)
        self.exchange()
        return stream


@pytest.fixture
def pair() -> Pair:
    """Both sides, after their first words."""
    return Pair()


def test_the_limit_is_that_of_the_server(pair: Pair) -> None:
    """But for more than our own hundred."""
    assert pair.ours.limit == 100
    pair.server.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 2})
    pair.exchange()
    assert pair.ours.limit == 2
    pair.begin()
    assert pair.ours.has_place
    pair.begin()
    assert not pair.ours.has_place


def test_before_the_server_has_spoken_there_is_one_place() -> None:
    """As httpcore has it."""
    protocol = Protocol()
    assert protocol.has_place
    protocol.begin(GET, is_to_head=False)
    assert not protocol.has_place


def test_what_is_abandoned_is_given_back(pair: Pair) -> None:
    """However much the server had sent: its window for the connection stays open."""
    before = pair.server.outbound_flow_control_window
    for _ in range(20):
        stream = pair.begin()
        pair.server.send_headers(stream.number, OK)
        for _ in range(64):
            pair.server.send_data(stream.number, b"x" * 16_384)
        pair.answer()
        for _ in range(6):  # on the way when the reset arrives
            pair.server.send_data(stream.number, b"x" * 16_384)
        pair.ours.release(stream)
        pair.exchange()
        pair.exchange()
    assert pair.server.outbound_flow_control_window > before // 2
    assert pair.ours.failure is None


def test_padding_is_given_back_and_no_chunk(pair: Pair) -> None:
    """There may be any number of frames that hold nothing else."""
    stream = pair.begin()
    pair.server.send_headers(stream.number, OK)
    pair.server.send_data(stream.number, b"", pad_length=200)
    pair.server.send_data(stream.number, b"")
    pair.answer()
    assert not stream.chunks


def test_the_rest_of_a_refused_answer_is_passed_over(pair: Pair) -> None:
    """It may have come in the same breath."""
    stream = pair.begin()
    pair.server.send_headers(stream.number, [(":status", "103"), ("x-a", "v\nx")])
    pair.server.send_headers(stream.number, [(":status", "103"), ("x-a", "v\nx")])
    pair.server.send_headers(stream.number, OK)
    pair.server.send_data(stream.number, b"x" * 100)
    pair.server.end_stream(stream.number)
    pair.answer()
    assert stream.failure == Failure(
        "RemoteProtocolError", "the server breaks the protocol, illegal header value"
    )
    assert (stream.head, stream.is_whole, list(stream.chunks)) == (None, False, [])
    assert pair.ours.failure is None


def test_a_reset_after_the_answer_changes_nothing(pair: Pair) -> None:
    """It says that the rest of the request is not wanted (RFC 9113, 8.1)."""
    stream = pair.begin(POST)
    pair.server.send_headers(stream.number, OK, end_stream=True)
    pair.server.reset_stream(stream.number)
    pair.answer()
    assert stream.is_whole
    assert stream.failure is None
    assert not stream.takes_more
    assert pair.ours.send(stream, memoryview(b"abc")) == 3
    pair.ours.end(stream)
    pair.ours.release(stream)
    assert pair.exchange() == []


def test_a_reset_that_was_refused_already(pair: Pair) -> None:
    """The first failure of a stream stays, and the place is given back once."""
    stream, other = pair.begin(), pair.begin()
    pair.ours.release(other)
    pair.server.send_headers(stream.number, [("x", "1")])
    pair.server.reset_stream(stream.number)
    pair.server.reset_stream(other.number)
    pair.answer()
    assert stream.failure is not None
    assert "illegal status" in stream.failure.text
    pair.ours.release(stream)
    assert pair.ours._open == 0


def test_a_reset_for_a_reason_without_a_name(pair: Pair) -> None:
    """Is a reset."""
    stream = pair.begin()
    pair.server.reset_stream(stream.number, error_code=0x99)
    pair.answer()
    assert stream.failure == Failure(
        "RemoteProtocolError", "the server reset the stream, of unknown reason"
    )


def goaway(last: int, *, number: int = 0) -> bytes:
    """Make the frame by which a server takes no stream on after the last one."""
    payload = last.to_bytes(4, "big") + bytes(4)
    return len(payload).to_bytes(3, "big") + b"\7\0" + number.to_bytes(4, "big") + payload


def refused(pair: Pair, stream: Stream) -> bytes:
    """Return what a server says that refuses one stream, after all that it has said so far."""
    pair.server.reset_stream(stream.number, h2.errors.ErrorCodes.REFUSED_STREAM)
    return pair.server.data_to_send()


def gone(pair: Pair, _stream: Stream) -> bytes:
    """Return what a server says that takes no stream on, after all that it has said so far."""
    return pair.server.data_to_send() + goaway(0)


@pytest.mark.parametrize("refuse", [refused, gone])
@pytest.mark.parametrize("status", ["200", "103"])
@pytest.mark.parametrize("is_at_once", [False, True], ids=["later", "at-once"])
def test_refused_after_the_head_is_no_refusal(
    pair: Pair, refuse: Callable[[Pair, Stream], bytes], status: str, *, is_at_once: bool
) -> None:
    """Whoever has answered, be it in advance, has taken the request on."""
    stream = pair.begin(POST)
    pair.server.send_headers(stream.number, [(":status", status)])
    if not is_at_once:
        pair.answer()
    pair.ours.receive(refuse(pair, stream))
    assert stream.is_answered
    assert stream.failure is not None
    assert stream.failure.kind == "RemoteProtocolError"
    assert not stream.takes_more


@pytest.mark.parametrize("refuse", [refused, gone])
def test_refused_before_the_head_is_a_refusal(
    pair: Pair, refuse: Callable[[Pair, Stream], bytes]
) -> None:
    """The request may be sent again, whatever it asks for (RFC 9113, 8.7)."""
    stream = pair.begin(POST)
    pair.ours.receive(refuse(pair, stream))
    assert stream.failure is not None
    assert stream.failure.kind == "ConnectError"


@pytest.mark.parametrize("is_at_once", [False, True], ids=["later", "at-once"])
def test_a_goaway_after_the_answer_changes_nothing(pair: Pair, *, is_at_once: bool) -> None:
    """Though the request is not at its end: nobody wants the rest of it."""
    stream = pair.begin(POST)
    pair.server.send_headers(stream.number, OK)
    pair.server.send_data(stream.number, b"all", end_stream=True)
    if not is_at_once:
        pair.answer()
    pair.ours.receive(gone(pair, stream))
    assert (stream.is_whole, stream.failure, pair.ours.take(stream)) == (True, None, b"all")
    assert not pair.ours.is_usable
    pair.ours.release(stream)
    [reset] = pair.exchange()
    assert (reset.stream_id, reset.error_code) == (stream.number, h2.errors.ErrorCodes.CANCEL)


@pytest.mark.parametrize(
    ("kind", "payload"), [(1, b"\x88"), (5, b"\0\0\0\2\x88")], ids=["headers", "push promise"]
)
def test_a_goaway_within_a_head_is_no_refusal(pair: Pair, kind: int, payload: bytes) -> None:
    """Nothing may stand there (RFC 9113, 6.10): the answer, or one to come, has begun."""
    stream = pair.begin()
    head = bytes([0, 0, len(payload), kind, 0]) + stream.number.to_bytes(4, "big")
    pair.ours.receive(head + payload + goaway(0))
    assert stream.failure == pair.ours.failure
    assert pair.ours.failure is not None
    assert pair.ours.failure.kind == "RemoteProtocolError"


def test_a_goaway_after_a_head_in_parts_is_one(pair: Pair) -> None:
    """Once the last part has come, other frames may follow."""
    stream, later = pair.begin(), pair.begin()
    number = stream.number.to_bytes(4, "big")
    pair.ours.receive(b"\0\0\1\1\0" + number + b"\x88" + b"\0\0\0\x09\4" + number)
    pair.ours.receive(goaway(stream.number))
    assert (stream.failure, pair.ours.failure) == (None, None)
    assert later.failure is not None
    assert later.failure.kind == "ConnectError"


def test_a_goaway_of_one_stream_is_no_refusal(pair: Pair) -> None:
    """It speaks of the connection, or breaks the rules (RFC 9113, 6.8)."""
    stream = pair.begin()
    pair.ours.receive(goaway(0, number=stream.number))
    assert stream.failure == pair.ours.failure
    assert pair.ours.failure is not None
    assert pair.ours.failure.kind == "RemoteProtocolError"


def test_the_first_failure_of_a_connection_stays(pair: Pair) -> None:
    """And what comes after it is not looked at."""
    stream, done = pair.begin(), pair.begin()
    pair.server.send_headers(done.number, OK, end_stream=True)
    pair.answer()
    pair.ours.disconnect()
    pair.ours.fail(Failure("ReadError", "later"))
    pair.ours.receive(b"no frame at all")
    assert stream.failure == pair.ours.failure
    assert pair.ours.failure is not None
    assert pair.ours.failure.kind == "RemoteProtocolError"
    assert done.failure is None
    assert not pair.ours.is_usable


def test_a_goaway_spares_what_was_taken_on(pair: Pair) -> None:
    """Byte by byte, as it may come."""
    first, second = pair.begin(), pair.begin()
    payload = first.number.to_bytes(4, "big") + bytes(4) + b"some reason of any length"
    frame = len(payload).to_bytes(3, "big") + b"\7\0\0\0\0\0" + payload
    for byte in frame * 2:
        pair.ours.receive(bytes([byte]))
    assert first.failure is None
    assert second.failure is not None
    assert second.failure.kind == "ConnectError"
    assert not pair.ours.is_usable
    pair.server.send_headers(first.number, OK, end_stream=True)
    pair.answer()
    assert first.is_whole


@pytest.mark.parametrize("size", [1, 2, 8, 9, 10, 17, 1000])
def test_all_but_the_goaways_reaches_h2(size: int) -> None:
    """However it is cut, in the order in which they stand, and with bits that say nothing."""
    ping = b"\0\0\x08\6\0\0\0\0\0" + b"12345678"
    settings = b"\0\0\0\4\0\0\0\0\0"
    goaways = [b"\0\0\x0a\7\0\x80\0\0\0" + bytes([128, 0, 0, n]) + bytes(6) for n in (3, 1)]
    data = settings + goaways[0] + ping + goaways[1] + settings
    seen: list[bytes | int] = []
    frames = GoawayFilter(seen.append, seen.append)
    for at in range(0, len(data), size):
        frames.read(data[at : at + size], 10)
    parts = [list(group) for _, group in groupby(seen, type)]
    assert parts[1] == [3]
    assert parts[3] == [1]
    rest = [b"".join(part) for part in parts[::2]]  # type: ignore[arg-type] # the others are numbers
    assert rest == [settings, ping, settings]


@pytest.mark.parametrize("length", [0, 7, 11])
def test_a_goaway_of_a_wrong_length(length: int) -> None:
    """Too short to name a stream, or longer than any frame may be."""
    seen: list[bytes | int] = []
    frames = GoawayFilter(seen.append, seen.append)
    with pytest.raises(Malformed):
        frames.read(bytes([0, 0, length, 7, 0, 0, 0, 0, 0]) + bytes(length), 10)


def test_the_window_bounds_what_is_sent(pair: Pair) -> None:
    """Of the stream and of the connection."""
    stream = pair.begin(POST)
    data = memoryview(b"x" * 100_000)
    sent = 0
    while pair.ours.can_send(stream):
        size = pair.ours.send(stream, data[sent:])
        assert 0 < size <= 16_384
        sent += size
    assert (sent, pair.ours.send(stream, data)) == (65_535, 0)

"""One HTTP/2 connection without its I/O: h2, and the streams that calls are waiting for.

What the server does wrong within a stream ends that stream, by a reset; only what leaves the
connection in doubt ends the connection. A GOAWAY is kept from h2, which would end everything at
once: streams that the server has taken on still end as they should.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import h2
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from ...http.verdicts import NOT_TAKEN_ON
from .goaway import GoawayFilter
from .h2_names import LENGTH_CHECKS
from .headers import Head, Malformed, read_answer_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from .headers import Outgoing

__all__ = ["Failure", "Protocol", "Stream"]

_LARGEST_CHUNK: Final = 64 * 1024
_LAST_STREAM: Final = 2**31 - 1
_WINDOW: Final = 2**24


class Failure(NamedTuple):
    """Why a stream, or all of them, came to nothing."""

    kind: str
    """The name of an exception of httpcore's."""
    text: str


_UNPROCESSED: Final = Failure("ConnectError", NOT_TAKEN_ON)
_BROKEN_OFF: Final = Failure("RemoteProtocolError", "the server broke its answer off by GOAWAY")
_DISCONNECTED: Final = Failure("RemoteProtocolError", "Server disconnected without an answer")


class Stream:
    """One exchange on a connection."""

    __slots__ = (
        "chunks",
        "failure",
        "head",
        "interims",
        "is_closed",
        "is_sent",
        "is_to_head",
        "is_whole",
        "missing",
        "number",
    )

    def __init__(self, number: int, *, is_to_head: bool) -> None:
        self.number: int = number
        self.is_to_head: bool = is_to_head
        self.is_sent: bool = False
        """Whether the request has been sent to its end."""
        self.head: Head | None = None
        self.interims: int = 0
        """How many 1xx answers there were."""
        self.chunks: deque[tuple[bytes, int]] = deque()
        """What has come of the body, each with its size in the flow control."""
        self.missing: int | None = None
        """Bytes of the body that are yet to come, where their number is known."""
        self.is_whole: bool = False
        """Whether the answer has come to its end."""
        self.failure: Failure | None = None
        self.is_closed: bool = False
        """Whether neither side may send anything more."""

    @property
    def is_answered(self) -> bool:
        """Whether an answer has begun: then no refusal makes it unsent, whatever it says."""
        return self.head is not None or self.interims > 0

    @property
    def takes_more(self) -> bool:
        """Whether it makes sense to go on sending the body."""
        return not (self.is_closed or self.is_whole or self.failure)


class Protocol:
    """The state of a connection. None of its methods blocks, and no two may run at a time."""

    def __init__(self) -> None:
        # Answers are checked by us, for h2 would end the connection over a bad header.
        config = h2.config.H2Configuration(
            validate_inbound_headers=False, validate_outbound_headers=False
        )
        self._h2 = h2.connection.H2Connection(config=config)
        self.streams: dict[int, Stream] = {}
        """Those that somebody holds, by their number."""
        self._open = 0
        self.limit: int | None = None
        """How many streams the server allows at a time; None before it has said so."""
        self.failure: Failure | None = None
        """What ended the connection."""
        self.is_draining: bool = False
        """Whether the server takes no more streams on."""
        self._frames = GoawayFilter(self._on_goaway, self._on_rest)
        self._reactions: dict[type[object], Callable[[Any], None]] = {
            h2.events.ResponseReceived: self._on_head,
            h2.events.InformationalResponseReceived: self._on_interim,
            h2.events.DataReceived: self._on_data,
            h2.events.StreamEnded: self._on_end,
            h2.events.StreamReset: self._on_reset,
            h2.events.RemoteSettingsChanged: self._on_settings,
        }
        self._begin()

    def _begin(self) -> None:
        """Open the connection with the same bytes as httpcore."""
        codes = h2.settings.SettingCodes
        settings = h2.settings.Settings(
            client=True,
            initial_values={
                codes.ENABLE_PUSH: 0,
                codes.MAX_CONCURRENT_STREAMS: 100,
                codes.MAX_HEADER_LIST_SIZE: 65_536,
            },
        )
        del settings[codes.ENABLE_CONNECT_PROTOCOL]
        self._h2.local_settings = settings
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(_WINDOW)

    @property
    def is_usable(self) -> bool:
        """Whether another stream may be begun, now or later."""
        is_over = self.failure is not None or self.is_draining
        return not is_over and self._h2.highest_outbound_stream_id < _LAST_STREAM

    @property
    def has_place(self) -> bool:
        """Whether another stream may be begun now: only one before the server's limit is known."""
        return self._open < (1 if self.limit is None else self.limit)

    def output(self) -> bytes:
        """Return what is to be sent, once."""
        return self._h2.data_to_send()

    def begin(self, head: Outgoing, *, is_to_head: bool) -> Stream:
        """Begin a stream with the head of a request."""
        number = self._h2.get_next_available_stream_id()
        self._h2.send_headers(number, head.headers, end_stream=not head.has_body)
        self._h2.increment_flow_control_window(_WINDOW, stream_id=number)
        stream = Stream(number, is_to_head=is_to_head)
        stream.is_sent = not head.has_body
        below: Any = self._h2.streams[number]
        for name in LENGTH_CHECKS:
            setattr(below, name, _check_nothing)
        self.streams[number] = stream
        self._open += 1
        return stream

    def can_send(self, stream: Stream) -> bool:
        """Whether the flow control allows some of a body, or nothing more is to be sent."""
        return not stream.takes_more or self._h2.local_flow_control_window(stream.number) > 0

    def send(self, stream: Stream, data: memoryview) -> int:
        """Send as much of some data as the flow control allows, and return how much that is."""
        if not stream.takes_more:
            return len(data)
        window = self._h2.local_flow_control_window(stream.number)
        size = max(0, min(len(data), window, self._h2.max_outbound_frame_size, _LARGEST_CHUNK))
        if size:
            self._h2.send_data(stream.number, bytes(data[:size]))
        return size

    def end(self, stream: Stream) -> None:
        """Tell the server that the request is whole."""
        if stream.takes_more:
            self._h2.end_stream(stream.number)
            stream.is_sent = True

    def take(self, stream: Stream) -> bytes | None:
        """Return what has come of the body, once, and let the server send as much again."""
        if not stream.chunks:
            return None
        data, credit = stream.chunks.popleft()
        self._give_back(stream, credit)
        return data

    def release(self, stream: Stream) -> None:
        """Free a stream: reset it where it is not over, and give back what was not read of it."""
        self.streams.pop(stream.number, None)
        while self.take(stream) is not None:
            pass
        if not stream.is_closed:
            self._reset(stream, h2.errors.ErrorCodes.CANCEL)

    def fail(self, failure: Failure) -> None:
        """End the connection, and with it every stream."""
        if self.failure is None:
            self.failure = failure
        for stream in self.streams.values():
            self._close(stream)
            if not stream.is_whole and stream.failure is None:
                stream.failure = self.failure

    def disconnect(self) -> None:
        """Fail all streams: the server has ended the connection."""
        self.fail(_DISCONNECTED)

    def receive(self, data: bytes) -> None:
        """Process what the server has sent."""
        if self.failure is not None:
            return
        try:
            self._frames.read(data, self._h2.max_inbound_frame_size)
        except Exception:  # noqa: BLE001 - h2's, hpack's, hyperframe's: the server is to blame
            self.fail(Failure("RemoteProtocolError", "the server breaks the rules of HTTP/2"))

    def _on_rest(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            react = self._reactions.get(type(event))
            if react is not None:
                react(event)

    def _on_goaway(self, last: int) -> None:
        self.is_draining = True
        for stream in self.streams.values():
            if stream.number > last and not (stream.is_closed or stream.is_whole):
                self._reset(stream, h2.errors.ErrorCodes.CANCEL)
                stream.failure = _BROKEN_OFF if stream.is_answered else _UNPROCESSED

    def _on_head(self, event: h2.events.ResponseReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.failure is not None:
            return
        head = self._read_head(stream, event)
        if head is not None:
            stream.head = head
            stream.missing = head.length

    def _on_interim(self, event: h2.events.InformationalResponseReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is not None and self._read_head(stream, event) is not None:
            stream.interims += 1

    def _read_head(
        self,
        stream: Stream,
        event: h2.events.ResponseReceived | h2.events.InformationalResponseReceived,
    ) -> Head | None:
        try:
            return read_answer_head(event.headers, is_to_head=stream.is_to_head)
        except Malformed as error:
            self._refuse(stream, str(error))
            return None

    def _on_data(self, event: h2.events.DataReceived) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.is_closed:
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            return
        if not event.data:  # nothing but padding, of which there may be any number
            self._give_back(stream, event.flow_controlled_length)
            return
        stream.chunks.append((event.data, event.flow_controlled_length))
        if stream.missing is not None:
            stream.missing -= len(event.data)
            if stream.missing < 0:
                self._refuse(stream, "the body is longer than its Content-Length")

    def _on_end(self, event: h2.events.StreamEnded) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.failure is not None:
            return
        if stream.missing:
            self._refuse(stream, "the body is shorter than its Content-Length")
            return
        stream.is_whole = True
        if stream.is_sent:
            self._close(stream)

    def _on_reset(self, event: h2.events.StreamReset) -> None:
        stream = self.streams.get(event.stream_id)
        if stream is None or stream.is_closed:
            return
        self._close(stream)
        if stream.is_whole or stream.failure is not None:
            return
        if event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM and not stream.is_answered:
            stream.failure = _UNPROCESSED
            return
        name = getattr(event.error_code, "name", "of unknown reason")
        stream.failure = Failure("RemoteProtocolError", f"the server reset the stream, {name}")

    def _on_settings(self, _event: object) -> None:
        limit = self._h2.remote_settings.max_concurrent_streams
        self.limit = min(limit, self._h2.local_settings.max_concurrent_streams)

    def _refuse(self, stream: Stream, text: str) -> None:
        """End a stream whose answer is wrong."""
        if not stream.is_closed:
            self._reset(stream, h2.errors.ErrorCodes.PROTOCOL_ERROR)
        stream.failure = Failure("RemoteProtocolError", f"the server breaks the protocol, {text}")

    def _reset(self, stream: Stream, code: h2.errors.ErrorCodes) -> None:
        self._close(stream)
        with suppress(h2.exceptions.ProtocolError):  # h2 knows already that it is over
            self._h2.reset_stream(stream.number, error_code=code)

    def _close(self, stream: Stream) -> None:
        if not stream.is_closed:
            stream.is_closed = True
            self._open -= 1

    def _give_back(self, stream: Stream, credit: int) -> None:
        if credit and self.failure is None:
            self._h2.acknowledge_received_data(credit, stream.number)


def _check_nothing(*_arguments: object) -> None:
    """Stand in for h2's checks of a length."""

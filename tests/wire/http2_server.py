"""The server's side of HTTP/2, for scripts: it sees what a call does, and says what it likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

from tests.wire.conftest import make_server_tls
from tests.wire.scripted_server import CHUNK

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from tests.wire.scripted_server import Connection, Script

    PeerScript = Callable[["Peer"], None]

__all__ = ["Exchange", "Peer", "agreed_on_http2", "over_http2", "over_http2_in_the_clear"]


@dataclass(eq=False)
class Exchange:
    """One stream, as the server sees it."""

    number: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    is_whole: bool = False
    is_answered: bool = False
    """Whether an answer has been begun."""
    reset: int | None = None
    """The code with which the client has reset it."""

    @property
    def target(self) -> str:
        """The path that is asked for."""
        return dict(self.headers)[":path"]


@dataclass(eq=False)
class Peer:
    """A connection to a client, in the hands of its script.

    Attributes:
        connection: The one below.
        settings: What the server begins with.
    """

    connection: Connection
    settings: dict[h2.settings.SettingCodes, int] = field(default_factory=dict)
    exchanges: dict[int, Exchange] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say the first word."""
        config = h2.config.H2Configuration(
            client_side=False,
            header_encoding="latin-1",
            validate_inbound_headers=False,
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config=config)
        self.h2.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100, **self.settings},
        )
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        """Send what h2 has to say."""
        self.connection.send(self.h2.data_to_send())

    def pump(self) -> None:
        """Read once; EOFError where the client has left."""
        data = self.connection.sock.recv(CHUNK)
        if not data:
            raise EOFError
        for event in self.h2.receive_data(data):
            self._note(event)
        self.flush()

    def _note(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                headers = [(str(name), str(value)) for name, value in event.headers]
                exchange = Exchange(event.stream_id, headers)
                self.exchanges[event.stream_id] = exchange
            case h2.events.DataReceived():
                self.exchanges[event.stream_id].body += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self.exchanges[event.stream_id].is_whole = True
            case h2.events.StreamReset():
                self.exchanges[event.stream_id].reset = int(event.error_code)
            case _:
                pass

    def until(self, condition: Callable[[], object]) -> None:
        """Read until something holds."""
        while not condition():
            self.pump()

    def stream(self, index: int) -> Exchange:
        """Return the nth exchange, once its head is there."""
        self.until(lambda: len(self.exchanges) > index)
        return list(self.exchanges.values())[index]

    def request(self, index: int) -> Exchange:
        """Return the nth exchange, once the request is whole."""
        exchange = self.stream(index)
        self.until(lambda: exchange.is_whole or exchange.reset is not None)
        return exchange

    def head(
        self, exchange: Exchange, status: str = "200", *headers: tuple[str, str], end: bool = False
    ) -> None:
        """Send the head of an answer, whatever it is."""
        exchange.is_answered = True
        self.h2.send_headers(exchange.number, [(":status", status), *headers], end_stream=end)
        self.flush()

    def data(self, exchange: Exchange, data: bytes, *, end: bool = False) -> None:
        """Send a bit of a body, which is small."""
        self.h2.send_data(exchange.number, data, end_stream=end)
        self.flush()

    def answer(self, exchange: Exchange, body: bytes = b"ok", status: str = "200") -> None:
        """Send a whole answer, as the flow control allows."""
        self.head(exchange, status, ("content-length", str(len(body))), end=not body)
        while body:
            self.until(lambda: self._window(exchange) or exchange.reset is not None)
            if exchange.reset is not None:
                return
            size = min(self._window(exchange), self.h2.max_outbound_frame_size)
            self.data(exchange, body[:size], end=size >= len(body))
            body = body[size:]

    def _window(self, exchange: Exchange) -> int:
        return (
            0 if exchange.reset is not None else self.h2.local_flow_control_window(exchange.number)
        )

    def reset(self, exchange: Exchange, code: h2.errors.ErrorCodes) -> None:
        """Reset a stream."""
        self.h2.reset_stream(exchange.number, error_code=code)
        self.flush()

    def goaway(self, last: int, code: int = 0) -> None:
        """Take no more streams on; h2 itself would say no more after this."""
        payload = last.to_bytes(4, "big") + code.to_bytes(4, "big")
        self.frame(7, payload)

    def frame(self, kind: int, payload: bytes, number: int = 0, flags: int = 0) -> None:
        """Send a frame as it is."""
        head = len(payload).to_bytes(3, "big") + bytes([kind, flags])
        self.connection.send(head + number.to_bytes(4, "big") + payload)

    def stall(self) -> None:
        """Read, and say nothing of its own accord, until the client has left."""
        self.until(lambda: False)

    def serve(self) -> None:
        """Answer each request with its target, but for those that ask for something else."""
        while True:
            for exchange in list(self.exchanges.values()):
                if exchange.is_whole and exchange.reset is None and not exchange.is_answered:
                    self._serve(exchange)
            self.pump()

    def _serve(self, exchange: Exchange) -> None:
        match exchange.target:
            case "/stall":
                pass
            case "/half":
                self.head(exchange, "200", ("content-length", "1000"))
                self.data(exchange, b"x")
            case "/large":
                self.answer(exchange, b"x" * 300_000)
            case "/busy":
                self.answer(exchange, b"busy", "503")
            case "/":
                self.answer(exchange)
            case target:
                self.answer(exchange, target.encode() + exchange.body)


def over_http2(script: PeerScript, **settings: int) -> Script:
    """Shake hands, agree on HTTP/2, and go on with the script."""
    codes = h2.settings.SettingCodes

    return agreed_on_http2(
        lambda connection: script(
            Peer(connection, {codes[name]: value for name, value in settings.items()})
        )
    )


def agreed_on_http2(script: Script) -> Script:
    """Shake hands, agree on HTTP/2, and leave the first word to the script."""

    def secures(connection: Connection) -> None:
        connection.secure(_tls())
        script(connection)

    return secures


def over_http2_in_the_clear(script: PeerScript, **settings: int) -> Script:
    """Speak HTTP/2 from the first byte on."""
    codes = h2.settings.SettingCodes

    def speaks(connection: Connection) -> None:
        script(Peer(connection, {codes[name]: value for name, value in settings.items()}))

    return speaks


@cache
def _tls() -> ssl.SSLContext:
    context = make_server_tls()
    context.set_alpn_protocols(["h2"])
    return context

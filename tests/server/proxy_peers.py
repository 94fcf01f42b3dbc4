"""Both ends of a wire proxy: services to stand in front of, and a client that sees every byte."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING, Literal, Self

from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripted_server import head

if TYPE_CHECKING:
    from server.testing import WireProxy
    from tests.wire.scripted_server import Connection

SILENCE_SECONDS = 0.05
BODY = b"0123456789"
HEAD = head(200, content_length=str(len(BODY)))
LINE = HEAD[: HEAD.index(b"\n") + 1]
ANSWER = HEAD + BODY
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n"


def answering(connection: Connection) -> None:
    """Answer every request with `ANSWER`."""
    while True:
        connection.read_request()
        connection.send(ANSWER)


def echoing(connection: Connection) -> None:
    """Send back all there is, and then its end."""
    while data := connection.sock.recv(65_536):
        connection.send(data)


class Client:
    """One connection through a proxy."""

    def __init__(self, proxy: WireProxy) -> None:
        self.sock = socket.create_connection((proxy.host, proxy.port), timeout=PATIENCE_SECONDS)

    def ask(self, request: bytes = REQUEST) -> Self:
        """Send a request."""
        self.sock.sendall(request)
        return self

    def read(self, size: int) -> bytes:
        """Read so many bytes; fewer where the connection ends."""
        data = b""
        while len(data) < size and (more := self.sock.recv(size - len(data))):
            data += more
        return data

    def read_all(self) -> tuple[bytes, Literal["fin", "rst"]]:
        """Read to the end, and tell which end it was."""
        data = bytearray()
        try:
            while more := self.sock.recv(65_536):
                data += more
        except ConnectionResetError:
            return bytes(data), "rst"
        return bytes(data), "fin"

    def hears_nothing(self) -> bool:
        """Whether nothing has arrived, and nothing does for a little while."""
        self.sock.settimeout(SILENCE_SECONDS)
        try:
            return self.sock.recv(1) is None
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(PATIENCE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()


def get(proxy: WireProxy) -> tuple[bytes, Literal["fin", "rst"]] | Literal["refused"]:
    """Make one request on a connection of its own, and tell what came of it."""
    try:
        with Client(proxy) as client:
            client.ask()
            with contextlib.suppress(OSError):  # it is reset already
                client.sock.shutdown(socket.SHUT_WR)
            return client.read_all()
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return b"", "rst"

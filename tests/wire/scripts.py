"""What servers do to a connection in more than one test."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from tests.wire.scripted_server import head

if TYPE_CHECKING:
    from tests.wire.scripted_server import Connection, Script

LARGE = b"x" * 8_000_000
"""More than the buffers of two sockets take."""
BOMB = gzip.compress(b"\0" * 5_000_000)
"""A small body that grows a thousandfold."""


def healthy(connection: Connection) -> None:
    """Answer every request with 200 and "ok"."""
    while True:
        connection.read_request()
        connection.answer(body=b"ok")


def echoes(connection: Connection) -> None:
    """Answer each request with its target, but for two."""
    while True:
        match connection.read_request().target:
            case "/large":
                connection.answer(body=LARGE[:300_000])
            case "/stall":
                connection.stall()
            case target:
                connection.answer(body=target.encode())


def after_an_answer(script: Script) -> Script:
    """Answer one request before the script begins, so that the connection stands by then."""

    def warmed(connection: Connection) -> None:
        connection.read_request()
        connection.answer(body=b"ok")
        script(connection)

    return warmed


def stalls_before_the_head(connection: Connection) -> None:
    """Read the request and say nothing."""
    connection.read_request()
    connection.stall()


def drips_the_head(connection: Connection) -> None:
    """Answer a byte at a time, each well within the read timeout."""
    connection.read_request()
    connection.drip(head(content_length="2") * 100)


def stalls_in_the_body(connection: Connection) -> None:
    """Announce a body and send some of it."""
    connection.read_request()
    connection.send(head(content_length="1000") + b"x")
    connection.stall()


def closes_in_the_body(connection: Connection) -> None:
    """Close before the announced length is reached."""
    connection.read_request()
    connection.send(head(content_length="1000") + b"x" * 10)


def resets_in_the_body(connection: Connection) -> None:
    """Cut the connection before the announced length is reached."""
    connection.read_request()
    connection.send(head(content_length="1000") + b"x" * 10)
    connection.reset()


def forgets_the_last_chunk(connection: Connection) -> None:
    """Close where another chunk, or the end, should come."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked") + b"5\r\nhello\r\n")


def garbles_a_chunk(connection: Connection) -> None:
    """Send a chunk whose length is no number."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked") + b"zz\r\nhello\r\n")
    connection.stall()


def lies_about_the_encoding(connection: Connection) -> None:
    """Send as gzip what is none."""
    connection.read_request()
    connection.answer(body=b"no such thing", content_encoding="gzip", connection="close")
    connection.stall()


def explodes(connection: Connection) -> None:
    """Send a small body that grows large."""
    connection.read_request()
    connection.answer(body=BOMB, content_encoding="gzip", connection="close")
    connection.stall()


def drips_the_body(connection: Connection) -> None:
    """Send a body a byte at a time."""
    connection.read_request()
    connection.send(head(content_length="1000"))
    connection.drip(b"x" * 1000)


def drips_chunks(connection: Connection) -> None:
    """Send a body of unknown length a byte at a time."""
    connection.read_request()
    connection.send(head(transfer_encoding="chunked"))
    connection.drip(b"1\r\nx\r\n" * 200)


def reads_nothing(connection: Connection) -> None:
    """Let the request fill the buffers."""
    connection.ignore()


def reads_slowly(connection: Connection) -> None:
    """Take a little of the request now and then, so that no single write takes long."""
    while not connection.stopping.wait(0.02):
        connection.sock.recv(4096)


def serves(connection: Connection) -> None:
    """Answer as the target of each request asks."""
    while True:
        match connection.read_request().target:
            case "/last":
                connection.answer(body=b"ok", connection="close")
                return
            case "/large":
                connection.answer(body=LARGE[:300_000])
            case "/busy":
                connection.answer(503, b"busy")
            case "/drip":
                connection.send(head(content_length="1000"))
                connection.drip(b"x" * 1000)
            case "/stall":
                connection.stall()
            case _:
                connection.answer(body=b"ok")

"""The body of the answer breaks, or is not what it says it is."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

from client import APINetworkError, APITimeoutError, ResponseError
from client.circuit import Outcome
from tests.wire.catalogue.faults import SHORT_READ, Fault, each
from tests.wire.scripted_server import head
from tests.wire.scripts import stalls_in_the_body

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.scripted_server import Connection

BOMB = gzip.compress(b"\0" * 5_000_000)


def closes_half_way(connection: Connection) -> None:
    """Close before the announced length is reached."""
    connection.read_request()
    connection.send(head(content_length="1000") + b"x" * 10)


def resets_half_way(connection: Connection) -> None:
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
    connection.answer(body=b"no such thing", content_encoding="gzip")
    connection.stall()


def explodes(connection: Connection) -> None:
    """Send a small body that grows a thousandfold."""
    connection.read_request()
    connection.answer(body=BOMB, content_encoding="gzip")
    connection.stall()


FAULTS = [
    Fault("body cut short by FIN", APINetworkError, closes_half_way, is_retried=True),
    Fault("body cut short by RST", APINetworkError, resets_half_way, is_retried=True),
    Fault(
        "silence in the body",
        APITimeoutError,
        stalls_in_the_body,
        is_retried=True,
        options=SHORT_READ,
    ),
    Fault("chunks without an end", APINetworkError, forgets_the_last_chunk, is_retried=True),
    Fault("chunk without a length", APINetworkError, garbles_a_chunk, is_retried=True),
    Fault("bad gzip", ResponseError, lies_about_the_encoding, counts=Outcome.IGNORED),
    Fault(
        "decompression bomb, under `max_body_bytes`",
        ResponseError,
        explodes,
        counts=Outcome.IGNORED,
        config={"max_body_bytes": 100_000},
    ),
    Fault(
        "FIN after a stream's first byte",
        APINetworkError,
        closes_half_way,
        received=b"x" * 10,
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """A broken body is a failure of its attempt, as long as the caller holds no byte of it."""
    await meet(fault)

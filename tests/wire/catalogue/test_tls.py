"""The handshake goes wrong: nothing was sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import APINetworkError, APITimeoutError, TLSVerificationError
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.faults import SHORT_CONNECT, Fault, each, secured
from tests.wire.scripts import healthy

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.scripted_server import Connection


def stalls(connection: Connection) -> None:
    """Take the client's hello, and say nothing."""
    connection.stall()


def closes(connection: Connection) -> None:
    """Take the client's hello, and close (FIN)."""
    connection.sock.recv(65_536)


def resets(connection: Connection) -> None:
    """Take the client's hello, and cut the connection (RST)."""
    connection.sock.recv(65_536)
    connection.reset()


def speaks_in_the_clear(connection: Connection) -> None:
    """Answer as a server of plain HTTP does."""
    connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
    connection.stall()


FAULTS = [
    Fault(
        "certificate for another host",
        TLSVerificationError,
        secured(healthy),
        is_https=True,
        is_sent=False,
        counts=CircuitOutcome.IGNORED,
        options={"extensions": {"sni_hostname": "other.invalid"}},
    ),
    Fault(
        "silence in the handshake",
        APITimeoutError,
        stalls,
        is_https=True,
        is_retried=True,
        is_sent=False,
        options=SHORT_CONNECT,
    ),
    Fault(
        "FIN in the handshake",
        APINetworkError,
        closes,
        is_https=True,
        is_retried=True,
        is_sent=False,
    ),
    Fault(
        "RST in the handshake",
        APINetworkError,
        resets,
        is_https=True,
        is_retried=True,
        is_sent=False,
    ),
    Fault(
        "plain text in place of a handshake",
        APINetworkError,
        speaks_in_the_clear,
        is_https=True,
        is_retried=True,
        is_sent=False,
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """Trust does not come by trying again, everything else may."""
    await meet(fault)

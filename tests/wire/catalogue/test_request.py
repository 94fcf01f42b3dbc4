"""The request goes out, and does not arrive whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import APINetworkError, APITimeoutError, UnexpectedStatusError
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.faults import SHORT_WRITE, Fault, each
from tests.wire.scripts import LARGE, reads_nothing

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.scripted_server import Connection


def resets_half_way(connection: Connection) -> None:
    """Take some of the upload, and cut the connection."""
    connection.sock.recv(1000)
    connection.reset()


def refuses_early(connection: Connection) -> None:
    """Answer when the head is there, and throw away what follows it."""
    connection.sock.recv(1000)
    connection.answer(413, b"too large", connection="close")
    connection.stall()


FAULTS = [
    Fault(
        "reset in the middle of an upload",
        APINetworkError,
        resets_half_way,
        is_retried=True,
        method="POST",
        options={"content": LARGE},
    ),
    Fault(
        "peer that never reads",
        APITimeoutError,
        reads_nothing,
        is_retried=True,
        method="POST",
        options={"content": LARGE, **SHORT_WRITE},
    ),
    Fault(
        "413 before the upload is over",
        UnexpectedStatusError,
        refuses_early,
        counts=CircuitOutcome.SUCCESS,
        method="POST",
        options={"content": LARGE},
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """It may have been sent, and says so."""
    await meet(fault)

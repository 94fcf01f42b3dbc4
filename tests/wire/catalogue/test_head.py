"""The head of the answer is not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client import (
    APINetworkError,
    APITimeoutError,
    DeadlineExceededError,
    ServiceUnavailableError,
    UnexpectedStatusError,
)
from client.strategies.circuit.circuit import CircuitOutcome
from tests.wire.catalogue.faults import SHORT_READ, Fault, each
from tests.wire.scripted_server import head
from tests.wire.scripts import stalls_before_the_head

if TYPE_CHECKING:
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.scripted_server import Connection


def says_nothing(connection: Connection) -> None:
    """Close in place of an answer."""
    connection.read_request()


def resets(connection: Connection) -> None:
    """Cut the connection in place of an answer."""
    connection.read_request()
    connection.reset()


def sends_half_a_head(connection: Connection) -> None:
    """Close within a header."""
    connection.read_request()
    connection.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def answers_999(connection: Connection) -> None:
    """Answer with a status that there is not."""
    connection.read_request()
    connection.answer(999, connection="close")


def is_unavailable(connection: Connection) -> None:
    """Answer with a 503."""
    connection.read_request()
    connection.answer(503, connection="close")


def never_stops_announcing(connection: Connection) -> None:
    """Send one informational answer after the other."""
    connection.read_request()
    while not connection.stopping.wait(0.001):
        connection.send(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")


def never_stops_the_head(connection: Connection) -> None:
    """Send one header after the other."""
    connection.read_request()
    connection.send(head()[:-2])
    while True:
        connection.send(b"X-More: and more\r\n" * 100)


FAULTS = [
    Fault("FIN in place of an answer", APINetworkError, says_nothing, is_retried=True),
    Fault("RST in place of an answer", APINetworkError, resets, is_retried=True),
    Fault(
        "silence in place of an answer",
        APITimeoutError,
        stalls_before_the_head,
        is_retried=True,
        options=SHORT_READ,
    ),
    Fault("half a head, then FIN", APINetworkError, sends_half_a_head, is_retried=True),
    Fault("status 503", ServiceUnavailableError, is_unavailable, is_retried=True),
    Fault("status 999", UnexpectedStatusError, answers_999, counts=CircuitOutcome.SUCCESS),
    Fault(
        "endless 1xx answers, under a deadline",
        DeadlineExceededError,
        never_stops_announcing,
        options={"deadline": 0.12},
    ),
    Fault("endless head", APINetworkError, never_stops_the_head, is_retried=True),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """An answer that cannot be understood is no answer."""
    await meet(fault)

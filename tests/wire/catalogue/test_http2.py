"""What only HTTP/2 can do wrong, and what it does in its own way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h2.errors
import pytest

from client import APINetworkError, APITimeoutError, DeadlineExceededError
from tests.wire.catalogue.conftest import TWINS, params
from tests.wire.catalogue.faults import SHORT_READ, SHORT_WRITE, Fault, each
from tests.wire.http2_server import over_http2

if TYPE_CHECKING:
    from client import MyAPIError
    from tests.wire.catalogue.conftest import Meet
    from tests.wire.http2_server import Exchange, Peer, PeerScript
    from tests.wire.twins import Twin

CODES = h2.errors.ErrorCodes


@pytest.fixture(params=params(aiohttp=False))
def twin(request: pytest.FixtureRequest) -> Twin:
    """One of the four that speak it."""
    return TWINS[request.param]()


def once(script: PeerScript) -> PeerScript:
    """Let no second request come over the connection."""

    def announces_the_end(peer: Peer) -> None:
        peer.goaway(1)
        script(peer)

    return announces_the_end


def refuses(peer: Peer) -> None:
    """Reset the stream as one that was not looked at."""
    peer.reset(peer.request(0), CODES.REFUSED_STREAM)
    peer.stall()


def takes_nothing_on(peer: Peer) -> None:
    """Go away without having looked at any request."""
    peer.request(0)
    peer.goaway(0)
    peer.stall()


def resets(peer: Peer) -> None:
    """Reset the stream in place of an answer."""
    peer.reset(peer.request(0), CODES.INTERNAL_ERROR)
    peer.stall()


def begins_an_answer(peer: Peer) -> Exchange:
    """Send the head of an answer and some of its body."""
    exchange = peer.request(0)
    peer.head(exchange, "200", ("content-length", "1000"))
    peer.data(exchange, b"x" * 10)
    return exchange


def resets_in_the_body(peer: Peer) -> None:
    """Reset the stream within the answer."""
    peer.reset(begins_an_answer(peer), CODES.INTERNAL_ERROR)
    peer.stall()


def ends_early(peer: Peer) -> None:
    """End the body before the announced length is reached."""
    peer.data(begins_an_answer(peer), b"", end=True)
    peer.stall()


def closes_in_the_body(peer: Peer) -> None:
    """Close the connection within the answer."""
    begins_an_answer(peer)


def stalls_in_the_body(peer: Peer) -> None:
    """Say nothing more within the answer."""
    begins_an_answer(peer)
    peer.stall()


def closes(peer: Peer) -> None:
    """Close the connection in place of an answer."""
    peer.request(0)


def cuts(peer: Peer) -> None:
    """Cut the connection in place of an answer."""
    peer.request(0)
    peer.connection.reset()


def stalls(peer: Peer) -> None:
    """Say nothing in place of an answer."""
    peer.stall()


def opens_no_window(peer: Peer) -> None:
    """Take what the first window allows of a body, and no more."""
    peer.connection.ignore()


def smuggles(peer: Peer) -> None:
    """Put a header into the value of another."""
    peer.head(peer.request(0), "200", ("x-a", "v\r\nx-evil: 1"), end=True)
    peer.stall()


def has_no_status(peer: Peer) -> None:
    """Answer with a status that is no number."""
    peer.head(peer.request(0), "abc", end=True)
    peer.stall()


def sends_no_frame(peer: Peer) -> None:
    """Answer as a server of HTTP/1.1 does."""
    peer.request(0)
    peer.connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.stall()


def never_stops_pinging(peer: Peer) -> None:
    """Ask whether the client is there, again and again."""
    peer.request(0)
    while not peer.connection.stopping.is_set():
        peer.connection.send(b"\0\0\x08\x06\0\0\0\0\0" + b"12345678")


def fault(
    name: str, raises: type[MyAPIError], script: PeerScript, *, is_retried: bool = True, **more: Any
) -> Fault:
    """Make a row."""
    return Fault(
        f"HTTP/2: {name}",
        raises,
        over_http2(once(script)),
        is_https=True,
        is_retried=is_retried,
        config={"http2": True},
        **more,
    )


FAULTS = [
    fault("stream refused", APINetworkError, refuses, is_sent=False),
    fault("GOAWAY for the request", APINetworkError, takes_nothing_on, is_sent=False),
    fault("stream reset", APINetworkError, resets),
    fault("stream reset in the body", APINetworkError, resets_in_the_body),
    fault("body shorter than announced", APINetworkError, ends_early),
    fault("body cut short by FIN", APINetworkError, closes_in_the_body),
    fault("silence in the body", APITimeoutError, stalls_in_the_body, options=SHORT_READ),
    fault("FIN in place of an answer", APINetworkError, closes),
    fault("RST in place of an answer", APINetworkError, cuts),
    fault("silence in place of an answer", APITimeoutError, stalls, options=SHORT_READ),
    fault(
        "window that never opens",
        APITimeoutError,
        opens_no_window,
        method="POST",
        options={**SHORT_WRITE, "content": b"x" * 100_000},
    ),
    fault("CR LF in a header", APINetworkError, smuggles),
    fault("status that is no number", APINetworkError, has_no_status),
    fault("HTTP/1.1 in place of an answer", APINetworkError, sends_no_frame),
    fault(
        "endless PINGs, under a deadline",
        DeadlineExceededError,
        never_stops_pinging,
        is_retried=False,
        options={"deadline": 0.2},
    ),
]


@each(FAULTS)
async def test_fault(meet: Meet, fault: Fault) -> None:
    """As over HTTP/1.1; what was not taken on was not sent."""
    await meet(fault)

"""The server that the benchmarks call: HTTP/1.1 over real sockets."""

from __future__ import annotations

import http.client
import json
import socket
from typing import TYPE_CHECKING

import pytest

from benchmarks.speed.null_transport import BODY
from benchmarks.speed.target_process import Target, TargetError
from tests.eventually import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

GET = b"GET %s HTTP/1.1\r\nHost: target\r\n\r\n"


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """Start it once."""
    with Target() as started:
        yield started


@pytest.fixture
def connection(target: Target) -> Iterator[socket.socket]:
    """Connect to it, with nothing counted yet."""
    target.take_requests()
    with socket.create_connection(("127.0.0.1", target.port)) as connected:
        connected.settimeout(PATIENCE_SECONDS)
        yield connected


def answer(connection: socket.socket, method: str = "GET") -> tuple[int, bytes]:
    """Read one answer, as the standard library does."""
    response = http.client.HTTPResponse(connection, method=method)
    response.begin()
    return response.status, response.read()


def is_closed(connection: socket.socket) -> bool:
    """Tell whether the server hung up."""
    return connection.recv(1) == b""


def test_an_item_is_a_kibibyte_of_json(connection: socket.socket) -> None:
    """And the connection is kept."""
    for _ in range(3):
        connection.sendall(GET % b"/item")
        status, body = answer(connection)
        assert (status, len(body)) == (200, 1024)
        assert body == BODY
        assert json.loads(body)["id"] == 1


def test_a_request_in_pieces_is_answered_when_it_is_whole(connection: socket.socket) -> None:
    """Not before, and once."""
    for byte in GET % b"/item":
        connection.sendall(bytes([byte]))
    assert answer(connection)[0] == 200
    connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
    with pytest.raises(BlockingIOError):
        connection.recv(1)


def test_pipelined_requests_are_answered_in_their_order(
    target: Target, connection: socket.socket
) -> None:
    """Also where the second comes in two pieces."""
    whole = GET % b"/share/100" + GET % b"/item" + GET % b"/nowhere"
    connection.sendall(whole[:60])
    connection.sendall(whole[60:])
    with connection.makefile("rb") as received:
        statuses = [read_one(received) for _ in range(3)]
    assert statuses == [503, 200, 404]
    assert target.take_requests() == {"/share/100": 1, "/item": 1, "/nowhere": 1}


def read_one(received: object) -> int:
    """Read one of several answers that came at once."""
    readline, read = received.readline, received.read  # type: ignore[attr-defined] # a file
    status = int(readline().split()[1])
    length = 0
    while line := readline().strip():
        name, value = line.lower().split(b":")
        length = int(value) if name == b"content-length" else length
    assert len(read(length)) == length
    return status


def test_a_body_belongs_to_its_request(connection: socket.socket) -> None:
    """It is no request of its own, even where it looks like one."""
    body = GET % b"/share/100"
    head = b"POST /item HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head)
    connection.sendall(body)
    assert answer(connection)[0] == 200
    connection.sendall(GET % b"/share/100")
    assert answer(connection)[0] == 503


def test_head_is_answered_without_a_body(connection: socket.socket) -> None:
    """What follows is the next answer."""
    connection.sendall(b"HEAD /item HTTP/1.1\r\n\r\n")
    assert answer(connection, "HEAD") == (200, b"")
    connection.sendall(GET % b"/item")
    assert answer(connection)[0] == 200


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /item HTTP/1.1\r\nConnection: close\r\n\r\n", 200),
        (b"GET /item HTTP/1.0\r\n\r\n", 200),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /item HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST /item HTTP/1.1\r\nContent-Length: +1\r\n\r\n", 400),
        (b"x" * 70_000, 400),
        (b"POST /item HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
    ],
)
def test_it_hangs_up_where_the_connection_cannot_go_on(
    connection: socket.socket, request_: bytes, status: int
) -> None:
    """After an answer that says why."""
    connection.sendall(request_)
    assert answer(connection)[0] == status
    assert is_closed(connection)


@pytest.mark.parametrize(("share", "fewest", "most"), [(0, 0, 0), (10, 5, 40), (100, 200, 200)])
def test_a_share_of_the_answers_is_503(
    connection: socket.socket, share: int, fewest: int, most: int
) -> None:
    """None, all, or about as many as was asked for."""
    failed = 0
    for _ in range(200):
        connection.sendall(GET % f"/share/{share}".encode())
        failed += answer(connection)[0] == 503
    assert fewest <= failed <= most


def test_requests_are_counted_by_their_path_until_they_are_asked_for(
    target: Target, connection: socket.socket
) -> None:
    """A query tells callers apart and changes nothing else; asking is not counted."""
    for path in (b"/share/0?by=1", b"/share/0?by=2", b"/share/0?by=1"):
        connection.sendall(GET % path)
        assert answer(connection)[0] == 200
    assert target.take_requests() == {"/share/0?by=1": 2, "/share/0?by=2": 1}
    assert target.take_requests() == {}


def test_it_ends_with_the_block() -> None:
    """No process and no port is left."""
    with Target() as target:
        port = target.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def test_a_server_that_does_not_start_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here one that says something else, and ends."""
    monkeypatch.setattr("benchmarks.speed.target_process.ANNOUNCEMENT", "never said")
    with pytest.raises(TargetError, match="does not start"), Target():
        pass

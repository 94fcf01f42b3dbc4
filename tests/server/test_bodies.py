"""Bodies that are too long, too slow, or never finished."""

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from server.app import create_app
from server.controls.failure_server import RemoteServer
from server.limits import Limits
from tests.eventually import eventually
from tests.server.conftest import open_call

LIMIT = 1_000


@pytest.fixture
def server(serve: Callable[[FastAPI], RemoteServer]) -> RemoteServer:
    """A server with little patience and little room."""
    return serve(create_app(limits=Limits(body_bytes=LIMIT, body_seconds=0.05)))


@pytest.fixture
def caller(server: RemoteServer) -> Iterator[httpx.Client]:
    """A plain client of `server`, which calls by one id."""
    headers = {"X-Request-ID": "a"}
    with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
        yield client


def in_chunks(size: int) -> Iterator[bytes]:
    """A body whose length is not known beforehand."""
    yield from (b"x" * 100 for _ in range(size // 100))


def connect(server: RemoteServer, head: str) -> socket.socket:
    """Open a connection and send no more than a request's head."""
    return open_call(f"{server.url}/msg", head=f"{head}\r\n")


def answer_on(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
def test_a_body_at_the_limit_is_taken(caller: httpx.Client, *, chunked: bool) -> None:
    """The bound itself is within bounds."""
    content = in_chunks(LIMIT) if chunked else b"x" * LIMIT
    answer = caller.post("/msg", content=content)
    assert (answer.status_code, answer.json()["body_bytes"]) == (200, LIMIT)


@pytest.mark.parametrize("chunked", [False, True], ids=["whole", "chunked"])
@pytest.mark.parametrize("size", [LIMIT + 100, 2 * LIMIT], ids=["a bit", "twice"])
def test_a_body_beyond_the_limit_is_refused(
    caller: httpx.Client, server: RemoteServer, size: int, *, chunked: bool
) -> None:
    """It has arrived, but has no effect; a client that sends it all first can read why."""
    response = caller.post("/msg", content=in_chunks(size) if chunked else b"x" * size)
    entry = server.ledger().requests["a"]
    assert response.status_code == 413
    assert f"larger than {LIMIT} bytes" in response.json()["detail"]
    assert response.headers["connection"] == "close"
    assert (entry.arrived, entry.took_effect, entry.statuses) == (1, 0, (413,))


def test_a_body_that_declares_itself_too_long_is_not_awaited(server: RemoteServer) -> None:
    """Not a byte of it."""
    answer = answer_on(connect(server, "Content-Length: 99999999999"))
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_without_end_is_not_read_to_its_end(server: RemoteServer) -> None:
    """The answer comes while it is still being sent, and no more of it is read."""
    connection = connect(server, "Transfer-Encoding: chunked")
    connection.sendall(b"%x\r\n%s\r\n" % (2 * LIMIT + 1, b"x" * (2 * LIMIT + 1)))
    assert answer_on(connection).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_drips_is_cut_off(server: RemoteServer) -> None:
    """A caller cannot hold the server by being slow."""
    connection = connect(server, "Content-Length: 10")
    connection.sendall(b"drip")
    answer = answer_on(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"longer than 0.05 s" in answer


def test_a_caller_that_leaves_inside_its_body_has_no_effect(
    serve: Callable[[FastAPI], RemoteServer],
) -> None:
    """It arrived and is gone, and what was due to fail has not been used up."""
    server = serve(create_app())
    server.fail_count(1)
    connection = connect(server, "Content-Length: 10")
    connection.sendall(b"half")
    eventually(lambda: "a" in server.ledger().requests)
    connection.close()
    eventually(lambda: server.ledger().requests["a"].abandoned == 1)
    entry = server.ledger().requests["a"]
    assert (entry.arrived, entry.took_effect, entry.statuses) == (1, 0, ())
    assert server.faults()["count"] is not None

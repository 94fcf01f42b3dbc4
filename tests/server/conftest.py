"""Running servers, and the calls made to them."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI

from server.controls import RemoteServer
from server.listening import listen
from server.testing import FailureServer
from server.thread_host import ThreadHost
from tests.eventually import PATIENCE_SECONDS


def open_call(url: str, request_id: str = "a", *, head: str = "") -> socket.socket:
    """Send a POST by hand, to leave it as it is for as long as one likes.

    Args:
        url: Where to.
        request_id: Its id.
        head: Further lines of the request's head; without any, the request is complete.
    """
    parts = httpx.URL(url)
    assert parts.port
    connection = socket.create_connection((parts.host, parts.port), timeout=PATIENCE_SECONDS)
    first = f"POST {parts.raw_path.decode()} HTTP/1.1\r\nHost: {parts.host}\r\n"
    connection.sendall(f"{first}X-Request-ID: {request_id}\r\n{head}\r\n".encode())
    return connection


@pytest.fixture(scope="session")
def _session_server() -> Iterator[FailureServer]:
    with FailureServer() as server:
        yield server


@pytest.fixture
def server(_session_server: FailureServer) -> FailureServer:
    """A running server, as new."""
    _session_server.clear()
    return _session_server


@pytest.fixture(scope="session")
def _session_caller(_session_server: FailureServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=_session_server.url, trust_env=False) as client:
        yield client


@pytest.fixture
def caller(server: FailureServer, _session_caller: httpx.Client) -> httpx.Client:
    """A plain client of `server`."""
    return _session_caller


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that each call should wait for, and need not."""
    seconds_of_calls: list[float] = []

    async def note(_: object, seconds: float) -> None:
        seconds_of_calls.append(seconds)

    monkeypatch.setattr("server.routes.msg.hold_back", note)
    return seconds_of_calls


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], RemoteServer]]:
    """Serve an app of the test's own, for as long as the test lasts."""
    with ExitStack() as hosts:

        def start(app: FastAPI) -> RemoteServer:
            listener = listen("127.0.0.1", 0)
            host = ThreadHost(app, listener)
            host.start()
            hosts.callback(host.stop)
            return RemoteServer(listener.url)

        yield start

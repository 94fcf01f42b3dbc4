"""Running servers, and the calls made to them."""

import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from fastapi import FastAPI

from server.controls.failure_server import RemoteServer
from server.testing import FailureServer
from tests.eventually import PATIENCE_SECONDS
from tests.served_apps import served_apps


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

    monkeypatch.setattr("server.calls.answering.hold_back", note)
    monkeypatch.setattr("server.calls.passing_on.hold_back", note)
    return seconds_of_calls


@pytest.fixture
def serve() -> Iterator[Callable[[FastAPI], RemoteServer]]:
    """Serve an app of the test's own, for as long as the test lasts."""
    with served_apps() as serve_app:
        yield lambda app: RemoteServer(serve_app(app))

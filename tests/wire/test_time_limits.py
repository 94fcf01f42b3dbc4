"""A signal handler that raises, as the time limits of task queues do, ends a blocking call."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from client import APINetworkError, CircuitState, Client, SyncResilientClient
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")


class TimeLimitExceeded(Exception):  # noqa: N818 - named as Celery names its own
    """An ordinary exception, of a class that nobody here knows."""


@pytest.fixture(params=[TimeLimitExceeded, RuntimeError])
def limit(request: pytest.FixtureRequest) -> Iterator[type[Exception]]:
    """What a signal handler raises, in a function that it calls."""
    kind: type[Exception] = request.param

    def end() -> None:
        raise kind

    def handler(*_signal: object) -> None:
        end()

    before = signal.signal(signal.SIGUSR1, handler)
    yield kind
    signal.signal(signal.SIGUSR1, before)


def reaches_the_limit(connection: Connection) -> None:
    """Have the signal come while the client waits for the answer."""
    connection.read_request()
    os.kill(os.getpid(), signal.SIGUSR1)
    connection.stall()


class BrokenStream:
    """Stands in for a connection of httpcore, and fails in its own way."""

    def write(self, *_: object, **__: object) -> None:
        """Fail."""
        raise TimeLimitExceeded

    def close(self) -> None:
        """Have nothing to close."""

    def get_extra_info(self, _: str) -> None:
        """Know nothing."""


class BrokenBackend:
    """Opens such connections."""

    def connect_tcp(self, *_: object, **__: object) -> BrokenStream:
        """Open one."""
        return BrokenStream()


def test_the_call_is_not_made_again(serve: Serve, limit: type[Exception]) -> None:
    """It says nothing about the server, and gives its slot back."""
    server = serve(reaches_the_limit, healthy)
    config = settings(server.url, circuit_breaker={"failure_threshold": 1})
    with SyncResilientClient(config) as client:
        with pytest.raises(limit):
            client.get("/", deadline=60)
        assert server.accepted == 1
        assert client.circuit_state is CircuitState.CLOSED
        assert client.stats().slots_in_use == 0
        assert client.get("/").text == "ok"


def test_nor_by_a_drop_in_client(serve: Serve, limit: type[Exception]) -> None:
    """Which retries reads, too."""
    server = serve(reaches_the_limit, healthy)
    with Client(base_url=server.url, backoff_factor=0) as client:
        with pytest.raises(limit):
            client.get("/")
        assert server.accepted == 1
        assert client.get("/").text == "ok"


def test_what_a_part_of_the_network_raises_is_no_signal() -> None:
    """Whatever its class: nothing interrupts a call there, and the call is made again."""
    transport = httpx.HTTPTransport()
    transport._pool._network_backend = cast("Any", BrokenBackend())
    config = settings("http://a.example", retry={"max_attempts": 2})
    with SyncResilientClient(config, transport=transport) as client:
        with pytest.raises(APINetworkError, match="2 attempts: TimeLimitExceeded"):
            client.get("/")
        assert client.stats().slots_in_use == 0

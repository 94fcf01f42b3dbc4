"""A signal handler that raises, as the time limits of task queues do, ends a blocking call."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from client import CircuitState, Client, SyncResilientClient
from tests.wire.scripts import healthy
from tests.wire.twins import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="no such signal here")


class TimeLimitExceeded(Exception):  # noqa: N818 - named as Celery names its own
    """An ordinary exception, of a class that nobody here knows."""


@pytest.fixture
def _limit() -> Iterator[None]:
    def handler(*_signal: object) -> None:
        raise TimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, handler)
    yield
    signal.signal(signal.SIGUSR1, before)


def reaches_the_limit(connection: Connection) -> None:
    """Have the signal come while the client waits for the answer."""
    connection.read_request()
    os.kill(os.getpid(), signal.SIGUSR1)
    connection.stall()


@pytest.mark.usefixtures("_limit")
def test_the_call_is_not_made_again(serve: Serve) -> None:
    """It says nothing about the server, and gives its slot back."""
    server = serve(reaches_the_limit, healthy)
    config = settings(server.url, circuit_breaker={"failure_threshold": 1})
    with SyncResilientClient(config) as client:
        with pytest.raises(TimeLimitExceeded):
            client.get("/", deadline=60)
        assert server.accepted == 1
        assert client.circuit_state is CircuitState.CLOSED
        assert client.stats().slots_in_use == 0
        assert client.get("/").text == "ok"


@pytest.mark.usefixtures("_limit")
def test_nor_by_a_drop_in_client(serve: Serve) -> None:
    """Which retries reads, too."""
    server = serve(reaches_the_limit, healthy)
    with Client(base_url=server.url, backoff_factor=0) as client:
        with pytest.raises(TimeLimitExceeded):
            client.get("/")
        assert server.accepted == 1
        assert client.get("/").text == "ok"

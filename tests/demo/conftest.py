"""Servers that are something else than they seem."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from fastapi import FastAPI

from server.listening import listen
from server.thread_host import ThreadHost

Serve = Callable[[FastAPI], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an app of the test's own for as long as the test lasts; gives its URL."""
    with ExitStack() as hosts:

        def start(app: FastAPI) -> str:
            listener = listen("127.0.0.1", 0)
            host = ThreadHost(app, listener)
            host.start()
            hosts.callback(host.stop)
            return listener.url

        yield start

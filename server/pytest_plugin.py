"""The pytest fixtures `failure_server` and `failure_server_process`.

Loaded into every pytest run where the distribution is installed, so nothing but pytest is
imported before a fixture is used.
"""

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    from server.testing import FailureServer


@pytest.fixture(scope="session")
def _failure_server_thread() -> "Generator[FailureServer]":
    with _one_for_the_session(subprocess=False) as server:
        yield server


@pytest.fixture(scope="session")
def _failure_server_subprocess() -> "Generator[FailureServer]":
    with _one_for_the_session(subprocess=True) as server:
        yield server


@pytest.fixture
def failure_server(_failure_server_thread: "FailureServer") -> "FailureServer":
    """A failure server in this process, as new: all faults off, the ledger empty.

    It is started once per session (per worker, under pytest-xdist) and shared by its tests.
    """
    return _as_new(_failure_server_thread)


@pytest.fixture
def failure_server_process(_failure_server_subprocess: "FailureServer") -> "FailureServer":
    """A failure server in a process of its own, for tests that patch clocks or asyncio.

    Otherwise like `failure_server`, and not the same server.
    """
    return _as_new(_failure_server_subprocess)


@contextmanager
def _one_for_the_session(*, subprocess: bool) -> "Generator[FailureServer]":
    from server.testing import FailureServer  # noqa: PLC0415 - only once a fixture is used

    with FailureServer(subprocess=subprocess) as server:
        yield server


def _as_new(server: "FailureServer") -> "FailureServer":
    if not server.running:  # a test has stopped it
        server.start()
    server.clear()
    return server

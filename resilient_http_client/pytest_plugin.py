"""The pytest fixtures `failure_server`, `wire_proxy`, `instant_retries`, and their likes.

Loaded into every pytest run where the distribution is installed: under a name that nobody else
has, since a project may have a `server` of its own; ours is found all the same. Nothing but pytest
is imported before a fixture is used.
"""

import importlib
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import ModuleType

    from server.testing import FailureServer, WireProxy


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


@pytest.fixture(scope="session")
def _wire_proxy_threads(_failure_server_thread: "FailureServer") -> "Generator[WireProxy]":
    with _proxy_for_the_session(_failure_server_thread, subprocess=False) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def _wire_proxy_subprocess(
    _failure_server_subprocess: "FailureServer",
) -> "Generator[WireProxy]":
    with _proxy_for_the_session(_failure_server_subprocess, subprocess=True) as proxy:
        yield proxy


@pytest.fixture
def wire_proxy(failure_server: "FailureServer", _wire_proxy_threads: "WireProxy") -> "WireProxy":
    """A wire proxy in front of `failure_server`, as new: no faults, no connections, no counts.

    Like the server it is started once per session and shared by its tests.
    """
    return _proxy_as_new(_wire_proxy_threads, failure_server)


@pytest.fixture
def wire_proxy_process(
    failure_server_process: "FailureServer", _wire_proxy_subprocess: "WireProxy"
) -> "WireProxy":
    """A wire proxy in a process of its own, in front of `failure_server_process`.

    Otherwise like `wire_proxy`, and not the same proxy.
    """
    return _proxy_as_new(_wire_proxy_subprocess, failure_server_process)


@pytest.fixture
def start_wire_proxy() -> "Generator[Callable[..., WireProxy]]":
    """Put wire proxies in front of services of the test's own, for as long as the test lasts.

    Call it with the arguments of `WireProxy`.
    """
    with ExitStack() as proxies:
        yield lambda *args, **options: proxies.enter_context(_ours().WireProxy(*args, **options))


@pytest.fixture
def instant_retries() -> "Generator[None]":
    """Let no client wait between its attempts; see `client.testing.instant_retries`."""
    with importlib.import_module("resilient_http_client.client.testing").instant_retries():
        yield


@contextmanager
def _proxy_for_the_session(server: "FailureServer", *, subprocess: bool) -> "Generator[WireProxy]":
    with _ours().WireProxy(server.url, subprocess=subprocess) as proxy:
        yield proxy


def _proxy_as_new(proxy: "WireProxy", server: "FailureServer") -> "WireProxy":
    assert proxy.upstream == server.url.removeprefix("http://")  # noqa: S101 - it keeps its port
    if not proxy.running:  # a test has stopped it
        proxy.start()
    proxy.clear()
    return proxy


@contextmanager
def _one_for_the_session(*, subprocess: bool) -> "Generator[FailureServer]":
    with _ours().FailureServer(subprocess=subprocess) as server:
        yield server


def _ours() -> "ModuleType":
    return importlib.import_module("resilient_http_client.server.testing")


def _as_new(server: "FailureServer") -> "FailureServer":
    if not server.running:  # a test has stopped it
        server.start()
    server.clear()
    return server

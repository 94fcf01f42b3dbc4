"""A server in one line of a test, in this process and in one of its own."""

import asyncio
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from server.testing import FailureServer, FailureServerError, MissingExtraError, RemoteServer
from tests.eventually import PATIENCE_SECONDS, eventually

both_kinds = pytest.mark.parametrize("subprocess", [False, True], ids=["thread", "process"])


@pytest.fixture(scope="module", params=[False, True], ids=["thread", "process"])
def shared(request: pytest.FixtureRequest) -> Iterator[FailureServer]:
    """One of each kind, as starting one takes its time."""
    with FailureServer(subprocess=request.param) as server:
        yield server


@pytest.fixture
def running(shared: FailureServer) -> FailureServer:
    """A running server, as new."""
    shared.clear()
    return shared


def get(url: str, **headers: str) -> httpx.Response:
    """Make one call, on a connection of its own."""
    return httpx.get(url, headers=headers, timeout=PATIENCE_SECONDS, trust_env=False)


def test_it_runs_for_as_long_as_its_block() -> None:
    """On a free port, and nothing is left of it afterwards."""
    before = set(threading.enumerate())
    with FailureServer() as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert get(f"{server.url}/msg").status_code == 200
        url = server.url
    assert not server.running
    assert set(threading.enumerate()) <= before
    with pytest.raises(httpx.ConnectError):
        get(f"{url}/msg")


def test_it_runs_in_an_async_block_and_is_worked_from_it() -> None:
    """The blocking calls do not keep the server from answering."""

    async def story() -> list[int]:
        async with (
            FailureServer() as server,
            httpx.AsyncClient(base_url=server.url, trust_env=False) as caller,
        ):
            server.fail_count(1)
            return [(await caller.get("/msg")).status_code for _ in range(2)]

    assert asyncio.run(story()) == [500, 200]


def test_every_fault_can_be_worked(running: FailureServer) -> None:
    """With all its options."""
    running.fail_count(3, status=503, retry_after=1.5, when="after")
    running.fail_duration(30, status=429, retry_after="soon")
    running.fail_rate(12.5, seed=7)
    running.latency(1)
    faults = running.faults()
    assert faults["duration"] is not None
    seconds_left = faults["duration"]["seconds_left"]
    assert 0 < seconds_left <= 30
    plain = {"status": 500, "retry_after": None, "when": "before"}
    assert faults == {
        "count": {"remaining": 3, "status": 503, "retry_after": "1.5", "when": "after"},
        "duration": {
            "seconds_left": seconds_left,
            "status": 429,
            "retry_after": "soon",
            "when": "before",
        },
        "rate": {"percent": 12.5, "seed": 7, **plain},
        "latency_ms": 1,
    }


def test_faults_and_ledger_are_cleared_apart(running: FailureServer) -> None:
    """`reset` keeps the ledger, `clear` keeps nothing."""
    healthy = running.faults()
    running.fail_count(2)
    get(f"{running.url}/msg")
    running.reset()
    assert running.faults() == healthy
    assert running.ledger().arrived == 1
    running.fail_count(2)
    running.clear()
    assert running.faults() == healthy
    assert running.ledger().arrived == 0


def test_the_ledger_proves_that_nothing_was_lost_or_doubled(running: FailureServer) -> None:
    """Typed, and by name."""
    running.fail_count(1)
    for _ in range(2):
        get(f"{running.url}/msg", **{"X-Request-ID": "a"})
    ledger = running.ledger()
    assert (ledger.arrived, ledger.took_effect, ledger.evicted) == (2, 1, 0)
    assert ledger.requests["a"].statuses == (500, 200)
    assert ledger.lost(["a", "b"]) == ("b",)
    assert ledger.doubled() == ()


def test_health_is_read(running: FailureServer) -> None:
    """Of the server that runs."""
    health = running.health()
    assert health["status"] == "ok"
    assert health["uptime_seconds"] > 0


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        ({"n": -1}, "n is '-1': Input should be greater than or equal to 0"),
        ({"n": 1, "status": 200}, "status is '200': .* greater than or equal to 300"),
        ({"n": 1, "when": "x", "status": 0}, "status is '0': .*; when is 'x': .*'before' or"),
    ],
)
def test_a_value_out_of_bounds_is_a_value_error(
    running: FailureServer, call: dict[str, Any], complaint: str
) -> None:
    """It says which value, and what is allowed."""
    with pytest.raises(ValueError, match=complaint):
        running.fail_count(**call)


def test_its_control_does_not_pass_through_httpx(running: FailureServer) -> None:
    """Which is what the tests that use it are wont to patch."""
    with patch.object(httpx.Client, "send"), patch.object(httpx.AsyncClient, "send"):
        running.fail_count(1)
        assert running.faults()["count"]


def test_it_can_be_worked_from_elsewhere(running: FailureServer) -> None:
    """By its URL alone."""
    elsewhere = RemoteServer(f"{running.url}/")
    assert elsewhere.url == running.url
    elsewhere.fail_count(1)
    assert running.faults()["count"]


@both_kinds
def test_stopping_is_not_held_up_by_calls_in_flight(*, subprocess: bool) -> None:
    """They lose their connection."""
    before = set(threading.enumerate())
    with ThreadPoolExecutor(5) as threads, FailureServer(subprocess=subprocess) as server:
        url = f"{server.url}/msg?delay=60000"
        calls = [threads.submit(get, url) for _ in range(5)]
        eventually(lambda: server.ledger().took_effect == 5)
        server.stop()
        errors = [call.exception(timeout=PATIENCE_SECONDS) for call in calls]
    assert all(isinstance(error, httpx.TransportError) for error in errors), errors
    assert set(threading.enumerate()) <= before


def test_stopping_twice_does_nothing() -> None:
    """Nor does stopping what never ran."""
    server = FailureServer()
    server.stop()
    server.start()
    server.stop()
    server.stop()
    assert not server.running


def test_a_stopped_server_comes_back_where_it_was() -> None:
    """To a client that has its URL; its ledger is empty."""
    server = FailureServer()
    with server:
        url = server.url
        get(f"{url}/msg")
    with server:
        assert server.url == url
        assert server.ledger().arrived == 0


@pytest.mark.parametrize("use", ["url", "port", "ledger", "reset", "health"])
def test_use_while_it_does_not_run_is_an_error(use: str) -> None:
    """Which says when it may be used."""
    server = FailureServer()
    with pytest.raises(FailureServerError, match="is not running; use it inside its with"):
        getattr(server, use)()


def test_starting_twice_is_an_error(running: FailureServer) -> None:
    """And does the running one no harm."""
    with pytest.raises(FailureServerError, match=f"runs already, at {running.url}"):
        running.start()
    assert running.health()["status"] == "ok"


@both_kinds
def test_a_port_that_is_taken_is_an_error(*, subprocess: bool) -> None:
    """Which says so, in a subprocess too, and nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = FailureServer(subprocess=subprocess, port=taken.getsockname()[1])
        with pytest.raises(FailureServerError, match="the port is in use; give another"):
            server.start()
        assert not server.running


def test_a_server_that_died_is_an_error(running: FailureServer) -> None:
    """Of the calls made to it."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FailureServerError, match=rf"no answer to GET /health .*:{port} "):
        RemoteServer(f"http://127.0.0.1:{port}").health()
    assert running.running


def test_another_server_is_an_error(running: FailureServer) -> None:
    """What answers must be a failure server."""
    elsewhere = RemoteServer(running.url)
    with pytest.raises(FailureServerError, match="POST /nowhere was answered 404"):
        elsewhere._channel().call("POST", "/nowhere")


@pytest.mark.parametrize("url", ["", "127.0.0.1:80", "https://127.0.0.1", "http:///", "http://a/b"])
def test_a_remote_server_has_an_http_url(url: str) -> None:
    """Nothing else is taken for one."""
    with pytest.raises(ValueError, match="give http://HOST:PORT"):
        RemoteServer(url)


@both_kinds
def test_without_the_extra_starting_names_its_cure(
    monkeypatch: pytest.MonkeyPatch, *, subprocess: bool
) -> None:
    """The line to type."""
    if subprocess:
        boot = "server.hosts.process_host.BOOT"
        monkeypatch.setattr(boot, f"import sys; sys.modules['uvicorn'] = None; {get_boot()}")
    else:
        monkeypatch.setitem(sys.modules, "uvicorn", None)
        monkeypatch.delitem(sys.modules, "server.hosts.thread_host")
    expected = FailureServerError if subprocess else MissingExtraError
    with pytest.raises(expected, match=r"pip install 'resilient-http-client\[server\]'"):
        FailureServer(subprocess=subprocess).start()


def get_boot() -> str:
    """What the child is started with."""
    from server.hosts.process_host import BOOT  # noqa: PLC0415 - as it is before it is patched

    return BOOT


@pytest.mark.parametrize("subprocess", [False, True])
def test_a_forked_child_leaves_the_server_alone(*, subprocess: bool) -> None:
    """It may run the end of the `with` statement that it was forked in."""
    with FailureServer(subprocess=subprocess) as server:
        child = os.fork()
        if not child:
            signal.alarm(20)  # a child that hangs would keep the test's output open
            server.stop()
            os._exit(0)
        assert os.waitpid(child, 0) == (child, 0)
        assert server.health()["status"] == "ok"

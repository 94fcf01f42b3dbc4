"""What a server runs in: how it comes up, how it goes down, and when it does neither."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from unittest.mock import AsyncMock, Mock

import pytest
from starlette.types import Receive, Scope, Send

from server.addresses.listening import listen
from server.errors import FailureServerError
from server.hosts import process_host
from server.hosts.process_host import ProcessHost
from server.hosts.thread_host import AbruptServer, ThreadHost
from server.testing import FailureServer
from tests.eventually import PATIENCE_SECONDS, eventually

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(os.name != "posix", reason="speaks of POSIX signals")


def is_gone(pid: int) -> bool:
    """Whether there is no such process, not even a dead one awaiting burial."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def nobody_listens(port: int) -> bool:
    """Whether a connection is refused; one that is reset met a listener on its way out."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionError as error:
        return isinstance(error, ConnectionRefusedError)
    return False


@posix
@pytest.mark.parametrize(
    "last_words",
    [
        "sys.stdin.read()",
        "sys.stdin.read(); time.sleep(60)",  # for good: it is killed
        "signal.raise_signal(signal.SIGSTOP)",
    ],
    ids=["willing", "deaf", "stuck"],
)
def test_a_process_is_stopped(monkeypatch: pytest.MonkeyPatch, last_words: str) -> None:
    """By force, if need be; and buried, so that no zombie remains."""
    monkeypatch.setattr(process_host, "GRACE_SECONDS", 0.2)
    announcement = "print('Failure server listening on http://127.0.0.1:1', flush=True)"
    boot = f"import signal, sys, time; {announcement}; {last_words}"
    monkeypatch.setattr(process_host, "BOOT", boot)
    host = ProcessHost(0)
    assert host.wait_for_port(timeout=PATIENCE_SECONDS) == 1
    host.stop()
    assert is_gone(host.pid)


@posix
def test_a_process_does_not_outlive_its_parent() -> None:
    """Even if the parent is killed and can do nothing about it."""
    parent = (
        "import os, signal\n"
        "from server.testing import FailureServer\n"
        "print(FailureServer(subprocess=True).start().port, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    eventually(lambda: nobody_listens(int(killed.stdout)))


@posix
def test_a_process_does_not_outlive_a_parent_that_has_forked() -> None:
    """A child of the parent's holds the pipe to the server open, and lives on."""
    parent = (
        "import os, signal, sys\n"
        "from server.testing import FailureServer\n"
        "server = FailureServer(subprocess=True).start()\n"
        "child = os.fork()\n"
        "if not child:\n"
        "    os.close(1), os.close(2)\n"
        "    signal.alarm(60)\n"
        "    signal.pause()\n"
        "print(server.port, child, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    port, child = map(int, killed.stdout.split())
    eventually(lambda: nobody_listens(port))
    assert not is_gone(child)
    os.kill(child, signal.SIGKILL)


def test_a_process_that_ends_at_once_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its status and its last words."""
    monkeypatch.setattr(process_host, "BOOT", "import sys; print('oh no'); sys.exit('alas')")
    host = ProcessHost(0)
    with pytest.raises(
        FailureServerError, match=r"(?s)ended with status 1; .*oh no.*alas|alas.*oh"
    ):
        host.wait_for_port(timeout=PATIENCE_SECONDS)
    host.stop()


def test_a_process_that_comes_up_too_late_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stopped as well."""
    monkeypatch.setattr(process_host, "BOOT", "import sys; sys.stdin.read()")
    server = FailureServer(subprocess=True, start_timeout=0.05)
    with pytest.raises(FailureServerError, match=r"(?s)not listen after 0\.05 s.*\(nothing\)"):
        server.start()
    assert not server.running


def test_a_process_that_closes_its_output_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing more to wait for."""
    monkeypatch.setattr(process_host, "GRACE_SECONDS", 0.1)
    monkeypatch.setattr(
        process_host, "BOOT", "import os, sys; os.close(1); os.close(2); sys.stdin.read()"
    )
    host = ProcessHost(0)
    with pytest.raises(FailureServerError, match="closed its output"):
        host.wait_for_port(timeout=PATIENCE_SECONDS)
    host.stop()


async def answer_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that is never called."""


def test_a_thread_that_crashes_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """To whoever waits for its end; stopping it then is harmless, and its port is free again."""
    crashes: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", crashes.append)
    ended = Mock()
    listener = listen("127.0.0.1", 0)
    host = ThreadHost(answer_nothing, listener, on_end=ended)
    monkeypatch.setattr(host._server, "serve", Mock(side_effect=OSError("no more files")))
    host.start()
    host.stop()
    ended.assert_called_once_with()
    assert [str(crash.exc_value) for crash in crashes] == ["no more files"]
    listen("127.0.0.1", listener.port).socket.close()


def test_a_thread_stopped_as_soon_as_started_stops() -> None:
    """However far it has come."""
    listener = listen("127.0.0.1", 0)
    host = ThreadHost(answer_nothing, listener)
    host.start()
    host.stop()
    listen("127.0.0.1", listener.port).socket.close()


def test_a_thread_that_cannot_be_stopped_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than a test run that hangs."""
    monkeypatch.setattr("server.hosts.loop_thread.THREAD_ENDS_SECONDS", 0.01)
    host = ThreadHost(answer_nothing, listen("127.0.0.1", 0))
    release = threading.Event()
    monkeypatch.setattr(host._server, "serve", Mock(side_effect=lambda _: release.wait()))
    host.start()
    with pytest.raises(FailureServerError, match=r"still runs 0\.01 s after stop"):
        host.stop()
    monkeypatch.setattr(threading, "excepthook", Mock())  # `serve` was no coroutine
    release.set()
    host._thread.join()


def test_connections_that_have_sent_nothing_are_cut() -> None:
    """Also those that the server has hardly accepted."""
    with FailureServer() as server, ExitStack() as connections:
        opened = [
            connections.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_SECONDS)
            )
            for _ in range(20)
        ]
        server.stop()
        for connection in opened:
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


@pytest.mark.parametrize("turns", range(4))
def test_a_connection_made_at_the_last_moment_is_cut(turns: int) -> None:
    """However far the event loop has come with accepting it."""

    async def story() -> None:
        server = AbruptServer(answer_nothing)
        listening = listen("127.0.0.1", 0).socket
        serving = asyncio.create_task(server.serve([listening]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0)
        with socket.create_connection(listening.getsockname()) as connection:
            connection.settimeout(PATIENCE_SECONDS)
            for _ in range(turns):
                await asyncio.sleep(0)
            await server.shutdown()
            with suppress(ConnectionResetError):
                assert await asyncio.to_thread(connection.recv, 1) == b""
        server.ending.set()
        await serving

    asyncio.run(story())


def test_a_test_may_patch_the_sleep_of_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many do, to be spared the waits of what they test: the server needs none."""
    monkeypatch.setattr(asyncio, "sleep", AsyncMock())
    with FailureServer() as server:
        assert server.health()["status"] == "ok"


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1"), ("localhost", "http://localhost")]
)
def test_a_listener_knows_its_url(host: str, url: str) -> None:
    """By the name it was asked for."""
    listener = listen(host, 0)
    with listener.socket:
        assert listener.url == f"{url}:{listener.port}"
        assert listener.is_loopback

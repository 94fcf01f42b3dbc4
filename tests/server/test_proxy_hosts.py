"""How the wire proxy comes up and goes down: threads, processes, the command line."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import AsyncMock

import pytest

from server.main import main
from server.proxy.process import ANNOUNCEMENT
from server.testing import (
    BadUpstreamError,
    FailureServerError,
    MissingExtraError,
    RemoteProxy,
    WireProxy,
)
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.server.proxy_peers import ANSWER, Client, answering, get
from tests.wire.conftest import open_sockets
from tests.wire.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from server.proxy.fault_models import FaultName
    from server.proxy.proxy_host import ProxyHost

ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:1"
posix = pytest.mark.skipif(os.name != "posix", reason="speaks of POSIX signals")


@pytest.mark.parametrize("fault", [None, "stall", "drip", "refuse"])
def test_it_closes_cleanly(fault: FaultName | None) -> None:
    """No thread and no socket is left, whatever is under way; its clients are reset."""
    with ScriptedServer(answering) as server:
        sockets, threads = open_sockets(), threading.active_count()
        with WireProxy(server.url) as proxy:
            clients = [Client(proxy) for _ in range(10)]
            for client in clients[:5]:
                assert client.ask().read(len(ANSWER)) == ANSWER
            if fault is not None:
                proxy.fault(fault)
            for client in clients[:5]:
                client.ask()
            eventually(lambda: proxy.statistics().accepted == 10)
        for client in clients:
            assert client.read_all()[1] == "rst"
            client.sock.close()
        eventually(lambda: threading.active_count() == threads)
        eventually(lambda: open_sockets() <= sockets)


def test_it_is_started_again_where_it_was() -> None:
    """As new, on the same ports."""
    with ScriptedServer(answering) as server:
        proxy = WireProxy(server.url)
        ports: list[tuple[int, str]] = []
        for _ in range(2):
            with proxy:
                assert get(proxy) == (ANSWER, "fin")
                assert proxy.statistics().accepted == 1
                ports.append((proxy.port, proxy.control_url))
            assert not proxy.running
        assert ports[0] == ports[1]


def test_it_runs_in_an_async_test() -> None:
    """Also one that patches the sleep of asyncio: it does not use it."""

    async def story(url: str) -> None:
        async with WireProxy(url) as proxy:
            proxy.fault("latency", ms=1)
            assert await asyncio.to_thread(get, proxy) == (ANSWER, "fin")

    with ScriptedServer(answering) as server, pytest.MonkeyPatch.context() as patches:
        patches.setattr(asyncio, "sleep", AsyncMock(side_effect=AssertionError))
        asyncio.run(story(server.url))


def test_it_runs_in_a_process_of_its_own() -> None:
    """With the same methods, and the same chance."""
    with ScriptedServer(answering) as server:
        runs: list[list[object]] = []
        for in_process in (False, True):
            with WireProxy(server.url, subprocess=in_process, seed=3) as proxy:
                proxy.fault("reset", percent=50)
                runs.append([get(proxy) for _ in range(20)])
        assert runs[0] == runs[1]
        assert len(set(runs[0])) == 2


def test_misuse_is_explained() -> None:
    """Started twice, or used while it does not run."""
    proxy = WireProxy(NOWHERE)
    with pytest.raises(FailureServerError, match="not running; use it inside its with statement"):
        _ = proxy.port
    with proxy, pytest.raises(FailureServerError, match=f"runs already, at {proxy.url}"):
        proxy.start()
    proxy.stop()


def test_without_the_extra_starting_names_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line to type."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    cure = r"^the wire proxy needs 'uvicorn'.* pip install 'resilient-http-client\[server\]'$"
    with pytest.raises(MissingExtraError, match=cure):
        WireProxy(NOWHERE).start()


def test_a_control_port_in_use_is_explained() -> None:
    """And the other port is given up."""
    sockets = open_sockets()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(FailureServerError, match=f"127.0.0.1:{port}: the port is in use"):
            WireProxy(NOWHERE, control_port=port).start()
    assert open_sockets() == sockets


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("[::1]:443", "[::1]:443"),
        ("http://127.0.0.1:8000", "127.0.0.1:8000"),
        ("https://127.0.0.1/", "127.0.0.1:443"),
    ],
)
def test_an_upstream_is_a_host_and_a_port(given: str, name: str) -> None:
    """Or the URL of one."""
    assert WireProxy(given).upstream == name


@pytest.mark.parametrize(
    "given",
    [
        *("", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:x"),
        *("ftp://127.0.0.1:21", "http://127.0.0.1:80/path", "user@127.0.0.1:80", "[::1:80"),
    ],
)
def test_a_bad_upstream_is_explained(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In Python and on the command line, where it is a misuse."""
    with pytest.raises(BadUpstreamError, match=rf"{re.escape(repr(given))} is not a TCP service"):
        WireProxy(given)
    assert main(["proxy", "--upstream", given]) == 2
    assert "give HOST:PORT" in capsys.readouterr().err


def test_an_upstream_without_an_address_is_explained() -> None:
    """By its name."""
    with pytest.raises(BadUpstreamError, match=r"'no\.such\.invalid:80' has no address"):
        WireProxy("no.such.invalid:80")


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_the_command_line(number: signal.Signals) -> None:
    """One line says where everything is; a signal ends it in good order, without a word."""
    with ScriptedServer(answering) as server:
        command = [sys.executable, "-m", "server.main", "proxy", "--upstream", server.url]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout
                line = process.stdout.readline()
                announced = ANNOUNCEMENT.search(line.rstrip())
                assert announced, line
                assert f"for 127.0.0.1:{server.port}," in line
                remote = RemoteProxy(f"http://127.0.0.1:{announced[2]}")
                remote.fault("stall")
                with socket.create_connection(("127.0.0.1", int(announced[1]))) as client:
                    client.sendall(b"GET / HTTP/1.1\r\n\r\n")
                    process.send_signal(number)
                    assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
                assert process.returncode == 0
            finally:
                process.kill()


@pytest.mark.parametrize("argument", ["--seed=-1", "--seed=x", "--control-port=65536"])
def test_a_bad_argument_is_a_misuse(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The error says what was given and what is allowed."""
    with pytest.raises(SystemExit) as exit_:
        main(["proxy", "--upstream", NOWHERE, argument])
    assert exit_.value.code == 2
    assert "give a whole number from 0 to" in capsys.readouterr().err


def test_beyond_loopback_it_warns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control API stays on this machine all the same."""

    def run(host: ProxyHost, _: object, *, announce: object) -> int:
        host._proxy._listener.socket.close()
        host._control._listener.socket.close()
        assert callable(announce)
        announce()
        return 0

    monkeypatch.setattr("server.program.serving.run", run)
    assert main(["proxy", "--upstream", NOWHERE, "--host", "0.0.0.0"]) == 0  # noqa: S104 - nothing is served
    printed = capsys.readouterr()
    assert "on 0.0.0.0:" in printed.out
    assert "control API on http://127.0.0.1:" in printed.out
    assert printed.err.startswith("WARNING: 0.0.0.0 is not a loopback address.")
    assert f"is connected to {NOWHERE}" in printed.err


def test_it_outlives_a_shortage_of_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who knocks meanwhile is let in afterwards."""
    monkeypatch.setattr("server.proxy.wire.port.PAUSE_SECONDS", 0.001)
    accept, failures = socket.socket.accept, iter([24, 24])

    with ScriptedServer(answering) as server, WireProxy(server.url) as proxy:
        short = proxy.port  # asked for now: the server's thread accepts until after the proxy's end

        def fail_at_first(listening: socket.socket) -> tuple[socket.socket, object]:
            if listening.getsockname()[1] == short and (number := next(failures, None)):
                raise OSError(number, "Too many open files")
            return accept(listening)

        monkeypatch.setattr(socket.socket, "accept", fail_at_first)
        assert get(proxy) == (ANSWER, "fin")
        assert next(failures, None) is None

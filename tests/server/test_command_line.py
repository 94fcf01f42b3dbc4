"""`python -m server.main`, as it is typed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from uvicorn.importer import import_from_string

import server.main
from server.addresses.listening import Listener
from server.controls.failure_server import RemoteServer
from server.main import main
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.process_groups import process_group
from tests.server.conftest import open_call

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]
LINE = "Failure server listening on "
posix = pytest.mark.skipif(os.name != "posix", reason="speaks of POSIX signals")
COMMAND = [sys.executable, "-m", "server.main", "serve"]


def typed(*arguments: str, cwd: Path = ROOT) -> AbstractContextManager[subprocess.Popen[str]]:
    """Run the command line."""
    return process_group([*COMMAND, *arguments], cwd)


def announced_url(process: subprocess.Popen[str]) -> str:
    """The URL in the one line that is printed."""
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith(LINE), line
    return line.removeprefix(LINE).rstrip()


def health(url: str) -> str:
    """What the server there says of its health; it may take a while to come up."""
    try:
        answer = httpx.get(f"{url}/health", timeout=PATIENCE_SECONDS, trust_env=False)
        return str(answer.json()["status"])
    except httpx.TransportError:
        return "cut off"


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_it_serves_until_a_signal(number: signal.Signals) -> None:
    """It ends in good order and without a word, whatever is in flight."""
    with typed("--port", "0") as process:
        url = announced_url(process)
        with open_call(f"{url}/msg?delay=60000"):
            eventually(lambda: RemoteServer(url).ledger().took_effect == 1)
            process.send_signal(number)
            assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")
        assert process.returncode == 0


@posix
def test_with_reload_the_server_does_not_outlive_the_reloader() -> None:
    """Even if the reloader is killed and can do nothing about it."""
    with typed("--port", "0", "--reload") as process:
        assert health(announced_url(process)) == "ok"
        process.kill()
        assert process.communicate(timeout=PATIENCE_SECONDS) == ("", "")


@posix
def test_with_reload_a_change_is_served(tmp_path: Path) -> None:
    """At the same URL, until Ctrl-C in a terminal, which both processes hear, ends it."""
    shutil.copytree(ROOT / "server", tmp_path / "server")
    route = tmp_path / "server" / "routes" / "health.py"
    with typed("--port", "0", "--reload", cwd=tmp_path) as process:
        url = announced_url(process)
        assert health(url) == "ok"
        route.write_text(route.read_text().replace('"ok"', '"changed"'))
        eventually(lambda: health(url) == "changed")
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        assert "health.py" in errors
        assert "Traceback" not in errors
        assert process.returncode == 0


def test_app_and_create_app_are_made_when_asked_for() -> None:
    """One app, and as many others as one likes."""
    assert isinstance(import_from_string("server.main:app"), FastAPI)
    assert server.main.app is server.main.app
    assert server.main.create_app() is not server.main.create_app()
    with pytest.raises(AttributeError, match=r"'server\.main' has no attribute 'apps'"):
        _ = server.main.apps


def test_beyond_loopback_it_warns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loudly, and obeys."""
    allowed: list[str] = []

    def serve(
        listener: Listener,
        _: object,
        *,
        announce: Callable[[], None],
        allow_hosts: list[str],
        app: object,
    ) -> int:
        assert app is None
        announce()
        listener.socket.close()
        allowed.extend(allow_hosts)
        return 0

    monkeypatch.setattr("server.program.serving.serve", serve)
    arguments = ["--host", "0.0.0.0", "--port", "0", "--allow-host", "A.example", "--allow-host=b"]  # noqa: S104 - nothing is served
    assert main(["serve", *arguments]) == 0
    assert allowed == ["a.example", "b"]
    printed = capsys.readouterr()
    url = printed.out.removeprefix(LINE).rstrip()
    assert url.startswith("http://0.0.0.0:")
    assert printed.err.startswith("WARNING: 0.0.0.0 is not a loopback address.")
    assert url in printed.err


@pytest.mark.parametrize("port", ["-1", "65536", "x", "", "1_0", "٨", "8" * 5_000])
def test_a_bad_port_is_a_misuse(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The error says what was given and what is allowed."""
    with pytest.raises(SystemExit) as exit_:
        main(["serve", f"--port={port}"])
    assert exit_.value.code == 2
    errors = capsys.readouterr().err
    assert f"{port!r} is not a port; give a whole number from 0 to 65535" in errors


@pytest.mark.parametrize("host", ["", "192.0.2.1", "a..b", "no such host"])
def test_a_bad_host_is_a_misuse(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Not least an empty one, which would mean every interface."""
    assert main(["serve", "--host", host, "--port", "0"]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith(f"error: cannot listen on host {host!r}")
    assert "such as 127.0.0.1" in errors


def test_a_port_in_use_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which, and how to go on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"error: cannot listen on 127.0.0.1:{port}: the port is in use; "
        "give another one, or 0 for any that is free\n"
    )


def test_a_port_that_is_not_ours_to_take_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error repeats the system's reason."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    assert main(["serve", "--port", "80"]) == 1
    assert "the port is not available (Permission denied)" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("serve", "the failure server"),
        ("proxy --upstream 127.0.0.1:1 --control-port 0", "the wire proxy"),
    ],
    ids=["serve", "proxy"],
)
def test_without_the_extra_the_error_names_its_cure(
    command: str,
    what: str,
    missing: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What needs it, and the line to type."""
    for module in [name for name in sys.modules if name.startswith("server.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, missing, None)
    assert main([*command.split(), "--port", "0"]) == 1
    errors = capsys.readouterr().err
    assert f"{what} needs '{missing}', which is not installed" in errors
    assert "pip install 'resilient-http-client[server]'" in errors


def test_help_needs_no_extra() -> None:
    """It can be read before anything is installed."""
    boot = (
        "import sys; sys.modules.update(fastapi=None, uvicorn=None); "
        "from server.main import main; main(['serve', '--help'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", boot], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert {"--stop-on-eof", "--stop-with", "--allow-host"} <= set(result.stdout.split())


def test_a_command_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is served by mistake."""
    with pytest.raises(SystemExit) as exit_:
        main([])
    assert exit_.value.code == 2
    assert "required: COMMAND" in capsys.readouterr().err

"""The fixtures that the distribution brings, used by a test run of their own."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

ROOT = Path(__file__).parents[2]
PLUGIN = "resilient_http_client.pytest_plugin"

WITH_SERVERS = """
from urllib.request import urlopen

import pytest


def use(server):
    assert server.ledger().arrived == 0
    assert server.faults()["count"] is None
    assert server.faults()["latency_ms"] == 0
    assert urlopen(server.url + "/msg").status == 200
    server.fail_count(5)
    server.latency(5)


@pytest.mark.parametrize("turn", [1, 2])
def test_as_new(failure_server, turn):
    use(failure_server)


@pytest.mark.parametrize("turn", [1, 2])
def test_as_new_in_a_process(failure_server_process, turn):
    use(failure_server_process)


def test_nothing_waits(instant_retries, failure_server):
    from client import Client

    failure_server.fail_count(2, status=503)
    with Client(backoff_factor=3600, max_retries=2) as client:
        assert client.get(failure_server.url + "/msg").status_code == 200


def test_stopped_by_a_test(failure_server):
    failure_server.stop()


def test_back_again(failure_server, failure_server_process):
    use(failure_server)
    use(failure_server_process)
    assert failure_server.port != failure_server_process.port
"""


WITH_PROXIES = """
from urllib.request import urlopen

import pytest


def use(proxy, server):
    assert proxy.statistics().accepted == 0
    assert proxy.faults() == []
    assert urlopen(proxy.url + "/msg").status == 200
    assert server.ledger().arrived == 1
    proxy.fault("reset")


@pytest.mark.parametrize("turn", [1, 2])
def test_as_new(wire_proxy, failure_server, turn):
    use(wire_proxy, failure_server)


def test_as_new_in_a_process(wire_proxy_process, failure_server_process):
    use(wire_proxy_process, failure_server_process)


def test_stopped_by_a_test(wire_proxy):
    wire_proxy.stop()


def test_back_again(wire_proxy, failure_server):
    use(wire_proxy, failure_server)


def test_of_ones_own(start_wire_proxy, failure_server):
    use(start_wire_proxy(failure_server.url, seed=4), failure_server)
"""


def test_every_test_finds_them_as_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the test before it left, one that it has stopped included."""
    (tmp_path / "test_with_servers.py").write_text(WITH_SERVERS)
    (tmp_path / "test_with_proxies.py").write_text(WITH_PROXIES)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugin may be installed
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", PLUGIN),
            *("--rootdir", os.fspath(tmp_path)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "13 passed" in result.stdout, result.stdout + result.stderr


def test_a_project_may_have_a_client_and_a_server_of_its_own(tmp_path: Path) -> None:
    """Its tests run with the distribution installed, and have the fixtures all the same."""
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "__init__.py").write_text("MINE = True\n")
    (tmp_path / "server.py").write_text("MINE = True\n")
    (tmp_path / "test_mine.py").write_text(
        "import client, server\n\n\n"
        "def test_mine():\n    assert client.MINE and server.MINE\n\n\n"
        "def test_theirs(failure_server):\n    assert failure_server.ledger().arrived == 0\n"
    )
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "--rootdir", os.fspath(tmp_path)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in result.stdout, result.stdout + result.stderr


def test_the_distribution_brings_it() -> None:
    """By an entry point, so that nobody has to name it."""
    (found,) = [each for each in entry_points(group="pytest11") if each.value == PLUGIN]
    assert found.dist is not None
    assert found.dist.name == "resilient-http-client"

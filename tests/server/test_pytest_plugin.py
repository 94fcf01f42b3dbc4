"""The fixtures that the distribution brings, used by a test run of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

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


@pytest.mark.parametrize("tests", [WITH_SERVERS, WITH_PROXIES], ids=["servers", "proxies"])
def test_every_test_finds_them_as_new(
    tests: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the test before it left, one that it has stopped included."""
    (tmp_path / "test_with_the_fixtures.py").write_text(tests)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the plugin may be installed
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "server.pytest_plugin"),
            *("--rootdir", os.fspath(tmp_path)),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "6 passed" in result.stdout, result.stdout + result.stderr

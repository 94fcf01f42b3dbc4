"""What works with each extra alone, and what names the extra that it lacks.

The wheel is unpacked into a folder that Python searches before the clone. Of what is installed, a
program sees no more than an environment with that extra would have.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import requires
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import pytest
from packaging.requirements import Requirement

from tests.deploy.test_workflows import UV_VERSION
from tests.docs.reading import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.any_python

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
IMPORTED = {"prometheus-client": "prometheus_client", "opentelemetry-api": "opentelemetry"}
# What the extras name themselves.
PACKAGES = {
    IMPORTED.get(requirement.name, requirement.name)
    for requirement in map(Requirement, chain.from_iterable(EXTRAS.values()))
} - {"httpx", PROJECT["name"]}


class Use(NamedTuple):
    """What an extra is for: a program that needs it, and that is told which one it lacks."""

    program: str
    extra: str


SERVED = """
from server.testing import FailureServer
with FailureServer() as server:
    server.fail_count(1)
    assert client.get(f"{server.url}/msg", backoff_factor=0).status_code == 200
"""
BROKEN = """
from server.testing import WireProxy
with WireProxy("127.0.0.1:1") as proxy:
    assert proxy.statistics().accepted == 0
"""
SECOND = """
import client.httpx2
import httpx2
answer = httpx2.MockTransport(lambda request: httpx2.Response(200))
with client.httpx2.Client(transport=answer) as second:
    assert isinstance(second.get("http://a.example/"), httpx2.Response)
"""
BY_AIOHTTP = """
import asyncio
async def main():
    config = client.ClientConfig(backend="aiohttp")
    async with client.ResilientClient(config):
        await client.AiohttpTransport().aclose()
asyncio.run(main())
"""
COUNTED = """
metrics = client.PrometheusMetrics()
with client.Client(transport=answering, telemetry=[metrics]) as counted:
    counted.get("http://a.example/")
assert "resilient_http_operation_duration_seconds_count" in metrics.text()
"""
TRACED = """
telemetry = [client.OpenTelemetryMetrics(), client.OpenTelemetryTracing()]
with client.Client(transport=answering, telemetry=telemetry) as traced:
    traced.get("http://a.example/")
"""
SENT = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
    agent.bind(("127.0.0.1", 0))
    agent.settimeout(60)
    sink = client.StatsD(port=agent.getsockname()[1])
    with client.Client(transport=answering, telemetry=[sink]) as counted:
        counted.get("http://a.example/")
    assert agent.recv(65536)
"""
PROTOCOL = "client.SyncResilientClient(client.ClientConfig(http2=True)).close()"
USES = {
    "failure server": Use(SERVED, "server"),
    "wire proxy": Use(BROKEN, "server"),
    "http2": Use(PROTOCOL, "http2"),
    "httpx2": Use(SECOND, "httpx2"),
    "aiohttp": Use(BY_AIOHTTP, "fast"),
    "prometheus": Use(COUNTED, "prometheus"),
    "opentelemetry": Use(TRACED, "opentelemetry"),
    "statsd": Use(SENT, "statsd"),
}
BEGINNING = """
import httpx
import client
answering = httpx.MockTransport(lambda request: httpx.Response(200))
"""
COMMANDS = {
    "client demo --plain": "demo",
    "client dashboard --url http://127.0.0.1:1/resilience --port 0": "server",
    "server.main serve --port 0": "server",
    "server.main proxy --upstream 127.0.0.1:1 --port 0": "server",
}
HELPS = ["client", "client demo", "client dashboard", "client watch", "client config check"]
HELPS += ["server.main", "server.main serve", "server.main proxy"]
each_use = pytest.mark.parametrize("use", USES.values(), ids=list(USES))
each_command = pytest.mark.parametrize(("command", "extra"), COMMANDS.items(), ids=list(COMMANDS))


def packages_of(extra: str) -> set[str]:
    """What an extra brings of all extras' packages, by the names that are imported."""
    return {IMPORTED.get(each, each) for each in brought(PROJECT["name"], extra)} & PACKAGES


def brought(distribution: str, extra: str) -> set[str]:
    """Names of distributions that come with an extra, and with what it needs."""
    found: set[str] = set()
    for requirement in map(Requirement, requires(distribution) or ()):
        marker = requirement.marker
        if marker is None and extra and distribution == PROJECT["name"]:
            continue  # comes without it, too
        if marker is None or marker.evaluate({"extra": extra}):
            found.add(requirement.name)
            for each in requirement.extras or {""}:
                found |= brought(requirement.name, each)
    return found


def run(site: Path, extra: str | None, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the wheel, and with the packages of one extra at most."""
    hidden = PACKAGES - (packages_of(extra) if extra else set())
    boot = f"import sys; sys.modules.update(dict.fromkeys({sorted(hidden)}))\n{program}"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", boot],
        cwd=site.parent,  # not the clone, which would be searched first
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


def as_module(command: str) -> str:
    """What `python -m` and a command does."""
    module, *arguments = command.split()
    name = f"{module}.__main__" if module == "client" else module
    told = [command, *arguments]
    return f"import runpy; sys.argv = {told}; runpy.run_module({name!r}, run_name='__main__')"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is as the one in which the wheel is installed.

    What builds it comes from where `./dev` has put it.
    """
    uv = ROOT / ".dev" / f"uv-{UV_VERSION}" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("no uv of ./dev: the wheel is untested")
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [uv, "build", "--wheel", "--quiet", "--python", sys.executable, "--out-dir", folder],
        cwd=ROOT,
        env={
            **os.environ,
            "UV_CACHE_DIR": str(ROOT / ".dev" / "cache"),
            "UV_OFFLINE": "true",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [wheel] = folder.glob("*.whl")
    shutil.unpack_archive(wheel, folder / "site", "zip")
    return folder / "site"


@each_use
def test_an_extra_alone_is_enough(use: Use, site: Path) -> None:
    """Whatever it promises works without the packages of any other."""
    done = run(site, use.extra, BEGINNING + use.program)
    assert done.returncode == 0, done.stderr


@each_use
def test_without_its_extra_it_names_the_cure(use: Use, site: Path) -> None:
    """An ImportError, with the line to type; what needs no package works."""
    done = run(site, None, BEGINNING + use.program)
    if packages_of(use.extra):
        last = done.stderr.strip().splitlines()[-1]
        assert "Error: " in last
        assert f"pip install 'resilient-http-client[{use.extra}]'" in last
    else:
        assert done.returncode == 0, done.stderr


@each_command
def test_a_command_without_its_extra_names_the_cure(command: str, extra: str, site: Path) -> None:
    """And no traceback, and nothing before it."""
    done = run(site, None, as_module(command))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(f"pip install 'resilient-http-client[{extra}]'\n")


@pytest.mark.parametrize("command", HELPS)
def test_help_needs_no_extra(command: str, site: Path) -> None:
    """It can be read before anything is chosen."""
    done = run(site, None, as_module(f"{command} --help"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ")


def test_what_runs_is_the_wheel(site: Path) -> None:
    """Else these tests would say nothing."""
    program = "import client, server, resilient_http_client.client as own; print(client.__file__)"
    done = run(site, None, program + "; print(own is client)")
    assert done.stdout.splitlines() == [str(site / "client" / "__init__.py"), "True"]

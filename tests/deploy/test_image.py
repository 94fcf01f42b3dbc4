"""The image and what brings it up, as far as that can be known without an engine.

The steps of the Dockerfile are done in an empty folder, and what would run in each container runs
there.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.deploy.dockerfile import Stage, stages
from tests.deploy.test_workflows import DEV, UV_VERSION
from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.any_python

STAGES = stages(ROOT / "Dockerfile")
TARGETS = [name for name, stage in STAGES.items() if stage.base == "runtime"]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in SERVICES.items() if "build" in each}
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=list(SERVICES))
each_target = pytest.mark.parametrize("target", TARGETS)
ANYWHERE = "0.0.0.0"  # noqa: S104 - of a container, which publishes what is asked for


def sources(stage: Stage) -> Iterator[str]:
    """What a stage copies from the repository."""
    for origin, names, _ in stage.copies:
        if not origin:
            yield from names


@pytest.mark.parametrize("name", STAGES)
def test_what_is_copied_exists(name: str) -> None:
    """In the repository, and past what is ignored; or it is an earlier stage's."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert "*" in ignored
    for source in sources(STAGES[name]):
        assert (ROOT / source).exists()
        assert f"!{source}" in ignored
    for origin, _, _ in STAGES[name].copies:
        assert not origin or list(STAGES).index(origin) < list(STAGES).index(name)


def test_nothing_is_let_through_that_is_not_copied() -> None:
    """No secret of a working copy goes to the engine."""
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert let_through == {each for stage in STAGES.values() for each in sources(stage)}


def test_the_image_is_not_roots() -> None:
    """It runs as a user that is told by number, so that an orchestrator can see that."""
    [user] = STAGES["runtime"].said("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert all(not STAGES[target].said("USER") for target in TARGETS)


def test_one_uv_and_one_python() -> None:
    """Those of ./dev, and the same where it is built as where it runs."""
    [install, *_] = STAGES["build"].said("RUN")
    assert install.endswith(f" uv=={UV_VERSION}")
    assert STAGES["build"].base == STAGES["runtime"].base
    [version] = re.findall(r"python:(3\.\d+)-", STAGES["runtime"].base)
    assert f'"{version}"' in DEV


@each_target
def test_a_target_says_whether_it_is_well(target: str) -> None:
    """At a port that it listens on."""
    [check] = STAGES[target].said("HEALTHCHECK")
    program = json.loads(check[check.index("CMD ") + 4 :])[-1]
    compile(program, target, "exec")
    [port] = re.findall(r"127\.0\.0\.1\D+(\d+)", program)
    command = service_command(target)
    assert port in [word.partition("=")[2] or word for word in command]
    assert STAGES[target].said("EXPOSE")


@each_service
def test_a_service_is_confined(service: dict[str, Any]) -> None:
    """It writes nowhere but to memory, has no rights, and nobody reaches it but this machine."""
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@each_service
def test_a_service_finds_its_files(service: dict[str, Any]) -> None:
    """And changes none of them; each image has a version."""
    for volume in service.get("volumes", []):
        source, _, options = volume.split(":")
        assert (ROOT / source).exists(), source
        assert options == "ro"
    if "build" in service:
        assert service["build"]["target"] in TARGETS
    else:
        assert re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", service["image"])


def test_services_wait_for_one_another() -> None:
    """Only for some that exist, and say whether they are well."""
    for service in SERVICES.values():
        for name in service.get("depends_on", {}):
            other = SERVICES[name]
            assert "healthcheck" in other or STAGES[other["build"]["target"]].said("HEALTHCHECK")


def test_services_call_one_another_by_names_that_are_allowed() -> None:
    """The failure server is called by its own name and, through it, by the wire proxy's."""
    allowed = service_command("failure-server")
    assert {"failure-server", "wire-proxy"} <= set(allowed) & set(SERVICES)
    assert service_command("wire-proxy")[3] == "failure-server:8000"
    assert OURS["example"]["environment"]["RESILIENT_CLIENT_BASE_URL"] == "http://wire-proxy:8001"


def test_prometheus_and_grafana_find_what_they_show() -> None:
    """The example's metrics, the alerts, the dashboard."""
    compose = ROOT / "deploy" / "compose"
    scraped = yaml.safe_load((compose / "prometheus.yml").read_text("utf-8"))
    [job] = scraped["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["example:8080"]}]
    inside = {volume.split(":")[1] for volume in SERVICES["prometheus"]["volumes"]}
    assert {f"/etc/prometheus/{name}" for name in scraped["rule_files"]} < inside
    provisioning = compose / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text("utf-8"))
    assert source["datasources"][0]["url"] == "http://prometheus:9090"
    provider = yaml.safe_load(
        (provisioning / "dashboards" / "resilient-http-client.yml").read_text("utf-8")
    )
    folder = provider["providers"][0]["options"]["path"]
    [shown] = [
        volume.split(":")[1]
        for volume in SERVICES["grafana"]["volumes"]
        if volume.startswith("./deploy/grafana-dashboard.json:")
    ]
    assert Path(shown).parent == Path(folder)
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == shown


def service_command(name: str) -> list[str]:
    """What a service runs: as compose says, or else as its target does."""
    words: list[str] = OURS[name].get("command") or STAGES[OURS[name]["build"]["target"]].command
    return words


def free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [each.getsockname()[1] for each in taken]
    for each in taken:
        each.close()
    return ports


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Where the steps of the Dockerfile have been done: an environment, and a folder to work in.

    Packages come from where `./dev` has put them, so that nothing is fetched.
    """
    uv = ROOT / ".dev" / f"uv-{UV_VERSION}" / "bin" / "uv"
    if not uv.exists():
        pytest.skip("no uv of ./dev: the steps of the image are untested")
    root = tmp_path_factory.mktemp("image")
    source, venv, work = root / "src", root / "venv", root / "app"
    for folder in (source, work):
        folder.mkdir()
    copy(STAGES["build"], source)
    environment = {
        **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
        **STAGES["build"].variables,
        "UV_PROJECT_ENVIRONMENT": str(venv),
        "UV_CACHE_DIR": str(ROOT / ".dev" / "cache"),
        "UV_OFFLINE": "true",
        "UV_PYTHON": sys.executable,
    }
    for step in STAGES["build"].said("RUN")[1:]:
        name, *rest = step.split()
        assert name == "uv"
        done = subprocess.run(
            [uv, *rest], cwd=source, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    shutil.rmtree(source)  # the second stage has the environment alone
    for target in TARGETS:
        copy(STAGES[target], work)
    return venv, work


def copy(stage: Stage, folder: Path) -> None:
    """Do what its COPY says of the repository."""
    for origin, names, target in stage.copies:
        for name in [] if origin else names:
            path = ROOT / name
            if path.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(path, folder / target, ignore=ignored)
            else:
                shutil.copy(path, folder / target)


@contextmanager
def running(
    container: tuple[Path, Path], command: list[str], **variables: str
) -> Generator[subprocess.Popen[bytes]]:
    """What a container would run, until the signal that would stop it."""
    venv, work = container
    environment = {
        "PATH": f"{venv / 'bin'}{os.pathsep}{os.defpath}",
        **{name: value for name, value in STAGES["runtime"].variables.items() if name != "PATH"},
        **variables,
    }
    entry: list[str] = json.loads(STAGES["runtime"].said("ENTRYPOINT")[0])
    process = subprocess.Popen(
        [venv / "bin" / entry[0], *entry[1:], *command], cwd=work, env=environment
    )
    try:
        yield process
        process.send_signal(signal.Signals[STAGES["runtime"].said("STOPSIGNAL")[0]])
        assert process.wait(PATIENCE_SECONDS) in (0, 128 + signal.SIGINT)
    finally:
        process.kill()
        process.wait(PATIENCE_SECONDS)


def answers(url: str) -> bool:
    """Whether something is there."""
    try:
        return httpx.get(url, trust_env=False).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except httpx.TransportError:
        return False


def test_all_of_them_work_together(container: tuple[Path, Path]) -> None:
    """A call from the example through the wire proxy to the failure server; the page shows it."""
    server, proxy, control, example, page = ports = free_ports(5)
    usual = ["8000", "8001", "8002", "8080", "8700"]
    here = {**dict(zip(usual, map(str, ports), strict=True)), ANYWHERE: "127.0.0.1"}
    here["failure-server:8000"] = f"127.0.0.1:{server}"
    known = re.compile("|".join(map(re.escape, sorted(here, key=len, reverse=True))))

    def command(name: str) -> list[str]:
        words = [known.sub(lambda found: here[found[0]], word) for word in service_command(name)]
        return [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", word) for word in words]

    [token] = re.findall(r":-(\w+)\}", str(service_command("dashboard")))
    upstream = {"RESILIENT_CLIENT_BASE_URL": f"http://127.0.0.1:{proxy}"}
    with (
        running(container, command("failure-server")),
        running(container, command("wire-proxy")),
        running(container, command("example"), **upstream),
        running(container, command("dashboard")),
    ):
        for url in (
            f"http://127.0.0.1:{server}/health",
            f"http://127.0.0.1:{control}/health",
            f"http://127.0.0.1:{example}/health/live",
            f"http://127.0.0.1:{page}/?token={token}",
        ):
            eventually(partial(answers, url), partial(str, url))
        with httpx.Client(trust_env=False, follow_redirects=True) as reader:
            told = reader.get(f"http://127.0.0.1:{example}/message")
            assert told.status_code == httpx.codes.OK
            through = reader.get(f"http://127.0.0.1:{control}/statistics").json()
            assert through["accepted"] > 0
            shown = reader.get(f"http://127.0.0.1:{page}/?token={token}")
            assert shown.status_code == httpx.codes.OK
            assert "<html" in shown.text

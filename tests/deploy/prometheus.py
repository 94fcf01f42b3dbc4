"""A real Prometheus on loopback, that scrapes what a test serves."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS, eventually

__all__ = ["ALERTS", "DEPLOY", "Prometheus", "hurried", "program", "running_prometheus"]

DEPLOY = ROOT / "deploy"
ALERTS = DEPLOY / "prometheus-alerts.yml"


def program(name: str) -> str:
    """Where a program of Prometheus is.

    Where it is not installed the tests are skipped, and say so.
    """
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}: what is in deploy/ is untested; apt-get install prometheus")
    return found


class Prometheus:
    """One that runs.

    Args:
        url: Where it answers.
    """

    def __init__(self, url: str) -> None:
        self.client: httpx.Client = httpx.Client(
            base_url=url, trust_env=False, timeout=PATIENCE_SECONDS
        )

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self.client.get("/-/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def values(self, query: str) -> list[float]:
        """What a query finds now, without what is no number."""
        answer = self.client.get("/api/v1/query", params={"query": query})
        told = answer.json()
        assert told["status"] == "success", (query, told)
        found = [float(each["value"][1]) for each in told["data"]["result"]]
        return [value for value in found if value == value]  # noqa: PLR0124 - nan is not itself

    def rules(self) -> dict[tuple[str, str], str]:
        """How each alert fares, by its file and name: "ok" where its query runs."""
        groups: list[dict[str, Any]] = self.client.get("/api/v1/rules").json()["data"]["groups"]
        return {
            (group["file"], rule["name"]): rule["health"]
            for group in groups
            for rule in group["rules"]
        }

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts: list[dict[str, Any]] = self.client.get("/api/v1/alerts").json()["data"]["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}


def hurried(rules: str) -> str:
    """The same alerts, of seconds in the place of minutes: so that a test can wait for them."""
    return re.sub(r"for: \d+m", "for: 1s", re.sub(r"\[\d+m\]", "[2m]", rules))


@contextmanager
def running_prometheus(folder: Path, scraped: str) -> Generator[Prometheus]:
    """Run one until the end of the block, with the alerts as they are and in a hurry.

    Args:
        folder: Where it keeps its data.
        scraped: The host and port of what it scrapes, at `/metrics`.
    """
    in_a_hurry = folder / "alerts-in-a-hurry.yml"
    in_a_hurry.write_text(hurried(ALERTS.read_text("utf-8")), "utf-8")
    settings = {
        "global": {"scrape_interval": "2s", "evaluation_interval": "1s"},
        "rule_files": [str(ALERTS), str(in_a_hurry)],
        "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [scraped]}]}],
    }
    file = folder / "prometheus.yml"
    file.write_text(json.dumps(settings))  # which is YAML
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    command = [
        program("prometheus"),
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as process:
        try:
            prometheus = Prometheus(f"http://{address}")
            with prometheus.client:
                eventually(prometheus.is_ready)
                yield prometheus
        finally:
            process.terminate()

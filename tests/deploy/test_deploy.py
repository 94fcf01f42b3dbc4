"""The dashboard and the alert rules: each query names metrics that exist, and finds them."""

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from client.metrics import instruments, strategy_instruments
from client.metrics.instruments import Instrument
from client.telemetry.prometheus.names import label_names, sample_names
from tests.deploy.prometheus import ALERTS, DEPLOY, Prometheus, program
from tests.deploy.trouble import Trouble
from tests.docs.reading import ROOT, headings, table
from tests.eventually import eventually

pytestmark = pytest.mark.any_python

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
EXPLAINED = ROOT / "docs/operations/dashboards.md"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAMES = {
    name: {*label_names(each), *(["le"] if name.endswith("_bucket") else [])}
    for each in (*vars(instruments).values(), *vars(strategy_instruments).values())
    if isinstance(each, Instrument)
    for name in sample_names(each)
}
USED = re.compile(r"(resilient_http_\w+)(?:\{([^}]*)\})?")


def used_in(text: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that queries use, each with the labels that it is chosen by."""
    for name, chosen in USED.findall(text):
        yield name, set(re.findall(r"(\w+)\s*[=!]~?", chosen)) - {"job"}


@pytest.mark.parametrize("text", [*QUERIES, ALERTS.read_text("utf-8")], ids=lambda text: text[:60])
def test_every_query_names_what_there_is(text: str) -> None:
    """Metrics, and labels of them."""
    found = list(used_in(text))
    assert found
    for name, labels in found:
        assert name in NAMES
        assert labels <= NAMES[name]


def test_every_metric_is_shown() -> None:
    """In one panel at least."""
    shown = {name for query in QUERIES for name, _ in used_in(query)}
    forms = (
        set(sample_names(each))
        for each in (*vars(instruments).values(), *vars(strategy_instruments).values())
        if isinstance(each, Instrument)
    )
    assert [form for form in forms if not form & shown] == []


def test_the_dashboard_is_one() -> None:
    """Panels have numbers of their own, and do not overlap."""
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


def test_every_panel_is_explained() -> None:
    """By a page that goes through the rows and their panels in order."""
    shown: dict[str, list[str]] = {}
    titles: list[str] = []
    for panel in sorted(DASHBOARD["panels"], key=_place):
        if panel["type"] == "row":
            titles = shown.setdefault(panel["title"], [])
        else:
            titles.append(panel["title"])
    explained = {
        heading.removeprefix("Row: "): [row[0] for row in table(heading, "panel")]
        for heading in headings(EXPLAINED)
        if heading.startswith("Row: ")
    }
    assert list(explained.items()) == list(shown.items())


def _place(panel: dict[str, Any]) -> tuple[int, int]:
    return panel["gridPos"]["y"], panel["gridPos"]["x"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", ALERTS.name],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "prometheus-alerts.test.yml"],
    ],
    ids=["check", "config", "test"],
)
def test_promtool_finds_nothing(arguments: list[str]) -> None:
    """The rules are right, and fire when they should."""
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_every_query_finds_something(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """In a real Prometheus, while a client is in trouble."""
    prometheus, trouble = prometheus_of_trouble
    left = {
        re.sub(r"\$(job|client|target)\b", ".*", query.replace("$__rate_interval", "30s"))
        for query in QUERIES
    }

    def all_have_answered() -> bool:
        trouble.go_on()
        left.difference_update([query for query in left if prometheus.values(query)])
        return not left

    eventually(all_have_answered, lambda: f"nothing is found by {sorted(left)}")

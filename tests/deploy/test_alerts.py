"""The alert rules: each is tested, fires for real clients in trouble, and has its runbook."""

import re
import tomllib
from typing import Any

import pytest

from tests.deploy.prometheus import ALERTS, DEPLOY, Prometheus
from tests.deploy.test_deploy import NAMES, used_in
from tests.deploy.trouble import Trouble
from tests.docs.reading import ROOT, Block, blocks, headings
from tests.eventually import eventually

pytestmark = pytest.mark.any_python

RULES = ALERTS.read_text("utf-8")
ALERT_NAMES = re.findall(r"alert: (\w+)", RULES)
RUNBOOKS = ROOT / "docs/operations/alerts.md"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
STEPS = ["Means", "Callers notice", "Confirm", "Do now", "Afterwards", "False alarm"]
"""What each runbook tells, in this order."""


def runbooks() -> dict[str, str]:
    """The text of each runbook, by its heading."""
    found = re.split(r"^## (.+)$", RUNBOOKS.read_text("utf-8"), flags=re.MULTILINE)[1:]
    sections = dict(zip(found[::2], found[1::2], strict=True))
    return {name: text for name, text in sections.items() if name.startswith("ResilientHttp")}


SHOWN = [block for page in sorted(RUNBOOKS.parent.glob("*.md")) for block in blocks(page, "promql")]
"""The queries that the pages on operations show."""


def test_every_alert_is_tested() -> None:
    """It fires in one test at least."""
    tests = (DEPLOY / "prometheus-alerts.test.yml").read_text("utf-8")
    assert ALERT_NAMES
    fires = [re.search(rf"alertname: {name}\n\s+exp_alerts:\n", tests) for name in ALERT_NAMES]
    assert all(fires)


def test_every_alert_leads_to_its_runbook() -> None:
    """By the address of the project, and the anchor that GitHub makes of a heading."""
    page = f"{PROJECT['urls']['Source']}/blob/main/{RUNBOOKS.relative_to(ROOT).as_posix()}"
    led_to = re.findall(r"alert: (\w+)(?:(?!alert:).)*?runbook_url: (\S+)", RULES, re.DOTALL)
    assert led_to == [(name, f"{page}#{name.lower()}") for name in ALERT_NAMES]


def test_every_runbook_is_one_of_an_alert() -> None:
    """In the order of the rules, and none besides."""
    assert list(runbooks()) == ALERT_NAMES
    assert [name for name in headings(RUNBOOKS) if name in ALERT_NAMES] == ALERT_NAMES


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_a_runbook_tells_all(name: str) -> None:
    """From what it means to when it is a false alarm, with a query to confirm it by."""
    text = runbooks()[name]
    assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == STEPS
    assert "```promql" in text


@pytest.mark.parametrize("name", ALERT_NAMES)
def test_the_list_has_the_severity(name: str) -> None:
    """Of each alert, with a link to its runbook."""
    [severity] = re.findall(rf"alert: {name}\n(?:(?!alert:).)*?severity: (\w+)", RULES, re.DOTALL)
    assert f"| [{name}](#{name.lower()}) | {severity} |" in RUNBOOKS.read_text("utf-8")


@pytest.mark.parametrize("query", SHOWN, ids=str)
def test_a_query_shown_names_what_there_is(query: Block) -> None:
    """Metrics, and labels of them."""
    found = list(used_in(query.text))
    assert found
    for name, labels in found:
        assert name in NAMES
        assert labels <= NAMES[name]


def test_the_queries_shown_run(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """In a real Prometheus, as they stand."""
    prometheus, _ = prometheus_of_trouble
    for query in SHOWN:
        prometheus.values(query.text)


def test_every_alert_can_be_worked_out(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """By a real Prometheus."""
    prometheus, _ = prometheus_of_trouble
    eventually(lambda: set(prometheus.rules().values()) == {"ok"}, lambda: str(prometheus.rules()))


def test_every_alert_fires_in_trouble(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """Of seconds in the place of minutes, while clients have all the trouble there is."""
    prometheus, trouble = prometheus_of_trouble
    left = set(ALERT_NAMES)

    def all_have_fired() -> bool:
        trouble.go_on()
        left.difference_update(prometheus.firing())
        return not left

    eventually(all_have_fired, lambda: f"these have never fired: {sorted(left)}")

"""What GitHub runs: workflows that may do as little as they can, and forms that it can show."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.reading import ROOT

pytestmark = pytest.mark.any_python

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
DEV = (ROOT / "dev").read_text("utf-8")
[UV_VERSION] = re.findall(r'^UV_VERSION = "(.+)"$', DEV, re.MULTILINE)


def read(path: Path) -> dict[Any, Any]:
    """A file of YAML; its `on:` is the key True, as YAML 1.1 has it."""
    found: dict[Any, Any] = yaml.safe_load(path.read_text("utf-8"))
    return found


JOBS = [
    pytest.param(job, id=f"{path.stem}-{name}")
    for path in WORKFLOWS
    for name, job in read(path)["jobs"].items()
]


MAY_WRITE: dict[str | None, set[str]] = {
    None: set(),
    "release": {"attestations", "id-token"},
    "github-pages": {"pages", "id-token"},
}


def commands(job: dict[str, Any]) -> list[str]:
    """What a job's steps run."""
    return [step["run"] for step in job.get("steps", []) if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_actions_are_pinned(path: Path) -> None:
    """By the whole hash of a commit, with the version beside it for people and for updates."""
    used = re.findall(r"^ *(?:- )?uses: (.+)$", path.read_text("utf-8"), re.MULTILINE)
    assert used
    pinned = re.compile(r"[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [each for each in used if not (each.startswith("./") or pinned.fullmatch(each))] == []


def test_one_version_of_an_action_is_used() -> None:
    """Everywhere the same."""
    text = "".join(path.read_text("utf-8") for path in WORKFLOWS)
    used = set(re.findall(r"uses: (\S+)@(\S+)", text))
    assert len({name for name, _ in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_nothing_is_allowed_by_default(path: Path) -> None:
    """Each job asks for what it needs."""
    assert read(path)["permissions"] == {}


@pytest.mark.parametrize("job", JOBS)
def test_a_job_asks_for_little_and_ends(job: dict[str, Any]) -> None:
    """It may read, except where it publishes; no checkout leaves its password behind."""
    writes = {name for name, kind in job["permissions"].items() if kind != "read"}
    assert writes == MAY_WRITE[job.get("environment")]
    assert "uses" in job or job["timeout-minutes"] <= 60
    for step in job.get("steps", []):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("job", JOBS)
def test_a_job_runs_commands_that_exist(job: dict[str, Any]) -> None:
    """Those of ./dev, and uv in its version."""
    for command in commands(job):
        for name in re.findall(r"\./dev (\w+)", command):
            assert f'"{name}": ' in DEV
        for version in re.findall(r"uv==(\S+)", command):
            assert version == UV_VERSION
        for path in re.findall(r"(?:tests|client|\.ci)/[\w/.]+", command):
            assert (ROOT / path).exists(), path


@pytest.mark.parametrize("job", JOBS)
def test_no_command_is_made_of_what_others_write(job: dict[str, Any]) -> None:
    """Such as the name of a branch: expressions stand in no command."""
    assert [command for command in commands(job) if "${{" in command] == []


def test_a_release_waits_for_everything() -> None:
    """What is published has passed all of CI, and the site follows what it tells of."""
    jobs = read(GITHUB / "workflows" / "release.yml")["jobs"]
    publishing = [name for name, job in jobs.items() if "environment" in job]
    assert publishing == ["publish", "site"]
    assert jobs["publish"]["needs"] == [name for name in jobs if name not in publishing]
    assert jobs["site"]["needs"] == ["publish"]
    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yml"


@pytest.mark.parametrize(("made", "published"), [("packages", "publish"), ("docs", "site")])
def test_what_is_published_comes_from_ci(made: str, published: str) -> None:
    """By the artifact that the job has left there."""
    [download, *_] = read(GITHUB / "workflows" / "release.yml")["jobs"][published]["steps"]
    [upload] = [
        step
        for step in read(GITHUB / "workflows" / "ci.yml")["jobs"][made]["steps"]
        if step.get("uses", "").startswith("actions/upload-artifact@")
    ]
    assert download["with"]["name"] == upload["with"]["name"]


def test_every_python_that_is_promised_is_tried() -> None:
    """That of each classifier, on Linux; `./dev test --whole` knows the same ones."""
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    promised = set(re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project))
    jobs = read(GITHUB / "workflows" / "ci.yml")["jobs"]
    [whole] = [step for step in jobs["whole"]["steps"] if "python-version" in step.get("with", {})]
    tried = {whole["with"]["python-version"], *jobs["tests"]["strategy"]["matrix"]["python"]}
    assert promised == tried
    [known] = re.findall(r"^PYTHONS = \((.+)\)$", DEV, re.MULTILINE)
    assert promised == set(re.findall(r'"(.+?)"', known))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: str(path.stem))
def test_no_index_is_named(path: Path) -> None:
    """Each client asks the one that it is set to."""
    assert not re.search(r"pypi\.org|pythonhosted|index-url|registry\.", path.read_text("utf-8"))


@pytest.mark.parametrize("path", FORMS, ids=lambda path: str(path.stem))
def test_a_form_can_be_shown(path: Path) -> None:
    """It has what GitHub asks for: a name, a description, fields with ids of their own."""
    form = read(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert form.keys() == {"name", "description", "labels", "body"}
    fields = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    for field in fields:
        assert field["type"] in {"textarea", "dropdown", "checkboxes", "input"}
        assert field["attributes"]["label"]
        if field["type"] in {"dropdown", "checkboxes"}:
            assert field["attributes"]["options"]

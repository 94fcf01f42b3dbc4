"""`./dev` says what it will do, how far it is, and how long each step took."""

import json
import sys
import tomllib
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.docs.reading import ROOT


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The script as a module, with a clock that stands and a folder of the test's for its notes."""
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = spec_from_loader("dev_script", loader)
    assert spec
    module = module_from_spec(spec)
    # Nothing is to be compiled into a file beside it.
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "STATE", tmp_path)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: 0.0))
    return module


def job_of(dev: Any, *names: str) -> Any:
    """A job whose steps print their names."""
    job = dev.Job("test")
    for name in names:
        job.add(name, partial(sys.stdout.write, f"<{name}>\n"))
    return job


def passes_after(seconds: float, clock: list[float]) -> Any:
    """A step that takes so long by the clock."""

    def action() -> None:
        clock[0] += seconds

    return action


def test_the_plan_comes_first(
    dev: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what each step takes, what is left out, and what all of it takes."""
    monkeypatch.setattr(dev, "USUAL_SECONDS", {"types": 30, "tests": 60})
    job = job_of(dev, "types", "tests")
    job.skip("pytest, Python 3.13", "not installed here")
    job.run()
    plan, _, _ = capsys.readouterr().out.partition("==> step")
    first, *steps = plan.strip().splitlines()
    assert first == (
        "==> ./dev test: 2 steps, about 1 min 30 s (on an idle machine with two cores)"
    )
    assert [line.split() for line in steps] == [
        ["1", "types", "30", "s"],
        ["2", "tests", "1", "min"],
        ["-", "pytest,", "Python", "3.13", "skipped:", "not", "installed", "here"],
    ]


def test_each_step_says_how_far_it_is(dev: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Above what it prints itself."""
    job_of(dev, "types", "tests").run()
    output = capsys.readouterr().out
    assert "==> step 1 of 2: types\n<types>\n\n==> step 2 of 2: tests\n<tests>\n" in output


def test_the_end_says_what_each_took(
    dev: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next plan goes by it."""
    clock = [0.0]
    monkeypatch.setattr(dev, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    job = dev.Job("test")
    job.add("types", passes_after(7, clock))
    job.add("tests", passes_after(125, clock))
    job.run()
    _, end = capsys.readouterr().out.split("==> ./dev test passed in ")
    assert [line.split() for line in end.strip().splitlines()] == [
        ["2", "min", "12", "s"],
        ["1", "types", "7", "s"],
        ["2", "tests", "2", "min", "5", "s"],
    ]
    job.run()
    assert "2 steps, about 2 min 12 s (as it took here)" in capsys.readouterr().out


def test_the_first_step_that_fails_ends_it(dev: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The error says which; only what passed is remembered."""

    def fail() -> None:
        raise dev.Failed("types (exit status 7)", 7)

    job = job_of(dev, "ruff check")
    job.add("types", fail)
    job.add("tests", lambda: pytest.fail("it went on"))
    with pytest.raises(dev.Failed, match=r"^step 2 of 3, types \(exit status 7\)$") as caught:
        job.run()
    assert caught.value.status == 7
    assert "passed in" not in capsys.readouterr().out
    assert json.loads((dev.STATE / "durations.json").read_text()) == {"ruff check": 0.0}


@pytest.mark.parametrize("text", ["", "[]", '{"types": "soon"}', '{"types": null}'])
def test_notes_that_are_spoilt_count_for_nothing(dev: Any, text: str) -> None:
    """The plan goes by what is usual then."""
    (dev.STATE / "durations.json").write_text(text)
    assert dev.expected_seconds("types") == dev.USUAL_SECONDS["types"]


def test_the_set_up_takes_long_only_once(dev: Any) -> None:
    """What it took the first time says nothing of the next."""
    assert dev.expected_seconds("set-up") == dev.USUAL_SECONDS["set-up"]
    dev.remember({"set-up": 300.0})
    (dev.STATE / "venv.stamp").write_text("made")
    assert dev.expected_seconds("set-up") == 1


@pytest.fixture
def one_other_python(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12 is found, and 3.13 is not."""
    monkeypatch.setattr(dev, "CURRENT", "3.11")
    monkeypatch.setattr(dev, "find_python", {"3.12": "/usr/bin/python3.12", "3.13": None}.get)


STEPS = [
    "set-up",
    *["ruff check", "ruff format", "workflows and image", "types and soak"],
    *["tests with coverage, Python 3.11", "tests from outside, Python 3.11"],
]


@pytest.mark.usefixtures("one_other_python")
@pytest.mark.parametrize(
    ("is_whole", "others", "skipped"),
    [
        (False, [], {"tests, other Pythons": "./dev test --whole runs them"}),
        (
            True,
            ["tests, Python 3.12"],
            dict.fromkeys(("tests, Python 3.13", "tests, Python 3.14"), "not installed here"),
        ),
    ],
    ids=["this Python", "whole"],
)
def test_a_test_names_every_python(
    dev: Any, others: list[str], skipped: dict[str, str], *, is_whole: bool
) -> None:
    """Those it runs on are steps, the others are told to be skipped; each has its usual time."""
    job = dev.test_job(is_whole=is_whole)
    assert list(job._steps) == STEPS + others
    assert job._skipped == skipped
    assert all(dev.expected_seconds(name) > 0 for name in job._steps)


@pytest.mark.usefixtures("one_other_python")
def test_the_whole_test_sets_up_and_runs_each_python(
    dev: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the tests of which it does not matter on which they run."""
    ran: list[object] = []
    monkeypatch.setattr(dev, "set_up", ran.append)
    monkeypatch.setattr(dev, "run_tests", lambda venv, tests: ran.append((venv.name, tests)))
    *_, last = dev.test_job(is_whole=True)._steps.values()
    dev.test_job(is_whole=True)._steps["set-up"]()
    last()
    assert ran == [
        {"3.12": "/usr/bin/python3.12"},
        ("venv-3.12", ["-m", "not any_python", "--ignore=tests/benchmarks"]),
    ]


@pytest.mark.usefixtures("one_other_python")
def test_all_tests_run_once_on_this_python(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With coverage, unless their file or folder is named among those from outside."""
    ran: list[list[str]] = []
    monkeypatch.setattr(dev, "run_tests", lambda _, tests: ran.append(tests))
    dev.test_job(is_whole=False)._steps["tests from outside, Python 3.11"]()
    [outside] = ran
    assert ["tests", *(f"--ignore={path}" for path in outside)] == dev.MEASURED
    assert [path for path in outside if not (ROOT / path).exists()] == []
    testpaths = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"][
        "testpaths"
    ]
    assert {"tests", *outside} >= {*testpaths}


def test_ci_runs_the_whole_test() -> None:
    """And nothing after it, whose exit status would be the build's."""
    assert (ROOT / ".ci/run").read_text("utf-8").endswith("\nexec ./dev test --whole\n")


def test_public_names_are_verified_beside_the_types(
    dev: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of each package."""
    ran: list[str] = []
    monkeypatch.setattr(dev, "call", lambda name, *_: ran.append(name))
    monkeypatch.setattr(dev, "verify_types_of", ran.append)
    monkeypatch.setattr(dev, "read_elsewhere", partial(ran.append, "elsewhere"))
    job = dev.Job("check")
    dev.add_checks(job, "types", dev.TYPES)
    for action in job._steps.values():
        action()
    assert sorted(ran) == [
        *["client", "elsewhere", "mypy", "pyright", "ruff check", "ruff format", "server"]
    ]


def test_what_runs_elsewhere_is_read_where_that_is_possible(
    dev: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is left out is said."""
    ran: list[str] = []
    monkeypatch.setattr(dev, "call", lambda name, *_: ran.append(name))
    monkeypatch.setattr("shutil.which", lambda name, **_: {"actionlint": None}.get(name, name))
    dev.read_elsewhere()
    assert ran == ["zizmor", "hadolint"]
    assert capsys.readouterr().out == "actionlint is not installed here: left out\n"


def test_modules_are_compiled_once_and_into_the_clone(
    dev: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the shell forbids it: a test that starts a program would compile all it loads."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    environment = dev.environment_of(ROOT / ".venv")
    assert environment["PYTHONPYCACHEPREFIX"] == str(dev.STATE / "compiled")
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_what_runs_side_by_side_fails_by_the_name_of_one(
    dev: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    """After all of it has ended."""
    with pytest.raises(dev.Failed, match=r"^spelling \(exit status 1\)$"):
        dev.side_by_side({"spelling": ["no_such_module"], "types": ["platform"]})
    assert sys.platform in capfd.readouterr().out.lower()


def test_what_goes_besides_fails_likewise(dev: Any) -> None:
    """Rather than end unseen in its thread."""

    def fail() -> None:
        raise dev.Failed("types of client (exit status 1)")

    with pytest.raises(dev.Failed, match=r"^types of client \(exit status 1\)$"):
        dev.side_by_side({"types": ["platform"]}, [fail])

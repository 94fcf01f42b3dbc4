"""`python -m benchmarks`, as it is typed, and each of its sections in the least form."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.speed import program
from benchmarks.speed.contenders.lineup import gather
from benchmarks.speed.findings import Findings, Section
from benchmarks.speed.goals import judge
from benchmarks.speed.plan import ON_DEMAND, SECTIONS, Plan
from benchmarks.speed.target_process import Target, TargetError
from tests.benchmarks.speed_parts import findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    QuickRun = tuple[subprocess.CompletedProcess[str], Path]

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "benchmarks"]
LEAST = Plan(
    rounds=1,
    batch_seconds=0.001,
    is_quick=True,
    concurrencies=(1, 2),
    calls_each=1,
    origins=(1, 3),
    failure_callers=4,
    outage_callers=12,
    queue_callers=60,
    queue_slots=4,
)
AIOHTTP = "throughput_"
"""What is measured of a backend that may not be there."""


@pytest.fixture(scope="module")
def quick(
    tmp_path_factory: pytest.TempPathFactory,
) -> QuickRun:
    """A quick run of a section in a process of its own, and where it wrote to."""
    out = tmp_path_factory.mktemp("quick") / "new"
    ended = subprocess.run(
        [*COMMAND, "--quick", "--rounds", "1", "--sections", "engine", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended, out


@pytest.fixture(scope="module")
def measured(
    quick: QuickRun,
) -> Iterator[Callable[[str], Section]]:
    """Measure a section in the least form, once; that of the quick run there."""
    with Target() as target, pytest.MonkeyPatch.context() as patch:
        # Else each of many collections would walk through all that the tests have imported.
        patch.setattr("gc.unfreeze", lambda: None)

        @cache
        def measure(name: str) -> Section:
            if name == "engine":
                return Findings.read(quick[1] / "benchmarks.json").sections[0]
            module = import_module(f"benchmarks.speed.sections.{name}")
            section: Section = asyncio.run(module.measure(LEAST, gather(), target))
            return section

        yield measure


@pytest.mark.parametrize(
    "arguments",
    [
        ["--sections", "engines"],
        ["--sections", ""],
        ["--sections", "engine,,scale"],
        ["--rounds", "0"],
        ["--rounds", "1001"],
        ["--rounds", "2.5"],
        ["--rounds", "9" * 5000],
    ],
)
def test_an_argument_that_is_not_allowed_is_refused_and_named(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is measured."""
    with pytest.raises(SystemExit) as ended:
        program.main(arguments)
    assert ended.value.code == 2
    assert repr(arguments[1].split(",,")[0][:20])[1:-1] in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--quick"], ["--sections", "engine"]])
def test_results_are_written_from_a_whole_run_only(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Else half of them would be gone, or rough."""
    with pytest.raises(SystemExit) as ended:
        program.main(["--write-results", *arguments])
    assert ended.value.code == 2
    assert "needs a whole run" in capsys.readouterr().err


def test_what_is_asked_for_is_planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Sections in the order of the report, and each once."""
    plans: list[Plan] = []

    def note(plan: Plan, _progress: object) -> Findings:
        plans.append(plan)
        return findings()

    monkeypatch.setattr(program, "run", note)
    out = ["--out", str(tmp_path)]
    assert program.main(out) == 0
    assert program.main(["--sections", "scale,engine,scale", "--rounds", "7", *out]) == 0
    assert program.main(["--quick", "--rounds", "3", *out]) == 0
    assert plans[0] == Plan()
    assert (plans[1].sections, plans[1].rounds) == (("engine", "scale"), 7)
    assert (plans[2].is_quick, plans[2].rounds) == (True, 3)


def test_a_quick_run_of_a_section_prints_and_writes_it(
    quick: QuickRun,
) -> None:
    """In a process of its own."""
    ended, out = quick
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert "THE ENGINE ALONE" in ended.stdout
    assert "engine over a no-op, all layers on, over one tenacity.AsyncRetrying" in ended.stdout
    read = Findings.read(out / "benchmarks.json")
    assert [each.key for each in read.sections] == ["engine"]
    assert sorted(each.name for each in out.iterdir()) == [
        "benchmarks.json",
        "engine.png",
        "engine.svg",
    ]


def test_sections_of_an_earlier_run_are_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others stay what they were."""
    path = tmp_path / "benchmarks.json"
    (outage,) = findings().sections
    kept = outage.model_copy(update={"key": "engine"})
    findings(sections=(kept, outage)).write(path)
    renewed = outage.model_copy(update={"title": "Another outage"})
    monkeypatch.setattr(program, "run", lambda _plan, _say: findings(sections=(renewed,)))
    out = ["--out", str(tmp_path / "new")]
    assert program.main(["--again", str(path), "--sections", "outage", *out]) == 0
    read = Findings.read(tmp_path / "new" / "benchmarks.json")
    assert [each.title for each in read.sections] == ["An outage", "Another outage"]
    assert read.goals == judge(read.sections)


def test_an_earlier_run_is_reported_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without measuring anything; results are written only where it was a whole one."""
    monkeypatch.delattr(program, "run")
    path = tmp_path / "benchmarks.json"
    findings().write(path)
    out = ["--out", str(tmp_path / "new")]
    assert program.main(["--again", str(path), *out]) == 0
    assert "AN OUTAGE" in capsys.readouterr().out
    again = Findings.read(tmp_path / "new" / "benchmarks.json")
    assert again == findings(goals=judge(again.sections))
    with pytest.raises(SystemExit):
        program.main(["--again", str(path), "--write-results", *out])
    assert "needs a whole run" in capsys.readouterr().err
    path.write_text("{}")
    with pytest.raises(SystemExit):
        program.main(["--again", str(path), *out])
    assert "the benchmarks.json of an earlier run" in capsys.readouterr().err


def test_a_server_that_does_not_start_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, not in a traceback."""

    def fail(_plan: Plan, _progress: object) -> None:
        raise TargetError("no port")

    monkeypatch.setattr(program, "run", fail)
    assert program.main([]) == 1
    assert capsys.readouterr().err == "FAILED: no port\n"


@pytest.mark.parametrize("name", [*SECTIONS, *ON_DEMAND])
def test_a_section_measures_everybody(name: str, measured: Callable[[str], Section]) -> None:
    """Every row has its cells, every plot its column, and every goal its figure."""
    section = measured(name)
    assert section.key == name
    for table in section.tables:
        keys = {column.key for column in table.columns}
        assert set(table.plot) <= keys
        assert {row.is_ours for row in table.rows} == {True, False}
        assert all(row.cells.keys() <= keys for row in table.rows)
        assert all(any(cell is not None for cell in row.cells.values()) for row in table.rows)
    unmeasured = [each.figure for each in judge([section]) if each.median is None]
    assert all(figure.startswith(AIOHTTP) for figure in unmeasured)


def test_a_crowd_is_served_in_turn(measured: Callable[[str], Section]) -> None:
    """What is counted, not timed, is right even in the least form."""
    scale = measured("scale")
    queue = {row.name: row.cells for row in scale.tables[1].rows}
    assert {name: cells["out_of_turn"] for name, cells in queue.items()} == (
        dict.fromkeys(queue, 0.0)
    )


def test_budget_and_circuit_spare_the_server(measured: Callable[[str], Section]) -> None:
    """Others make every attempt they have."""
    outage = measured("outage")
    loads = {row.name: row.cells for row in outage.tables[1].rows}
    assert median(loads["httpx"]["off"]) == 1
    assert median(loads["httpx + tenacity"]["off"]) == 3
    assert median(loads["facade"]["off"]) < 3
    assert median(loads["facade"]["on"]) < 3


def median(cell: object) -> float:
    """Return what was measured."""
    return cell.median  # type: ignore[attr-defined,no-any-return] # a Spread

"""`python -m benchmarks.soak`, as it is typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from benchmarks.soak import program
from benchmarks.soak.journal import SUCCESS
from benchmarks.soak.ledger_proof import Proof
from benchmarks.soak.plan import Phase, Plan
from server.testing import FailureServer, FailureServerError, WireProxy
from tests.benchmarks.soak_parts import ledger, operation

if TYPE_CHECKING:
    import pytest

    from benchmarks.soak.report import ProgressLines

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "benchmarks.soak"]


def test_the_shortest_run_passes_and_writes_its_numbers_and_its_picture(tmp_path: Path) -> None:
    """In a process of its own, with every phase, fault and check."""
    ended = subprocess.run(
        [*COMMAND, "--minutes", "0.2", "--callers", "16", "--out", str(tmp_path / "new")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert "lost 0, doubled 0, unclassified 0, leaked 0" in ended.stdout
    numbers = json.loads((tmp_path / "new" / "soak.json").read_text())
    assert numbers["verdict"]["passed"] is True
    assert [span["phase"] for span in numbers["spans"]] == list(Phase)
    assert all(outage["opened"] for outage in numbers["outages"] if outage["has_circuit"])
    assert sum(each["outcomes"].get(SUCCESS, 0) for each in numbers["phases"]) > 0
    assert sum(numbers["faults"]["wire"].values()) > 0
    ET.parse(tmp_path / "new" / "soak.svg")  # noqa: S314 - it was made by the run


def test_a_run_that_finds_something_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here one success too many, put into the record by hand."""
    monkeypatch.setattr("benchmarks.soak.run.Proof", forgetful)
    monkeypatch.setattr("benchmarks.soak.run.WireProxy", in_this_process(WireProxy))
    monkeypatch.setattr("benchmarks.soak.run.FailureServer", in_this_process(FailureServer))
    monkeypatch.setattr(Plan, "seconds", 4.0)
    assert program.main(["--callers", "8", "--sync", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "lost: a succeeded and had no effect" in printed
    assert "FAILED" in printed


def forgetful() -> Proof:
    """Return a proof as if the server had forgotten one success."""
    proof = Proof()
    proof.add({"a": operation("a")}, ledger())
    return proof


def in_this_process(kind: type) -> object:
    """Return what starts it in a thread, which is quicker."""

    def start(*arguments: object, subprocess: bool, **options: object) -> object:
        assert subprocess
        return kind(*arguments, **options)

    return start


def test_a_server_that_does_not_start_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a line, not in a traceback."""

    async def fail(_plan: Plan, _progress: ProgressLines) -> None:
        raise FailureServerError("no port")

    monkeypatch.setattr(program, "soak", fail)
    assert program.main(["--minutes", "1"]) == 1
    assert capsys.readouterr().err == "FAILED: no port\n"

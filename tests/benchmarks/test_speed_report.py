"""What is made of a run: JSON, the terminal, the pictures, and `RESULTS.md`."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.speed.findings import Findings
from benchmarks.speed.goals import judge
from benchmarks.speed.plan import ON_DEMAND, SECTIONS
from benchmarks.speed.plots import draw
from benchmarks.speed.prose import MEANINGS
from benchmarks.speed.results import render, write_results
from benchmarks.speed.terminal import describe
from tests.benchmarks.speed_parts import RATIO, findings

RESULTS = Path(__file__).parents[2] / "benchmarks" / "RESULTS.md"


def test_a_run_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Measured, counted and left out remain what they were."""
    path = tmp_path / "benchmarks.json"
    findings().write(path)
    assert Findings.read(path) == findings()


def test_another_file_is_refused(tmp_path: Path) -> None:
    """Such as one with a number too many."""
    path = tmp_path / "benchmarks.json"
    findings().write(path)
    path.write_text(path.read_text().replace('"seconds"', '"hours": 1, "seconds"'))
    with pytest.raises(ValueError, match="hours"):
        Findings.read(path)


def test_the_terminal_shows_everything() -> None:
    """Machine, versions, tables, who is absent, and every goal with its fate."""
    text = "\n".join(describe(findings()))
    assert "2 cores, CPython 3.11.7, Linux" in text
    assert "httpx 0.28.1" in text
    assert "a table:\n        a call, µs        over httpx  memory, bytes\n" in text
    assert "facade       1,234  1.50 (1.25-1.75)             77\n" in text
    assert "a | b        0.012                 -              -\n" in text
    assert "httpx + stamina: No module named 'stamina'" in text
    assert "kept        2 or less  1.50 (1.25-1.75)       reached\n" in text
    assert "missed      2 or more  1.50 (1.25-1.75)        missed\n" in text
    assert "unmeasured  2 or less                 -  not measured" in text
    assert "quick" not in text
    assert "too rough to judge by" in "\n".join(describe(findings(is_quick=True)))


def test_pictures_are_drawn_of_what_there_is(tmp_path: Path) -> None:
    """The same numbers make the same file, in which texts are texts."""
    svg, png = draw(findings(), tmp_path)
    assert (svg.name, png.name) == ("outage.svg", "outage.png")
    first = svg.read_bytes()
    texts = [each.text for each in ET.fromstring(first).iter()]  # noqa: S314 - just made
    assert {"a table", "facade", "a | b"} <= set(texts)
    draw(findings(), tmp_path)
    assert svg.read_bytes() == first
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_results_are_written_from_the_findings(tmp_path: Path) -> None:
    """With goals, words, tables and a picture that is there."""
    report, numbers, picture = write_results(findings(), tmp_path)
    text = report.read_text()
    assert "2 cores, CPython 3.11.7 on Linux, 8 rounds" in text
    assert "| missed | 2 or more | 1.50 (1.25-1.75) | missed |" in text
    assert MEANINGS["outage"] in text
    assert "| facade | 1,234 | 1.50 (1.25-1.75) | 77 |" in text
    assert r"| a \| b | 0.012 | - | - |" in text
    assert "httpx + stamina (No module named 'stamina')" in text
    assert f"(results/{picture.name})" in text
    assert Findings.read(numbers) == findings()


def test_every_section_has_its_words() -> None:
    """A number without its meaning helps nobody."""
    assert MEANINGS.keys() == {*SECTIONS, *ON_DEMAND}


def test_the_goals_are_those_of_the_sections_that_were_measured() -> None:
    """A figure that a section did not find is shown as missing."""
    (section,) = findings().sections
    known = section.model_copy(update={"figures": {"extra_load_all": RATIO}})
    goals = {each.figure: each for each in judge([known])}
    assert len(goals) == 6
    assert goals["extra_load_all"].value == RATIO
    assert goals["extra_load_all"].is_reached is False
    assert goals["extra_load_budget"].is_reached is None
    assert judge([]) == ()


def test_the_results_in_the_repository_are_what_their_numbers_say() -> None:
    """Nobody wrote into them by hand: `python -m benchmarks --write-results` does."""
    folder = RESULTS.parent / "results"
    read = Findings.read(folder / "benchmarks.json")
    drawn = {each.stem for each in folder.glob("*.svg")}
    assert RESULTS.read_text("utf-8") == "\n".join(render(read, drawn)) + "\n"
    assert [each.key for each in read.sections] == list(SECTIONS)
    assert not read.is_quick

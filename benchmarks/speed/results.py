"""Writes `RESULTS.md` and its pictures, from the findings alone."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from benchmarks.speed.prose import GOALS, HOW, INTRODUCTION, MEANINGS
from benchmarks.speed.terminal import goal_rows, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.speed.findings import Findings, Section

__all__ = ["render", "write_results"]


def write_results(findings: Findings, folder: Path) -> list[Path]:
    """Write the report, and the pictures it shows, into `results`; return the files."""
    pictures = folder / "results"
    pictures.mkdir(parents=True, exist_ok=True)
    numbers = pictures / "benchmarks.json"
    findings.write(numbers)
    drawn: list[Path] = []
    if find_spec("matplotlib") is not None:
        from benchmarks.speed.plots import draw  # noqa: PLC0415 - it need not be there

        drawn = draw(findings, pictures, ("svg",))
    report = folder / "RESULTS.md"
    text = "\n".join(render(findings, {each.stem for each in drawn})) + "\n"
    report.write_text(text, encoding="utf-8")
    return [report, numbers, *drawn]


def render(findings: Findings, drawn: set[str]) -> Iterator[str]:
    """Return the report, line by line.

    Args:
        findings: A run.
        drawn: The sections that have a picture.
    """
    yield "# Results"
    yield ""
    yield INTRODUCTION
    yield ""
    yield from _machine(findings)
    yield ""
    yield HOW
    yield ""
    yield "## The goals"
    yield ""
    yield GOALS
    yield ""
    yield from _table([["figure", "goal", "measured", ""], *map(goal_rows, findings.goals)])
    yield ""
    yield from _contestants(findings)
    for section in findings.sections:
        yield from _section(section, has_picture=section.key in drawn)


def _machine(findings: Findings) -> Iterator[str]:
    machine = findings.machine
    versions = ", ".join(f"{name} {version}" for name, version in findings.versions.items())
    yield (
        f"This run: {machine.cores} cores, {machine.python} on {machine.system}, "
        f"{findings.rounds} rounds, {findings.seconds / 60:.0f} minutes. Beside: {versions}."
    )


def _contestants(findings: Findings) -> Iterator[str]:
    yield "## Who takes part"
    yield ""
    rows = [["name", "what is switched on"]]
    rows += [[each.name, each.about] for each in findings.contestants]
    yield from _table(rows, numbers=False)
    if findings.absent:
        yield ""
        absent = "; ".join(f"{name} ({reason})" for name, reason in findings.absent.items())
        yield f"Absent from this run: {absent}."


def _section(section: Section, *, has_picture: bool) -> Iterator[str]:
    yield ""
    yield f"## {section.title}"
    yield ""
    yield MEANINGS[section.key]
    for table in section.tables:
        yield ""
        yield f"**{table.title[0].upper()}{table.title[1:]}**"
        yield ""
        yield from _table(table_rows(table))
    if has_picture:
        yield ""
        yield f"![{section.title}, as bars](results/{section.key}.svg)"


def _table(rows: Sequence[Sequence[str]], *, numbers: bool = True) -> Iterator[str]:
    head, *body = rows
    yield _line(head)
    yield _line(["---", *["---:" if numbers else "---"] * (len(head) - 1)])
    yield from map(_line, body)


def _line(cells: Sequence[str]) -> str:
    escaped = (cell.replace("|", r"\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"

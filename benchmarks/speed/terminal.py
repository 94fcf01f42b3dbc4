"""The report on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.soak.report import table as aligned
from benchmarks.speed.formats import UNITS, bound, cell, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.speed.findings import Column, Findings, Goal, Section, Table

__all__ = ["describe", "goal_rows", "heading", "table_rows"]


def describe(findings: Findings) -> Iterator[str]:
    """Return the report, line by line."""
    machine = findings.machine
    yield f"{machine.cores} cores, {machine.python}, {machine.system}"
    yield ", ".join(f"{name} {version}" for name, version in findings.versions.items())
    for section in findings.sections:
        yield from _section(section)
    yield from _absent(findings)
    if findings.goals:
        yield ""
        yield "GOALS"
        yield from aligned([["figure", "goal", "measured", ""], *map(goal_rows, findings.goals)])
    if findings.is_quick:
        yield "a quick run, with fewer of everything: too rough to judge by"


def goal_rows(goal: Goal) -> list[str]:
    """Return what stands in the line of a goal."""
    return [goal.title, bound(goal), cell(goal.value, "ratio"), verdict(goal)]


def table_rows(table: Table) -> list[list[str]]:
    """Return a table as texts, with its heading."""
    rows = [["", *(heading(column) for column in table.columns)]]
    rows += [
        [row.name, *(cell(row.cells.get(each.key), each.unit) for each in table.columns)]
        for row in table.rows
    ]
    return rows


def heading(column: Column) -> str:
    """Return the heading of a column with its unit."""
    unit = UNITS[column.unit]
    return f"{column.label}, {unit}" if unit else column.label


def _section(section: Section) -> Iterator[str]:
    yield ""
    yield section.title.upper()
    for table in section.tables:
        yield ""
        yield f"{table.title}:"
        yield from aligned(table_rows(table))


def _absent(findings: Findings) -> Iterator[str]:
    if findings.absent:
        yield ""
        yield "absent:"
        yield from (f"  {name}: {reason}" for name, reason in findings.absent.items())

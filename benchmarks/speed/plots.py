"""The pictures: one for each table that asks for it, as SVG and PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.speed.spread import Spread
from benchmarks.speed.terminal import heading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.speed.findings import Cell, Column, Findings, Section, Table

__all__ = ["draw"]

_OURS: Final = ("#1a7f37", "#4ac26b", "#aceebb")
_OTHERS: Final = ("#57606a", "#8c959f", "#d0d7de")
_INCH_PER_BAR: Final = 0.17
_WIDTH: Final = 9.0

# The same numbers make the same file: no random names in it, no date, and text that is text.
mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9})


def draw(findings: Findings, folder: Path, kinds: tuple[str, ...] = ("svg", "png")) -> list[Path]:
    """Draw each section that has something to draw; return the files."""
    return [path for each in findings.sections for path in _draw_section(each, folder, kinds)]


def _draw_section(section: Section, folder: Path, kinds: tuple[str, ...]) -> Iterator[Path]:
    tables = [table for table in section.tables if table.plot]
    if not tables:
        return
    heights = [_INCH_PER_BAR * len(table.rows) * len(table.plot) + 0.9 for table in tables]
    figure = Figure(figsize=(_WIDTH, sum(heights)), layout="constrained")
    axes = figure.subplots(len(tables), squeeze=False, height_ratios=heights)
    for table, (each,) in zip(tables, axes, strict=True):
        _draw_table(each, table)
    for kind in kinds:
        path = folder / f"{section.key}.{kind}"
        figure.savefig(path, metadata={"Date": None} if kind == "svg" else None, dpi=110)
        if kind == "svg":
            _strip_lines(path)
        yield path


def _strip_lines(path: Path) -> None:
    """Take away the blanks that matplotlib leaves at the ends of lines, which git complains of."""
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")


def _draw_table(axes: Axes, table: Table) -> None:
    columns = {column.key: column for column in table.columns}
    drawn = [columns[key] for key in table.plot]
    thickness = 0.85 / len(drawn)
    for number, column in enumerate(drawn):
        _draw_bars(axes, table, column, number, thickness)
    middle = thickness * (len(drawn) - 1) / 2
    axes.set_yticks([place + middle for place in range(len(table.rows))])
    axes.set_yticklabels([row.name for row in table.rows])
    axes.invert_yaxis()
    axes.set_title(table.title, loc="left", fontweight="bold")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    if drawn[0].unit == "ratio":
        axes.axvline(1, color="#cf222e", linewidth=0.8)
    label = table.plot_label or " | ".join(heading(column) for column in drawn)
    axes.set_xlabel(label + " (from dark to light)" * (len(drawn) > 1))


def _draw_bars(axes: Axes, table: Table, column: Column, number: int, thickness: float) -> None:
    shade = number % len(_OURS)
    for place, row in enumerate(table.rows):
        value = row.cells[column.key]
        if value is None:
            continue
        median, low, high = _bar(value)
        colour = (_OURS if row.is_ours else _OTHERS)[shade]
        axes.barh(
            place + number * thickness,
            median,
            height=thickness,
            color=colour,
            xerr=[[median - low], [high - median]],
            error_kw={"elinewidth": 0.8, "ecolor": "#1f2328"},
        )


def _bar(value: Cell) -> tuple[float, float, float]:
    if isinstance(value, Spread):
        return value.median, value.low, value.high
    assert value is not None  # noqa: S101 - the caller leaves those out
    return value, value, value

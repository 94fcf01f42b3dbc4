"""How numbers are written: as many digits as they are worth, with their spread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.speed.spread import Spread

if TYPE_CHECKING:
    from benchmarks.speed.findings import Cell, Goal, Unit

__all__ = ["UNITS", "bound", "cell", "number", "verdict"]

UNITS: Final[dict[Unit, str]] = {
    "us": "µs",
    "ms": "ms",
    "s": "s",
    "ratio": "",
    "per_second": "1/s",
    "percent": "%",
    "count": "",
    "bytes": "bytes",
}
_THOUSAND: Final = 1_000
_HUNDRED: Final = 100
_TEN: Final = 10


def number(value: float) -> str:
    """Return three digits that count, or all before the point."""
    if value >= _THOUSAND:
        return f"{value:,.0f}"
    if value >= _HUNDRED:
        return f"{value:.0f}"
    if value >= _TEN:
        return f"{value:.1f}"
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.2g}"  # noqa: PLR2004 - two digits count


def cell(value: Cell, unit: Unit) -> str:
    """Return what stands in a table: the median, and for ratios the quartiles."""
    if value is None:
        return "-"
    if not isinstance(value, Spread):
        return f"{value:,.0f}" if unit in {"count", "bytes"} else number(value)
    if unit != "ratio" or value.low == value.high:
        return number(value.median)
    return f"{number(value.median)} ({number(value.low)}-{number(value.high)})"


def bound(goal: Goal) -> str:
    """Return what a goal asks for."""
    return f"{goal.bound:g} or {'more' if goal.is_least else 'less'}"


def verdict(goal: Goal) -> str:
    """Return whether it is reached."""
    if goal.is_reached is None:
        return "not measured"
    return "reached" if goal.is_reached else "missed"

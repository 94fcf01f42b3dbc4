"""What the strategies around the core buy and cost: mostly simulations on virtual time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from benchmarks.simulations import hedging, overload, pausing, rate_limit
from benchmarks.speed.findings import Column, Row, Section, Table
from client.strategies.bulkhead.gate import Bulkhead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.simulations.hedging import Measured
    from benchmarks.simulations.overload import Make, Span
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target
    from client import BulkheadConfig

__all__ = ["measure"]

_RATE_COLUMNS: Final = (
    Column(key="refused", label="refused", unit="per_second"),
    Column(key="good", label="good answers", unit="per_second"),
    Column(key="failed", label="calls failed", unit="count"),
    Column(key="longest", label="longest call", unit="s"),
)
_OVERLOAD_COLUMNS: Final = (
    Column(key="goodput", label="answered in time", unit="per_second"),
    Column(key="attempt", label="p99 of attempts", unit="ms"),
    Column(key="call", label="p99 of calls", unit="ms"),
    Column(key="limit", label="slots", unit="count"),
)
_HEDGE_COLUMNS: Final = (
    Column(key="p50", label="p50", unit="ms"),
    Column(key="p99", label="p99", unit="ms"),
    Column(key="extra", label="extra load", unit="percent"),
)


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:  # noqa: ARG001 - a section's signature
    """Play them all; in a thread, for they have event loops of their own."""
    return await asyncio.to_thread(_measured, plan)


def _measured(plan: Plan) -> Section:
    figures: dict[str, Cell] = {}
    tables = (
        _rate_table(figures, is_quick=plan.is_quick),
        _pause_table(figures, is_quick=plan.is_quick),
        _overload_table(figures, is_quick=plan.is_quick),
        *_hedge_tables(figures, is_quick=plan.is_quick),
    )
    return Section(key="strategies", title="Strategies", tables=tables, figures=figures)


def _rate_table(figures: dict[str, Cell], *, is_quick: bool) -> Table:
    rows: list[Row] = []
    for name in rate_limit.CONTENDERS:
        run = rate_limit.simulate(name, 3.0 if is_quick else rate_limit.SECONDS)
        is_ours = name in rate_limit.OURS
        if is_ours:
            figures[f"refused: {name}"] = run.refused_a_second
        cells: dict[str, Cell] = {
            "refused": run.refused_a_second,
            "good": run.good / run.seconds,
            "failed": float(run.failed),
            "longest": run.longest,
        }
        rows.append(Row(name=name, cells=cells, is_ours=is_ours))
    title = "A rate limit: a server that takes 20 a second, asked for 40, simulated"
    return Table(title=title, columns=_RATE_COLUMNS, rows=tuple(rows))


def _pause_table(figures: dict[str, Cell], *, is_quick: bool) -> Table:
    seconds = 1.0 if is_quick else 6.0
    rows: list[Row] = []
    for name, settings in (("rate limit", pausing.LIMITED), ("retries alone", pausing.PLAIN)):
        refused, good = pausing.over_loopback(settings, seconds)
        cells: dict[str, Cell] = {"refused": refused, "good": good}
        is_ours = settings is pausing.LIMITED
        rows.append(Row(name=f"facade, {name}", cells=cells, is_ours=is_ours))
    figures["refused: loopback"] = rows[0].cells["refused"]
    title = "The pause for all: the same over loopback"
    return Table(title=title, columns=_RATE_COLUMNS[:2], rows=tuple(rows))


def _overload_table(figures: dict[str, Cell], *, is_quick: bool) -> Table:
    minute = 3 if is_quick else 60
    best: Span | None = None
    rows: list[Row] = []
    for slots in (10, 12, 20, 50, 200):
        span = _last(overload.fixed(slots), minute, 2)
        rows.append(_overload_row(f"fixed at {slots}", span))
        is_full = span.goodput >= 0.95 * overload.CAPACITY
        if is_full and (best is None or span.attempt_p99 < best.attempt_p99):
            best = span
    adaptive = _last(overload.ADAPTIVE, minute, 10)
    rows.append(_overload_row("adaptive, minute 10", adaptive))
    for name, config, make in (
        ("fixed at 12, without the queue's rule", overload.fixed(12), overload.WithoutRule),
        ("Gradient2 as published, minute 10", overload.ADAPTIVE, overload.Published),
    ):
        minutes = 10 if make is overload.Published else 2
        rows.append(_overload_row(name, _last(config, minute, minutes, make), is_ours=False))
    figures["goodput"] = adaptive.goodput / overload.CAPACITY
    figures["p99 of attempts"] = None if best is None else adaptive.attempt_p99 / best.attempt_p99
    title = "An overload of 150 %: capacity 200 a second, a second of patience, simulated"
    return Table(title=title, columns=_OVERLOAD_COLUMNS, rows=tuple(rows))


def _last(config: BulkheadConfig, minute: float, minutes: int, make: Make = Bulkhead) -> Span:
    """Return what the last of some minutes of overload was like, after one at half of capacity."""
    phases = [
        overload.Phase(minute, overload.CAPACITY / 2),
        overload.Phase(minute * minutes, overload.CAPACITY * 1.5),
    ]
    return overload.play(config, phases, make=make).between(
        minute * minutes, minute * (minutes + 1)
    )


def _overload_row(name: str, span: Span, *, is_ours: bool = True) -> Row:
    is_none = span.goodput == 0
    cells: dict[str, Cell] = {
        "goodput": span.goodput,
        "attempt": None if is_none else 1000 * span.attempt_p99,
        "call": None if is_none else 1000 * span.call_p99,
        "limit": span.limit,
    }
    return Row(name=name, cells=cells, is_ours=is_ours)


def _hedge_tables(figures: dict[str, Cell], *, is_quick: bool) -> tuple[Table, ...]:
    calls, real = (500, 100) if is_quick else (hedging.CALLS, hedging.CALLS_OF_LOOPBACK)
    late = {
        "no hedges": hedging.play({}, is_brownout=False, calls=calls),
        "hedged": hedging.play(hedging.HEDGED, is_brownout=False, calls=calls),
        "hedged without a budget": hedging.play(hedging.UNBUDGETED, is_brownout=False, calls=calls),
    }
    brownout = {
        "hedged": hedging.play(hedging.HEDGED, is_brownout=True, calls=calls),
        "hedged, fixed delay": hedging.play(hedging.FIXED, is_brownout=True, calls=calls),
        "hedged without a budget": hedging.play(hedging.UNBUDGETED, is_brownout=True, calls=calls),
    }
    loopback = {
        f"{name}, {world}": hedging.over_loopback(
            settings,
            is_async=world == "async",
            calls=real,
            warming=200 if is_quick else hedging.WARMING,
        )
        for world in ("async", "sync")
        for name, settings in (("no hedges", {}), ("hedged", hedging.HEDGED))
    }
    figures["hedged p99"] = late["hedged"].p99 / late["no hedges"].p99
    figures["hedged extra"] = late["hedged"].extra
    figures["brownout extra"] = max(
        each.extra for name, each in brownout.items() if "without" not in name
    )
    for world in ("async", "sync"):
        plain = loopback[f"no hedges, {world}"]
        figures[f"hedged p99, {world}"] = loopback[f"hedged, {world}"].p99 / plain.p99
    return (
        _hedge_table("Hedges: 2 % of the answers 300 ms late, simulated", late),
        _hedge_table("Hedges in a brownout: every answer late, simulated", brownout),
        _hedge_table("Hedges: 2 % of the answers 300 ms late, over loopback", loopback),
    )


def _hedge_table(title: str, found: Mapping[str, Measured]) -> Table:
    rows = [
        Row(
            name=name,
            cells={"p50": 1000 * each.p50, "p99": 1000 * each.p99, "extra": 100 * each.extra},
            is_ours=not ("without" in name or name.startswith("no hedges")),
        )
        for name, each in found.items()
    ]
    return Table(title=title, columns=_HEDGE_COLUMNS, rows=tuple(rows))

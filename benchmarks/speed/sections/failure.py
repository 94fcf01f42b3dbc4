"""Under failure: a share of all answers is 503, and calls are retried.

Circuits are off, also where a contender has one: a tenth or a half of the answers would open some
of them, and the numbers would tell how quickly those say no. That is for the next section.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.plain_httpx import BASELINE, SIZED
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.workers import by_tasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.speed.contenders.contract import AsyncGet, Contender
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]

_SHARES: Final = (10, 50)
"""Percent."""
_OK: Final = 200


@dataclass(slots=True)
class _Tally:
    """What callers saw."""

    calls: int = 0
    good: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    contender: Contender
    setup: Setup
    name: str


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:
    """Measure every contender at each share of failures."""
    entries = _entries(plan, lineup)
    tables = [await _measure_share(plan, entries, target, share) for share in _SHARES]
    return Section(key="failure", title="Under failure", tables=tuple(tables))


def _entries(plan: Plan, lineup: Lineup) -> list[_Entry]:
    entries: list[_Entry] = []
    setup = Setup(slots=plan.failure_callers, has_circuit=False)
    for each in lineup.contenders:
        if each.open_async is None or each.name == SIZED:
            continue
        entries.append(_Entry(each, setup, each.name))
        if each.name == "facade":
            without = replace(setup, has_budget=False)
            entries.append(_Entry(each, without, "facade, budget off"))
    return entries


async def _measure_share(plan: Plan, entries: list[_Entry], target: Target, share: int) -> Table:
    tallies = {entry.name: _Tally() for entry in entries}
    # The server tells the contenders apart by what follows the question mark.
    paths = {entry.name: f"/share/{share}?by={number}" for number, entry in enumerate(entries)}
    callers = plan.failure_callers
    async with AsyncExitStack() as stack:
        batches: dict[str, Batch] = {}
        for entry in entries:
            get = await stack.enter_async_context(entry.contender.for_tasks(entry.setup))
            tallied = _tallied(get, tallies[entry.name], entry.contender.failures)
            batches[entry.name] = by_tasks(tallied, target.url(paths[entry.name]), callers)
        calls = await calls_within(
            batches[BASELINE], plan.batch_seconds, multiple_of=plan.least_calls(callers)
        )
        laps = await interleave(batches, rounds=plan.rounds, calls=calls)
    requests = target.take_requests()
    rows = tuple(
        Row(
            name=entry.name,
            cells=_cells(laps[entry.name], tallies[entry.name], requests[paths[entry.name]]),
            is_ours=entry.contender.is_ours,
        )
        for entry in entries
    )
    return _table(share, callers, rows)


def _tallied(
    get: AsyncGet, tally: _Tally, failures: tuple[type[Exception], ...]
) -> Callable[[str], Awaitable[None]]:
    """Return a `get` that counts and never raises, so that a caller goes on to its next call."""

    async def tallied(url: str) -> None:
        tally.calls += 1
        try:
            response = await get(url)
        except failures:
            return
        tally.good += response.status_code == _OK

    return tallied


def _cells(laps: Laps, tally: _Tally, requests: int) -> dict[str, Cell]:
    good = tally.good / tally.calls
    return {
        "good": good * 100,
        "goodput": laps.rate.times(good),
        "load": requests / tally.calls,
        "cpu": laps.cpu_microseconds,
    }


def _table(share: int, callers: int, rows: tuple[Row, ...]) -> Table:
    columns = (
        Column(key="good", label="calls that succeed", unit="percent"),
        Column(key="goodput", label="good answers", unit="per_second"),
        Column(key="load", label="requests a call", unit="ratio"),
        Column(key="cpu", label="CPU a call", unit="us"),
    )
    return Table(
        title=f"{share} % of the answers are 503, {callers} callers, loopback, async",
        columns=columns,
        rows=rows,
        plot=("good",),
    )

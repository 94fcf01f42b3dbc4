"""The cost of protection: a protected call over the same call unprotected."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.plain_httpx import BASELINE, SIZED
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.null_transport import NullTransport
from benchmarks.speed.spread import Spread, paired_ratios
from benchmarks.speed.workers import by_tasks, by_threads

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from benchmarks.speed.contenders.contract import Contender
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]

_NULL_URL: Final = "http://target.example/item"
_FACES: Final = ("facade", "drop-in")
_AIOHTTP: Final = ("facade, aiohttp", "drop-in, aiohttp")
_BUSY: Final = 50
"""The concurrency at which throughput is compared."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A table: the same calls by everybody, at each concurrency."""

    is_async: bool
    is_null: bool
    url: str
    contenders: Sequence[Contender]

    @property
    def name(self) -> str:
        return f"{'null' if self.is_null else 'loopback'}_{'async' if self.is_async else 'sync'}"

    @property
    def title(self) -> str:
        wire = "null transport" if self.is_null else "loopback, kept-alive connections"
        return f"{wire}, {'async' if self.is_async else 'sync'}"

    def setup(self, concurrency: int) -> Setup:
        transport = NullTransport() if self.is_null else None
        return Setup(slots=max(concurrency, Setup().slots), transport=transport)


async def measure(plan: Plan, lineup: Lineup, target: Target) -> Section:
    """Measure every contender in both worlds, over both wires, at each concurrency."""
    tables: list[Table] = []
    figures: dict[str, Cell] = {}
    for field in _fields(lineup, target):
        measured = {each: await _run(plan, field, each) for each in plan.concurrencies}
        tables.append(_table(field, measured))
        figures |= _figures(field, measured)
    return Section(
        key="protection", title="The cost of protection", tables=tuple(tables), figures=figures
    )


def _fields(lineup: Lineup, target: Target) -> Iterator[_Field]:
    for is_null in (False, True):
        for is_async in (True, False):
            taking_part = [
                each
                for each in lineup.contenders
                if (each.open_async if is_async else each.open_blocking) is not None
                and (each.is_null_capable or not is_null)
            ]
            yield _Field(is_async, is_null, _NULL_URL if is_null else target.url(), taking_part)


async def _run(plan: Plan, field: _Field, concurrency: int) -> dict[str, Laps]:
    async with AsyncExitStack() as stack:
        if field.is_async:
            batches = await _async_batches(stack, field, concurrency)
        else:
            batches = _blocking_batches(stack, field, concurrency)
        alone = concurrency == 1
        seconds = plan.short_batch_seconds if alone else plan.batch_seconds
        calls = await calls_within(
            batches[BASELINE], seconds, multiple_of=plan.least_calls(concurrency)
        )
        return await interleave(
            batches,
            rounds=plan.rounds_of(concurrency),
            calls=calls,
            warm_up=0 if alone or field.is_null else concurrency,
            baseline=BASELINE if alone else None,
        )


async def _async_batches(
    stack: AsyncExitStack, field: _Field, concurrency: int
) -> dict[str, Batch]:
    batches: dict[str, Batch] = {}
    for each in field.contenders:
        get = await stack.enter_async_context(each.for_tasks(field.setup(concurrency)))
        batches[each.name] = by_tasks(get, field.url, concurrency)
    return batches


def _blocking_batches(stack: AsyncExitStack, field: _Field, concurrency: int) -> dict[str, Batch]:
    batches: dict[str, Batch] = {}
    batch_of = stack.enter_context(by_threads(concurrency))
    for each in field.contenders:
        get = stack.enter_context(each.for_threads(field.setup(concurrency)))
        batches[each.name] = batch_of(get, field.url)
    return batches


def _table(field: _Field, measured: Mapping[int, Mapping[str, Laps]]) -> Table:
    columns: list[Column] = []
    for concurrency in measured:
        callers = "1 caller" if concurrency == 1 else f"{concurrency} callers"
        columns += [
            Column(key=f"us_{concurrency}", label=callers, unit="us"),
            Column(key=f"ratio_{concurrency}", label="over httpx", unit="ratio"),
            Column(key=f"cpu_{concurrency}", label="CPU over httpx", unit="ratio"),
        ]
    rows = [
        Row(name=each.name, cells=_cells(each.name, measured), is_ours=each.is_ours)
        for each in field.contenders
    ]
    return Table(
        title=f"{field.title}, a call",
        columns=tuple(columns),
        rows=tuple(rows),
        plot=tuple(f"ratio_{concurrency}" for concurrency in measured),
        plot_label=f"over httpx, with {', '.join(map(str, measured))} callers",
    )


def _cells(name: str, measured: Mapping[int, Mapping[str, Laps]]) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for concurrency, laps in measured.items():
        mine, baseline = laps[name], laps[BASELINE]
        cells[f"us_{concurrency}"] = mine.microseconds
        cells[f"ratio_{concurrency}"] = mine.over(baseline)
        cells[f"cpu_{concurrency}"] = mine.cpu_over(baseline)
    return cells


def _figures(field: _Field, measured: Mapping[int, Mapping[str, Laps]]) -> dict[str, Cell]:
    figures: dict[str, Cell] = {}
    if 1 in measured:
        laps = measured[1]
        for face in _FACES:
            figures[f"{field.name}_{face}"] = laps[face].over(laps[BASELINE])
    if _BUSY in measured and field.name == "loopback_async":
        laps = measured[_BUSY]
        for name in _AIOHTTP:
            if name in laps:
                figures[f"throughput_{name}"] = _throughput(laps[name], laps[BASELINE])
                figures[f"throughput_{name}_sized"] = _throughput(laps[name], laps[SIZED])
    return figures


def _throughput(mine: Laps, other: Laps) -> Spread:
    return paired_ratios(other.wall, mine.wall)

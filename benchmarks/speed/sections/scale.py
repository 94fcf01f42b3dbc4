"""Scale: many origins, many callers in the queue, and what one client takes of the memory."""

from __future__ import annotations

from contextlib import AsyncExitStack
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.facade import config_of
from benchmarks.speed.contenders.plain_httpx import BASELINE
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.memory import traced
from benchmarks.speed.null_transport import NullTransport
from benchmarks.speed.queueing import CROWDS, drain, waiter_bytes
from benchmarks.speed.spread import Spread, paired_ratios
from client import AsyncClient, ResilientClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from benchmarks.speed.contenders.contract import AsyncGet
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["measure"]

_FACADE: Final = "facade, a circuit per origin"
_MOST_REMEMBERED: Final = 10_000
"""Origins for which the facade keeps a circuit; the one unused for longest makes room."""
_CLIENTS: Final = 5


async def measure(plan: Plan, lineup: Lineup, _target: Target) -> Section:
    """Measure origins, the queue and the memory of a client."""
    origins, figures = await _origins(plan, lineup)
    tables = (origins, await _queue(plan), await _clients())
    return Section(key="scale", title="Scale", tables=tables, figures=figures)


# Origins.


async def _origins(plan: Plan, lineup: Lineup) -> tuple[Table, dict[str, Cell]]:
    batches: dict[str, Batch] = {}
    plain = next(each for each in lineup.contenders if each.name == BASELINE)
    setup = Setup(transport=NullTransport())
    config = config_of(setup, circuit_breaker={"scope": "origin"})
    async with AsyncExitStack() as stack:
        for count in plan.origins:
            urls = [f"http://origin-{number}.example/item" for number in range(count)]
            get = await stack.enter_async_context(plain.for_tasks(setup))
            batches[f"{BASELINE} {count}"] = _visiting(get, urls)
            client = ResilientClient(config, transport=setup.transport)
            await stack.enter_async_context(client)
            batches[f"{_FACADE} {count}"] = batch = _visiting(client.get, urls)
            # What is to be measured is a table that is full, not one that fills.
            await batch(min(count, _MOST_REMEMBERED + _MOST_REMEMBERED // 10))
        first = f"{BASELINE} {plan.origins[0]}"
        calls = await calls_within(batches[first], plan.short_batch_seconds)
        laps = await interleave(batches, rounds=plan.many_rounds, calls=calls)
    few, many = (f"{_FACADE} {plan.origins[each]}" for each in (0, -1))
    figure = laps[many].over(laps[few])
    return _origins_table(plan, laps), {"origins": figure}


def _visiting(get: AsyncGet, urls: Sequence[str]) -> Callable[[int], Awaitable[None]]:
    """Call all URLs in turns: each comes again only after all others, the worst for an LRU."""
    endless = cycle(urls)

    async def batch(calls: int) -> None:
        for url in islice(endless, calls):
            await get(url)

    return batch


def _origins_table(plan: Plan, laps: dict[str, Laps]) -> Table:
    columns: list[Column] = []
    for count in plan.origins:
        label = "1 origin" if count == 1 else f"{count:,} origins"
        columns.append(Column(key=f"us_{count}", label=f"{label}: a call", unit="us"))
        columns.append(Column(key=f"ratio_{count}", label="over 1 origin", unit="ratio"))
    rows = tuple(
        Row(name=name, cells=_origin_cells(plan, laps, name), is_ours=name == _FACADE)
        for name in (BASELINE, _FACADE)
    )
    return Table(
        title="origins in turns, null transport, async",
        columns=tuple(columns),
        rows=rows,
        plot=tuple(f"us_{count}" for count in plan.origins),
    )


def _origin_cells(plan: Plan, laps: dict[str, Laps], name: str) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    first = laps[f"{name} {plan.origins[0]}"]
    for count in plan.origins:
        mine = laps[f"{name} {count}"]
        cells[f"us_{count}"] = mine.microseconds
        cells[f"ratio_{count}"] = mine.over(first)
    return cells


# The queue.


async def _queue(plan: Plan) -> Table:
    times: dict[str, list[float]] = {name: [] for name in CROWDS}
    out_of_turn = dict.fromkeys(CROWDS, 0)
    for _ in range(plan.few_rounds):
        for name, crowd in CROWDS.items():
            drained = await drain(crowd, plan.queue_callers, plan.queue_slots)
            times[name].append(drained.seconds)
            out_of_turn[name] += drained.out_of_turn
    columns = (
        Column(key="s", label="all calls", unit="s"),
        Column(key="ratio", label="over the semaphore", unit="ratio"),
        Column(key="out_of_turn", label="served out of turn", unit="count"),
        Column(key="bytes", label="memory of a waiter", unit="bytes"),
    )
    by_hand, *_ = CROWDS
    rows = [
        Row(
            name=name,
            cells={
                "s": Spread.of(times[name]),
                "ratio": paired_ratios(times[name], times[by_hand]),
                "out_of_turn": float(out_of_turn[name]),
                "bytes": await waiter_bytes(crowd, plan.queue_callers, plan.queue_slots),
            },
            is_ours=name != by_hand,
        )
        for name, crowd in CROWDS.items()
    ]
    title = f"{plan.queue_callers:,} callers for {plan.queue_slots} slots, null transport, async"
    return Table(title=title, columns=columns, rows=tuple(rows))


# Memory.


async def _clients() -> Table:
    kinds: dict[str, Callable[[], AbstractAsyncContextManager[Any]]] = {
        "httpx.AsyncClient()": httpx.AsyncClient,
        "ResilientClient()": ResilientClient,
        "AsyncClient()": AsyncClient,
    }
    rows = [
        Row(
            name=name,
            cells={"bytes": await _bytes_of(make)},
            is_ours=make is not httpx.AsyncClient,
        )
        for name, make in kinds.items()
    ]
    columns = (Column(key="bytes", label="memory", unit="bytes"),)
    title = "one open client, without OpenSSL's memory"
    return Table(title=title, columns=columns, rows=tuple(rows))


async def _bytes_of(make: Callable[[], AbstractAsyncContextManager[Any]]) -> float:
    async with make():
        pass  # what is made once and kept for all
    async with AsyncExitStack() as stack:
        with traced() as taken:
            before = taken()
            for _ in range(_CLIENTS):
                await stack.enter_async_context(make())
            return (taken() - before) / _CLIENTS

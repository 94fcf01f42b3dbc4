"""What a server in trouble sees of a thousand callers."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.contenders.plain_httpx import SIZED
from benchmarks.speed.findings import Column, Row, Table
from benchmarks.speed.spread import Spread

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractAsyncContextManager

    from benchmarks.speed.contenders.contract import AsyncGet, Contender
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

__all__ = ["Load", "load_table", "measure_loads"]

_SLOTS: Final = 50


@dataclass(slots=True)
class _Trial:
    """One burst of callers."""

    requests: float
    wall: float
    cpu: float


@dataclass(slots=True)
class Load:
    """The bursts of one contender, with its circuit on and off."""

    on: list[_Trial] = field(default_factory=list[_Trial])
    off: list[_Trial] = field(default_factory=list[_Trial])

    def requests(self, *, has_circuit: bool) -> Spread | None:
        """Return the requests that the server sees for each call."""
        trials = self.on if has_circuit else self.off
        return Spread.of(each.requests for each in trials) if trials else None


async def measure_loads(plan: Plan, lineup: Lineup, target: Target) -> dict[str, Load]:
    """Let one burst after the other loose upon a server that has none but bad answers."""
    loads = {each.name: Load() for each in _callers(lineup)}
    for _ in range(plan.bursts):
        for contender in _callers(lineup):
            load = loads[contender.name]
            load.off.append(await _burst(plan, contender, target, has_circuit=False))
            if contender.has_circuit:
                load.on.append(await _burst(plan, contender, target, has_circuit=True))
    return loads


def _callers(lineup: Lineup) -> list[Contender]:
    return [
        each for each in lineup.contenders if each.open_async is not None and each.name != SIZED
    ]


async def _burst(plan: Plan, contender: Contender, target: Target, *, has_circuit: bool) -> _Trial:
    """Let all callers call at once, with a client that knows nothing yet of the outage."""
    setup = Setup(slots=_SLOTS, has_circuit=has_circuit)
    # Who has no queue stands behind a semaphore: httpx's pool takes minutes over a thousand
    # callers at once, and some of them time out in it.
    gate = nullcontext() if contender.has_queue else asyncio.Semaphore(_SLOTS)
    async with contender.for_tasks(setup) as get:
        target.take_requests()
        wall, cpu = time.perf_counter(), time.process_time()
        url = target.url("/share/100")
        async with asyncio.TaskGroup() as callers:
            for _ in range(plan.outage_callers):
                callers.create_task(_call(get, url, gate, contender.failures))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    requests = sum(target.take_requests().values())
    return _Trial(requests / plan.outage_callers, wall, cpu)


async def _call(
    get: AsyncGet,
    url: str,
    gate: AbstractAsyncContextManager[None],
    failures: tuple[type[Exception], ...],
) -> None:
    async with gate:
        with suppress(*failures):
            await get(url)


def load_table(plan: Plan, lineup: Lineup, loads: Mapping[str, Load]) -> Table:
    """Return what was measured as a table."""
    columns = (
        Column(key="off", label="requests a call, circuit off", unit="ratio"),
        Column(key="s_off", label="all calls", unit="s"),
        Column(key="cpu_off", label="CPU", unit="s"),
        Column(key="on", label="requests a call, circuit on", unit="ratio"),
        Column(key="s_on", label="all calls", unit="s"),
        Column(key="cpu_on", label="CPU", unit="s"),
    )
    rows = tuple(
        Row(
            name=each.name,
            cells=_load_cells(loads[each.name]),
            is_ours=each.is_ours,
        )
        for each in _callers(lineup)
    )
    title = (
        f"every answer is 503, {plan.outage_callers:,} callers, {_SLOTS} at a time, loopback, async"
    )
    return Table(title=title, columns=columns, rows=rows, plot=("off", "on"))


def _load_cells(load: Load) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for key, trials in (("off", load.off), ("on", load.on)):
        cells[key] = Spread.of(each.requests for each in trials) if trials else None
        cells[f"s_{key}"] = Spread.of(each.wall for each in trials) if trials else None
        cells[f"cpu_{key}"] = Spread.of(each.cpu for each in trials) if trials else None
    return cells

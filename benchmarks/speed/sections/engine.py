"""The engine alone, over a send that does nothing, beside tenacity doing no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import tenacity

from benchmarks.speed.bare_engine import async_operation, blocking_operation
from benchmarks.speed.contenders.contract import ATTEMPTS
from benchmarks.speed.findings import Column, Row, Section, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.memory import footprint_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.findings import Cell
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.memory import Footprint
    from benchmarks.speed.plan import Plan
    from benchmarks.speed.target_process import Target

    Send = Callable[[], Awaitable[None]]

__all__ = ["measure"]

_BARE: Final = "the no-op alone"
_ENGINE: Final = "engine, all layers"
_TENACITY: Final = "tenacity.AsyncRetrying"
_DECORATED: Final = "@tenacity.retry"
_LOOP: Final = "async for attempt in AsyncRetrying()"
_BLOCKING_TENACITY: Final = "tenacity.Retrying"


async def _nothing() -> None:
    """Succeed, as the best of servers."""


def _nothing_blocking() -> None:
    """Do no less."""


def _through_tenacity(send: Send) -> Send:
    # One object for all calls, which is the cheapest way to use it.
    retrying = tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(ATTEMPTS))

    async def call() -> None:
        await retrying(send)

    return call


def _decorated(send: Send) -> Send:
    @tenacity.retry(stop=tenacity.stop_after_attempt(ATTEMPTS))
    async def call() -> None:
        await send()

    return call


def _loop(send: Send) -> Send:
    async def call() -> None:
        async for attempt in tenacity.AsyncRetrying(stop=tenacity.stop_after_attempt(ATTEMPTS)):
            with attempt:
                await send()

    return call


def _bare(send: Send) -> Send:
    return send


_ASYNC: Final[Mapping[str, Callable[[Send], Send]]] = {
    _BARE: _bare,
    _ENGINE: async_operation,
    _TENACITY: _through_tenacity,
    _DECORATED: _decorated,
    _LOOP: _loop,
}


async def measure(plan: Plan, _lineup: Lineup, _target: Target) -> Section:
    """Measure times and allocations."""
    laps = await _run(plan, {name: _looping(make(_nothing)) for name, make in _ASYNC.items()})
    retrying = tenacity.Retrying(stop=tenacity.stop_after_attempt(ATTEMPTS))
    blocking = {
        _BARE: _repeating(_nothing_blocking),
        _ENGINE: _repeating(blocking_operation(_nothing)),
        _BLOCKING_TENACITY: _repeating(lambda: retrying(_nothing_blocking)),
    }
    blocking_laps = await _run(plan, blocking)
    footprints = {name: await footprint_of(make) for name, make in _ASYNC.items()}
    tables = (
        _times("over a no-op, async", laps, _TENACITY),
        _times("over a no-op, sync", blocking_laps, _BLOCKING_TENACITY),
        _allocations(footprints),
    )
    figures: dict[str, Cell] = {
        "engine_over_tenacity": laps[_ENGINE].over(laps[_TENACITY]),
        "engine_over_decorator": laps[_ENGINE].over(laps[_DECORATED]),
    }
    return Section(key="engine", title="The engine alone", tables=tables, figures=figures)


async def _run(plan: Plan, batches: Mapping[str, Batch]) -> dict[str, Laps]:
    calls = await calls_within(batches[_ENGINE], plan.short_batch_seconds)
    return await interleave(batches, rounds=plan.many_rounds, calls=calls)


def _looping(call: Send) -> Batch:
    async def batch(calls: int) -> None:
        for _ in range(calls):
            await call()

    return batch


def _repeating(call: Callable[[], Any]) -> Batch:
    def batch(calls: int) -> None:
        for _ in range(calls):
            call()

    return batch


def _times(title: str, laps: Mapping[str, Laps], baseline: str) -> Table:
    columns = (
        Column(key="us", label="a call", unit="us"),
        Column(key="ratio", label=f"over {baseline}", unit="ratio"),
    )
    rows = tuple(
        Row(
            name=name,
            cells={"us": each.microseconds, "ratio": each.over(laps[baseline])},
            is_ours=name == _ENGINE,
        )
        for name, each in laps.items()
    )
    return Table(title=title, columns=columns, rows=rows, plot=("us",))


def _allocations(footprints: Mapping[str, Footprint]) -> Table:
    columns = (
        Column(key="blocks", label="blocks while under way", unit="count"),
        Column(key="peak", label="most bytes at once", unit="bytes"),
        Column(key="garbage", label="left to the collector", unit="bytes"),
    )
    rows = tuple(
        Row(
            name=name,
            cells={
                "blocks": each.blocks,
                "peak": each.peak_bytes,
                "garbage": each.garbage_bytes,
            },
            is_ours=name == _ENGINE,
        )
        for name, each in footprints.items()
    )
    return Table(title="allocations of a call, async", columns=columns, rows=rows)

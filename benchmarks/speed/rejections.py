"""What it costs to be turned away by an open circuit."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from benchmarks.speed.bare_engine import rejecting_circuit
from benchmarks.speed.contenders.contract import Setup
from benchmarks.speed.findings import Column, Row, Table
from benchmarks.speed.interleave import calls_within, interleave
from benchmarks.speed.null_transport import NullTransport
from benchmarks.speed.spread import Spread, paired_ratios
from client import CircuitOpenError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from benchmarks.speed.contenders.contract import AsyncGet, BlockingGet, Contender
    from benchmarks.speed.contenders.lineup import Lineup
    from benchmarks.speed.interleave import Batch, Laps
    from benchmarks.speed.plan import Plan

__all__ = ["CIRCUIT", "OURS", "PYBREAKER", "measure_rejections", "rate_over", "rejection_table"]

OURS: Final = ("facade", "drop-in")
CIRCUIT: Final = "our circuit"
"""The part of a call that decides, without the error that says what was turned away and why."""
PYBREAKER: Final = "pybreaker"
_URL: Final = "http://target.example/item"
_FIRST_CALLS: Final = 20
"""Enough failures to open every circuit."""


async def measure_rejections(plan: Plan, lineup: Lineup) -> dict[str, Laps]:
    """Open the circuits of all who have one, and be rejected in turns."""
    async with AsyncExitStack() as stack:
        batches: dict[str, Batch] = {}
        for name, make in lineup.rejecting.items():
            batches[name] = _saying_no(name, make())
        batches[CIRCUIT] = _saying_no(CIRCUIT, rejecting_circuit())
        for contender in lineup.contenders:
            if contender.name in OURS:
                batches |= await _our_batches(stack, contender)
        calls = await calls_within(batches["facade, async"], plan.short_batch_seconds)
        return await interleave(batches, rounds=plan.many_rounds, calls=calls)


async def _our_batches(stack: AsyncExitStack, contender: Contender) -> dict[str, Batch]:
    setup = Setup(transport=NullTransport(503))
    get = await stack.enter_async_context(contender.for_tasks(setup))
    blocking_get = stack.enter_context(contender.for_threads(setup))
    name = f"{contender.name}, sync"
    return {
        f"{contender.name}, async": await _awaiting_no(get, contender.failures),
        name: _saying_no(name, _asking(blocking_get, contender.failures)),
    }


def _saying_no(name: str, call: Callable[[], bool]) -> Batch:
    """Open the circuit of a call that tells whether it was rejected; return a batch of it."""
    told = [call() for _ in range(_FIRST_CALLS)]
    assert told[-1], f"the circuit of {name} does not open"  # noqa: S101 - else the rest is wrong

    def batch(calls: int) -> None:
        for _ in range(calls):
            call()

    return batch


def _asking(get: BlockingGet, failures: tuple[type[Exception], ...]) -> Callable[[], bool]:
    def call() -> bool:
        try:
            get(_URL)
        except CircuitOpenError:
            return True
        except failures:
            return False
        return False

    return call


async def _awaiting_no(get: AsyncGet, failures: tuple[type[Exception], ...]) -> Batch:
    async def call() -> bool:
        try:
            await get(_URL)
        except CircuitOpenError:
            return True
        except failures:
            return False
        return False

    told = [await call() for _ in range(_FIRST_CALLS)]
    assert told[-1], "the circuit does not open"  # noqa: S101 - else the rest is wrong

    async def batch(calls: int) -> None:
        for _ in range(calls):
            await call()

    return batch


def _shown(name: str) -> str:
    if name == CIRCUIT:
        return f"{name}, its answer"  # it returns what others raise
    return f"{name}, get" if name.startswith(OURS) else f"{name}, its call"


def rate_over(mine: Laps, other: Laps) -> Spread:
    """Return how many calls of one there are to each of the other."""
    return paired_ratios(other.wall, mine.wall)


def rejection_table(laps: Mapping[str, Laps]) -> Table:
    """Return what was measured as a table."""
    columns = (
        Column(key="us", label="a rejection", unit="us"),
        Column(key="cpu", label="CPU", unit="us"),
        Column(key="rate", label="rejections", unit="per_second"),
        Column(key="ratio", label="as many as pybreaker's", unit="ratio"),
    )
    rows = tuple(
        Row(
            name=_shown(name),
            cells={
                "us": each.microseconds,
                "cpu": each.cpu_microseconds,
                "rate": each.rate,
                "ratio": rate_over(each, laps[PYBREAKER]),
            },
            is_ours=name.startswith((*OURS, CIRCUIT)),
        )
        for name, each in laps.items()
    )
    return Table(title="the circuit is open", columns=columns, rows=rows, plot=("us",))

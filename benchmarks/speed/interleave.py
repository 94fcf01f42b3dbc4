"""Runs batches of calls in turns: in each round every entry once, in an order of its own.

So a second in which the machine is busy with something else strikes all of them alike, and the
ratio to the baseline of the same round stays what it is.
"""

from __future__ import annotations

import gc
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from benchmarks.speed.spread import Spread, paired_ratios

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

__all__ = ["Batch", "Laps", "calls_within", "collector_at_rest", "interleave"]

if TYPE_CHECKING:
    Batch = Callable[[int], Awaitable[None] | None]
    """Makes so many calls, and ends when the last of them has."""

_MOST_CALLS: Final = 1_000_000


@dataclass(slots=True)
class Laps:
    """What a call took in each round, in seconds."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    """Of this process, all its threads together."""
    beside: Laps | None = None
    """Those of the baseline made right before or after each of these, if there were any."""

    def over(self, baseline: Laps) -> Spread:
        """Return the ratio of the times on the clock."""
        return paired_ratios(self.wall, (self.beside or baseline).wall)

    def cpu_over(self, baseline: Laps) -> Spread:
        """Return the ratio of the CPU times."""
        return paired_ratios(self.cpu, (self.beside or baseline).cpu)

    def add(self, lap: tuple[float, float]) -> None:
        """Add what a call took, on the clock and of the CPU."""
        wall, cpu = lap
        self.wall.append(wall)
        self.cpu.append(cpu)

    @property
    def microseconds(self) -> Spread:
        """Microseconds a call, on the clock."""
        return Spread.of(self.wall).times(1e6)

    @property
    def cpu_microseconds(self) -> Spread:
        """Microseconds a call, of the CPU."""
        return Spread.of(self.cpu).times(1e6)

    @property
    def rate(self) -> Spread:
        """Calls a second."""
        return Spread.of(1 / seconds for seconds in self.wall)


async def interleave(
    batches: Mapping[str, Batch],
    *,
    rounds: int,
    calls: int,
    warm_up: int = 0,
    baseline: str | None = None,
) -> dict[str, Laps]:
    """Run every batch once in each round, after one round that is not counted.

    Args:
        batches: By name.
        rounds: How often.
        calls: How many calls a batch makes.
        warm_up: How many calls each makes before those that are timed: where many contenders take
            their turns, its connections may have been idle for longer than they are kept.
        baseline: Whose batch is made beside each of the others', in every other round before it:
            of two that are close, the machine is more likely to treat both alike.
    """
    laps = {name: Laps() for name in batches}
    if baseline is not None:
        for name in batches.keys() - {baseline}:
            laps[name].beside = Laps()
    # Sorted anew in every round, the same in every run: nobody always comes after the same one.
    order, dice = list(batches), random.Random(1)  # noqa: S311 - not for secrets
    with collector_at_rest():
        for batch in batches.values():
            await _timed(batch, calls)
        for turn in range(rounds):
            dice.shuffle(order)
            for name in order:
                pair = [(batches[name], laps[name])]
                if baseline is not None and (beside := laps[name].beside) is not None:
                    # The second of two is quicker for the first: it must not always be the same.
                    pair.insert(turn % 2, (batches[baseline], beside))
                for batch, made in pair:
                    if warm_up:
                        await _timed(batch, warm_up)
                    made.add(await _timed(batch, calls))
    return laps


async def calls_within(batch: Batch, seconds: float, *, multiple_of: int = 1) -> int:
    """Return how many calls of a batch take about so long, found by trying."""
    calls = multiple_of
    with collector_at_rest():
        await _timed(batch, calls)  # the first calls of all import modules and open connections
        while True:
            took = (await _timed(batch, calls))[0] * calls
            if took >= seconds or calls >= _MOST_CALLS:
                return calls
            # At least twice as many, at most ten times: the first few are slower than the rest.
            factor = min(10.0, max(2.0, seconds / max(took, 1e-9)))
            calls = multiple_of * round(calls * factor / multiple_of)


@contextmanager
def collector_at_rest() -> Generator[None]:
    """Put what there is out of the collector's sight, so that it is soon done before each batch."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _timed(batch: Batch, calls: int) -> tuple[float, float]:
    """Return the seconds a call of a batch took, on the clock and of the CPU.

    As in `timeit`, the collector works before it and not during it: whose turn it interrupts
    would be chance.
    """
    gc.collect()
    gc.disable()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        running = batch(calls)
        if running is not None:
            await running
        return (time.perf_counter() - wall) / calls, (time.process_time() - cpu) / calls
    finally:
        gc.enable()

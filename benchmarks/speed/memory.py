"""Counts what a call, a client or a waiter takes of the memory that Python manages."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

__all__ = ["Footprint", "footprint_of", "traced"]

_WARM_UP: Final = 200
_CALLS: Final = 500


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one call takes.

    Attributes:
        blocks: Blocks of memory that are taken while it is under way.
        peak_bytes: The most bytes that are taken at once.
        garbage_bytes: Bytes that it leaves to the garbage collector.
    """

    blocks: float
    peak_bytes: float
    garbage_bytes: float


@contextmanager
def traced() -> Generator[Callable[[], int]]:
    """Trace allocations, and give what tells how many bytes are taken."""
    gc.collect()
    tracemalloc.start()
    try:
        yield _bytes_taken
    finally:
        tracemalloc.stop()


async def footprint_of(
    make: Callable[[Callable[[], Awaitable[None]]], Callable[[], Awaitable[None]]],
) -> Footprint:
    """Measure a call.

    Args:
        make: Makes the call, given what it shall do when it has come to its innermost part.
    """
    inside = 0

    async def look() -> None:
        nonlocal inside
        inside = sys.getallocatedblocks()

    async def nothing() -> None:
        pass

    call = make(look)
    for _ in range(_WARM_UP):
        await call()
    before = sys.getallocatedblocks()
    await call()
    blocks = inside - before
    peak, garbage = await _traced_call(make(nothing))
    return Footprint(float(blocks), float(peak), garbage)


async def _traced_call(call: Callable[[], Awaitable[None]]) -> tuple[int, float]:
    for _ in range(_WARM_UP):
        await call()
    with traced() as taken:
        await call()
        gc.collect()
        gc.disable()
        try:
            before = taken()
            tracemalloc.reset_peak()
            await call()
            peak = tracemalloc.get_traced_memory()[1] - before
            for _ in range(_CALLS):
                await call()
            with_garbage = taken()
            gc.collect()
            return peak, (with_garbage - taken()) / _CALLS
        finally:
            gc.enable()


def _bytes_taken() -> int:
    return tracemalloc.get_traced_memory()[0]

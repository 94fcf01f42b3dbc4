"""Counts what a process and its clients hold: slots, connections, tasks, threads, descriptors.

The pools are private to httpx, and are reached for as the library does.
"""
# ruff: noqa: SLF001 - see above

from __future__ import annotations

import asyncio
import os
import resource
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from client.transports.httpcore.pools import pools_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.soak.lanes import Lane

__all__ = ["Holdings", "count_holdings", "resident_bytes"]

_DESCRIPTORS: Final = Path("/dev/fd")
_STATM: Final = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is held at one moment.

    Attributes:
        slots_in_use: Slots of all bulkheads.
        slots_waiting: Calls that queue for one.
        connections: Connections in all pools, each with a socket.
        connections_busy: Those that are neither free nor closed.
        pool_requests: Requests that a pool still knows.
        tasks: Of the event loop.
        threads: Of the process.
        descriptors: Of the process.
    """

    slots_in_use: int
    slots_waiting: int
    connections: int
    connections_busy: int
    pool_requests: int
    tasks: int
    threads: int
    descriptors: int


def count_holdings(lanes: Sequence[Lane]) -> Holdings:
    """Count now."""
    stats = [lane.client.stats() for lane in lanes]
    pools = [pool for lane in lanes for pool in _pools(lane)]
    connections = [each for pool in pools for each in list(pool.connections)]
    return Holdings(
        slots_in_use=sum(each.slots_in_use for each in stats),
        slots_waiting=sum(each.slots_waiting for each in stats),
        connections=sum(not each.is_closed() for each in connections),
        connections_busy=sum(not (each.is_idle() or each.is_closed()) for each in connections),
        pool_requests=sum(len(pool._requests) for pool in pools),
        tasks=len(asyncio.all_tasks()),
        threads=threading.active_count(),
        descriptors=len(os.listdir(_DESCRIPTORS)),  # noqa: PTH208 - names are enough
    )


def resident_bytes() -> int:
    """Return the memory of this process; where the system tells only the most so far, that."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return pages * resource.getpagesize()


def _pools(lane: Lane) -> list[Any]:
    return list(pools_of(lane.client._session.http.client, "connections", "_requests"))

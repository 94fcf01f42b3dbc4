"""How late a call ends that its deadline ends, in each phase: `python -m benchmarks.deadlines`.

Prints the overshoot in milliseconds, median and worst of several calls, and exits with status 1
where one call came more than 50 ms late.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from client import DeadlineExceededError, MyAPIError
from tests.wire.scripted_server import ScriptedServer
from tests.wire.scripts import (
    LARGE,
    drips_chunks,
    drips_the_body,
    drips_the_head,
    reads_nothing,
    reads_slowly,
    stalls_before_the_head,
    stalls_in_the_body,
)
from tests.wire.twins import TWINS, settings

if TYPE_CHECKING:
    from tests.wire.scripted_server import Connection, Script
    from tests.wire.twins import Client, Twin

DEADLINE: Final = 0.25
"""Seconds."""
CALLS: Final = 7
MOST_LATE: Final = 0.05
"""Seconds."""


class Phase(NamedTuple):
    """Where a call is when its deadline comes."""

    script: Script
    scheme: str = "http"
    content: bytes | None = None
    is_queueing: bool = False
    is_busy: bool = False


def busy(connection: Connection) -> None:
    """Ask for time, again and again."""
    while True:
        connection.read_request()
        connection.answer(503)


PHASES: Final = {
    "queueing for a slot": Phase(stalls_before_the_head, is_queueing=True),
    "TLS handshake": Phase(reads_nothing, scheme="https"),
    "upload, peer reads nothing": Phase(reads_nothing, content=LARGE),
    "upload, peer reads slowly": Phase(reads_slowly, content=LARGE),
    "waiting for the head": Phase(stalls_before_the_head),
    "head drips": Phase(drips_the_head),
    "body stalls": Phase(stalls_in_the_body),
    "body drips": Phase(drips_the_body),
    "chunks drip": Phase(drips_chunks),
    "waiting for a retry": Phase(busy, is_busy=True),
}


async def late(twin: Twin, phase: Phase) -> list[float]:
    """How many seconds after its deadline each call ended."""
    retry: Any = {"max_attempts": 99, "min_wait_seconds": 0.02, "max_wait_seconds": 0.02}
    with ScriptedServer(phase.script, receive_buffer=4096) as server:
        url = server.url.replace("http:", f"{phase.scheme}:")
        config = settings(
            url,
            bulkhead={"max_concurrency": 1},
            circuit_breaker=None,
            retry={**retry, "budget": None} if phase.is_busy else None,
        )
        async with twin.client(config) as client:
            if not phase.is_queueing:
                return [await timed(client, phase) for _ in range(CALLS)]
            occupant = twin.start(fail(client, DEADLINE * (CALLS + 2)))
            await twin.until(lambda: client.stats().slots_in_use)
            seconds = [await timed(client, phase) for _ in range(CALLS)]
            await occupant.result()
            return seconds


async def timed(client: Client, phase: Phase) -> float:
    """How many seconds after its deadline one call ended."""
    begun = time.perf_counter()
    await fail(client, DEADLINE, phase.content)
    # A wait that would outlast the deadline is not begun: such a call ends early.
    return max(0.0, time.perf_counter() - begun - DEADLINE)


async def fail(client: Client, deadline: float, content: bytes | None = None) -> None:
    """Make a call that its deadline ends."""
    try:
        await client.request("POST", "/", content=content, deadline=deadline)
    except DeadlineExceededError:
        return
    except MyAPIError as error:
        if error.status_code is not None:
            return
        raise


def main() -> int:
    """Measure, print, and judge."""
    worst = 0.0
    print(f"late by, in ms, of {CALLS} calls with {DEADLINE} s each: median, worst")
    for name, phase in PHASES.items():
        for world, make in TWINS.items():
            twin, seconds = make(), list[float]()

            async def measure(
                twin: Twin = twin, phase: Phase = phase, seconds: list[float] = seconds
            ) -> None:
                seconds += await late(twin, phase)

            twin.tell(measure())
            worst = max(worst, *seconds)
            median, most = statistics.median(seconds) * 1000, max(seconds) * 1000
            print(f"  {name:28} {world:9} {median:7.1f} {most:7.1f}", flush=True)
    verdict = "within" if worst <= MOST_LATE else "NOT within"
    print(f"the latest came {worst * 1000:.1f} ms late: {verdict} {MOST_LATE * 1000:.0f} ms")
    return 0 if worst <= MOST_LATE else 1


if __name__ == "__main__":
    sys.exit(main())

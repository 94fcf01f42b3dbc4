"""What hedging gains and what it costs: `python -m benchmarks.simulations.hedging`.

Plays on virtual time, through the real client over a server of a few lines: one answer in fifty is
300 ms late; and a brownout, in which every answer is, with the delay measured and with one that is
fixed, where nothing but the budget holds the hedges back. The first again over the loopback, async
and in threads, against an application behind the bundled failure server. And calls that are
cancelled at random over real connections, after which the pool must be whole.

Exits with status 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.simulations.virtual_loop import VirtualLoop
from client import ClientConfig, HedgeConfig, MyAPIError, ResilientClient, SyncResilientClient
from server.testing import FailureServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    Send = Callable[[dict[str, object]], Awaitable[None]]

__all__ = ["Measured", "cancelled_at_random", "play"]

LATE: Final = 0.3
"""Seconds by which a late answer is late."""
SHARE_LATE: Final = 0.02
FASTEST, SLOWEST = 0.005, 0.015
"""Seconds of an answer in time, evenly between the two."""
CALLS: Final = 20_000
CALLS_OF_LOOPBACK: Final = 4_000
AT_ONCE: Final = 20
AT_ONCE_OVER_LOOPBACK: Final = 4
"""Callers, each of which makes one call after the other."""
WARMING: Final = 1_000
"""Calls before those that are measured."""
CANCELLED: Final = 5_000

_LONGEST: Final = 0.1
"""Seconds after which a call is cancelled, at most."""

BEST_P99: Final = 0.2
"""Of that without hedges, at most."""
MOST_EXTRA: Final = 0.05
MOST_IN_BROWNOUT: Final = 1.2
"""Times `max_extra_load`, at most."""

HEDGED: Final[dict[str, Any]] = {"hedge": {}}
"""With all defaults."""
FIXED: Final[dict[str, Any]] = {"hedge": {"delay": 0.05}}
UNBUDGETED: Final[dict[str, Any]] = {
    "hedge": {"delay": 0.05, "max_extra_load": 1},
    "retry": {"budget": None},
}


@dataclass(frozen=True)
class Measured:
    """What came of a play.

    Attributes:
        p50: Seconds.
        p99: Seconds.
        extra: What was sent beyond one attempt a call, as a share of the calls.
    """

    p50: float
    p99: float
    extra: float


def measured(seconds: Sequence[float], sent: int) -> Measured:
    """Sum up calls by what each took, and by how many requests came of them."""
    ordered = sorted(seconds)
    count = len(ordered)
    return Measured(ordered[count // 2], ordered[count * 99 // 100], sent / count - 1)


class PlayedServer(httpx.AsyncBaseTransport):
    """A server of which a share of the answers is late.

    Args:
        seed: Of its chances.
    """

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - no secret comes of it
        self.share_late = SHARE_LATE
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - all are alike
        """Answer, now or later."""
        self.asked += 1
        await asyncio.sleep(_seconds(self._chance, self.share_late))
        return httpx.Response(200, content=b"ok")


def _seconds(chance: random.Random, share_late: float) -> float:
    is_late = chance.random() < share_late
    return chance.uniform(FASTEST, SLOWEST) + LATE * is_late


def play(settings: dict[str, Any], *, is_brownout: bool, calls: int = CALLS) -> Measured:
    """Play calls on virtual time, all answers late where it is a brownout."""

    async def story() -> Measured:
        server = PlayedServer(seed=1)
        async with ResilientClient(
            _config("http://server.test", settings), transport=server
        ) as ours:
            await _call(ours, WARMING, AT_ONCE)
            if is_brownout:
                server.share_late = 1.0
            server.asked = 0
            seconds = await _call(ours, calls, AT_ONCE)
            await asyncio.sleep(2)
            return measured(seconds, server.asked)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(story())


def _config(url: str, settings: dict[str, Any]) -> ClientConfig:
    return ClientConfig(base_url=url, circuit_breaker=None).merged(**settings)


async def _call(client: ResilientClient, calls: int, at_once: int) -> list[float]:
    """Make so many calls by several callers; return what each took."""
    clock = asyncio.get_running_loop().time
    left, seconds = iter(range(calls)), list[float]()

    async def caller() -> None:
        for _ in left:
            began = clock()
            await client.get("/")
            seconds.append(clock() - began)

    await asyncio.gather(*(caller() for _ in range(at_once)))
    return seconds


class LateApp:
    """An ASGI application of which a share of the answers is late."""

    def __init__(self) -> None:
        self._chance = random.Random(2)  # noqa: S311 - no secret comes of it

    async def __call__(self, scope: Mapping[str, object], _receive: object, send: Send) -> None:
        """Answer, now or later."""
        if scope["type"] != "http":
            return
        await asyncio.sleep(_seconds(self._chance, SHARE_LATE))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})


late_app: Final = LateApp()
_SERVED: Final = "benchmarks.simulations.hedging:late_app"


def over_loopback(
    settings: dict[str, Any], *, is_async: bool, calls: int, warming: int = WARMING
) -> Measured:
    """Make calls over real connections to an application behind the bundled server."""
    with FailureServer(subprocess=True, app=_SERVED) as server:
        config = _config(server.url, settings)
        return (_async_calls if is_async else _blocking_calls)(config, calls, warming)


def _async_calls(config: ClientConfig, calls: int, warming: int) -> Measured:
    async def story() -> Measured:
        async with ResilientClient(config) as client:
            await _call(client, warming, AT_ONCE_OVER_LOOPBACK)
            before = client.stats().hedges
            seconds = await _call(client, calls, AT_ONCE_OVER_LOOPBACK)
            await asyncio.sleep(2)
            return measured(seconds, calls + client.stats().hedges - before)

    return asyncio.run(story())


def _blocking_calls(config: ClientConfig, calls: int, warming: int) -> Measured:
    with (
        SyncResilientClient(config) as client,
        ThreadPoolExecutor(AT_ONCE_OVER_LOOPBACK) as callers,
    ):

        def one(_: int) -> float:
            began = time.monotonic()
            client.get("/")
            return time.monotonic() - began

        list(callers.map(one, range(warming)))
        before = client.stats().hedges
        seconds = list(callers.map(one, range(calls)))
        time.sleep(2)
        return measured(seconds, calls + client.stats().hedges - before)


async def _cancel(client: ResilientClient, chance: random.Random, calls: int) -> int:
    """Cancel calls, each after a time of its own; return how many were."""
    cancelled = 0

    async def one() -> None:
        nonlocal cancelled
        try:
            async with asyncio.timeout(chance.uniform(0, _LONGEST)):
                await client.get("/")
        except (TimeoutError, MyAPIError):
            cancelled += 1

    for _ in range(calls // AT_ONCE):
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return cancelled


def cancelled_at_random(calls: int) -> tuple[int, int]:
    """Cancel hedged calls at random; return how many were, and what the pool has lost by it."""

    async def story(url: str) -> tuple[int, int]:
        chance = random.Random(3)  # noqa: S311 - no secret comes of it
        hedge = {"delay": FASTEST, "max_extra_load": 1}
        config = _config(
            url, {"hedge": hedge, "retry": None, "bulkhead": {"max_concurrency": AT_ONCE}}
        )
        async with ResilientClient(config) as client:
            cancelled = await _cancel(client, chance, calls)
            await asyncio.sleep(2)  # for those that lost
            pool: Any = client._session.http.client._transport._pool  # noqa: SLF001 - what is looked at
            busy = sum(not each.is_idle() for each in pool.connections)
            lost = busy + len(pool._requests) + client.stats().slots_in_use  # noqa: SLF001 - likewise
            for _ in range(AT_ONCE):
                await client.get("/")  # it serves yet
            return cancelled, lost

    with FailureServer(subprocess=True, app=_SERVED) as server:
        return asyncio.run(story(server.url))


class Report:
    """Prints figures beside their goals, and remembers whether one was missed."""

    def __init__(self) -> None:
        self.is_missed = False

    def show(self, name: str, found: Measured) -> None:
        """Print what came of a play."""
        print(
            f"{name:<34} p50 {found.p50 * 1e3:7.1f} ms   p99 {found.p99 * 1e3:7.1f} ms   "
            f"extra load {found.extra:7.2%}"
        )

    def judge(self, goal: str, value: float, most: float) -> None:
        """Print a figure and its goal."""
        is_met = value <= most
        self.is_missed |= not is_met
        print(f"{'reached' if is_met else 'MISSED':<9}{goal}: {value:.3f}, at most {most:g}")


def _compare(report: Report, name: str, run: Callable[[dict[str, Any]], Measured]) -> None:
    plain, hedged = run({}), run(HEDGED)
    report.show(f"{name}, no hedges", plain)
    report.show(f"{name}, hedged", hedged)
    report.judge("p99 of that without hedges", hedged.p99 / plain.p99, BEST_P99)
    report.judge("extra load", hedged.extra, MOST_EXTRA)


def main() -> int:
    """Measure and judge everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cancelled", type=int, default=CANCELLED, help="calls to cancel")
    parser.add_argument("--calls", type=int, default=CALLS, help="calls of a play")
    parser.add_argument("--over-loopback", type=int, default=CALLS_OF_LOOPBACK, help="calls there")
    given = parser.parse_args()
    report = Report()
    _compare(report, "simulated", lambda with_: play(with_, is_brownout=False, calls=given.calls))
    brownouts = {
        "measured delay": HEDGED,
        "fixed delay": FIXED,
        "fixed delay, no budget": UNBUDGETED,
    }
    share = HedgeConfig().max_extra_load
    for name, settings in brownouts.items():
        found = play(settings, is_brownout=True, calls=given.calls)
        report.show(f"brownout, {name}", found)
        if settings is not UNBUDGETED:
            report.judge("of max_extra_load", found.extra / share, MOST_IN_BROWNOUT)
    for world in ("async", "blocking"):
        run = partial(over_loopback, is_async=world == "async", calls=given.over_loopback)
        _compare(report, f"loopback, {world}", run)
    cancelled, lost = cancelled_at_random(given.cancelled)
    print(f"{cancelled} of {given.cancelled} calls were cancelled")
    report.judge("connections, requests and slots lost", lost, 0)
    report.judge("threads left", threading.active_count() - 1, 0)
    return int(report.is_missed)


if __name__ == "__main__":
    sys.exit(main())

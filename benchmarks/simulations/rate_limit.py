"""A server that takes 20 requests a second, and callers that want 40: how often does it say no?

`python -m benchmarks.simulations.rate_limit` plays 20 seconds of that, and what is left of it, for
clients of several kinds, on virtual time. What runs is the client itself and httpx; only the server
and the time are played. Exits with status 1 where one of ours misses a goal: at most 2 answers of
429 a second, and no call failed, for each has the patience.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import httpx

from benchmarks.simulations.virtual_loop import VirtualLoop
from client import ClientConfig, RateLimitConfig, ResilientClient, RetryConfig

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

__all__ = ["CONTENDERS", "OURS", "Run", "Server", "main", "simulate"]

RATE: Final = 20
"""What the server takes in each second of its clock."""
OFFERED: Final = 40.0
SECONDS: Final = 20.0
PATIENCE: Final = 120.0
_LATENCY: Final = 0.05
_TOO_MANY: Final = 429
_MOST_REFUSED: Final = 2.0


@dataclass
class Run:
    """What came of it.

    Attributes:
        seconds: From the first call to the end of the last.
        good: Calls that were answered.
        failed: Calls that were not.
        refused: Answers of 429, by the second in which they were given.
        longest: What the call took that took longest.
    """

    seconds: float = 0.0
    good: int = 0
    failed: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    longest: float = 0.0

    @property
    def refused_a_second(self) -> float:
        """How many answers of 429 there were a second."""
        return self.refused.total() / self.seconds


class Server:
    """Counts what comes in each second of its clock, and refuses what is too much.

    Args:
        run: Where it notes what it refuses.
        tells: Whether each answer tells the limit, and what is left of it.
    """

    def __init__(self, run: Run, *, tells: bool) -> None:
        self._run = run
        self._tells = tells
        self._window = -1
        self._taken = 0

    async def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(_LATENCY / 2)
        now = loop.time()
        if int(now) != self._window:
            self._window, self._taken = int(now), 0
        is_good = self._taken < RATE
        self._taken += is_good
        headers = {} if is_good else {"Retry-After": "1"}
        if self._tells:
            headers["RateLimit-Policy"] = f'"default";q={RATE};w=1'
            headers["RateLimit"] = f'"default";r={RATE - self._taken};t=1'
        if not is_good:
            self._run.refused[int(now)] += 1
        await asyncio.sleep(_LATENCY / 2)
        return httpx.Response(200 if is_good else _TOO_MANY, headers=headers, request=request)


async def _with_ours(server: Server, offer: Offer, rate: float | None) -> None:
    """Calls of our client."""
    config = ClientConfig(
        base_url="http://server.test",
        rate_limit=RateLimitConfig(rate=rate, acquisition_timeout=PATIENCE),
        retry=RetryConfig(max_attempts=10),
    )
    transport = httpx.MockTransport(server.answer)
    async with ResilientClient(config, transport=transport) as client:
        await offer(lambda: client.get("/"))


async def _with_retries(server: Server, offer: Offer, limiter: Limiter | None) -> None:
    """Calls that each retry by themselves, as with tenacity, and heed `Retry-After`."""
    chance = random.Random(2)  # noqa: S311 - a jitter
    async with httpx.AsyncClient(transport=httpx.MockTransport(server.answer)) as client:

        async def call() -> None:
            for attempt in range(1000):
                if limiter is not None:
                    await limiter.acquire()
                response = await client.get("http://server.test/")
                if response.status_code != _TOO_MANY:
                    return
                asked = float(response.headers["Retry-After"])
                backoff = chance.uniform(0, min(10.0, 0.5 * 2**attempt))
                await asyncio.sleep(max(asked, backoff))

        await offer(call)


class Limiter:
    """A leaky bucket of so many calls a second, as aiolimiter's: it holds as many at once."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._level = 0.0
        self._at = 0.0

    async def acquire(self) -> None:
        """Wait until there is room for one call."""
        while True:
            now = asyncio.get_running_loop().time()
            self._level = max(0.0, self._level - (now - self._at) * self._rate)
            self._at = now
            if self._level + 1 <= self._rate + 1e-6:
                self._level += 1
                return
            await asyncio.sleep((self._level + 1 - self._rate) / self._rate)


if TYPE_CHECKING:
    Offer = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]
    Contender = Callable[[Server, Any], Coroutine[Any, Any, None]]

CONTENDERS: Final[dict[str, tuple[bool, Contender]]] = {
    "ours, rate configured": (False, partial(_with_ours, rate=RATE)),
    "ours, the server tells its rate": (True, partial(_with_ours, rate=None)),
    "ours, the server tells no rate": (False, partial(_with_ours, rate=None)),
    "each call retries by itself": (False, partial(_with_retries, limiter=None)),
    "the same behind a leaky bucket": (
        False,
        lambda server, offer: _with_retries(server, offer, Limiter(RATE)),
    ),
}
"""By name: whether the server tells its rate, and what the calls go through."""
OURS: Final = tuple(name for name in CONTENDERS if name.startswith("ours"))


def simulate(name: str, seconds: float = SECONDS, seed: int = 1) -> Run:
    """Play one of the contenders, with so many seconds of more calls than are taken."""
    run, chance = Run(), random.Random(seed)  # noqa: S311 - arrivals, not secrets
    tells, contender = CONTENDERS[name]

    async def timed(call: Callable[[], Awaitable[object]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await asyncio.wait_for(call(), PATIENCE)
        except Exception:  # noqa: BLE001 - whatever it is, it is counted
            run.failed += 1
        else:
            run.good += 1
        run.longest = max(run.longest, loop.time() - began)

    async def offer(call: Callable[[], Awaitable[object]]) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as calls:
            while loop.time() < seconds:
                calls.create_task(timed(call))
                await asyncio.sleep(chance.expovariate(OFFERED))
        run.seconds = loop.time()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(contender(Server(run, tells=tells), offer))
    return run


def main() -> int:
    """Play all of them, and print what came of it."""
    print(f"{'':34}  429/s  worst  good/s  failed  longest wait")
    is_met = True
    for name in CONTENDERS:
        run = simulate(name)
        rate = run.good / run.seconds
        print(
            f"{name:34} {run.refused_a_second:6.2f} {max(run.refused.values(), default=0):6} "
            f"{rate:7.2f} {run.failed:7} {run.longest:10.1f} s"
        )
        if name in OURS and (run.refused_a_second > _MOST_REFUSED or run.failed):
            is_met = False
    print("goals met" if is_met else "a goal was missed")
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())

"""Four real servers behind one client: `python -m benchmarks.simulations.endpoints_over_loopback`.

The stories of `endpoints`, over real connections: one server is ten times slower than the others,
one fails each call at once, one dies and comes back. The servers, in a process of their own, take
some 20 ms for a request, and calls come at random and not too often, so that what is measured is
not the client's loop.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks.simulations.endpoint_servers import COUNT, EndpointServers
from client import ClientConfig, MyAPIError, ResilientClient

if TYPE_CHECKING:
    from client.strategies.endpoints.settings import PolicyName

__all__ = ["Died", "Found", "Lengths", "main", "one_dies", "one_fails", "one_is_slow"]

OFFERED: Final = 150.0
"""Calls a second; all servers together can do 1600."""
BAD: Final = COUNT - 1
"""The number of the server to which something happens."""
BASE_EJECTION: Final = 2.0
SLOW_START: Final = 4.0
_OUT: Final = ("ejected", "probing")
_QUICKLY: Final = {
    "max_attempts": 3,
    "min_wait_seconds": 0.05,
    "max_wait_seconds": 0.05,
    "jitter": False,
}


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long each part of a story is, in seconds.

    Attributes:
        warming: Before what is measured.
        measured: What is.
        dead: How long a server is dead.
        back: How long it may take to be found well again.
    """

    warming: float = 3.0
    measured: float = 10.0
    dead: float = 4.0
    back: float = 12.0


@dataclass(slots=True)
class Found:
    """What came of calls.

    Attributes:
        seconds: Of each that succeeded.
        failed: How many did not.
        counts: Requests that each server had.
    """

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    counts: list[int] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the seconds that this share of the calls took at most."""
        return sorted(self.seconds)[int(share * len(self.seconds))]

    @property
    def to_the_bad_one(self) -> float:
        """The share of the requests that went there."""
        return self.counts[BAD] / max(1, sum(self.counts))


@dataclass(slots=True)
class Died:
    """What came of calls while a server died and came back.

    Attributes:
        all: Of the whole story.
        full: After the slow start.
        seconds: After which it was no longer left out.
    """

    all: Found
    full: Found
    seconds: float

    @property
    def share(self) -> float:
        """What the server had of its share after the slow start; 1 is all of it."""
        return self.full.to_the_bad_one * COUNT


class _Callers:
    """Make calls that come at random, whatever became of those before."""

    def __init__(self, client: ResilientClient) -> None:
        self._client = client
        self._chance = random.Random(1)  # noqa: S311 - no secret comes of it
        self._under_way: set[asyncio.Task[None]] = set()
        self.found: Found = Found()

    async def go_on(self, seconds: float) -> None:
        """Have calls begin for so long."""
        moment, end = time.monotonic(), time.monotonic() + seconds
        while (moment := moment + self._chance.expovariate(OFFERED)) < end:
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            task = asyncio.create_task(self._call(self.found))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def rest(self) -> None:
        """Wait for those that are under way."""
        await asyncio.gather(*self._under_way)

    async def _call(self, found: Found) -> None:
        began = time.monotonic()
        try:
            await self._client.get("/")
        except MyAPIError:
            found.failed += 1
        else:
            found.seconds.append(time.monotonic() - began)


def _client(servers: EndpointServers, balancing: dict[str, Any]) -> ResilientClient:
    config = {
        "endpoints": servers.urls,
        "balancing": balancing,
        "retry": _QUICKLY,
        "bulkhead": None,
        "circuit_breaker": None,
        "logging": {"level": "ERROR"},
    }
    return ResilientClient(ClientConfig.model_validate(config))


async def _measured(servers: EndpointServers, callers: _Callers, seconds: float) -> Found:
    """Return what came of the calls of some time."""
    await asyncio.to_thread(servers.take_counts)
    found = callers.found = Found()
    await callers.go_on(seconds)
    await callers.rest()
    found.counts = await asyncio.to_thread(servers.take_counts)
    return found


async def one_is_slow(policy: PolicyName, lengths: Lengths) -> Found:
    """Have one server be ten times slower than the others."""
    with EndpointServers() as servers:
        servers.be(BAD, "slow")
        async with _client(servers, {"policy": policy}) as client:
            callers = _Callers(client)
            await callers.go_on(lengths.warming)
            return await _measured(servers, callers, lengths.measured)


async def one_fails(lengths: Lengths) -> Found:
    """Have one server fail each call at once, from the first one on."""
    with EndpointServers() as servers:
        servers.be(BAD, "failing")
        async with _client(servers, {}) as client:
            return await _measured(servers, _Callers(client), lengths.warming + lengths.measured)


async def one_dies(lengths: Lengths) -> Died:
    """Have one server die, and come back."""
    outliers = {"base_ejection": BASE_EJECTION, "slow_start": SLOW_START}
    with EndpointServers() as servers:
        async with _client(servers, {"outliers": outliers}) as client:
            callers = _Callers(client)
            await callers.go_on(lengths.warming)
            servers.be(BAD, "dead")
            await callers.go_on(lengths.dead)
            servers.be(BAD, "well")
            back, url = time.monotonic(), servers.urls[BAD]
            while client.stats().endpoints[url].state in _OUT:
                if time.monotonic() > back + lengths.back:
                    break
                await callers.go_on(0.2)
            seconds = time.monotonic() - back
            await callers.go_on(SLOW_START)
            whole = callers.found
            full = await _measured(servers, callers, lengths.measured)
    whole.seconds += full.seconds
    whole.failed += full.failed
    return Died(whole, full, seconds)


def main() -> None:
    """Tell all stories, and print what came of them."""
    lengths = Lengths()
    policies: tuple[PolicyName, ...] = ("least_outstanding", "p2c")
    for policy in policies:
        _show(f"one 10 times slower, {policy}", asyncio.run(one_is_slow(policy, lengths)))
    _show("one fails at once, p2c", asyncio.run(one_fails(lengths)))
    died = asyncio.run(one_dies(lengths))
    _show("one dies and comes back, p2c", died.all)
    print(f"left out for {died.seconds:.1f} s more; of its share then: {died.share:.2f}")


def _show(name: str, found: Found) -> None:
    share = f"to the bad one {found.to_the_bad_one:6.2%}   " if found.counts else ""
    print(
        f"{name:<40} p50 {found.percentile(0.5) * 1e3:6.1f} ms   "
        f"p99 {found.percentile(0.99) * 1e3:7.1f} ms   {share}failed {found.failed}"
    )


if __name__ == "__main__":
    main()

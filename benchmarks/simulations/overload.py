"""A server with more work than it can do, behind one client with a bulkhead.

Ten workers of exponential service time do 200 requests a second in all, in the order in which they
come, and finish what nobody waits for any more. Callers have a second of patience. What runs is the
client's own: engine, bulkhead, adaptive limit; only the exchange and the time are played.

`overload_report` plays it for some limits, and says which goals are met.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, cast

from benchmarks.simulations.virtual_loop import VirtualLoop
from client import AdaptiveLimitConfig, APITimeoutError, BulkheadConfig, MyAPIError
from client.engine.engine import Engine
from client.engine.layer import Failure
from client.engine.notifiers import Notifiers
from client.engine.operation import Attempt, Call
from client.engine.plan import Plan
from client.pipeline import pipeline
from client.ports.asyncio_ports import AsyncioPorts
from client.strategies.bulkhead.gate import Bulkhead
from client.strategies.bulkhead.gradient import Change, Gradient, Window

if TYPE_CHECKING:
    from client.engine.layer import Exchange
    from client.engine.ports import Ports
    from client.strategies.bulkhead.slots import Slots

__all__ = [
    "ADAPTIVE",
    "CAPACITY",
    "Phase",
    "Played",
    "Published",
    "Span",
    "WithoutRule",
    "fixed",
    "play",
]

CAPACITY: Final = 200.0
"""Requests that the server does in a second."""
PATIENCE: Final = 1.0
"""Seconds after which a caller's deadline is over."""
_WORKERS: Final = 10
_URL: Final = "http://server.example/"


class Phase(NamedTuple):
    """A stretch of time.

    Attributes:
        seconds: How long it lasts.
        offered: Calls a second.
        capacity: What the server can do, as a share of what it usually can.
    """

    seconds: float
    offered: float
    capacity: float = 1.0


class Span(NamedTuple):
    """What was seen between two moments.

    Attributes:
        goodput: Calls a second that were answered in time.
        attempt_p99: Of their attempts, in seconds: what the server made callers wait.
        call_p99: Of the calls, in seconds: with what they queued in the client.
        limit: The slots there were, on average.
    """

    goodput: float
    attempt_p99: float
    call_p99: float
    limit: float


@dataclass
class Played:
    """What came of it, by the virtual second in which it ended."""

    calls: list[tuple[float, float, float]] = field(default_factory=list)
    """When a call was answered, how long it took, and how long its attempt."""
    limits: list[tuple[float, int]] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)

    def between(self, start: float, end: float) -> Span:
        """Return what was seen in some seconds."""
        calls = [each for each in self.calls if start <= each[0] < end]
        limits = [limit for at, limit in self.limits if start <= at < end]
        return Span(
            goodput=len(calls) / (end - start),
            attempt_p99=_p99([each[2] for each in calls]),
            call_p99=_p99([each[1] for each in calls]),
            limit=sum(limits) / len(limits),
        )


def _p99(seconds: list[float]) -> float:
    return sorted(seconds)[int(0.99 * len(seconds))] if seconds else float("nan")


class _Server:
    """The workers, and the queue before them."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._queue: deque[asyncio.Future[None]] = deque()
        self._busy = 0
        self.mean = _WORKERS / CAPACITY

    async def serve(self) -> None:
        """Wait until the work is done; who is cancelled leaves it to be done."""
        done = asyncio.get_running_loop().create_future()
        self._queue.append(done)
        self._work()
        await done

    def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._busy < _WORKERS and self._queue:
            self._busy += 1
            seconds = self._chance.expovariate(1 / self.mean)
            loop.call_later(seconds, self._finish, self._queue.popleft())

    def _finish(self, done: asyncio.Future[None]) -> None:
        self._busy -= 1
        if not done.done():
            done.set_result(None)
        self._work()


class _Exchange:
    """Has the server work: of an exchange what is asked where nothing is retried or hedged."""

    attempt_kind: type[Attempt] = Attempt
    sees_requests = True

    def __init__(self, server: _Server) -> None:
        self._server = server
        self.took = 0.0

    async def send(self, attempt: Attempt, _left: float | None) -> None:
        """Wait for the server."""
        await self._server.serve()
        self.took = asyncio.get_running_loop().time() - attempt.started

    async def abandon(self, _failure: Failure) -> None:
        """Do nothing: there is no answer to close."""

    async def keep(self, _failure: Failure) -> None:
        """Do nothing."""

    def failure_of(self, _attempt: Attempt, _response: object) -> None:
        """Return none: the answer is good."""

    def failure_from(self, _attempt: Attempt, _error: Exception) -> Failure:
        """Return that it took too long: no other exception comes here."""
        return Failure(APITimeoutError("too late"))


Make: TypeAlias = Callable[[BulkheadConfig, "Ports"], Bulkhead]


class WithoutRule(Bulkhead):
    """A bulkhead whose queue knows of no deadlines, as it was."""

    def _would_come_too_late(self, call: Call, slots: Slots, now: float) -> bool:  # noqa: ARG002 - the bulkhead's
        return False

    def _is_too_late(self, call: Call) -> bool:  # noqa: ARG002 - likewise
        return False

    def _spare(self, call: Call, now: float) -> float:
        return float("inf") if call.deadline is None else call.deadline.left(now)


class _PublishedGradient(Gradient):
    """Gradient2 as it was published: all windows count for what is usual, and drops for nothing."""

    def learn(self, window: Window) -> Change | None:
        """Look at a window that has ended."""
        return super().learn(window._replace(drops=0, was_full=False))


class Published(Bulkhead):
    """A bulkhead with that limit."""

    def __init__(self, config: BulkheadConfig, ports: Ports) -> None:
        super().__init__(config, ports)
        if self.adaptive is not None and config.adaptive is not None:
            gradient = _PublishedGradient(config.adaptive, config.max_concurrency)
            vars(self.adaptive)["_gradient"] = gradient


ADAPTIVE: Final = BulkheadConfig(adaptive=AdaptiveLimitConfig())


def fixed(slots: int) -> BulkheadConfig:
    """Return a limit that stays."""
    return BulkheadConfig(max_concurrency=slots)


def play(
    config: BulkheadConfig, phases: Sequence[Phase], *, make: Make = Bulkhead, seed: int = 1
) -> Played:
    """Play some phases, one after the other.

    Args:
        config: Of the bulkhead.
        phases: What is offered, and what the server can do.
        make: Makes the bulkhead.
        seed: Of chance: with the same one the same happens.
    """
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_Play(config, make, random.Random(seed)).through(phases))  # noqa: S311 - a game of chance


class _Play:
    """A client, its callers and the server."""

    def __init__(self, config: BulkheadConfig, make: Make, chance: random.Random) -> None:
        self._make = partial(make, config)
        self._chance = chance
        self._server = _Server(chance)
        self._played = Played()
        self._calls: set[asyncio.Task[None]] = set()

    async def through(self, phases: Sequence[Phase]) -> Played:
        """Go through all phases."""
        ports = AsyncioPorts()
        engine, bulkhead = Engine(ports), self._make(ports)
        parts = pipeline(
            bulkhead=bulkhead, adaptive_limit=bulkhead.adaptive, circuit=None, retry=None
        )
        plan = Plan(parts, Notifiers(()), PATIENCE)
        watching = asyncio.create_task(self._watch(bulkhead))
        for phase in phases:
            self._server.mean = _WORKERS / CAPACITY / phase.capacity
            await self._offer(phase, lambda: self._call(engine, plan))
        for each in (watching, *self._calls):
            each.cancel()
        await asyncio.gather(watching, *self._calls, return_exceptions=True)
        return self._played

    async def _watch(self, bulkhead: Bulkhead) -> None:
        while True:
            self._played.limits.append((asyncio.get_running_loop().time(), bulkhead.slots.limit))
            await asyncio.sleep(1)

    async def _offer(self, phase: Phase, call: Callable[[], Any]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + phase.seconds
        while (gap := self._chance.expovariate(phase.offered)) < end - loop.time():
            await asyncio.sleep(gap)
            task = loop.create_task(call())
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        await asyncio.sleep(end - loop.time())

    async def _call(self, engine: Engine, plan: Plan) -> None:
        played, exchange = self._played, _Exchange(self._server)
        call = Call(method="GET", target=_URL, host=engine, plan=plan, total=PATIENCE)
        try:
            await engine.run(call, cast("Exchange", exchange))
        except MyAPIError as error:
            name = type(error).__name__
            played.failures[name] = played.failures.get(name, 0) + 1
        else:
            now = asyncio.get_running_loop().time()
            played.calls.append((now, now - call.started, exchange.took))

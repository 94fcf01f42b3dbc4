"""Four servers behind one client: `python -m benchmarks.simulations.endpoints`.

What runs is the client's own choice of endpoints; only servers, callers and time are played. Each
server has some workers and a queue, so the servers are what is slow, not the client. Calls come at
random; one that fails is sent again, elsewhere first.

Three stories: one server is ten times slower than the others; one fails each call, at once; one
dies and comes back. Exits with status 1 where a goal is missed.
"""

from __future__ import annotations

import random
import sys
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from math import exp, inf
from typing import TYPE_CHECKING, Final, Protocol

from client import BalancingConfig, Endpoint, OutlierConfig
from client.strategies.endpoints.pool import EndpointPool, Outcome, Ticket, Transition

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from client.config.parts.endpoints import Policy

__all__ = [
    "Ours",
    "PeakEwmaAlone",
    "Played",
    "Server",
    "main",
    "one_dies",
    "one_fails",
    "one_is_slow",
    "play",
]

COUNT: Final = 4
WORKERS: Final = 8
"""Of each server."""
MEAN: Final = 0.02
"""Seconds that a worker needs for a request, on average."""
STEPS: Final = 4
"""Of a request; each takes its time exponentially."""
OFFERED: Final = 600.0
"""Calls a second; a server can do 400."""
SLOWER: Final = 10.0
MAX_ATTEMPTS: Final = 3
PATIENCE: Final = 1.0
"""Seconds after which an attempt is given up."""
PAUSE: Final = 0.05
"""Seconds between two attempts of a call."""
REFUSED: Final = 0.001
"""Seconds after which a server that fails has failed."""

SECONDS: Final = 60.0
WARMING: Final = 5.0
"""Seconds before what is measured."""
DIES, IS_BACK, ENDS = 20.0, 40.0, 120.0

BEST_P99: Final = 0.4
"""Of that with the fewest outstanding, at most."""
MOST_TO_FAILING: Final = 0.02
FULL: Final = 0.9
"""Of its share of the calls, at least, after the slow start."""

_MS: Final = 1e3


class Balancer(Protocol):
    """Whatever chooses endpoints."""

    def take(self, now: float, avoid: Collection[str]) -> Ticket:
        """Choose one."""
        ...

    def end(self, ticket: Ticket, outcome: Outcome, seconds: float, now: float) -> None:
        """Take note of how it went."""
        ...


class Ours:
    """The client's own choice.

    Args:
        policy: By what.
        outliers: What is ejected; None for nothing.
        seed: Of its chances.
        weights: Of the servers.
    """

    def __init__(
        self,
        policy: Policy = "p2c",
        outliers: OutlierConfig | None = None,
        seed: int = 1,
        weights: Collection[float] = (1.0,) * COUNT,
    ) -> None:
        key = _no_key if policy == "hash" else None
        rules = BalancingConfig(policy=policy, outliers=outliers, balancing_key=key)
        endpoints = [
            Endpoint(url_of(number), weight=weight) for number, weight in enumerate(weights)
        ]
        self.pool: EndpointPool = EndpointPool(endpoints, rules, _chance(seed))
        self.told: list[tuple[float, Transition]] = []

    def take(self, now: float, avoid: Collection[str]) -> Ticket:
        """Choose one."""
        ticket = self.pool.take(now, avoid=avoid)
        if ticket is None:
            raise RuntimeError("all endpoints are drained")
        return ticket

    def end(self, ticket: Ticket, outcome: Outcome, seconds: float, now: float) -> None:
        """Take note of how it went."""
        told = self.pool.report(ticket, outcome, seconds, now)
        self.told += [(now, each) for each in told]
        self.pool.release(ticket)


class PeakEwmaAlone(Ours):
    """The better of two by peak EWMA times outstanding; a fast failure is a fast answer to it."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed=seed)
        self._draw = _chance(seed)
        self._cost: dict[str, tuple[float, float]] = {}

    def take(self, now: float, avoid: Collection[str]) -> Ticket:
        """Choose one."""
        urls = self.pool.urls
        outstanding = {state.url: state.outstanding for state in self.pool.states(now)}
        left = [url for url in urls if url not in avoid] or list(urls)
        two = self._draw.sample(left, min(2, len(left)))
        best = min(two, key=lambda url: self._latency(url, now) * (outstanding[url] + 1))
        ticket = self.pool.take(now, pinned=best)
        if ticket is None:
            raise RuntimeError("there is no such endpoint")
        return ticket

    def _latency(self, url: str, now: float) -> float:
        seconds, at = self._cost.get(url, (0.0, now))
        return seconds * exp((at - now) / 10.0)

    def end(self, ticket: Ticket, outcome: Outcome, seconds: float, now: float) -> None:
        """Take note of how it went."""
        super().end(ticket, outcome, seconds, now)
        if ticket.node is not None:
            known, at = self._cost.get(ticket.node.url, (0.0, now))
            kept = exp((at - now) / 10.0)
            blend = known * kept + seconds * (1.0 - kept)
            self._cost[ticket.node.url] = max(seconds, blend) if seconds > known else blend, now


def url_of(number: int) -> str:
    """Return the URL of a server."""
    return f"http://server-{number}.test"


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret comes of it


def _no_key(_: object) -> str:
    raise RuntimeError("keys are given by the story")


class Server:
    """Some workers, and the queue before them.

    Args:
        play: What it is part of.
        mean: Seconds of a request.

    Attributes:
        mean: As given.
        is_failing: Whether it answers each request by a failure, at once.
        is_silent: Whether it answers none.
    """

    def __init__(self, play: Playing, mean: float) -> None:
        self.mean: float = mean
        self.is_failing: bool = False
        self.is_silent: bool = False
        self._play = play
        self._free = WORKERS
        self._queue: deque[Callable[[Outcome], None]] = deque()

    def serve(self, answer: Callable[[Outcome], None]) -> None:
        """Call back with how it went, some time or never."""
        if self.is_failing:
            self._play.later(REFUSED, partial(answer, Outcome.FAILURE))
        elif not self.is_silent:
            self._queue.append(answer)
            self._work()

    def _work(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            answer = self._queue.popleft()
            seconds = self._play.chance.gammavariate(STEPS, self.mean / STEPS)
            self._play.later(seconds, partial(self._finish, answer))

    def _finish(self, answer: Callable[[Outcome], None]) -> None:
        self._free += 1
        answer(Outcome.SUCCESS)
        self._work()


@dataclass
class Played:
    """What came of a story.

    Attributes:
        calls: When each began, and the seconds it took; infinite for one that failed.
        attempts: When each began, and to which server.
    """

    calls: list[tuple[float, float]] = field(default_factory=list)
    attempts: list[tuple[float, str]] = field(default_factory=list)

    def percentile(self, share: float, start: float = WARMING, end: float = inf) -> float:
        """Return the seconds that this share of the calls of some time took at most."""
        seconds = sorted(took for began, took in self.calls if start <= began < end)
        return seconds[int(share * len(seconds))]

    def failed(self) -> int:
        """Return how many calls failed."""
        return sum(took == inf for _, took in self.calls)

    def share(self, number: int, start: float = 0.0, end: float = inf) -> float:
        """Return the share of the attempts of some time that went to a server."""
        low = bisect_left(self.attempts, (start, ""))
        high = bisect_left(self.attempts, (end, ""))
        counts = Counter(url for _, url in self.attempts[low:high])
        return counts[url_of(number)] / max(1, high - low)


class Playing:
    """A story that is being played.

    Args:
        balancer: Chooses the servers.
        seed: Of the callers and servers.
        offered: Calls a second.
    """

    def __init__(self, balancer: Balancer, seed: int = 1, offered: float = OFFERED) -> None:
        self.chance: random.Random = _chance(seed)
        self.now: float = 0.0
        self.played: Played = Played()
        self.servers: dict[str, Server] = {url_of(i): Server(self, MEAN) for i in range(COUNT)}
        self._balancer = balancer
        self._offered = offered
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Have something happen."""
        self._count += 1
        heappush(self._events, (self.now + seconds, self._count, action))

    def run(self, seconds: float) -> Played:
        """Play calls for so long, and until the last has ended."""
        self.later(0.0, lambda: self._come(seconds))
        while self._events:
            self.now, _, action = heappop(self._events)
            action()
        return self.played

    def _come(self, until: float) -> None:
        _Call(self).attempt()
        wait = self.chance.expovariate(self._offered)
        if self.now + wait < until:
            self.later(wait, lambda: self._come(until))

    def take(self, avoid: Collection[str]) -> Ticket:
        """Choose a server."""
        ticket = self._balancer.take(self.now, avoid)
        if ticket.node is not None:
            self.played.attempts.append((self.now, ticket.node.url))
        return ticket

    def end(self, ticket: Ticket, outcome: Outcome) -> None:
        """Take note of how an attempt went."""
        self._balancer.end(ticket, outcome, self.now - ticket.began, self.now)


class _Call:
    """One call, and its attempts."""

    def __init__(self, play: Playing) -> None:
        self._play = play
        self._began = play.now
        self._tried: list[str] = []

    def attempt(self) -> None:
        """Send it."""
        play, is_open = self._play, [True]
        ticket = play.take(self._tried)
        url = "" if ticket.node is None else ticket.node.url
        self._tried.append(url)

        def end(outcome: Outcome) -> None:
            if is_open:
                is_open.clear()
                play.end(ticket, outcome)
                self._go_on(outcome)

        play.servers[url].serve(end)
        play.later(PATIENCE, partial(end, Outcome.FAILURE))

    def _go_on(self, outcome: Outcome) -> None:
        play = self._play
        if outcome is Outcome.SUCCESS:
            play.played.calls.append((self._began, play.now - self._began))
        elif len(self._tried) < MAX_ATTEMPTS:
            play.later(PAUSE, self.attempt)
        else:
            play.played.calls.append((self._began, inf))


def play(
    balancer: Balancer,
    *,
    seed: int = 1,
    offered: float = OFFERED,
    seconds: float = SECONDS,
    story: Callable[[Playing, Server], None],
) -> Played:
    """Play a story, which does something to the last of the servers."""
    playing = Playing(balancer, seed, offered)
    story(playing, playing.servers[url_of(COUNT - 1)])
    return playing.run(seconds)


def one_is_slow(
    balancer: Balancer, *, seed: int = 1, offered: float = OFFERED, seconds: float = SECONDS
) -> Played:
    """Play that one server is ten times slower than the others."""

    def story(_: Playing, server: Server) -> None:
        server.mean = MEAN * SLOWER

    return play(balancer, seed=seed, offered=offered, seconds=seconds, story=story)


def one_fails(
    balancer: Balancer, *, seed: int = 1, offered: float = OFFERED, seconds: float = SECONDS
) -> Played:
    """Play that one server fails each call at once."""

    def story(_: Playing, server: Server) -> None:
        server.is_failing = True

    return play(balancer, seed=seed, offered=offered, seconds=seconds, story=story)


def one_dies(
    balancer: Balancer, *, seed: int = 1, offered: float = OFFERED, is_silent: bool = False
) -> Played:
    """Play that one server dies, refusing or silent, and comes back."""

    def story(play: Playing, server: Server) -> None:
        def be(*, dead: bool) -> None:
            server.is_silent, server.is_failing = dead and is_silent, dead and not is_silent

        play.later(DIES, lambda: be(dead=True))
        play.later(IS_BACK, lambda: be(dead=False))

    return play(balancer, seed=seed, offered=offered, seconds=ENDS, story=story)


class Report:
    """Prints figures beside their goals, and remembers whether one was missed."""

    def __init__(self) -> None:
        self.is_missed: bool = False

    def show(self, name: str, found: Played) -> None:
        """Print what came of a story."""
        last = found.share(COUNT - 1)
        print(
            f"{name:<40} p50 {found.percentile(0.5) * _MS:6.1f} ms   "
            f"p99 {found.percentile(0.99) * _MS:7.1f} ms   "
            f"to the bad one {last:6.2%}   failed {found.failed()}"
        )

    def judge(self, goal: str, value: float, *, most: float = inf, least: float = -inf) -> None:
        """Print a figure and its goal."""
        is_met = least <= value <= most
        self.is_missed |= not is_met
        bound = f"at most {most:g}" if most < inf else f"at least {least:g}"
        print(f"{'reached' if is_met else 'MISSED':<9}{goal}: {value:.4f}, {bound}")


def _slow(report: Report) -> None:
    policies: tuple[Policy, ...] = ("least_outstanding", "round_robin", "p2c")
    found = {policy: one_is_slow(Ours(policy)) for policy in policies}
    for policy, played in found.items():
        report.show(f"one 10 times slower, {policy}", played)
    p99 = {policy: played.percentile(0.99) for policy, played in found.items()}
    goal = "p99 of that with the fewest outstanding"
    report.judge(goal, p99["p2c"] / p99["least_outstanding"], most=BEST_P99)


def _failing(report: Report) -> None:
    report.show("one fails at once, peak EWMA alone", one_fails(PeakEwmaAlone()))
    report.show("one fails at once, p2c, none ejected", one_fails(Ours()))
    found = one_fails(Ours(outliers=OutlierConfig()))
    report.show("one fails at once, p2c", found)
    report.judge("share of the attempts", found.share(COUNT - 1), most=MOST_TO_FAILING)
    report.judge("calls that failed", found.failed(), most=0)


def _dying(report: Report) -> None:
    rules = OutlierConfig(base_ejection=10.0)
    for name, is_silent in (("refuses", False), ("is silent", True)):
        balancer = Ours(outliers=rules)
        found = one_dies(balancer, is_silent=is_silent)
        report.show(f"one {name} and comes back, p2c", found)
        report.judge("calls that failed", found.failed(), most=0)
        back = [at for at, each in balancer.told if each.kind == "returned"]
        full = max(back, default=IS_BACK) + rules.slow_start
        share = found.share(COUNT - 1, full, full + 10.0) * COUNT
        report.judge("of its share, after the slow start", share, least=FULL)


def main() -> int:
    """Play and judge everything."""
    report = Report()
    _slow(report)
    _failing(report)
    _dying(report)
    return int(report.is_missed)


if __name__ == "__main__":
    sys.exit(main())

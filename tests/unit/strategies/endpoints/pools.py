"""Pools of endpoints named by letters, on a clock that the tests move."""

from __future__ import annotations

import random
from collections import Counter
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from client import BalancingConfig, Endpoint, OutlierConfig
from client.strategies.endpoints.pool import EndpointPool, EndpointState, Outcome, Ticket

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from client.strategies.endpoints.pool import Transition

__all__ = ["Pool", "endpoints", "rules", "url"]


def url(letter: str) -> str:
    """The URL of an endpoint."""
    return f"http://{letter}.test"


def endpoints(weights: dict[str, float]) -> list[Endpoint]:
    """Endpoints by their letters."""
    return [Endpoint(url(letter), weight=weight) for letter, weight in weights.items()]


def rules(policy: str = "p2c", **outliers: Any) -> BalancingConfig:
    """The settings, with no slow start where nothing is said."""
    key = str if policy == "hash" else None
    settings = OutlierConfig.model_validate({"slow_start": 0, **outliers})
    return BalancingConfig.model_validate(
        {"policy": policy, "balancing_key": key, "outliers": settings}
    )


class Pool:
    """A pool, its clock and what it told."""

    def __init__(
        self,
        letters: str | dict[str, float] = "abcd",
        policy: str = "p2c",
        seed: int = 1,
        **outliers: Any,
    ) -> None:
        weights = letters if isinstance(letters, dict) else dict.fromkeys(letters, 1.0)
        self.now = 100.0
        self.chance = random.Random(f"servers {seed}")  # noqa: S311 - a test's
        chance = random.Random(seed)  # noqa: S311 - likewise
        self.pool = EndpointPool(endpoints(weights), rules(policy, **outliers), chance, self.now)
        self.told: list[Transition] = []

    def take(self, avoid: str = "", *, key: str | None = None, pinned: str | None = None) -> Ticket:
        """Choose an endpoint, elsewhere than at some letters."""
        urls = tuple(url(letter) for letter in avoid)
        pin = None if pinned is None else url(pinned)
        ticket = self.pool.take(self.now, avoid=urls, key=key, pinned=pin)
        assert ticket is not None
        return ticket

    def end(
        self, ticket: Ticket, outcome: Outcome = Outcome.SUCCESS, seconds: float = 0.01
    ) -> list[str]:
        """Have an attempt end; return what was told, as words."""
        told = self.pool.report(ticket, outcome, seconds, self.now)
        self.pool.release(ticket)
        return self.note(told)

    def note(self, told: Sequence[Transition]) -> list[str]:
        """Keep what was told, and return it as words."""
        self.told += told
        return [f"{each.kind} {letter(each.url)}".strip() for each in told]

    def go(self, avoid: str = "", *, key: str | None = None) -> str:
        """Send an attempt that goes well; return the letter of its endpoint."""
        ticket = self.take(avoid, key=key)
        self.end(ticket)
        return at(ticket)

    def fail(self, letter: str, times: int = 1) -> list[str]:
        """Have attempts at an endpoint fail; return what was told."""
        return [
            each
            for _ in range(times)
            for each in self.end(self.take(pinned=letter), Outcome.FAILURE)
        ]

    def eject(self, letter: str) -> None:
        """Have an endpoint fail until it is ejected."""
        self.fail(letter, 5)
        assert self.state(letter).state == "ejected"

    def state(self, letter: str) -> EndpointState:
        """What is known of an endpoint."""
        return next(each for each in self.pool.states(self.now) if each.url == url(letter))

    def shares(self, calls: int, at_once: int, *, avoid: str = "") -> dict[str, float]:
        """Make calls by so many callers, to servers that all do alike; return each one's share."""
        counts: Counter[str] = Counter()
        out: list[tuple[float, int, float, Ticket]] = []
        for number in range(calls):
            while len(out) >= at_once:
                self.now, _, seconds, ticket = heappop(out)
                self.end(ticket, seconds=seconds)
            ticket = self.take(avoid, key=str(self.chance.random()))
            counts[at(ticket)] += 1
            seconds = self.chance.uniform(0.005, 0.015)
            heappush(out, (self.now + seconds, number, seconds, ticket))
        for self.now, _, seconds, ticket in sorted(out, key=_when):
            self.end(ticket, seconds=seconds)
        return {letter: count / calls for letter, count in sorted(counts.items())}


def _when(out: tuple[float, int, float, Ticket]) -> tuple[float, int]:
    return out[:2]


def letter(of: str) -> str:
    """The letter of a URL."""
    return of.removeprefix("http://").partition(".")[0]


def at(ticket: Ticket) -> str:
    """The letter of the endpoint that an attempt went to."""
    assert ticket.node is not None
    return letter(ticket.node.url)


def letters(pool: Pool, states: Collection[str]) -> str:
    """The letters of those that are in one of some states."""
    found = pool.pool.states(pool.now)
    return "".join(letter(each.url) for each in found if each.state in states)

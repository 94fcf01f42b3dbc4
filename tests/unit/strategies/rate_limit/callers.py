"""Callers of a lane, on time that a test moves."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from math import inf

from client.strategies.rate_limit.lane import Lane
from client.strategies.rate_limit.limits import Rate
from client.strategies.rate_limit.ticket import Stage, Ticket

START = 1_000.0
NEAR = 1e-6


class Caller:
    """Somebody who asks for a token, and asks again when he was told to, or is woken."""

    def __init__(self, name: str, ticket: Ticket) -> None:
        self.name = name
        self.ticket = ticket
        self.asks_at = inf
        self.waking = ExitStack()

    @property
    def waits(self) -> bool:
        """Whether he has no token yet, and has not given up."""
        return self.asks_at < inf


class Crowd:
    """All callers of one lane."""

    def __init__(self, rate: float | None = 1.0, burst: float = 1.0) -> None:
        self.now = START
        self.rate = None if rate is None else Rate(rate, burst)
        self.lane = Lane(self.rate, threading.RLock(), START)
        self.callers: list[Caller] = []
        self.went: list[tuple[float, str]] = []
        """When who got his token, in seconds from the beginning."""
        self.sent: list[tuple[float, float]] = []
        """When what was sent, and what it cost."""

    def come(self, name: str = "", cost: float = 1.0, rest: float = 0.0) -> Caller:
        """Have somebody come who wants a token, after a rest of his own."""
        caller = Caller(name or f"caller {len(self.callers)}", Ticket(cost))
        if rest:
            caller.ticket.not_before = self.now + rest
        self.callers.append(caller)
        self._ask(caller)
        return caller

    def give_up(self, caller: Caller) -> None:
        """Have somebody leave, with or without a token."""
        self._stop(caller)
        self.lane.withdraw(caller.ticket, self.now)

    def pass_time(self, seconds: float) -> None:
        """Let time pass; everybody asks when it is time."""
        until = self.now + seconds
        while (first := min(self.callers, key=_asks_at, default=None)) and first.asks_at <= until:
            self.now = max(self.now, first.asks_at)
            self._ask(first)
        self.now = until

    def settle(self) -> None:
        """Let those ask who were woken."""
        self.pass_time(0.0)

    def send(self, caller: Caller) -> bool:
        """Have somebody use his token, or exchange it where it is out of date."""
        ticket = caller.ticket
        if ticket.stage is not Stage.HELD:
            return False
        if self.lane.exchange(ticket, self.now):
            self._ask(caller)
            return False
        self.lane.send(ticket, caller, self.now)
        self.sent.append((self.now, ticket.cost))
        return True

    def gone(self) -> list[tuple[float, str]]:
        """Return when who got his token, in seconds from the beginning, rounded."""
        return [(round(at - START, 6), name) for at, name in self.went]

    def _ask(self, caller: Caller) -> None:
        self._stop(caller)
        wait = self.lane.ask(caller.ticket, self.now)
        if wait <= 0:
            self.went.append((self.now, caller.name))
            return
        caller.asks_at = self.now + wait
        caller.waking.enter_context(
            self.lane.waking(caller.ticket, lambda: setattr(caller, "asks_at", self.now))
        )

    def _stop(self, caller: Caller) -> None:
        caller.waking.close()
        caller.asks_at = inf


def _asks_at(caller: Caller) -> float:
    return caller.asks_at

"""The endpoints of a client: who is chosen, what is out to whom, and what came of it.

Rule 1  A ticket stands among those that are out, or does not: to give it back twice is to give it
        back once, and one that an interrupt broke off is given back like any other.
Rule 2  What is known stays with the URL: a new list, new settings or another policy keep it.
Rule 3  Nothing is called under the lock but what stands in this folder. What happened is returned,
        and told by whoever asked, outside of it.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ...runtime.forking import fork_safe, tell_in_child
from .nodes import Node, Outcome, Ticket
from .outliers import Outliers, Transition
from .policies import make_policy
from .scores import Slowest

if TYPE_CHECKING:
    import random
    from collections.abc import Collection, Sequence

    from ...config.parts.endpoints import BalancingConfig
    from .nodes import Weighted

__all__ = ["EndpointPool", "EndpointState", "Outcome", "Ticket", "Transition"]

_REMEMBERED: Final = 1000
"""Endpoints that have left the list, the last ones, of which is still known what was."""


@dataclass(frozen=True, slots=True)
class EndpointState:
    """What is known of an endpoint at a time.

    Attributes:
        url: Of the endpoint.
        weight: As configured.
        share: The same, less what a slow start keeps back.
        state: `in`, `slow_start`, `ejected`, `probing` (an attempt finds out if it is well), or
            `drained`.
        outstanding: Attempts that are out.
        latency: Seconds, a peak EWMA; None where no answer has come yet.
        penalty: How many times worse than that it is taken for; 1 where it does not fail.
        failures: One after the other, until now.
        seconds_left: Of the ejection.
        cause: Of the ejection.
    """

    url: str
    weight: float
    share: float
    state: Literal["in", "slow_start", "ejected", "probing", "drained"]
    outstanding: int
    latency: float | None
    penalty: float
    failures: int
    seconds_left: float
    cause: str


class EndpointPool:
    """A list of endpoints, and what is known of each. Safe to share between threads.

    Args:
        endpoints: The first list; where an URL comes twice, the first counts.
        rules: How they are chosen.
        chance: Whatever is left to chance.
        now: The time, by a clock that never goes back.

    Raises:
        ValueError: There is none.
    """

    def __init__(
        self,
        endpoints: Sequence[Weighted],
        rules: BalancingConfig,
        chance: random.Random,
        now: float = 0.0,
    ) -> None:
        # A signal handler may call in the middle of any of these methods.
        self._lock: Final = fork_safe(threading.RLock())
        self._chance = chance
        self._policy_name = rules.policy
        self._out: set[Ticket] = set()
        self._policy = make_policy(rules.policy, chance, self._out)
        self._outliers = Outliers(rules.outliers)
        self._slowest = Slowest()
        self._nodes: dict[str, Node] = {}
        self._past: dict[str, Node] = {}
        """No more in the list; they may come back, and attempts may be out to them still."""
        self._now = now
        tell_in_child(self)
        self.replace(endpoints, now)

    def begin_anew(self) -> None:
        """Forget what the parent of a forked process has out, and choose by other chances."""
        self._out.clear()
        for node in (*self._nodes.values(), *self._past.values()):
            node.out.clear()
        self._chance.seed()

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, url: object) -> bool:
        return url in self._nodes

    @property
    def urls(self) -> tuple[str, ...]:
        """Those of the list, in its order."""
        return tuple(self._nodes)

    def replace(self, endpoints: Sequence[Weighted], now: float) -> tuple[Transition, ...]:
        """Go by another list; what is known of an URL stays.

        Raises:
            ValueError: It is empty.
        """
        if not endpoints:
            raise ValueError("a list of endpoints must not be empty")
        with self._lock:
            known = {**self._past, **self._nodes}
            nodes: dict[str, Node] = {}
            for each in endpoints:
                if each.url not in nodes:
                    node = known.pop(each.url, None) or Node(each, self._slowest)
                    node.settings, node.weight = each, each.weight
                    nodes[each.url] = node
            self._nodes = nodes
            past = [each for each in known.items() if each[1].out]
            self._past = dict([*known.items()][-_REMEMBERED:] + past)
            told = self._outliers.replace([node for node in nodes.values() if node.weight > 0], now)
            self._refresh()
            return told

    def reconfigure(self, rules: BalancingConfig, now: float) -> tuple[Transition, ...]:
        """Choose by other rules."""
        with self._lock:
            if rules.policy != self._policy_name:
                self._policy_name = rules.policy
                self._policy = make_policy(rules.policy, self._chance, self._out)
            told = self._outliers.reconfigure(rules.outliers, now)
            self._refresh()
            return told

    def take(
        self,
        now: float,
        *,
        ticket: Ticket | None = None,
        avoid: Collection[str] = (),
        key: str | None = None,
        pinned: str | None = None,
    ) -> Ticket | None:
        """Choose an endpoint for an attempt, which is out to it from now on.

        Args:
            now: The time.
            ticket: A new one, where it has to be known before.
            avoid: URLs of those that the operation has tried, or that its other attempts are out
                to: another one is chosen where one is well, else one of them.
            key: What the policy `hash` goes by.
            pinned: The URL of the only one that may be chosen, ejected or drained as it be.

        Returns:
            The ticket; None where all are drained, or the pinned one is not in the list.
        """
        with self._lock:
            self._now = now
            outliers = self._outliers
            if outliers.next_due <= now:
                outliers.look(now)
                self._refresh()
            node = self._choose(now, avoid, key) if pinned is None else self._nodes.get(pinned)
            if node is None:
                return None
            ticket = Ticket() if ticket is None else ticket
            ticket.node, ticket.began, ticket.era = node, now, node.health.era
            node.out.add(ticket)
            self._out.add(ticket)
            if node.url in outliers.due:
                outliers.send_probe(node, ticket, now)
                self._refresh()
            return ticket

    def _choose(self, now: float, avoid: Collection[str], key: str | None) -> Node | None:
        policy, due = self._policy, self._outliers.due
        skipped: tuple[Collection[str], ...] = (avoid, ())
        if due and avoid:  # it has failed once, and does not find out where it may fail again
            skipped = ({*avoid, *due}, due, ())
        elif due and not policy.keeps_order:
            return next(iter(due.values()))
        found = (policy.choose(now, each, key) for each in skipped)
        return next(filter(None, found), None)

    def report(
        self, ticket: Ticket, outcome: Outcome, seconds: float, now: float
    ) -> tuple[Transition, ...]:
        """Take note of what came of an attempt: with the head of its answer, or its failure.

        Args:
            ticket: Of the attempt. Only its first report counts.
            outcome: What it says about the endpoint.
            seconds: From sending to the head, or to the failure.
            now: The time.

        Returns:
            What has changed by it, in order.
        """
        with self._lock:
            node = ticket.node
            if node is None or ticket.is_reported:
                return ()
            ticket.is_reported, self._now = True, now
            was_out = node.health.is_out
            told = self._outliers.report(node, ticket, outcome, now)
            if was_out and not node.health.is_out:
                node.score.forget()
            if outcome is Outcome.SUCCESS:
                node.score.succeed(seconds, now)
            elif outcome is Outcome.FAILURE:
                node.score.fail(seconds, now)
            elif outcome is Outcome.CANCELLED:
                node.score.outlast(seconds, now)
            self._refresh()
            return told

    def release(self, ticket: Ticket) -> None:
        """Give a ticket back: nothing of the attempt is out any longer, its body neither.

        A probe that reported nothing leaves its place to another.
        """
        node = ticket.node
        if node is None or ticket not in node.out:
            return
        with self._lock:
            self._out.discard(ticket)
            node.out.discard(ticket)
            if not ticket.is_reported:
                self._outliers.give_back(node, ticket, self._now)
                self._refresh()

    def check(self, url: str, now: float, *, passed: bool, holds: float) -> tuple[Transition, ...]:
        """Take note of an active check of an endpoint.

        Args:
            url: Of the endpoint; one that is not in the list any longer is ignored.
            now: The time.
            passed: Whether it answered well.
            holds: For how many seconds a failed check keeps it out, unless another one follows:
                a bit more than their interval.
        """
        with self._lock:
            node = self._nodes.get(url)
            if node is None:
                return ()
            was_out = node.health.is_out
            told = self._outliers.check(node, now, holds, passed=passed)
            if was_out and not node.health.is_out:
                node.score.forget()
            self._refresh()
            return told

    def states(self, now: float) -> tuple[EndpointState, ...]:
        """Return what is known of each endpoint, in the order of the list."""
        with self._lock:
            return tuple(_state(node, now) for node in self._nodes.values())

    @property
    def is_panic(self) -> bool:
        """Whether ejections are ignored because too many are ejected."""
        return self._outliers.is_panic

    def _refresh(self) -> None:
        """Let the policy know who may be chosen, where that has changed."""
        outliers, policy = self._outliers, self._policy
        if not outliers.is_changed:
            return
        nodes = [node for node in self._nodes.values() if node.weight > 0]
        ready: list[Node] = []
        for node in nodes:
            node.is_ready = outliers.leaves_in(node) or (
                policy.keeps_order and node.url in outliers.due
            )
            if node.is_ready:
                ready.append(node)
        policy.update(nodes, ready)
        outliers.is_changed = False  # not before: an interrupt may break this off


def _state(node: Node, now: float) -> EndpointState:
    health = node.health
    state: Literal["in", "slow_start", "ejected", "probing", "drained"] = "in"
    if node.weight == 0:
        state = "drained"
    elif health.is_out:
        state = "ejected" if health.probe is None else "probing"
    elif health.ramp(now) < 1.0:
        state = "slow_start"
    return EndpointState(
        url=node.url,
        weight=node.weight,
        share=node.share(now),
        state=state,
        outstanding=node.outstanding,
        latency=node.score.latency(now),
        penalty=node.score.penalty(now),
        failures=health.failures,
        seconds_left=max(0.0, health.until - now) if health.is_out else 0.0,
        cause=health.cause if health.is_out else "",
    )

"""Which endpoints are ejected because they fail, and when they come back.

Rule 1  An ejection is allowed only if, with it, no more than the share is gone, and one endpoint is
        left. Where the list shrinks, those that would come back first do so at once.
Rule 2  With more than the share of panic gone, nobody is left out: that many do not fail by
        themselves, and the few that are left would not bear the load.
Rule 3  After the ejection one attempt is the probe, and nobody else goes there until it reports.
        One that does not report in time is not waited for any longer.
Rule 4  What began before an ejection, or before a return, says nothing after it.
Rule 5  A check that passes brings back whom a check has ejected. One that passes while calls fail
        has not seen what is wrong: it shortens nothing.

Source: the outlier detection and the slow start of Envoy, except that Envoy computes the share
before the ejection, and lets everybody in after it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final, Literal

from .nodes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .nodes import Node, Ticket
    from .settings import OutlierRules

__all__ = ["BY_CHECK", "Outliers", "Transition"]

BY_CHECK: Final = "check"
"""The cause of an ejection by an active check."""
_PROBE: Final = "probe"
_TINY: Final = 1e-9
_LEAST_PATIENCE: Final = 1.0
"""Seconds for which a probe is waited for, at least."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Something that whoever runs the client is told.

    Attributes:
        kind: `ejected`, `returned`, `panic` (ejections are ignored from now on), `calm` (no more).
        url: Of the endpoint; empty for `panic` and `calm`.
        seconds: How long it is ejected at least, or for how long it was ejected.
        cause: What for: `consecutive_failures`, `failure_ratio`, `probe`, `check`.
        gone: How many endpoints are ejected now.
        total: Of how many.
        is_observed: Whether it is only told, and the endpoint stays in.
    """

    kind: Literal["ejected", "returned", "panic", "calm"]
    url: str
    seconds: float
    cause: str
    gone: int
    total: int
    is_observed: bool


class Outliers:
    """The ejected among the endpoints of a list. Whoever uses it holds the pool's lock.

    Args:
        rules: When and how; None for never.

    Attributes:
        gone: The ejected, by URL.
        due: Those of them to which a probe may go.
        next_due: When the next may.
        is_panic: Whether ejections are ignored.
        is_changed: Whether somebody left, came back or came due since this was last made False.
    """

    def __init__(self, rules: OutlierRules | None) -> None:
        self._rules: OutlierRules | None = None
        self._is_enforced = False
        self._total = 0
        self.gone: dict[str, Node] = {}
        self.due: dict[str, Node] = {}
        self.next_due: float = inf
        self.is_panic: bool = False
        self.is_changed: bool = False
        self._set(rules)

    def _set(self, rules: OutlierRules | None) -> None:
        self._rules = None if rules is None or rules.mode == "off" else rules
        self._is_enforced = self._rules is not None and self._rules.mode == "enforce"

    def leaves_in(self, node: Node) -> bool:
        """Return whether an endpoint may be chosen like any other."""
        return not node.health.is_out or not self._is_enforced or self.is_panic

    def reconfigure(self, rules: OutlierRules | None, now: float) -> tuple[Transition, ...]:
        """Go by other rules, over what is known already."""
        self._set(rules)
        self.is_changed = True
        return tuple(self._fit(now))

    def replace(self, nodes: Sequence[Node], now: float) -> tuple[Transition, ...]:
        """Go by another list, of endpoints that are not drained."""
        stay = {node.url for node in nodes}
        for url, node in list(self.gone.items()):
            if url not in stay:
                self._let_in(node, 0.0, now)
        self._total = len(nodes)
        self.is_changed = True
        return tuple(self._fit(now))

    def report(
        self, node: Node, ticket: Ticket, outcome: Outcome, now: float
    ) -> tuple[Transition, ...]:
        """Take note of what came of an attempt."""
        rules, health = self._rules, node.health
        if rules is None or outcome is Outcome.CANCELLED or ticket.era != health.era:
            return ()
        failed = outcome is Outcome.FAILURE
        if health.is_out:
            if ticket is not health.probe and ticket.began < health.until:
                return ()
            return tuple(self._eject(node, _PROBE, now) if failed else self._return(node, now))
        if outcome is Outcome.LIMITED:
            return ()
        cause = health.count(rules, now, failed=failed)
        return () if cause is None else tuple(self._eject(node, cause, now))

    def check(
        self, node: Node, now: float, holds: float, *, passed: bool
    ) -> tuple[Transition, ...]:
        """Take note of an active check.

        Args:
            node: What was checked.
            now: The time.
            holds: For how many seconds a failed check keeps an endpoint out.
            passed: Whether it answered well.
        """
        health = node.health
        if self._rules is None:
            return ()
        if passed:
            is_sorry = health.is_out and health.cause == BY_CHECK
            return tuple(self._return(node, now)) if is_sorry else ()
        told = () if health.is_out else tuple(self._eject(node, BY_CHECK, now))
        if health.is_out:
            health.cause = BY_CHECK
            health.until = max(health.until, now + holds)
            self.due.pop(node.url, None)
            self.is_changed = True
            self._look_ahead()
        return told

    def come_due(self, now: float) -> None:
        """Let a probe go to those whose ejection is over, and that have none out."""
        if not self._is_enforced:
            return
        for url, node in self.gone.items():
            if url not in self.due and node.health.due() <= now:
                node.health.probe = None
                self.due[url] = node
                self.is_changed = True
        self._look_ahead()

    def send_probe(self, node: Node, ticket: Ticket, now: float) -> None:
        """Let an attempt be the probe of an endpoint that is due."""
        del self.due[node.url]
        ticket.is_probe = True
        patience = _LEAST_PATIENCE if self._rules is None else self._rules.base_ejection
        node.health.probe = ticket
        node.health.probe_until = now + max(patience, _LEAST_PATIENCE)
        self.is_changed = True
        self._look_ahead()

    def give_back(self, node: Node, ticket: Ticket) -> None:
        """Let another attempt be the probe: this one has found nothing out."""
        if node.health.probe is ticket:
            node.health.probe = None
            self.due[node.url] = node
            self.is_changed = True

    def _eject(self, node: Node, cause: str, now: float) -> Iterator[Transition]:
        rules, health = self._rules, node.health
        if rules is None or (not health.is_out and not self._allows(node, rules)):
            return
        health.eject(rules, cause, now)
        self.gone[node.url] = node
        self.due.pop(node.url, None)
        yield self._told("ejected", node.url, health.seconds, cause)
        yield from self._settle()

    def _allows(self, node: Node, rules: OutlierRules) -> bool:
        gone, total = len(self.gone) + 1, self._total
        return node.weight > 0 and gone < total and gone / total <= rules.max_ejection_share + _TINY

    def _return(self, node: Node, now: float) -> Iterator[Transition]:
        health = node.health
        seconds, cause = now - (health.until - health.seconds), health.cause
        self._let_in(node, 0.0 if self._rules is None else self._rules.slow_start, now)
        yield self._told("returned", node.url, max(0.0, seconds), cause)
        yield from self._settle()

    def _let_in(self, node: Node, slow_start: float, now: float) -> None:
        node.health.come_back(slow_start, now)
        self.gone.pop(node.url, None)
        self.due.pop(node.url, None)

    def _fit(self, now: float) -> Iterator[Transition]:
        """Let those in that are too many to be ejected."""
        rules = self._rules
        while self.gone:
            count = len(self.gone)
            is_few = count < self._total
            if rules and is_few and count / self._total <= rules.max_ejection_share + _TINY:
                break
            yield from self._return(min(self.gone.values(), key=_time_left), now)
        yield from self._settle()

    def _settle(self) -> Iterator[Transition]:
        """See, after a change, whether there is panic, and when the next probe may go."""
        self.is_changed = True
        rules = self._rules
        is_panic = rules is not None and len(self.gone) > (rules.panic_share + _TINY) * self._total
        if is_panic is not self.is_panic:
            self.is_panic = is_panic
            yield self._told("panic" if is_panic else "calm", "", 0.0, "")
        self._look_ahead()

    def _look_ahead(self) -> None:
        waits = (node.health.due() for url, node in self.gone.items() if url not in self.due)
        self.next_due = min(waits, default=inf)

    def _told(
        self,
        kind: Literal["ejected", "returned", "panic", "calm"],
        url: str,
        seconds: float,
        cause: str,
    ) -> Transition:
        is_observed = not self._is_enforced
        return Transition(kind, url, seconds, cause, len(self.gone), self._total, is_observed)


def _time_left(node: Node) -> float:
    return node.health.until

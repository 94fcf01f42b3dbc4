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
    from collections.abc import Sequence

    from ...config.parts.endpoints import OutlierConfig
    from .nodes import Node, Ticket

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

    An interrupt may break any of this off. What is true is in the `Health` of each endpoint; who is
    gone is looked up there whenever something may have changed, and that is noted before it does.

    Args:
        rules: When and how; None for never.

    Attributes:
        gone: The ejected, by URL.
        due: Those of them to which a probe may go.
        next_due: When to look at them again.
        is_panic: Whether ejections are ignored.
        is_changed: Whether somebody left, came back or came due since this was last made False.
    """

    def __init__(self, rules: OutlierConfig | None) -> None:
        self._rules: OutlierConfig | None = None
        self._is_enforced = False
        self._listed: dict[str, Node] = {}
        self.gone: dict[str, Node] = {}
        self.due: dict[str, Node] = {}
        self.next_due: float = inf
        self.is_panic: bool = False
        self.is_changed: bool = False
        self._set(rules)

    def _set(self, rules: OutlierConfig | None) -> None:
        self._rules = None if rules is None or rules.mode == "off" else rules
        self._is_enforced = self._rules is not None and self._rules.mode == "enforce"

    def leaves_in(self, node: Node) -> bool:
        """Return whether an endpoint may be chosen like any other."""
        return not node.health.is_out or not self._is_enforced or self.is_panic

    def reconfigure(self, rules: OutlierConfig | None, now: float) -> tuple[Transition, ...]:
        """Go by other rules, over what is known already."""
        self.next_due = -inf
        self._set(rules)
        return self._fit(now)

    def replace(self, nodes: Sequence[Node], now: float) -> tuple[Transition, ...]:
        """Go by another list, of endpoints that are not drained."""
        self.next_due = -inf
        self._listed = {node.url: node for node in nodes}
        return self._fit(now)

    def report(
        self, node: Node, ticket: Ticket, outcome: Outcome, now: float
    ) -> tuple[Transition, ...]:
        """Take note of what came of an attempt."""
        rules, health = self._rules, node.health
        if rules is None or ticket.era != health.era or self._listed.get(node.url) is not node:
            return ()
        if outcome is Outcome.CANCELLED:
            self.give_back(node, ticket, now)
            return ()
        failed = outcome is Outcome.FAILURE
        if health.is_out:
            if ticket is not health.probe and ticket.began < health.until:
                return ()
            return self._eject(node, _PROBE, now) if failed else self._return(node, now)
        if outcome is Outcome.LIMITED:
            return ()
        cause = health.count(rules, now, failed=failed)
        return () if cause is None else self._eject(node, cause, now)

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
        if self._rules is None or self._listed.get(node.url) is not node:
            return ()
        if passed:
            is_sorry = health.is_out and health.cause == BY_CHECK
            return self._return(node, now) if is_sorry else ()
        told = () if health.is_out else self._eject(node, BY_CHECK, now)
        if health.is_out:
            self.next_due = -inf
            health.cause = BY_CHECK
            health.until = max(health.until, now + holds)
            self._settle(now)
        return told

    def look(self, now: float) -> None:
        """Let a probe go to those whose ejection is over, and that have none out."""
        self._settle(now)

    def send_probe(self, node: Node, ticket: Ticket, now: float) -> None:
        """Let an attempt be the probe of an endpoint that is due."""
        self.next_due = -inf
        patience = _LEAST_PATIENCE if self._rules is None else self._rules.base_ejection
        node.health.next_probe = now + max(patience, _LEAST_PATIENCE)
        node.health.probe = ticket
        ticket.is_probe = True
        self._settle(now)

    def give_back(self, node: Node, ticket: Ticket, now: float) -> None:
        """Let another attempt be the probe, soon: this one has found nothing out."""
        if node.health.probe is ticket:
            self.next_due = -inf
            node.health.next_probe = now + _LEAST_PATIENCE
            node.health.probe = None
            self._settle(now)

    def _eject(self, node: Node, cause: str, now: float) -> tuple[Transition, ...]:
        rules, health = self._rules, node.health
        if rules is None or not (health.is_out or self._allows(rules)):
            return ()
        self.next_due = -inf
        health.eject(rules, cause, now)
        self._settle(now)
        return (self._told("ejected", node.url, health.seconds, cause), *self._panic())

    def _allows(self, rules: OutlierConfig) -> bool:
        return self._is_allowed(len(self.gone) + 1, rules)

    def _is_allowed(self, gone: int, rules: OutlierConfig) -> bool:
        total = len(self._listed)
        return gone < total and gone / total <= rules.max_ejection_share + _TINY

    def _return(self, node: Node, now: float) -> tuple[Transition, ...]:
        return (self._let_in(node, now), *self._panic())

    def _let_in(self, node: Node, now: float) -> Transition:
        health, rules = node.health, self._rules
        seconds, cause = max(0.0, now - (health.until - health.seconds)), health.cause
        self.next_due = -inf
        health.come_back(0.0 if rules is None else rules.slow_start, now)
        self._settle(now)
        return self._told("returned", node.url, seconds, cause)

    def _fit(self, now: float) -> tuple[Transition, ...]:
        """Let those in that are too many to be ejected."""
        self._settle(now)
        told, rules = list[Transition](), self._rules
        while self.gone and not (rules and self._is_allowed(len(self.gone), rules)):
            told.append(self._let_in(min(self.gone.values(), key=_until), now))
        return (*told, *self._panic())

    def _settle(self, now: float) -> None:
        """See, after a change, who is gone and who is due, and when to look again."""
        self.gone = {url: node for url, node in self._listed.items() if node.health.is_out}
        times = {url: node.health.due() for url, node in self.gone.items()}
        if not self._is_enforced:
            times = {}
        self.due = {url: self.gone[url] for url, due in times.items() if due <= now}
        self.is_changed = True
        self.next_due = min((due for due in times.values() if due > now), default=inf)

    def _panic(self) -> tuple[Transition, ...]:
        """See, after a change, whether too many are gone."""
        rules, gone = self._rules, len(self.gone)
        is_panic = rules is not None and gone > (rules.panic_share + _TINY) * len(self._listed)
        if is_panic is self.is_panic:
            return ()
        self.is_panic = is_panic
        return (self._told("panic" if is_panic else "calm", "", 0.0, ""),)

    def _told(
        self,
        kind: Literal["ejected", "returned", "panic", "calm"],
        url: str,
        seconds: float,
        cause: str,
    ) -> Transition:
        is_observed = self._rules is not None and not self._is_enforced
        return Transition(
            kind, url, seconds, cause, len(self.gone), len(self._listed), is_observed=is_observed
        )


def _until(node: Node) -> float:
    return node.health.until

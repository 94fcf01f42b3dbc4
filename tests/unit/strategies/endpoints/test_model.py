"""The pool under everything at once, in every order that hypothesis finds."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from client.strategies.endpoints.pool import Outcome, Ticket
from tests.unit.strategies.endpoints.pools import Pool, at, endpoints, letter, rules, url

LETTERS = "abcde"
LISTS = st.dictionaries(st.sampled_from(LETTERS), st.sampled_from([0, 0.5, 1, 1, 4]), min_size=1)
SECONDS = st.sampled_from([0.0, 0.5, 1.0, 5.0, 10.0, 40.0])
SHARES = st.sampled_from([0.0, 0.2, 0.5, 1.0])
POLICIES = st.sampled_from(["p2c", "round_robin", "least_outstanding", "ordered", "hash"])
GONE = ("ejected", "probing")
BASE = 10.0


class Machine(RuleBasedStateMachine):
    """Attempts come and go, endpoints fail, lists and settings change."""

    @initialize(
        weights=LISTS,
        policy=POLICIES,
        share=SHARES,
        panic=SHARES,
        seed=st.integers(0, 3),
    )
    def begin(
        self, weights: dict[str, float], policy: str, share: float, panic: float, seed: int
    ) -> None:
        """Any list, any policy."""
        self.limits: dict[str, Any] = {
            "consecutive_failures": 2,
            "base_ejection": BASE,
            "max_ejection": 35,
            "max_ejection_share": share,
            "panic_share": panic,
            "slow_start": 5,
        }
        self.policy = policy
        self.weights = weights
        self.pool = Pool(weights, policy, seed, **self.limits)
        self.out: list[Ticket] = []
        self.unreported: list[Ticket] = []
        self.gone: set[str] = set()

    @property
    def is_enforced(self) -> bool:
        """Whether the ejected are left alone."""
        return self.limits.get("mode", "enforce") == "enforce" and not self.pool.pool.is_panic

    def note(self, told: list[str]) -> None:
        """An endpoint is ejected anew or comes back, and panic follows what brings it about."""
        for each in told:
            kind, _, of = each.partition(" ")
            if kind == "ejected":
                self.gone.add(of)
            elif kind == "returned":
                assert of in self.gone
                self.gone.discard(of)
            else:
                assert each == told[-1]

    @rule(avoid=st.sets(st.sampled_from(LETTERS)), key=st.sampled_from("xyz"))
    def take(self, avoid: set[str], key: str) -> None:
        """An attempt goes where all is well, elsewhere first; or one finds out about another."""
        pool = self.pool
        before = {letter(each.url): each for each in pool.pool.states(pool.now)}
        ticket = pool.pool.take(pool.now, avoid={url(each) for each in avoid}, key=key)
        if ticket is None:
            assert not any(self.weights.values())
            return
        chosen = before[at(ticket)]
        assert chosen.weight > 0
        well = {name for name, each in before.items() if each.state in {"in", "slow_start"}}
        if self.is_enforced:
            assert ticket.is_probe == (chosen.state in GONE)
            assert at(ticket) not in avoid if well - avoid else True
            assert not (avoid and well and ticket.is_probe)
        self.keep(ticket)

    @rule(name=st.sampled_from(LETTERS))
    def take_pinned(self, name: str) -> None:
        """An attempt goes to one, however that is."""
        pool = self.pool
        ticket = pool.pool.take(pool.now, pinned=url(name))
        assert (ticket is None) == (name not in self.weights)
        if ticket is not None:
            assert at(ticket) == name
            self.keep(ticket)

    def keep(self, ticket: Ticket) -> None:
        """It is out, and nobody knows what comes of it; another probe may not be out as well."""
        if ticket.is_probe:
            others = [
                each
                for each in self.unreported
                if each.is_probe and each.node is ticket.node and each.era == ticket.era
            ]
            assert all(each.began <= self.pool.now - BASE for each in others)
        self.out.append(ticket)
        self.unreported.append(ticket)

    @precondition(lambda self: self.unreported)
    @rule(
        data=st.data(),
        outcome=st.sampled_from([Outcome.FAILURE, Outcome.FAILURE, *Outcome]),
        seconds=st.sampled_from([0.001, 0.5, 20.0]),
    )
    def report(self, data: st.DataObject, outcome: Outcome, seconds: float) -> None:
        """Something comes of an attempt."""
        ticket = data.draw(st.sampled_from(self.unreported))
        self.unreported.remove(ticket)
        pool = self.pool
        self.note(pool.note(pool.pool.report(ticket, outcome, seconds, pool.now)))

    @precondition(lambda self: self.out)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """An attempt ends, whether or not anything came of it."""
        ticket = data.draw(st.sampled_from(self.out))
        self.out.remove(ticket)
        if ticket in self.unreported:
            self.unreported.remove(ticket)
        self.pool.pool.release(ticket)

    @rule(name=st.sampled_from(LETTERS))
    def fail(self, name: str) -> None:
        """An endpoint fails."""
        if name in self.weights:
            self.note(self.pool.fail(name, 2))

    @rule(seconds=SECONDS)
    def pass_time(self, seconds: float) -> None:
        """Ejections end, probes are given up."""
        self.pool.now += seconds

    @rule(name=st.sampled_from(LETTERS), passed=st.booleans())
    def check(self, name: str, *, passed: bool) -> None:
        """An active check has ended."""
        pool = self.pool
        self.note(pool.note(pool.pool.check(url(name), pool.now, passed=passed, holds=15)))

    @rule(weights=LISTS)
    def replace(self, weights: dict[str, float]) -> None:
        """Another list."""
        pool = self.pool
        self.weights = weights
        self.note(pool.note(pool.pool.replace(endpoints(weights), pool.now)))

    @rule(
        share=SHARES,
        policy=POLICIES,
        mode=st.sampled_from(["enforce", "enforce", "observe", "off"]),
    )
    def reconfigure(self, share: float, policy: str, mode: str) -> None:
        """Other settings."""
        self.limits |= {"max_ejection_share": share, "mode": mode}
        pool, self.policy = self.pool, policy
        told = pool.pool.reconfigure(rules(policy, **self.limits), pool.now)
        self.note(pool.note(told))

    @invariant()
    def nothing_that_is_out_is_lost(self) -> None:
        """Nor counted twice, nor below none."""
        pool = self.pool
        for state in pool.pool.states(pool.now):
            here = sum(1 for each in self.out if url(at(each)) == state.url)
            assert state.outstanding == here
        assert pool.pool._out == set(self.out)

    @invariant()
    def no_more_are_ejected_than_may_be(self) -> None:
        """One is left, however many fail; and what was told is so."""
        states = [each for each in self.pool.pool.states(self.pool.now) if each.weight > 0]
        gone = {letter(each.url) for each in states if each.state in GONE}
        if gone:
            assert len(gone) < len(states)
            assert len(gone) / len(states) <= self.limits["max_ejection_share"]
        assert gone == {each for each in self.gone if self.weights.get(each, 0) > 0}


TestMachine: Any = Machine.TestCase
TestMachine.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

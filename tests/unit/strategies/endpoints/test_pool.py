"""The list of endpoints, and what is out to them."""

import random
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import client.strategies.endpoints
from client.strategies.endpoints.pool import EndpointPool, Outcome, Ticket
from tests.unit.strategies.endpoints.pools import Pool, at, endpoints, letters, rules, url
from tests.unit.threads import together

_FOLDER = str(Path(client.strategies.endpoints.__file__).parent)
POLICIES = ["p2c", "round_robin", "least_outstanding", "ordered", "hash"]
every_policy = pytest.mark.parametrize("policy", POLICIES)


def test_an_empty_list_is_refused() -> None:
    """At the beginning and later, when the last one stays."""
    with pytest.raises(ValueError, match="must not be empty"):
        EndpointPool([], rules(), random.Random(1))  # noqa: S311 - a test's
    pool = Pool("ab")
    with pytest.raises(ValueError, match="must not be empty"):
        pool.pool.replace([], pool.now)
    assert pool.pool.urls == (url("a"), url("b"))


def test_a_url_counts_once() -> None:
    """The first of the same."""
    pool = Pool("a")
    given = [*endpoints({"a": 1, "b": 2}), *endpoints({"a": 5})]
    pool.pool.replace(given, pool.now)
    assert len(pool.pool) == 2
    assert pool.state("a").weight == 1
    assert url("b") in pool.pool
    assert url("c") not in pool.pool


@every_policy
def test_drained_ones_get_nothing_new(policy: str) -> None:
    """Not even where the only other one is to be avoided, or fails; but what is pinned."""
    pool = Pool({"a": 0, "b": 1}, policy)
    pool.fail("b", 20)
    assert {pool.go() for _ in range(20)} == {"b"}
    assert pool.go("b") == "b"
    assert at(pool.take(pinned="a")) == "a"
    assert pool.state("a").state == "drained"


@every_policy
def test_where_all_are_drained_there_is_none(policy: str) -> None:
    """Whoever asks is told, and not led to one that is to be left."""
    pool = Pool({"a": 0, "b": 0}, policy)
    assert pool.pool.take(pool.now, key="k") is None
    assert pool.pool.take(pool.now, avoid=[url("a")], key="k") is None


def test_what_is_pinned_goes_there_only() -> None:
    """Ejected as it be; to nothing where the list has it no more."""
    pool = Pool("abcd")
    pool.eject("a")
    assert at(pool.take(pinned="a")) == "a"
    assert pool.pool.take(pool.now, pinned=url("x")) is None


@every_policy
def test_a_ticket_counts_until_it_is_given_back_once(policy: str) -> None:
    """Twice is once, and one that was never taken is none."""
    pool = Pool("ab", policy)
    tickets = [pool.take() for _ in range(10)]
    assert sum(each.outstanding for each in pool.pool.states(pool.now)) == 10
    for ticket in tickets:
        pool.pool.release(ticket)
        pool.pool.release(ticket)
    pool.pool.release(Ticket())
    assert pool.pool.report(Ticket(), Outcome.SUCCESS, 1.0, pool.now) == ()
    assert [each.outstanding for each in pool.pool.states(pool.now)] == [0, 0]


def test_only_the_first_report_counts() -> None:
    """An attempt has one outcome."""
    pool = Pool("ab")
    ticket = pool.take(pinned="a")
    pool.end(ticket, seconds=0.5)
    for _ in range(10):
        assert pool.end(ticket, Outcome.FAILURE, seconds=9.0) == []
    state = pool.state("a")
    assert (state.latency, state.failures, state.penalty) == (0.5, 0, 1)


def test_an_open_answer_is_out_though_it_was_reported() -> None:
    """A stream is work for its server until it is read."""
    pool = Pool("a")
    ticket = pool.take()
    pool.pool.report(ticket, Outcome.SUCCESS, 0.1, pool.now)
    assert pool.state("a").outstanding == 1
    pool.pool.release(ticket)
    assert pool.state("a").outstanding == 0


@pytest.mark.parametrize(
    ("outcome", "latency", "penalty"),
    [
        (Outcome.SUCCESS, 2.0, 1),
        (Outcome.FAILURE, 2.0, 16),
        (Outcome.CANCELLED, 2.0, 1),
        (Outcome.LIMITED, 0.1, 1),
    ],
)
def test_what_an_outcome_says(outcome: Outcome, latency: float, penalty: float) -> None:
    """Of an attempt that took longer than any before."""
    pool = Pool("ab")
    pool.end(pool.take(pinned="a"), seconds=0.1)
    pool.end(pool.take(pinned="a"), outcome, seconds=2.0)
    state = pool.state("a")
    assert (state.latency, state.penalty) == (latency, penalty)


@every_policy
def test_what_is_known_stays_with_its_url(policy: str) -> None:
    """Whatever else becomes of the list."""
    pool = Pool("abcd", policy)
    pool.eject("b")
    pool.end(pool.take(pinned="c"), seconds=0.7)
    out = pool.take(pinned="d")
    pool.pool.replace(endpoints({"d": 2, "e": 1, "c": 1, "b": 1}), pool.now)
    assert letters(pool, ("ejected",)) == "b"
    assert pool.state("c").latency == 0.7
    assert (pool.state("d").outstanding, pool.state("d").weight) == (1, 2)
    pool.end(out)
    assert pool.state("d").outstanding == 0
    assert "b" not in {pool.go(key=str(number)) for number in range(100)}


def test_one_that_left_the_list_is_known_when_it_is_back() -> None:
    """With what is out to it; that it fails meanwhile ejects nobody."""
    pool = Pool("abcd")
    out = [pool.take(pinned="a") for _ in range(5)]
    pool.eject("b")
    pool.pool.replace(endpoints(dict.fromkeys("cd", 1)), pool.now)
    assert [told for each in out for told in pool.end(each, Outcome.FAILURE)] == []
    late = pool.pool.take(pool.now, pinned=url("a"))
    assert late is None
    assert {pool.go() for _ in range(50)} == {"c", "d"}
    pool.pool.replace(endpoints(dict.fromkeys("abcd", 1)), pool.now)
    assert letters(pool, ("ejected",)) == "b"
    assert (pool.state("a").penalty, pool.state("a").state) == (64, "in")


def test_of_those_that_left_the_list_so_many_are_known() -> None:
    """The last thousand, and those that something is out to."""
    pool = Pool("a")
    out = pool.take()
    for number in range(1200):
        pool.pool.replace(endpoints({f"n{number}": 1}), pool.now)
    assert len(pool.pool._past) == 1000
    pool.pool.replace(endpoints({"a": 1}), pool.now)
    assert pool.state("a").outstanding == 1
    pool.end(out)
    assert pool.state("a").outstanding == 0


@every_policy
def test_another_policy_goes_on_with_what_is_known(policy: str) -> None:
    """Who is ejected stays so, and who is out is out."""
    pool = Pool("abcd", policy)
    pool.eject("a")
    held = pool.take(pinned="b")
    for other in POLICIES:
        assert pool.pool.reconfigure(rules(other), pool.now) == ()
        assert "a" not in {pool.go(key=str(number)) for number in range(50)}
        assert pool.state("b").outstanding == 1
    pool.end(held)


@every_policy
def test_threads_lose_nothing(policy: str) -> None:
    """Takes, reports and new lists at once."""
    pool = Pool("abcd", policy)
    lists = [endpoints(dict.fromkeys(names, 1)) for names in ("abcd", "bcde", "ac")]

    def work() -> None:
        chance = random.Random(1)  # noqa: S311 - a test's
        for number in range(60):
            ticket = pool.pool.take(pool.now + number, key=str(number))
            assert ticket is not None
            outcome = chance.choice(list(Outcome))
            pool.pool.report(ticket, outcome, chance.random(), pool.now + number)
            if number % 20 == 0:
                pool.pool.replace(lists[number // 20], pool.now + number)
            pool.pool.release(ticket)

    together(work)
    assert not pool.pool._out
    pool.pool.replace(lists[0] + lists[1], pool.now + 100)
    assert {each.outstanding for each in pool.pool.states(pool.now)} == {0}


def test_a_forked_child_begins_anew() -> None:
    """What its parent has out is never given back there, and its chances are others."""
    pool = Pool("ab")
    for _ in range(5):
        pool.take()
    pool.pool.begin_anew()
    assert [each.outstanding for each in pool.pool.states(pool.now)] == [0, 0]
    assert pool.pool._out == set()


class Interrupted(BaseException):
    """A signal handler raises it."""


def interrupted(work: Callable[[], object], line: int) -> bool:
    """Do some work, and have it interrupted before a line of the folder; False if it has fewer."""
    left = line

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if _FOLDER not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left < 0:
                sys.settrace(None)
                raise Interrupted
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    except Interrupted:
        return True
    finally:
        sys.settrace(before)
    return False


@every_policy
def test_an_interrupt_loses_nothing(policy: str) -> None:
    """Wherever it comes: what is out is given back, and all the endpoints are chosen yet."""
    pool = Pool("abcd", policy)
    tickets: list[Ticket] = []

    def work() -> None:
        for avoid in ((), (url("b"),), (url("c"), url("d"))):
            tickets.append(Ticket())
            pool.pool.take(pool.now, ticket=tickets[-1], key=f"{pool.now}", avoid=avoid)
            pool.pool.report(tickets[-1], Outcome.SUCCESS, 0.1, pool.now)
            pool.pool.release(tickets[-1])

    line = 0
    while interrupted(work, line):
        for ticket in tickets:
            pool.pool.release(ticket)
        assert not pool.pool._out
        assert {each.outstanding for each in pool.pool.states(pool.now)} == {0}
        pool.now += 1
        line += 1
    expected = "a" if policy == "ordered" else "abcd"
    assert {pool.go(key=str(number)) for number in range(200)} == set(expected)


@pytest.mark.parametrize("ends", ["fails", "succeeds", "is cancelled", "is left"])
def test_an_interrupted_ejection_ends_all_the_same(ends: str) -> None:
    """And so does an interrupted return: nothing has to happen but calls."""
    line, is_interrupted = 0, True
    while is_interrupted:
        pool = Pool("abcd", "round_robin")
        if ends == "fails":
            pool.fail("a", 4)
            ticket, outcome = pool.take(pinned="a"), Outcome.FAILURE
        else:
            pool.eject("a")
            pool.now += 30
            ticket, outcome = pool.take(), Outcome.SUCCESS
            outcome = Outcome.CANCELLED if ends == "is cancelled" else Outcome.SUCCESS
        if ends == "is left":
            is_interrupted = interrupted(partial(pool.pool.release, ticket), line)
        else:
            is_interrupted = interrupted(partial(pool.end, ticket, outcome), line)
        pool.pool.release(ticket)
        for _ in range(60):
            pool.now += 1
            pool.go()
        assert {pool.go() for _ in range(4)} == set("abcd"), f"interrupted at {line}"
        assert letters(pool, ("in",)) == "abcd"
        line += 1
    assert line > 5

"""The first of the list that is well."""

import pytest

from client.strategies.endpoints.pool import Outcome
from tests.unit.strategies.endpoints.pools import Pool, at


def test_the_first_is_chosen_while_it_is_well() -> None:
    """Whatever is out to it, and whatever it weighs."""
    pool = Pool({"a": 0.1, "b": 5, "c": 1}, "ordered")
    assert {at(pool.take()) for _ in range(50)} == {"a"}


def test_a_retry_goes_to_the_next() -> None:
    """And begins again where all were tried."""
    pool = Pool("abc", "ordered")
    assert [pool.go(avoid) for avoid in ("", "a", "ab", "abc")] == ["a", "b", "c", "a"]


def test_the_next_takes_over_and_the_first_is_probed() -> None:
    """By one call; the others stay with the second until that has gone well."""
    pool = Pool("abc", "ordered")
    pool.eject("a")
    assert pool.go() == "b"
    pool.now += 30
    probe = pool.take()
    assert (at(probe), at(pool.take())) == ("a", "b")
    pool.end(probe)
    assert pool.go() == "a"


def test_nobody_is_sent_to_probe_one_that_is_not_needed() -> None:
    """The second comes back only when the first is gone."""
    pool = Pool("abc", "ordered")
    pool.eject("b")
    pool.now += 30
    assert {pool.go() for _ in range(20)} == {"a"}
    assert pool.state("b").state == "ejected"
    assert pool.go("a") == "c"  # a retry finds nothing out
    pool.end(pool.take(), Outcome.FAILURE)
    assert pool.go() == "a"


def test_one_that_comes_back_is_given_more_and_more() -> None:
    """A share of the calls that grows with the slow start."""
    pool = Pool("ab", "ordered", slow_start=10)
    pool.eject("a")
    pool.now += 30
    assert pool.go() == "a"
    for share in (0.25, 0.5, 0.75):
        pool.now += 2.5
        found = [pool.go() for _ in range(1000)]
        assert found.count("a") / 1000 == pytest.approx(share, abs=0.05)
        assert pool.go("b") == "a"  # but for whoever has nowhere else to go
    pool.now += 2.5
    assert {pool.go() for _ in range(50)} == {"a"}

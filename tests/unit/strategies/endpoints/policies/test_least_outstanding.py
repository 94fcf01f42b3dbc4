"""The one with the fewest attempts out."""

import pytest

from tests.unit.strategies.endpoints.pools import Pool, at


def test_the_one_with_the_fewest_is_chosen() -> None:
    """Always, where all weigh the same."""
    pool = Pool("abcd", "least_outstanding")
    tickets = [pool.take() for _ in range(40)]
    for start in range(0, 40, 4):
        assert sorted(at(each) for each in tickets[start : start + 4]) == list("abcd")
    for ticket in tickets:
        if at(ticket) == "c":
            pool.end(ticket)
    assert [at(pool.take()) for _ in range(10)] == ["c"] * 10


def test_chance_settles_ties() -> None:
    """Or all clients would begin with the first."""
    pool = Pool("abcd", "least_outstanding")
    assert {pool.go() for _ in range(50)} == set("abcd")


@pytest.mark.parametrize(("at_once", "tolerance"), [(1, 0.1), (8, 0.3), (40, 0.1)])
@pytest.mark.parametrize(
    "weights", [{"a": 1, "b": 3}, {"a": 1, "b": 2, "c": 3, "d": 4}], ids=["two", "four"]
)
def test_weights_hold(weights: dict[str, float], at_once: int, tolerance: float) -> None:
    """Of those that are idle too; with few out, as well as whole attempts allow."""
    found = Pool(weights, "least_outstanding").shares(8000, at_once)
    total = sum(weights.values())
    for letter, weight in weights.items():
        assert found[letter] == pytest.approx(weight / total, rel=tolerance)


def test_others_come_first() -> None:
    """However much is out to them."""
    pool = Pool("ab", "least_outstanding")
    for _ in range(10):
        pool.take("a")
    assert at(pool.take("a")) == "b"
    assert at(pool.take("ab")) == "a"


def test_in_a_slow_start_one_counts_for_less() -> None:
    """And as any other afterwards."""
    pool = Pool("ab", "least_outstanding", slow_start=10)
    pool.eject("a")
    pool.now += 30
    assert pool.go() == "a"
    pool.now += 2.5
    out = [pool.take() for _ in range(40)]
    assert [at(each) for each in out].count("a") == pytest.approx(8, abs=1)
    pool.now += 7.5
    more = [at(pool.take()) for _ in range(40)]
    assert more.count("a") + 8 == pytest.approx(40, abs=1)

"""The better of two at random."""

import pytest

from client.strategies.endpoints.pool import Outcome
from tests.unit.strategies.endpoints.pools import Pool, at, url


@pytest.mark.parametrize("at_once", [1, 2, 8, 40])
@pytest.mark.parametrize(
    "weights",
    [{"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 1, "b": 3}, {"a": 1, "b": 2, "c": 3, "d": 4}],
    ids=["even", "two", "four"],
)
def test_weights_hold(weights: dict[str, float], at_once: int) -> None:
    """Where the servers do alike, whether they are idle or loaded."""
    found = Pool(weights, "p2c").shares(8000, at_once)
    total = sum(weights.values())
    for letter, weight in weights.items():
        assert found[letter] == pytest.approx(weight / total, rel=0.3)


def test_of_two_the_faster_is_chosen() -> None:
    """For as long as it is the faster."""
    pool = Pool("ab")
    for letter, seconds in (("a", 0.1), ("b", 0.01)):
        pool.end(pool.take(pinned=letter), seconds=seconds)
    assert [at(pool.take()) for _ in range(9)] == ["b"] * 9  # at ten, both are as bad
    assert {at(pool.take()) for _ in range(4)} == {"a", "b"}


def test_the_slowest_of_several_is_never_chosen() -> None:
    """Of any two, another one is better; all the others are chosen."""
    pool = Pool("abcd")
    for number, letter in enumerate("abcd"):
        pool.end(pool.take(pinned=letter), seconds=0.01 * 2**number)
    found = set()
    for _ in range(200):
        ticket = pool.take()
        found.add(at(ticket))
        pool.end(ticket, Outcome.CANCELLED, 0.0)
    assert found == {"a", "b", "c"}


def test_a_slow_one_of_a_great_weight_is_left_alone() -> None:
    """Though it is drawn nearly always."""
    pool = Pool({"a": 99, "b": 1})
    for letter, seconds in (("a", 1.0), ("b", 0.01)):
        pool.end(pool.take(pinned=letter), seconds=seconds)
    assert {pool.go() for _ in range(50)} == {"b"}


def test_one_that_fails_is_left_alone() -> None:
    """Though it does so faster than the others answer."""
    pool = Pool("abcd")
    for letter in "abcd":
        pool.end(pool.take(pinned=letter), seconds=0.1)
    pool.fail("c")
    assert "c" not in {pool.go() for _ in range(200)}
    pool.now += 5
    assert "c" in {pool.go() for _ in range(200)}


def test_others_come_first() -> None:
    """Than those that were tried; where all were, one of them."""
    pool = Pool("abc")
    assert {pool.go("ab") for _ in range(20)} == {"c"}
    assert pool.go("abc") in "abc"


@pytest.mark.parametrize("weights", [{"a": 1}, {"a": 2}], ids=["even", "other"])
def test_one_is_chosen_where_there_is_no_other(weights: dict[str, float]) -> None:
    """Whatever it does."""
    pool = Pool(weights)
    pool.fail("a", 10)
    assert pool.go() == "a"


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 1, "b": 2}], ids=["even", "other"])
def test_in_a_slow_start_one_gets_less(weights: dict[str, float]) -> None:
    """Of what comes while all are idle, and of what is out."""
    pool = Pool(weights, slow_start=10)
    pool.eject("a")
    pool.now += 30
    pool.end(pool.take(), seconds=0.01)
    pool.now += 2
    own = weights["a"] * 0.2
    expected = own / (own + weights["b"])
    found = []
    for _ in range(2000):
        for letter in "ab":
            pool.pool._nodes[url(letter)].score.forget()
        found.append(pool.go())
    assert found.count("a") / 2000 == pytest.approx(expected, abs=0.03)
    out = [at(pool.take()) for _ in range(400)]
    assert out.count("a") / 400 == pytest.approx(expected, abs=0.05)


def test_where_all_are_in_a_slow_start_one_is_chosen() -> None:
    """At the worst one that came only now."""
    pool = Pool({"a": 1, "b": 2, "c": 4}, slow_start=100, max_ejection_share=1, panic_share=1)
    for letter in "ab":
        pool.eject(letter)
    pool.now += 30
    assert {pool.go(), pool.go()} == {"a", "b"}
    pool.eject("c")
    assert {pool.go() for _ in range(50)} == {"a", "b"}


def test_in_a_slow_start_the_faster_one_does_not_get_all() -> None:
    """It is drawn less often, as the first of the two and as the second."""
    pool = Pool("ab", slow_start=10)
    pool.eject("a")
    pool.now += 30
    pool.end(pool.take(), seconds=0.001)
    pool.end(pool.take(pinned="b"), seconds=1.0)
    pool.now += 2
    found = []
    for _ in range(1000):
        ticket = pool.take()
        found.append(at(ticket))
        pool.pool.release(ticket)
    assert found.count("a") / 1000 == pytest.approx(1 - 0.8 / 1.2, abs=0.05)

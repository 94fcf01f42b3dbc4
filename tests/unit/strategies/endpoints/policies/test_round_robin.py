"""One after the other."""

from collections import Counter

import pytest

from tests.unit.strategies.endpoints.pools import Pool, endpoints


def test_they_take_turns_in_the_order_of_the_list() -> None:
    """Beginning with any of them."""
    for seed in range(8):
        found = "".join(Pool("abcd", "round_robin", seed).go() for _ in range(1))
        pool = Pool("abcd", "round_robin", seed)
        turns = "".join(pool.go() for _ in range(12))
        assert turns[0] == found
        assert turns[:4] in "abcdabcd"
        assert turns == turns[:4] * 3


def test_not_all_clients_begin_with_the_same_one() -> None:
    """Chance says with which."""
    assert {Pool("abcd", "round_robin", seed).go() for seed in range(40)} == set("abcd")


def test_weights_hold_exactly_and_smoothly() -> None:
    """In each round of seven, and not all of one at once."""
    pool = Pool({"a": 5, "b": 1, "c": 1}, "round_robin")
    turns = "".join(pool.go() for _ in range(70))
    assert Counter(turns) == {"a": 50, "b": 10, "c": 10}
    assert "aaaaaa" not in turns
    for start in range(63):
        assert turns[start : start + 7].count("a") in {4, 5, 6}


@pytest.mark.parametrize("at_once", [1, 2, 8, 40])
def test_weights_hold_whatever_is_out(at_once: int) -> None:
    """It looks at nothing else."""
    found = Pool({"a": 1, "b": 3}, "round_robin").shares(4000, at_once)
    assert found["a"] == pytest.approx(0.25, abs=0.01)


def test_one_that_is_to_be_avoided_keeps_its_turn() -> None:
    """It is the next for whoever does not avoid it."""
    pool = Pool("abcd", "round_robin")
    first, second = pool.go(), pool.go()
    third = next(each for each in "abcdabcd"["abcd".index(second) + 1 :])
    assert pool.go(avoid=third) not in {first, second, third}
    assert pool.go() == third


def test_where_all_are_to_be_avoided_it_is_the_next_ones_turn() -> None:
    """A call is not refused because it has tried all."""
    pool = Pool("ab", "round_robin")
    first = pool.go()
    assert pool.go("ab") != first


def test_who_was_away_has_missed_its_turns() -> None:
    """It does not get all of them when it is back."""
    pool = Pool("abc", "round_robin")
    pool.eject("b")
    for _ in range(300):
        assert pool.go() != "b"
    pool.now += 30
    assert pool.go() == "b"  # the probe
    turns = "".join(pool.go() for _ in range(30))
    assert 9 <= turns.count("b") <= 11
    assert "bb" not in turns[1:]


def test_a_new_one_takes_its_place() -> None:
    """And the others keep their turns."""
    pool = Pool("ab", "round_robin")
    for _ in range(5):
        pool.go()
    pool.pool.replace(endpoints({"a": 1, "b": 1, "c": 2}), pool.now)
    turns = Counter(pool.go() for _ in range(40))
    assert turns["c"] == pytest.approx(20, abs=2)
    assert turns["a"] == pytest.approx(10, abs=2)


def test_a_light_one_that_becomes_heavy_does_not_wait_for_long() -> None:
    """Its next turn comes by its new weight."""
    pool = Pool({"a": 1, "b": 0.001}, "round_robin")
    for _ in range(10):
        pool.go()
    pool.pool.replace(endpoints({"a": 1, "b": 1}), pool.now)
    assert "b" in {pool.go() for _ in range(3)}

"""Each key to an endpoint of its own."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.endpoints.nodes import Node
from client.strategies.endpoints.policies.ring import MOST_POINTS, Ring, place
from client.strategies.endpoints.scores import Slowest
from tests.unit.strategies.endpoints.pools import Pool, at, endpoints

KEYS = [f"key {number}" for number in range(2000)]


def owners(pool: Pool) -> dict[str, str]:
    """Where each key goes while nothing is out."""
    return {key: pool.go(key=key) for key in KEYS}


def test_a_key_stays_where_it_is() -> None:
    """In this client, and in another, whatever chance says."""
    assert owners(Pool("abcd", "hash", 1)) == owners(Pool("abcd", "hash", 2))


def test_the_order_of_the_list_does_not_matter() -> None:
    """Clients need not have read it in the same order."""
    assert owners(Pool("abcd", "hash")) == owners(Pool("dbca", "hash"))


@pytest.mark.parametrize(
    "weights", [{"a": 1, "b": 1, "c": 1, "d": 1}, {"a": 1, "b": 2, "c": 5}], ids=["even", "other"]
)
def test_weights_hold(weights: dict[str, float]) -> None:
    """As well as the points of a ring allow."""
    found = Counter(owners(Pool(weights, "hash")).values())
    total = sum(weights.values())
    for letter, weight in weights.items():
        assert found[letter] / len(KEYS) == pytest.approx(weight / total, rel=0.15)


def test_only_the_keys_of_one_that_goes_move() -> None:
    """By ejection, or from the list; they are spread over all the others, and come back."""
    pool = Pool("abcd", "hash")
    before = owners(pool)
    pool.eject("b")
    without = owners(pool)
    assert {key for key in KEYS if before[key] != without[key]} == {
        key for key in KEYS if before[key] == "b"
    }
    assert {without[key] for key in KEYS if before[key] == "b"} == set("acd")
    assert owners(Pool("acd", "hash")) == without
    pool.now += 30
    assert owners(pool) == before


def test_the_heaviest_may_go_too() -> None:
    """How many points the others have does not hang on it, as long as they weigh nearly as much."""
    before = owners(Pool({"a": 5, "b": 6, "c": 7}, "hash"))
    without = owners(Pool({"a": 5, "b": 6}, "hash"))
    assert {key for key in KEYS if before[key] != without[key]} == {
        key for key in KEYS if before[key] == "c"
    }


def test_in_a_slow_start_keys_come_back_one_by_one() -> None:
    """Each stays when it has come; so no key goes to and fro."""
    pool = Pool("abcd", "hash", slow_start=10)
    before = owners(pool)
    pool.eject("b")
    pool.now += 30
    pool.go(key=next(key for key in KEYS if before[key] == "b"))
    own, seen = [key for key in KEYS if before[key] == "b"], set[str]()
    for share in (0.25, 0.5, 0.75, 1.0):
        pool.now += 2.5
        back = {key for key in own if pool.go(key=key) == "b"}
        assert seen <= back
        assert len(back) / len(own) == pytest.approx(share, abs=0.1)
        seen = back


def test_no_more_than_its_share_is_out_to_one() -> None:
    """1.25 times that; what is more goes to the next, though the key is the same."""
    pool = Pool("abcd", "hash")
    for number in range(1, 201):
        pool.take(key="one for all")
        most = max(each.outstanding for each in pool.pool.states(pool.now))
        assert most <= max(4, 1.25 * number / 4 + 1)
    assert sum(each.outstanding for each in pool.pool.states(pool.now)) == 200


def test_four_may_always_be_out() -> None:
    """A quarter of few is less than one, and a key would never stay."""
    pool = Pool("abcd", "hash")
    found = [at(pool.take(key="mine")) for _ in range(6)]
    assert found[:4] == [found[0]] * 4
    assert found[4] != found[0]


def test_the_bound_goes_by_weight() -> None:
    """A heavy one takes more."""
    pool = Pool({"a": 1, "b": 9}, "hash")
    out = Counter(at(pool.take(key=str(number))) for number in range(400))
    assert out["b"] <= 1.25 * 400 * 0.9 + 1
    assert out["a"] <= 1.25 * 400 * 0.1 + 1


def test_a_retry_goes_to_the_next_of_its_key() -> None:
    """To the same one each time; and begins again where all were tried."""
    pool = Pool("abc", "hash")
    first = pool.go(key="k")
    second = pool.go(first, key="k")
    third = pool.go(first + second, key="k")
    assert sorted((first, second, third)) == ["a", "b", "c"]
    assert pool.go("abc", key="k") == first
    assert pool.go(first, key="k") == second


def test_where_all_are_over_their_bound_the_first_is_chosen() -> None:
    """That happens where most of them are to be avoided."""
    pool = Pool("abc", "hash")
    for _ in range(30):
        assert at(pool.take("bc", key="k")) == "a"


def test_who_has_no_key_goes_anywhere() -> None:
    """A key is asked for where it matters: in the settings."""
    pool = Pool("abc", "hash")
    assert {pool.go() for _ in range(50)} == set("abc")


@given(st.text())
def test_any_text_is_a_key(key: str) -> None:
    """Lone surrogates too, which UTF-8 has no bytes for."""
    point, part = place(key + "\ud800")
    assert 0 <= point < 2**64
    assert 0 <= part < 1


@pytest.mark.parametrize("count", [1, 3, 130, 1000])
def test_a_ring_is_of_a_bounded_size_and_has_everybody(count: int) -> None:
    """A thousand endpoints do not make a long list of points."""
    nodes = [Node(each, Slowest()) for each in endpoints({str(n): 1.0 for n in range(count)})]
    ring = Ring(nodes)
    assert len(ring._points) <= MOST_POINTS
    for point in (0, 2**63, 2**64 - 1):
        assert sorted(each.url for each in ring.after(point)) == sorted(n.url for n in nodes)


def test_the_lightest_has_a_point_too() -> None:
    """Or it would not be found where it is the only one left."""
    light = Node(endpoints({"a": 0.0001})[0], Slowest())
    heavy = Node(endpoints({"b": 1000})[0], Slowest())
    assert set(Ring([light, heavy]).after(0)) == {light, heavy}


def test_an_empty_ring_has_nobody() -> None:
    """All are drained."""
    assert list(Ring(()).after(5)) == []

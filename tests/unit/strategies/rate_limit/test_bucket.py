"""Buckets by themselves."""

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.rate_limit.bucket import Bucket, Ramp
from tests.unit.strategies.rate_limit.callers import START


def test_it_begins_full_unless_told_otherwise() -> None:
    """And never holds more than it can."""
    assert Bucket(1, 5, START).level(START) == 5
    assert Bucket(1, 5, START, 2).level(START) == 2
    assert Bucket(1, 5, START, 9).level(START) == 5
    assert Bucket(1, 5, START, 2).level(START + 100) == 5


def test_time_that_goes_backwards_changes_nothing() -> None:
    """Nor does what is asked at such a time."""
    bucket = Bucket(2, 5, START, 0)
    assert bucket.level(START + 1) == 2
    assert bucket.level(START - 100) == 2
    assert bucket.level(START + 1) == 2


def test_the_wait_is_as_long_as_it_takes() -> None:
    """For oneself and those before; the dearest wait for a full bucket."""
    bucket = Bucket(2, 4, START, 1)
    assert bucket.wait(0, 1, START) == 0
    assert bucket.wait(0, 2, START) == 0.5
    assert bucket.wait(3, 2, START) == 2
    assert bucket.wait(0, 100, START) == 1.5
    bucket.take(100, START)
    assert bucket.level(START) == -99


def test_what_is_put_back_is_there_again_at_once() -> None:
    """But no more than would be there if it had never been taken."""
    bucket = Bucket(1, 5, START)
    bucket.take(3, START)
    bucket.give(3, START, START)
    assert bucket.level(START) == 5
    bucket.take(3, START)
    bucket.give(3, START, START + 2)
    assert bucket.level(START + 2) == 5


def test_what_would_have_flowed_over_meanwhile_is_lost() -> None:
    """The bucket was full in between."""
    bucket = Bucket(1, 5, START)
    bucket.take(5, START)
    bucket.take(5, START + 5)
    bucket.give(5, START, START + 6)
    assert bucket.level(START + 6) == 1


def test_a_bucket_that_has_forgotten_how_full_it_was_counts_as_full() -> None:
    """It remembers so many changes, of which each found it emptier."""
    bucket = Bucket(0.001, 1_000, START)
    bucket.take(1, START)
    for number in range(1, 300):
        bucket.take(1, START + number)
    level = bucket.level(START + 300)
    bucket.give(1, START, START + 300)
    assert bucket.level(START + 300) == level
    bucket.give(1, START + 200, START + 300)
    assert bucket.level(START + 300) == level + 1


def test_held_it_fills_with_one_at_most_and_not_before() -> None:
    """Whatever was in it."""
    bucket = Bucket(1, 5, START)
    bucket.hold(START + 10)
    assert bucket.level(START + 10) == 1
    assert bucket.wait(0, 2, START) == 11
    bucket = Bucket(1, 5, START, -20)
    bucket.hold(START + 10)
    assert bucket.level(START + 10) == -10


def test_tuned_it_keeps_what_is_in_it() -> None:
    """As far as there is room."""
    bucket = Bucket(1, 5, START, 4)
    bucket.tune(10, 20, START)
    assert bucket.level(START + 1) == 14
    bucket.tune(10, 2, START + 1)
    assert bucket.level(START + 1) == 2


def test_somebody_may_know_better() -> None:
    """How many there are."""
    bucket = Bucket(1, 5, START)
    bucket.fill_to(-3, START)
    assert bucket.level(START) == -3
    bucket.fill_to(9, START)
    assert bucket.level(START) == 5


def test_a_ramp_grows_by_a_tenth_a_second() -> None:
    """From when it begins."""
    ramp = Ramp(10, START)
    assert ramp.rate_at(START - 5) == 10
    assert ramp.rate_at(START) == 10
    assert ramp.rate_at(START + 1) == pytest.approx(11)
    assert ramp.rate_at(START + 2) == pytest.approx(12.1)
    assert not ramp.is_free(START + 100)
    assert ramp.is_free(START + 1_000_000)


def test_a_ramp_lets_one_after_the_other_go() -> None:
    """As many as its rate adds up to."""
    ramp = Ramp(10, START, 0)
    growth = log(1.1)
    seconds = ramp.wait(14, 1, START)
    assert 10 * (1.1**seconds - 1) / growth == pytest.approx(15)
    assert ramp.wait(0, 1, START) == pytest.approx(0.0995, abs=0.0003)
    assert ramp.level(START + 50) == 1


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from([0.5, 1.0, 2.0, 7.0])), min_size=1, max_size=30
    ),
    st.sampled_from([0.5, 1.0, 4.0]),
    st.sampled_from([1.0, 3.0]),
)
def test_whoever_waits_as_told_keeps_to_the_bound(
    takes: list[tuple[float, float]], rate: float, capacity: float
) -> None:
    """In each window of time."""
    bucket, now = Bucket(rate, capacity, START), START
    taken: list[tuple[float, float]] = []
    for pause, cost in takes:
        now += pause
        now += bucket.wait(0, cost, now)
        bucket.take(cost, now)
        taken.append((now, cost))
    for begin, (start, _) in enumerate(taken):
        before = 0.0
        for at, cost in taken[begin:]:
            assert before + min(cost, capacity) <= capacity + rate * (at - start) + 1e-6
            before += cost

"""The latency of an endpoint and its penalty."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.endpoints.scores import DECAY, Score, Slowest

SECONDS = st.floats(0.001, 60)
STEPS = st.lists(
    st.tuples(st.sampled_from(["succeed", "fail", "outlast"]), SECONDS, st.floats(0, 20)),
    max_size=20,
)


def score() -> Score:
    """One that knows nothing."""
    return Score(Slowest())


def test_a_latency_rises_at_once() -> None:
    """To the longer one, and not to something between."""
    one = score()
    one.succeed(0.01, 0.0)
    one.succeed(0.5, 0.001)
    assert one.latency(0.001) == 0.5


def test_a_latency_falls_by_time() -> None:
    """Towards what is measured, by 1/e in ten seconds, however often that is."""
    one = score()
    one.succeed(1.0, 0.0)
    one.succeed(0.1, 0.0)
    assert one.latency(0.0) == 1.0
    one.succeed(0.1, DECAY)
    assert one.latency(DECAY) == pytest.approx(0.1 + 0.9 / math.e)


def test_a_latency_of_which_nothing_is_measured_falls_to_nothing() -> None:
    """So that one that was slow is asked again some time."""
    one = score()
    one.succeed(1.0, 0.0)
    assert one.latency(DECAY) == pytest.approx(1 / math.e)
    assert one.latency(100 * DECAY) == pytest.approx(0.0, abs=1e-9)


def test_time_that_goes_back_changes_nothing() -> None:
    """It is no reason to be faster or slower than known."""
    one = score()
    one.succeed(1.0, 50.0)
    one.fail(0.1, 50.0)
    assert (one.latency(10.0), one.penalty(10.0)) == (1.0, 16.0)


@given(before=STEPS, kind=st.sampled_from(["fail", "outlast"]), seconds=SECONDS)
def test_what_was_no_success_never_lowers_a_latency(
    before: list[tuple[str, float, float]], kind: str, seconds: float
) -> None:
    """Whatever came before: a fast failure is no fast answer."""
    one, now = score(), 0.0
    for step, took, rest in before:
        now += rest
        getattr(one, step)(took, now)
    known = one.latency(now)
    getattr(one, kind)(seconds, now)
    after = one.latency(now)
    if known is not None:
        assert after == max(known, seconds)
    else:
        assert after in {None, seconds}


@pytest.mark.parametrize("kind", ["fail", "outlast"])
def test_an_attempt_that_brought_no_answer_raises_the_latency_to_its_age(kind: str) -> None:
    """It would have taken that long at least."""
    one = score()
    one.succeed(0.01, 0.0)
    getattr(one, kind)(2.0, 0.0)
    assert one.latency(0.0) == 2.0


@pytest.mark.parametrize(("age", "expected"), [(0.1, None), (0.3, 0.3)], ids=["young", "old"])
def test_where_nothing_is_known_only_a_great_age_says_something(
    age: float, expected: float | None
) -> None:
    """A short one would make it look like the fastest of all."""
    slowest = Slowest()
    other, one = Score(slowest), Score(slowest)
    other.succeed(0.2, 0.0)
    one.outlast(age, 0.0)
    assert one.latency(0.0) == expected


def test_a_penalty_halves_each_second_until_it_is_over() -> None:
    """A failure makes it sixteen times worse."""
    one = score()
    one.fail(0.1, 0.0)
    assert [one.penalty(float(second)) for second in range(6)] == [16, 8, 4, 2, 1, 1]
    assert one.penalty(0.0) == 1  # it does not come back, not with the time either


def test_a_penalty_ends_with_the_first_success() -> None:
    """Or an endpoint that comes back would starve."""
    one = score()
    one.fail(0.1, 0.0)
    one.succeed(0.1, 0.1)
    assert one.penalty(0.1) == 1


def test_further_failures_make_it_worse_within_bounds() -> None:
    """Or it would take as long to come back as it has failed."""
    one = score()
    for _ in range(100):
        one.fail(0.1, 0.0)
    assert one.penalty(0.0) == 64


def test_one_that_is_penalised_counts_as_the_slowest() -> None:
    """At least, and times its penalty: known to be fast, or not known at all."""
    slowest = Slowest()
    slow, fast, unknown = Score(slowest), Score(slowest), Score(slowest)
    slow.succeed(2.0, 0.0)
    fast.succeed(0.01, 0.0)
    for each in (fast, unknown):
        each.fail(0.001, 0.0)
        assert each.cost(0, 0.0) == 16 * slow.cost(0, 0.0)
    assert slow.cost(0, 0.0) == 2.0


def test_where_nobody_is_known_a_penalty_counts_all_the_same() -> None:
    """Sixteen times nothing would be nothing."""
    one, other = score(), score()
    one.fail(0.0, 0.0)
    assert one.cost(0, 0.0) > other.cost(1, 0.0) > other.cost(0, 0.0)


def test_the_first_attempt_at_an_unknown_one_is_free() -> None:
    """Until it is answered, others are not sent after it."""
    slowest = Slowest()
    known, unknown = Score(slowest), Score(slowest)
    known.succeed(0.5, 0.0)
    assert unknown.cost(0, 0.0) == 0
    assert unknown.cost(1, 0.0) == known.cost(1, 0.0)


def test_what_is_out_makes_it_dearer() -> None:
    """By one more, each takes as long as all before it together."""
    one = score()
    one.succeed(0.5, 0.0)
    assert [one.cost(out, 0.0) for out in range(3)] == [0.5, 1.0, 1.5]


def test_one_that_begins_anew_knows_nothing() -> None:
    """Neither what it took before, nor that it failed."""
    one = score()
    one.fail(5.0, 0.0)
    one.forget()
    assert (one.latency(0.0), one.penalty(0.0)) == (None, 1)


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["succeed", "fail", "outlast"]),
            SECONDS,
            st.floats(0, 5),
        ),
        max_size=30,
    )
)
def test_the_slowest_is_the_greatest_latency(
    steps: list[tuple[int, str, float, float]],
) -> None:
    """Though nobody looks for it."""
    slowest, now = Slowest(), 0.0
    scores = [Score(slowest) for _ in range(3)]
    for index, kind, seconds, rest in steps:
        now += rest
        getattr(scores[index], kind)(seconds, now)
        known = [each.latency(now) or 0.0 for each in scores]
        assert slowest.at(now) == pytest.approx(max(known), rel=1e-6, abs=1e-12)

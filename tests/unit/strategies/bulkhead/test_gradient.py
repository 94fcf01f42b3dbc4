"""The limit by what windows show."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client import AdaptiveLimitConfig
from client.strategies.bulkhead.gradient import Gradient, Window


def gradient(ceiling: int = 200, **settings: Any) -> Gradient:
    """A limit."""
    return Gradient(AdaptiveLimitConfig(**settings), ceiling)


def window(latency: float = 0.1, count: int = 100, **more: Any) -> Window:
    """What was seen: in use is more than any limit, and full is none, unless it is said."""
    seen = {"drops": 0, "most_in_use": 1000, "was_full": False, **more}
    return Window(answered=count, seconds=latency * count, **seen)


def test_it_begins_where_it_is_told() -> None:
    """Within its bounds."""
    assert gradient().limit == 20
    assert gradient(ceiling=5).limit == 5
    assert gradient(min_limit=30).limit == 30
    assert gradient().long_term is None


def test_it_grows_while_attempts_take_as_long_as_usual() -> None:
    """By a fifth of the four that may wait in the server, up to the ceiling."""
    found = gradient(ceiling=23)
    changes = [found.learn(window()) for _ in range(6)]
    assert changes == [None, "growth", "growth", "growth", None, None]
    assert found.limit == 23


def test_it_follows_the_ratio_of_the_usual_latency_to_the_present() -> None:
    """Times the tolerance, never by more than a half, and a fifth of the way at once."""
    found = gradient(initial_limit=100)
    for _ in range(20):
        found.learn(window(0.1, most_in_use=0))
    assert found.learn(window(0.3, was_full=True)) == "latency"
    assert found.limit == int(100 + (100 * 0.5 + 4 - 100) * 0.2)
    again = gradient(initial_limit=100, tolerance=2.0, smoothing=1.0)
    for _ in range(20):
        again.learn(window(0.1, most_in_use=0))
    again.learn(window(0.25, was_full=True))
    assert again.limit == int(100 * 0.8 + 4)


def test_where_less_than_half_is_used_it_stays() -> None:
    """Whatever the attempts take."""
    found = gradient()
    found.learn(window(0.1, most_in_use=9))
    assert found.learn(window(1.0, most_in_use=9)) is None
    assert found.limit == 20
    for in_use in (10, 11):  # of 20 and of 20.8
        found.learn(window(0.1, most_in_use=in_use))
    assert found.limit == 21


def test_where_many_attempts_fail_by_overload_it_is_cut() -> None:
    """A tenth of them is many; and used or not makes no difference."""
    found = gradient()
    assert found.learn(window(count=91, drops=9, most_in_use=0)) is None
    assert found.learn(window(count=90, drops=10, most_in_use=0)) == "drops"
    assert found.limit == 18
    assert found.learn(window(count=0, drops=10)) == "drops"
    assert found.limit == 16
    other = gradient(drop_ratio=0.5, backoff_ratio=0.5)
    assert other.learn(window(count=51, drops=49, most_in_use=0)) is None
    assert other.learn(window(count=5, drops=5)) == "drops"
    assert other.limit == 10


def test_a_window_in_which_nothing_was_seen_changes_nothing() -> None:
    """Neither the limit nor what is usual."""
    found = gradient()
    assert found.learn(window(count=0)) is None
    assert (found.limit, found.long_term) == (20, None)


def test_what_is_usual_is_at_first_the_mean_of_the_windows() -> None:
    """Later each counts for a three-hundredth."""
    found = gradient()
    for latency in (0.1, 0.2, 0.3):
        found.learn(window(latency))
    assert found.long_term == pytest.approx(0.2)
    for _ in range(7):
        found.learn(window(0.2))
    found.learn(window(0.3))
    assert found.long_term == pytest.approx(0.2 + 0.1 * 2 / 601)


def test_a_window_in_which_the_limit_was_reached_only_lowers_what_is_usual() -> None:
    """A limit makes latency of its own."""
    found = gradient()
    found.learn(window(0.2, was_full=True))
    assert found.long_term == pytest.approx(0.2)
    for _ in range(1000):
        found.learn(window(0.25, was_full=True))
    assert found.long_term == pytest.approx(0.2)
    found.learn(window(0.15, was_full=True))
    assert found.long_term == pytest.approx(0.175)


def test_a_usual_latency_of_other_times_goes_faster() -> None:
    """Where it is more than twice the present one."""
    found = gradient()
    for _ in range(20):
        found.learn(window(0.5))
    for _ in range(20):
        found.learn(window(0.1))
    assert found.long_term is not None
    assert found.long_term < 0.22


def test_attempts_that_take_no_time_are_no_reason_to_shrink() -> None:
    """A test's clock may stand still."""
    found = gradient()
    for _ in range(3):
        found.learn(window(0.0))
    assert found.limit == 22


def test_other_settings_leave_what_was_learnt() -> None:
    """As far as the limit lies within the new bounds."""
    found = gradient(initial_limit=50)
    found.learn(window())
    found.reconfigure(AdaptiveLimitConfig(), 30)
    assert found.limit == 30
    assert found.long_term == pytest.approx(0.1)
    found.reconfigure(AdaptiveLimitConfig(min_limit=40), 60)
    assert found.limit == 40


WINDOWS = st.builds(
    Window,
    answered=st.integers(0, 1000),
    seconds=st.floats(0, 1e6),
    drops=st.integers(0, 1000),
    most_in_use=st.integers(0, 1000),
    was_full=st.booleans(),
)


@given(
    windows=st.lists(WINDOWS, max_size=50),
    least=st.integers(1, 30),
    more=st.integers(0, 100),
    smoothing=st.floats(0.01, 1),
    tolerance=st.floats(1, 10),
    backoff=st.floats(0.1, 0.99),
)
def test_the_limit_stays_within_its_bounds(  # noqa: PLR0913, PLR0917 - what is drawn
    windows: list[Window],
    least: int,
    more: int,
    smoothing: float,
    tolerance: float,
    backoff: float,
) -> None:
    """Whatever is seen; and it is said to have changed where it has."""
    ceiling = least + more
    found = gradient(
        ceiling, min_limit=least, smoothing=smoothing, tolerance=tolerance, backoff_ratio=backoff
    )
    for each in windows:
        before = found.limit
        change = found.learn(each)
        assert least <= found.limit <= ceiling
        assert (change is None) is (found.limit == before)
        if change is not None:
            assert (change == "growth") is (found.limit > before)
        if found.long_term is not None:
            assert found.long_term >= 0

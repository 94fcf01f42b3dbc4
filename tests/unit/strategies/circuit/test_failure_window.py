"""The sliding window of `failure_rate`, against one that remembers every call."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.config.models import CircuitBreakerConfig
from client.strategies.circuit.failure_window import FailureWindow

START = 1_000.0


def window_of(rate: float = 0.5, seconds: float = 10.0, minimum_calls: int = 4) -> FailureWindow:
    """A window of these settings; each of its buckets holds a second by default."""
    return FailureWindow(rate=rate, seconds=seconds, minimum_calls=minimum_calls)


def fill(window: FailureWindow, *, good: int, bad: int, now: float = START) -> None:
    """Put in calls, the good ones first."""
    for number in range(good + bad):
        window.add(now, failed=number >= good)


def test_without_a_rate_there_is_no_window() -> None:
    """The circuit counts consecutive failures alone."""
    assert FailureWindow.of(CircuitBreakerConfig()) is None


def test_by_default_calls_are_forgotten_after_a_minute() -> None:
    """To the moment, where they came at the begin of a bucket."""
    window = FailureWindow.of(CircuitBreakerConfig(failure_rate=0.5))
    assert window is not None
    fill(window, good=0, bad=20, now=0.0)
    assert window.is_over(59.9) is True
    assert window.is_over(60.0) is False


@pytest.mark.parametrize(("calls", "is_over"), [(19, False), (20, True)])
def test_by_default_a_minute_must_hold_twenty_calls(calls: int, *, is_over: bool) -> None:
    """Two failures of three say little."""
    window = FailureWindow.of(CircuitBreakerConfig(failure_rate=0.5))
    assert window is not None
    fill(window, good=0, bad=calls)
    assert window.is_over(START + 53) is is_over
    assert window.is_over(START + 61) is False


def test_the_configuration_decides() -> None:
    """All three of its settings."""
    window = FailureWindow.of(
        CircuitBreakerConfig(failure_rate=0.25, window_seconds=1000, minimum_calls=8)
    )
    assert window is not None
    fill(window, good=6, bad=1)
    assert window.is_over(START + 800) is False
    window.add(START + 800, failed=True)
    assert window.is_over(START + 800) is True


@pytest.mark.parametrize(
    ("good", "bad", "is_over"),
    [(2, 2, True), (3, 2, False), (0, 4, True), (0, 3, False), (4, 0, False), (1, 3, True)],
)
def test_it_is_over_with_enough_calls_and_a_share_that_reaches_the_rate(
    good: int, bad: int, *, is_over: bool
) -> None:
    """Half of at least four."""
    window = window_of()
    fill(window, good=good, bad=bad)
    assert window.is_over(START) is is_over
    assert window.failures == bad


@given(calls=st.integers(1, 1000), data=st.data())
def test_a_share_that_is_the_rate_reaches_it(calls: int, data: st.DataObject) -> None:
    """7 of 100 reach 0.07, though 0.07 * 100 is more than 7 in floating point."""
    bad = data.draw(st.integers(1, calls))
    window = window_of(rate=bad / calls, minimum_calls=1)
    fill(window, good=calls - bad, bad=bad)
    assert window.is_over(START) is True


def test_seven_of_a_hundred_reach_a_rate_written_so() -> None:
    """As a person would write it."""
    window = window_of(rate=0.07)
    fill(window, good=93, bad=7)
    assert window.is_over(START) is True


@pytest.mark.parametrize(
    ("age", "remembered"), [(0, True), (9, True), (9.9, True), (10, False), (25, False)]
)
def test_calls_are_forgotten_after_the_window(age: float, *, remembered: bool) -> None:
    """These all came in one bucket."""
    window = window_of()
    fill(window, good=0, bad=4)
    assert window.is_over(START + age) is remembered


def test_they_are_forgotten_bucket_by_bucket() -> None:
    """A tenth of the window at a time."""
    window = window_of(minimum_calls=1, rate=0.01)
    for second in range(10):
        window.add(START + second, failed=True)
    remaining = []
    for second in range(9, 20):
        window.is_over(START + second)
        remaining.append(window.failures)
    assert remaining == [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def test_a_tenth_of_the_window_is_forgotten_at_a_time() -> None:
    """The calls of one bucket go together, however far apart they came in it."""
    window = window_of(minimum_calls=1, rate=0.01)
    window.add(START, failed=True)
    window.add(START + 0.95, failed=True)
    remaining = []
    for now in (START + 9.95, START + 10):
        window.is_over(now)
        remaining.append(window.failures)
    assert remaining == [2, 0]


def test_clearing_forgets_everything() -> None:
    """What was before the circuit closed says nothing about after."""
    window = window_of()
    fill(window, good=4, bad=4)
    window.clear()
    assert window.failures == 0
    fill(window, good=0, bad=3)
    assert window.is_over(START) is False
    window.add(START, failed=True)
    assert window.is_over(START) is True


def test_a_call_with_a_slightly_older_time_is_counted_now() -> None:
    """Threads read the clock, and then wait for the lock."""
    window = window_of()
    fill(window, good=0, bad=3, now=START)
    window.add(START - 1.5, failed=True)
    assert window.is_over(START - 1.5) is True
    assert window.is_over(START + 9) is True


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.sampled_from([0, 0, 0.5, 1, 3, 9, 10, 40])), max_size=60
    ),
    rate=st.sampled_from([0.1, 0.5, 0.75, 1.0]),
)
def test_it_agrees_with_one_that_remembers_every_call(
    steps: list[tuple[bool, float]], rate: float
) -> None:
    """Bucket by bucket, over any time."""
    window = window_of(rate=rate)
    calls: list[tuple[int, bool]] = []
    now = START
    for failed, pause in steps:
        now += pause
        window.add(now, failed=failed)
        calls.append((int(now), failed))
        recent = [failure for second, failure in calls if int(now) - second < 10]
        assert window.failures == sum(recent)
        expected = len(recent) >= 4 and sum(recent) / len(recent) >= rate
        assert window.is_over(now) is expected

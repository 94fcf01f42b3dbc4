"""How long attempts take of late."""

from __future__ import annotations

import pytest

from client.strategies.bulkhead.pace import Pace


class Counted:
    """Attempts by outcome, as the aggregator counts them."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[int, float]] = {}
        self.looks = 0

    def add(self, count: int, seconds: float, outcome: str = "success") -> None:
        """Count some attempts that took so many seconds each."""
        before, total = self.found.get(outcome, (0, 0.0))
        self.found[outcome] = before + count, total + count * seconds

    def attempts_by_outcome(self) -> dict[str, tuple[int, float]]:
        """Return how many there were, and their seconds together."""
        self.looks += 1
        return dict(self.found)


def test_too_few_attempts_say_nothing() -> None:
    """Ten are enough; what came before it was first asked counts."""
    counted, pace = Counted(), Pace()
    assert pace.mean(counted, 0.0) is None
    counted.add(9, 0.2)
    assert pace.mean(counted, 1.0) is None
    counted.add(1, 0.2)
    assert pace.mean(counted, 2.0) == pytest.approx(0.2)
    once = Counted()
    once.add(10, 0.3)
    assert Pace().mean(once, 0.0) == pytest.approx(0.3)


def test_an_answer_is_good_for_a_tenth_of_a_second() -> None:
    """Whoever asks meanwhile costs nothing; a clock that was set back does not stop it."""
    counted, pace = Counted(), Pace()
    counted.add(10, 0.2)
    assert pace.mean(counted, 5.0) == pytest.approx(0.2)
    counted.add(10, 0.4)
    assert pace.mean(counted, 5.09) == pytest.approx(0.2)
    assert counted.looks == 1
    assert pace.mean(counted, 5.11) == pytest.approx(0.3)
    counted.add(20, 0.5)
    assert pace.mean(counted, 1.0) == pytest.approx(0.4)


def test_it_follows() -> None:
    """What was is forgotten by and by: after some hundreds of attempts it is as they are."""
    counted, pace = Counted(), Pace()
    counted.add(1000, 0.1)
    assert pace.mean(counted, 0.0) == pytest.approx(0.1)
    for tenth in range(1, 40):
        counted.add(20, 1.0)
        pace.mean(counted, tenth / 10)
    assert pace.mean(counted, 4.0) == pytest.approx(1.0, rel=0.01)


def test_what_is_a_minute_old_is_worth_the_fewest_that_say_anything() -> None:
    """And where no attempt was made since, it says nothing."""
    counted, pace = Counted(), Pace()
    counted.add(1000, 0.1)
    assert pace.mean(counted, 0.0) == pytest.approx(0.1)
    counted.add(500, 0.5)
    assert pace.mean(counted, 61.0) == pytest.approx(0.5)
    counted.add(10, 0.7)
    assert pace.mean(counted, 62.0) == pytest.approx(0.6)
    assert pace.mean(counted, 200.0) is None


@pytest.mark.parametrize("outcome", ["connect_error", "server_error", "rate_limited"])
def test_a_fast_failure_is_no_measure(outcome: str) -> None:
    """It would make the others seem fast."""
    counted, pace = Counted(), Pace()
    counted.add(10, 0.2)
    counted.add(5, 0.2, "client_error")
    counted.add(100, 0.001, outcome)
    assert pace.mean(counted, 0.0) == pytest.approx(0.2)


@pytest.mark.parametrize("outcome", ["read_timeout", "deadline", "cancelled"])
def test_a_slow_failure_took_that_long_at_least(outcome: str) -> None:
    """Nothing is answered any more: that is no reason to go by what was."""
    counted, pace = Counted(), Pace()
    counted.add(10, 0.2)
    counted.add(10, 1.0, outcome)
    assert pace.mean(counted, 0.0) == pytest.approx(0.6)
    counted.add(20, 1.0, outcome)
    assert pace.mean(counted, 1.0) == pytest.approx(26 / 30)


def test_where_nothing_was_ever_answered_nothing_is_known() -> None:
    """Failures alone say nothing of answers."""
    counted = Counted()
    counted.add(100, 1.0, "read_timeout")
    assert Pace().mean(counted, 0.0) is None


def test_counts_that_begin_anew_do_no_harm() -> None:
    """As in a forked child."""
    counted, pace = Counted(), Pace()
    counted.add(100, 0.2)
    pace.mean(counted, 0.0)
    counted.found.clear()
    counted.add(50, 0.4)
    assert pace.mean(counted, 1.0) == pytest.approx(0.2)

"""How callers are let go after a pause where no rate is known: by what went well before it."""

from __future__ import annotations

from math import log

import pytest

from client.strategies.rate_limit.limits import Limits
from tests.unit.strategies.rate_limit.callers import START


def rate_after(limits: Limits, until: float) -> float:
    """The rate at which callers are let go when a pause is over."""
    limits.take(1.0, until, is_last=False)
    wait = limits.seconds(0, 0.0, 1.0, until)
    rate: float = log(1.1) / (1.1**wait - 1)  # it grows meanwhile
    return rate


def good(limits: Limits, count: int, begin: float, gap: float) -> float:
    """Answers that were good, so many seconds apart; return when the last came."""
    for number in range(count):
        limits.note_good(begin + number * gap)
    return begin + (count - 1) * gap


def test_it_is_nine_tenths_of_the_good_answers_a_second() -> None:
    """Since the beginning."""
    limits = Limits(None, START)
    last = good(limits, 41, START, 0.05)
    limits.pause(1.0, last)
    assert rate_after(limits, last + 1) == pytest.approx(0.9 * 41 / 2, rel=0.01)


def test_seconds_in_which_nobody_called_do_not_count() -> None:
    """Whoever calls once a minute is not let go once a minute."""
    limits = Limits(None, START)
    last = good(limits, 10, START, 60.0)
    limits.pause(1.0, last)
    assert rate_after(limits, last + 1) == pytest.approx(0.9 * 10 / 9, rel=0.01)


def test_a_second_is_the_least_that_is_measured() -> None:
    """A burst of answers at once says nothing of a rate."""
    limits = Limits(None, START)
    good(limits, 10, START, 0.0)
    limits.pause(1.0, START)
    assert rate_after(limits, START + 1) == pytest.approx(0.9 * 10, rel=0.01)


def test_where_nothing_went_well_it_is_one() -> None:
    """It has to be something."""
    limits = Limits(None, START)
    limits.pause(1.0, START)
    assert rate_after(limits, START + 1) == pytest.approx(0.9, rel=0.01)


def test_a_pause_counts_as_time_in_which_nothing_went_well() -> None:
    """So that in the end as many are sent as the server takes, pauses included."""
    limits = Limits(None, START)
    limits.pause(3.0, START)
    limits.pause(4.0, START)  # it grows by one
    last = good(limits, 21, START + 4, 0.05)
    limits.pause(1.0, last)
    assert rate_after(limits, last + 1) == pytest.approx(0.9 * 21 / 5, rel=0.01)


def test_what_was_under_way_when_the_pause_began_does_not_count() -> None:
    """It was sent before."""
    limits = Limits(None, START)
    limits.pause(4.0, START)
    good(limits, 50, START, 0.05)
    last = good(limits, 21, START + 4, 0.05)
    limits.pause(1.0, last)
    assert rate_after(limits, last + 1) == pytest.approx(0.9 * 21 / 5, rel=0.01)

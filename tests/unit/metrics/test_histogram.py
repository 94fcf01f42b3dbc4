"""Counts by size, and the percentiles that are read from them."""

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.metrics.histogram import FINE_SECONDS, Histogram, HistogramPoint, Recent, percentile
from client.metrics.instruments import SECONDS

AN_EIGHTH = 0.13


def add(recent: Recent, seconds: float, now: float) -> None:
    """Count a duration as the aggregator does."""
    recent.turn_to(now)
    recent.counts[bisect_left(FINE_SECONDS, seconds)] += 1


def test_a_bound_belongs_to_what_is_below_it() -> None:
    """As in Prometheus and OpenTelemetry; what lies above the last has a place of its own."""
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.0, 2.1, 9.0):
        histogram.add(value)
    point = histogram.point(histogram.bounds)
    assert (point.counts, point.count) == ((2, 2, 2), 6)
    assert point.sum == pytest.approx(16.1)


@given(st.lists(st.sampled_from([*SECONDS, 0.001, 0.3, 60.0, 4000.0]), max_size=30))
def test_fine_counts_are_exact_by_the_bounds_of_the_metrics(values: list[float]) -> None:
    """As if they had been counted by these."""
    fine, coarse = Histogram(FINE_SECONDS), Histogram(SECONDS)
    for value in values:
        fine.add(value)
        coarse.add(value)
    assert fine.point(SECONDS) == coarse.point(SECONDS)


def test_a_point_does_not_change() -> None:
    """What comes later is in the next one."""
    histogram = Histogram((1.0,))
    point = histogram.point(histogram.bounds)
    histogram.add(0.5)
    assert point == HistogramPoint((0, 0), 0.0)
    assert point != histogram.point(histogram.bounds)
    assert hash(point) == hash(HistogramPoint((0, 0), 0.0))
    assert point != "a point"
    assert repr(histogram.point(histogram.bounds)) == "HistogramPoint(counts=(1, 0), sum=0.5)"


@given(st.lists(st.floats(0.0002, 900), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99]))
def test_a_percentile_is_near_the_value_of_that_rank(values: list[float], share: float) -> None:
    """Within the width of a bucket."""
    recent = Recent()
    for value in values:
        add(recent, value, 0.0)
    found = percentile(recent.summed(0.0), share)
    rank = max(1, -(-share * len(values) // 1))
    exact = sorted(values)[int(rank) - 1]
    assert found == pytest.approx(exact, rel=AN_EIGHTH)


def test_there_is_no_percentile_of_nothing() -> None:
    """Nor of what nobody counted."""
    assert percentile([], 0.5) is None
    assert percentile(Recent().summed(0.0), 0.5) is None


@pytest.mark.parametrize(
    ("value", "found"), [(0.0, 0.00005), (5000.0, FINE_SECONDS[-1])], ids=["nothing", "very long"]
)
def test_what_lies_outside_the_bounds_counts_at_their_ends(value: float, found: float) -> None:
    """A wait of more than a quarter of an hour is one of a quarter of an hour."""
    recent = Recent()
    add(recent, value, 0.0)
    assert percentile(recent.summed(0.0), 0.5) == pytest.approx(found)


def test_what_is_older_than_a_minute_counts_no_more() -> None:
    """In steps of ten seconds; nothing is kept of it when the next comes."""
    recent = Recent()
    add(recent, 1.0, 5.0)
    assert sum(recent.summed(59.9)) == 1
    assert sum(recent.summed(60.0)) == 0
    add(recent, 1.0, 61.0)
    assert len(recent._slices) == 1


def test_a_clock_that_was_set_back_leaves_nothing_behind() -> None:
    """What was counted in a time to come would otherwise stay for ever."""
    recent = Recent()
    add(recent, 1.0, 1000.0)
    add(recent, 1.0, 5.0)
    assert sum(recent.summed(5.0)) == 1
    assert len(recent._slices) == 1

"""What the aggregator counts, and hands out."""

import logging
from collections.abc import Iterable

import pytest

from client.exceptions import NotFoundError
from client.metrics.instruments import (
    ATTEMPT_DURATION,
    ATTEMPTS_PER_OPERATION,
    BULKHEAD_LIMIT,
    LISTENER_ERRORS,
    OPERATION_DURATION,
    OPERATIONS_ACTIVE,
    RETRY_WAIT,
    SERIES_OVERFLOW,
    Instrument,
)
from client.metrics.targets import OTHER
from tests.unit.metrics.counting import TARGET, Counting, Operation
from tests.unit.threads import together


class Slots:
    """A part that knows how things stand."""

    def gauges(self, now: float) -> Iterable[tuple[Instrument, tuple[str, ...], float]]:
        """Return what it was asked at."""
        return [(BULKHEAD_LIMIT, (), now)]


def test_a_fresh_one_hands_out_nothing() -> None:
    """But whose it is, and since when."""
    taken = Counting().metrics.snapshot()
    assert (taken.client, taken.started_at, taken.taken_at) == ("orders", 5000.0, 5000.0)
    assert taken.metrics == ()


def test_operations_and_attempts_are_counted_by_their_labels() -> None:
    """With their seconds, and how many attempts an operation made."""
    counting = Counting()
    counting.operation(attempts=3)
    counting.operation(method=OTHER)
    taken = counting.metrics.snapshot()
    assert taken.counts(ATTEMPT_DURATION) == {
        (TARGET, "GET", "success", "first"): 2,
        (TARGET, "GET", "success", "again"): 2,
    }
    assert taken.counts(OPERATION_DURATION) == {
        (TARGET, "GET", "success"): 1,
        (TARGET, OTHER, "success"): 1,
    }
    [made] = taken.points(ATTEMPTS_PER_OPERATION).values()
    assert not isinstance(made, float | int)
    assert (made.counts, made.sum) == ((1, 0, 1, 0, 0, 0), 4.0)


def test_what_was_turned_away_made_no_attempts() -> None:
    """It has a counter of its own."""
    counting = Counting()
    counting.operation("circuit_open", attempts=0)
    assert counting.metrics.snapshot().points(ATTEMPTS_PER_OPERATION) == {}


def test_errors_are_counted_by_class() -> None:
    """And handed out as a copy."""
    counting = Counting()
    counting.operation("client_error", error=NotFoundError())
    counting.operation("cancelled", error=KeyboardInterrupt())
    failures = counting.metrics.failures_by_class()
    failures["NotFoundError"] += 1
    assert counting.metrics.failures_by_class() == {"NotFoundError": 1, "KeyboardInterrupt": 1}


def test_operations_beyond_the_bound_are_counted_once_more() -> None:
    """So that somebody sees that targets are missing."""
    counting = Counting()
    counting.operation(target=OTHER)
    assert counting.metrics.snapshot().points(SERIES_OVERFLOW) == {(): 1}


def test_counters_and_histograms_of_others_are_counted_likewise() -> None:
    """Those of strategies."""
    counting = Counting()
    for seconds in (1.5, 0.5):
        counting.metrics.add(RETRY_WAIT, (TARGET,), seconds)
        counting.metrics.observe(OPERATION_DURATION, (TARGET, "GET", "other"), seconds)
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    taken = counting.metrics.snapshot()
    assert taken.points(RETRY_WAIT) == {(TARGET,): 2.0}
    assert taken.counts(LISTENER_ERRORS) == {("log",): 1}
    assert taken.counts(OPERATION_DURATION) == {(TARGET, "GET", "other"): 2}


def test_what_stands_now_is_asked_of_the_parts() -> None:
    """When a snapshot is taken, with the time on the clock."""
    counting = Counting()
    counting.standing.measured = (Slots(),)
    counting.standing.active.update({Operation(TARGET): None, Operation("https://b.example"): None})
    taken = counting.metrics.snapshot()
    assert taken.gauge(BULKHEAD_LIMIT) == 1000.0
    assert taken.gauge(SERIES_OVERFLOW) is None
    assert taken.points(OPERATIONS_ACTIVE) == {(TARGET,): 1, ("https://b.example",): 1}


def test_a_snapshot_does_not_change() -> None:
    """What happens later is in the next one."""
    counting = Counting()
    counting.operation()
    taken = counting.metrics.snapshot()
    counting.operation()
    assert sum(taken.counts(OPERATION_DURATION).values()) == 1


def test_percentiles_are_those_of_the_last_minute() -> None:
    """And none where nothing came."""
    counting = Counting()
    counting.attempt(seconds=2.0)
    counting.clock.time += 100
    for _ in range(99):
        counting.attempt(seconds=0.1)
    counting.attempt(seconds=9.0)
    p50, p90, p99 = counting.metrics.recent_percentiles(TARGET)
    assert p50 == pytest.approx(0.1, rel=0.13)
    assert p90 == pytest.approx(0.1, rel=0.13)
    assert p99 == pytest.approx(0.1, rel=0.13)
    assert counting.metrics.recent_percentiles("https://b.example") == (None, None, None)


class Recorder:
    """Takes down what it is told, and raises."""

    def __init__(self) -> None:
        self.told: list[tuple[str, tuple[str, ...], float]] = []

    def record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        """Take one value in."""
        self.told.append((instrument.name, labels, value))
        raise ValueError("no")


def test_a_recorder_is_told_every_value(caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it raises harms nothing."""
    counting, recorder = Counting(), Recorder()
    counting.metrics.recorders = (recorder,)
    counting.operation(attempts=1)
    counting.operation(attempts=0)
    counting.metrics.add(RETRY_WAIT, (TARGET,), 1.5)
    counting.metrics.observe(OPERATION_DURATION, (TARGET, "GET", "other"), 0.5)
    assert recorder.told == [
        ("attempt.duration", (TARGET, "GET", "success", "first"), 0.02),
        ("operation.duration", (TARGET, "GET", "success"), 0.5),
        ("attempts_per_operation", (TARGET,), 1),
        ("operation.duration", (TARGET, "GET", "success"), 0.5),
        ("retry.wait", (TARGET,), 1.5),
        ("operation.duration", (TARGET, "GET", "other"), 0.5),
    ]
    assert counting.metrics.snapshot().counts(OPERATION_DURATION)
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


def test_threads_lose_no_count() -> None:
    """They share a client."""
    counting = Counting()

    def count_many() -> None:
        for _ in range(200):
            counting.operation(attempts=2, error=NotFoundError())
            counting.metrics.add(RETRY_WAIT, (TARGET,), 1)

    together(count_many, threads=8)
    taken = counting.metrics.snapshot()
    assert sum(taken.counts(OPERATION_DURATION).values()) == 1600
    assert sum(taken.counts(ATTEMPT_DURATION).values()) == 3200
    assert taken.counts(RETRY_WAIT) == {(TARGET,): 1600}
    assert counting.metrics.failures_by_class() == {"NotFoundError": 1600}


def test_a_forked_child_begins_at_zero() -> None:
    """What was counted before is the parent's to tell."""
    counting = Counting()
    counting.operation("client_error", error=NotFoundError())
    counting.metrics.add(RETRY_WAIT, (TARGET,), 1)
    counting.standing.active[Operation(TARGET)] = None
    counting.clock.epoch = 6000.0
    counting.standing.begin_anew()
    counting.metrics.begin_anew()
    taken = counting.metrics.snapshot()
    assert (taken.metrics, taken.started_at) == ((), 6000.0)
    assert counting.metrics.failures_by_class() == {}
    assert counting.metrics.recent_percentiles(TARGET) == (None, None, None)
    counting.operation()
    assert sum(counting.metrics.snapshot().counts(OPERATION_DURATION).values()) == 1

"""What was done at each target in few numbers, for whoever asks often."""

from collections.abc import Iterable

from client.metrics.aggregator import Tally
from client.metrics.instruments import BULKHEAD_LIMIT, CIRCUIT_STATE, Instrument
from client.metrics.strategy_instruments import HEDGES
from tests.unit.metrics.counting import TARGET, Counting, Operation

OTHER_TARGET = "https://other.example"


class Slots:
    """A part that knows how things stand, in one gauge and one with labels."""

    def gauges(self, now: float) -> Iterable[tuple[Instrument, tuple[str, ...], float]]:
        """Return what it was asked at."""
        return [(BULKHEAD_LIMIT, (), now), (CIRCUIT_STATE, ("client", "open"), 1.0)]


class Circuits:
    """A part all of whose gauges have labels, which costs something to ask."""

    is_labelled = True

    def gauges(self, now: float) -> Iterable[tuple[Instrument, tuple[str, ...], float]]:
        """Cost too much."""
        raise AssertionError(now)


def test_operations_errors_and_attempts_are_added_up() -> None:
    """Of each target; what is the caller's own doing is no error."""
    counting = Counting()
    assert counting.metrics.tallies() == {}
    counting.operation(attempts=3)
    counting.operation("client_error")
    counting.operation("cancelled")
    counting.operation("server_error", attempts=2)
    counting.operation("circuit_open", attempts=0)
    counting.operation("rate_limited", target=OTHER_TARGET)
    assert counting.metrics.tallies() == {
        TARGET: Tally(operations=5, errors=2, attempts=7, attempted=4, active=0),
        OTHER_TARGET: Tally(operations=1, errors=1, attempts=1, attempted=1, active=0),
    }


def test_what_is_noted_and_what_is_under_way_is_among_them() -> None:
    """Also at a target where nothing has ended yet."""
    counting = Counting()
    counting.metrics.note(("", f"{TARGET}/x", "GET", 200, 0.5, 0.4, counting.clock.time))
    counting.standing.active[Operation(f"{OTHER_TARGET}/y")] = None
    assert counting.metrics.tallies() == {
        TARGET: Tally(operations=1, errors=0, attempts=1, attempted=1, active=0),
        OTHER_TARGET: Tally(operations=0, errors=0, attempts=0, attempted=0, active=1),
    }


def test_a_counter_is_added_up_by_one_of_its_labels() -> None:
    """Whatever the others are."""
    counting = Counting()
    assert counting.metrics.totals(HEDGES, 1) == {}
    counting.metrics.add(HEDGES, (TARGET, "sent"))
    counting.metrics.add(HEDGES, (OTHER_TARGET, "sent"), 2)
    counting.metrics.add(HEDGES, (TARGET, "won"))
    assert counting.metrics.totals(HEDGES, 1) == {"sent": 3, "won": 1}


def test_gauges_without_labels_are_told_alone() -> None:
    """A part that has no such is not asked; of a client that is gone there are none."""
    counting = Counting()
    counting.standing.measured = (Slots(), Circuits())
    assert counting.metrics.gauges_alone() == {BULKHEAD_LIMIT: counting.clock.time}
    metrics = counting.metrics
    del counting
    assert metrics.gauges_alone() == {}
    assert metrics.tallies() == {}


def test_attempts_are_counted_at_each_target() -> None:
    """And how many of them failed: what is the caller's own doing is none."""
    counting = Counting()
    assert counting.metrics.attempts_at(TARGET) == (0, 0)
    for outcome in ("success", "client_error", "cancelled", "server_error", "read_timeout"):
        counting.attempt(outcome)
    assert counting.metrics.attempts_at(TARGET) == (5, 2)
    assert counting.metrics.attempts_at(OTHER_TARGET) == (0, 0)

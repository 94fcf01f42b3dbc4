"""The journal keeps what the library told, operation by operation."""

import pytest

from client import events
from client.program.demo.record import Journal, Outcome, Phase
from tests.demo.builders import about, ended, ending, error_of, retry, transition


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        """Read it."""
        return self.now


def test_operations_are_numbered_through_and_have_ids_of_their_own() -> None:
    """The ids of two runs differ, those of one run too."""
    journal = Journal("run")
    first_chapter = journal.begin_chapter()
    first = journal.begin("GET")
    second_chapter = journal.begin_chapter()
    second = journal.begin("POST")
    assert (first.number, first.request_id, first.method) == (1, "demo-run-1", "GET")
    assert (second.number, second.request_id, second.method) == (2, "demo-run-2", "POST")
    assert first_chapter.operations == [first]
    assert second_chapter.operations == [second]
    assert journal.operations == [first, second]


def test_an_operation_goes_through_its_phases() -> None:
    """By its events alone."""
    journal = Journal("run", Clock())
    journal.begin_chapter()
    operation, other = journal.begin("GET"), journal.begin("GET")
    phases = [operation.phase]
    for event in (
        events.RequestIdMade(**about(operation)),
        events.BulkheadWaiting(waiting=1, limit=5, **about(operation)),
        events.BulkheadAcquired(slots_left=0, **about(operation)),
        retry(operation, wait=0.5),
        ending(operation, "success", 2),
    ):
        assert operation.told is None
        journal(event)
        phases.append(operation.phase)
    admission, *further = phases
    assert admission is further[0] is other.phase is Phase.ADMISSION
    assert further[1:] == [Phase.QUEUE, Phase.ATTEMPT, Phase.WAIT, Phase.OVER]
    assert operation.next_attempt_at == 100.5
    assert [scheduled.wait for scheduled in operation.retries] == [0.5]
    assert operation.told == Outcome("success", 2)


def test_a_failure_is_told_by_the_class_of_its_error() -> None:
    """And the outcome of its caller is read from the error itself."""
    assert ended(1, "ServerError", 3).told == Outcome("ServerError", 3)
    assert Outcome.of_error(error_of("ServerError", 3)) == Outcome("ServerError", 3)


def test_the_break_of_the_circuit_is_timed() -> None:
    """From the moment it opened."""
    journal = Journal("run", Clock())
    record = journal.begin_chapter()
    for kind in ("opened", "half-opened", "closed"):
        journal(transition(kind))
    assert journal.break_ends_at == 101.5
    assert record.transitions == "opened, half-opened, closed"


def test_a_transition_is_noted_with_the_operation_that_made_it() -> None:
    """So that it can be seen where it happened."""
    operation = ended(1)
    for kind in ("half-opened", "closed"):
        operation.note(transition(kind), now=0.0)
    assert operation.transitions == ["half-opened", "closed"]


def test_a_chapter_adds_up() -> None:
    """Attempts, waits and outcomes, the latter in the order in which they came up."""
    record = Journal("run").begin_chapter()
    assert (record.attempts, record.waited) == (0, 0.0)
    assert (record.outcomes, record.transitions) == ("none", "none")
    record.operations += [ended(1, "ServerError", 3), ended(2), ended(3, "ServerError", 2)]
    for operation, wait in zip(record.operations, (0.25, 0.5, 1.0), strict=True):
        operation.note(retry(operation, wait), now=0.0)
    assert record.attempts == 6
    assert record.waited == pytest.approx(1.75)
    assert record.outcomes == "2 ServerError, 1 success"


@pytest.mark.parametrize(
    ("kind", "rejected"),
    [
        ("success", False),
        ("ServerError", False),
        ("CircuitOpenError", True),
        ("PoolTimeoutError", True),
    ],
)
def test_only_circuit_and_bulkhead_reject(kind: str, *, rejected: bool) -> None:
    """An answer, whatever its status, is no rejection."""
    assert ended(1, kind).was_rejected is rejected

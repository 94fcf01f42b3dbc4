"""The table and the verdict say what the records and the checks say."""

from client.program.demo.report import COLUMNS, table
from tests.demo.builders import retry
from tests.demo.scenes import BAD, GOOD, report


def test_the_table_has_a_row_for_each_chapter_and_one_for_all() -> None:
    """Counts, waits, outcomes and what the circuit did."""
    run = report(GOOD)
    operation = run.scenes[1].record.operations[0]
    operation.note(retry(operation, 0.25), now=0.0)
    operation.note(retry(operation, 0.5), now=0.0)
    assert COLUMNS == ("chapter", "operations", "attempts", "waits", "outcomes", "circuit")
    assert table(run) == [
        ("healthy", "2", "2", "0.00 s", "2 success", "-"),
        ("outage", "2", "3", "0.75 s", "1 ServerError, 1 CircuitOpenError", "opened"),
        ("all", "4", "5", "0.75 s", "", ""),
    ]


def test_the_verdict_counts_promises_and_proof() -> None:
    """All of them."""
    assert report(GOOD).failed == []
    assert report(GOOD).verdict == "All 2 checks hold."


def test_the_verdict_names_what_failed() -> None:
    """And where."""
    run = report(BAD)
    run.scenes[1].checks.append(BAD)
    assert run.failed == [("outage", BAD), ("proof", BAD)]
    assert run.verdict == "2 of 3 checks FAILED:"

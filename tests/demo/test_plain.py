"""The plain view writes a line for everything that a person would want to know."""

import io

import pytest

from client import events
from client.exceptions import APINetworkError
from client.program.demo.chapters import CHAPTERS
from client.program.demo.plain import PlainView, describe, duration
from client.program.demo.record import Operation
from client.version import __version__
from tests.demo.builders import about, ending, retry, transition
from tests.demo.scenes import BAD, GOOD, report, scene

OPERATION = Operation(7, "id-7", "GET")


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (events.RequestIdMade(**about(OPERATION)), None),
        (events.BulkheadAcquired(slots_left=1, **about(OPERATION)), None),
        (
            events.BulkheadWaiting(waiting=2, limit=5, **about(OPERATION)),
            "#7 queues for one of 5 slots",
        ),
        (retry(OPERATION, 0.5), "#7 attempt 1: ServerError (500); the next in 0.50 s"),
        (
            retry(OPERATION, 0.5, APINetworkError("reset")),
            "#7 attempt 1: APINetworkError; the next in 0.50 s",
        ),
        (ending(OPERATION, "success", 1), "#7 success: 200 after 1 attempt, 0.25 s"),
        (ending(OPERATION, "success", 2), "#7 success: 200 after 2 attempts, 0.25 s"),
        (
            ending(OPERATION, "ServerError", 3),
            "#7 error: ServerError (500) after 3 attempts, 0.25 s",
        ),
        (
            ending(OPERATION, "CircuitOpenError", 0, elapsed=0.0002),
            "#7 error: CircuitOpenError after 0 attempts, 0.2 ms",
        ),
        (transition("opened"), "circuit open for 1.5 s, after 3 failures in a row"),
        (transition("half-opened"), "circuit half-open: #7 is the probe"),
        (transition("closed"), "circuit closed, 2.00 s after it opened"),
    ],
)
def test_each_event_has_its_line(event: events.Event, line: str | None) -> None:
    """Or none, where another line says it."""
    assert describe(event, OPERATION) == line


def test_an_event_may_be_about_no_operation_of_ours() -> None:
    """As far as its type tells."""
    assert (
        describe(transition("half-opened"), None) == "circuit half-open: an operation is the probe"
    )


def test_short_times_are_given_in_milliseconds() -> None:
    """Or being turned away would seem to take no time at all."""
    assert [duration(seconds) for seconds in (0.0004, 0.0999, 0.1, 2.0)] == [
        "0.4 ms",
        "99.9 ms",
        "0.10 s",
        "2.00 s",
    ]


def test_a_chapter_is_written_as_it_happens() -> None:
    """Heading and text, then what is new each time, then what was found; all of it flushed."""
    out = io.StringIO()
    view, played = PlainView(out), scene()
    view.begin("http://server.example")
    view.show()
    with view.chapter(played):
        begun = out.getvalue()
        head, blank, title, text, *_ = begun.splitlines()
        server = "the failure server at http://server.example"
        assert head == f"resilient-http-client {__version__} against {server}"
        assert (blank, title) == ("", f"1/{len(CHAPTERS)} Healthy calls")
        assert text.startswith("    Three calls to a server that is well.")
        operation = played.journal.begin("GET")
        played.journal(retry(operation, 0.5))
        view.show()
        assert out.getvalue() == (
            f"{begun}    #1 attempt 1: ServerError (500); the next in 0.50 s\n"
        )
        played.journal(events.BulkheadAcquired(slots_left=1, **about(operation)))
        played.journal(ending(operation, "success", 2))
        played.checks += [GOOD, BAD]
    assert out.getvalue().removeprefix(begun).splitlines() == [
        "    #1 attempt 1: ServerError (500); the next in 0.50 s",
        "    #1 success: 200 after 2 attempts, 0.25 s",
        "    PASS good: 1",
        "    FAIL bad: 2; expected 3",
    ]
    with view.chapter(scene(chapter=1)):
        pass
    assert f"2/{len(CHAPTERS)} Two failures" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 96


def test_each_line_is_flushed() -> None:
    """Whoever reads through a pipe reads along."""

    class Flushed(io.StringIO):
        seen = ""

        def flush(self) -> None:
            self.seen = self.getvalue()

    out = Flushed()
    PlainView(out).begin("http://server.example")
    assert out.seen.endswith("http://server.example\n")


def test_a_good_run_ends_with_table_proof_and_verdict() -> None:
    """The table is aligned."""
    out = io.StringIO()
    PlainView(out).end(report(GOOD))
    assert out.getvalue().splitlines() == [
        "",
        "chapter  operations  attempts   waits  outcomes                           circuit",
        "healthy           2         2  0.00 s  2 success                          -",
        "outage            2         3  0.00 s  1 ServerError, 1 CircuitOpenError  opened",
        "all               4         5  0.00 s",
        "",
        "The server's ledger:",
        "PASS good: 1",
        "",
        "All 2 checks hold.",
    ]


def test_a_bad_run_ends_with_what_failed() -> None:
    """Said last, where it is seen."""
    out = io.StringIO()
    PlainView(out).end(report(BAD))
    assert out.getvalue().splitlines()[-2:] == [
        "1 of 2 checks FAILED:",
        "    proof: bad: 2; expected 3",
    ]


def test_everything_is_ascii() -> None:
    """It may be read anywhere."""
    out = io.StringIO()
    view = PlainView(out)
    for chapter in range(6):
        with view.chapter(scene(chapter=chapter)):
            pass
    view.end(report(GOOD, BAD))
    assert out.getvalue().isascii()

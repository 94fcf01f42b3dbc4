"""The live view draws the state of things, at the widths that terminals have."""

import io
from typing import cast

import pytest
from rich.console import Console

from client import events
from client.exceptions import APINetworkError
from client.program.demo.chapters import CHAPTERS
from client.program.demo.live import LiveView
from client.program.demo.report import Scene
from client.strategies.circuit.circuit import CircuitState
from client.version import __version__
from tests.demo.builders import about, ending, retry, transition
from tests.demo.scenes import BAD, GOOD, NOW, FakeClient, FakeStats, report, scene
from tests.eventually import eventually

GREEN, RED, YELLOW, CYAN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[36m"
BOLD_RED, BOLD_GREEN, BOLD_YELLOW = "\x1b[1;31m", "\x1b[1;32m", "\x1b[1;33m"


def terminal(width: int = 80) -> Console:
    """A terminal that keeps what is drawn on it."""
    return Console(
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="standard",
        width=width,
        height=40,
        highlight=False,
        _environ={},
    )


def picture(drawn: Scene, width: int = 80) -> str:
    """What stays of a chapter on the screen, with its colours."""
    console = terminal(width)
    console.print(LiveView(console)._picture(drawn))
    return console.export_text(styles=True)


def text_of(drawn: Scene, width: int = 80) -> list[str]:
    """The same without colours and without the frame."""
    console = terminal(width)
    console.print(LiveView(console)._picture(drawn))
    lines = console.export_text().splitlines()
    assert {len(line) for line in lines} == {width}
    return [line.strip("│ ") for line in lines]


def row(drawn: Scene) -> str:
    """The line of the first operation."""
    return next(line for line in text_of(drawn) if line.startswith("#1"))


def test_a_chapter_says_what_it_is_about() -> None:
    """Under its number and title."""
    lines = text_of(scene(chapter=2))
    assert lines[0].startswith(f"╭─  3/{len(CHAPTERS)} An outage opens the circuit  ─")
    assert lines[1].startswith("Every request is answered 503.")


@pytest.mark.parametrize(
    ("state", "shown", "style"),
    [
        (None, "● closed ", GREEN),
        (CircuitState.CLOSED, "● closed ", GREEN),
        (CircuitState.OPEN, "● open, a probe in 0.5 s ", BOLD_RED),
        (CircuitState.HALF_OPEN, "● half-open ", BOLD_YELLOW),
    ],
)
def test_the_state_of_the_circuit_is_the_clients(
    state: CircuitState | None, shown: str, style: str
) -> None:
    """With the time that is left of the break."""
    drawn = scene(FakeClient(state))
    drawn.journal.break_ends_at = NOW + 0.5
    assert f"{style}{shown}" in picture(drawn)


def test_a_break_that_is_over_has_no_countdown() -> None:
    """The circuit stays open until somebody calls."""
    drawn = scene(FakeClient(CircuitState.OPEN))
    drawn.journal.break_ends_at = NOW
    assert f"{BOLD_RED}● open  " in picture(drawn)


@pytest.mark.parametrize(
    ("in_use", "waiting", "shown"),
    [
        (0, 0, "slots □□□□□  0 queue"),
        (2, 0, "slots ■■□□□  0 queue"),
        (5, 12, "slots ■■■■■ 12 queue"),
    ],
)
def test_the_slots_are_the_clients(in_use: int, waiting: int, shown: str) -> None:
    """As are the attempts."""
    lines = text_of(scene(FakeClient(slots=FakeStats(in_use, waiting))))
    (status,) = [line for line in lines if line.startswith("circuit")]
    assert shown in status
    assert status.endswith("attempts 42")


def test_a_queue_catches_the_eye() -> None:
    """In a colour, while there is one."""
    assert f"{YELLOW} 12 queue" in picture(scene(FakeClient(slots=FakeStats(0, 12))))
    assert f"{YELLOW}  0 queue" not in picture(scene())


def test_an_operation_is_drawn_in_each_of_its_phases() -> None:
    """What has failed stays in sight; what is going on now stands at the end."""
    drawn = scene()
    operation = drawn.journal.begin("GET")
    assert row(drawn) == "#1  ⠋ attempt 1"
    drawn.journal(events.BulkheadWaiting(waiting=0, limit=5, **about(operation)))
    assert row(drawn) == "#1  ⠋ queues for a slot"
    drawn.journal(events.BulkheadAcquired(slots_left=0, **about(operation)))
    assert row(drawn) == "#1  ⠋ attempt 1"
    drawn.journal(retry(operation, 0.5))
    assert row(drawn) == "#1  500 → 0.50 s → attempt 2 in 0.50 s"
    operation.next_attempt_at = NOW
    assert row(drawn) == "#1  500 → 0.50 s → ⠋ attempt 2"
    drawn.journal(retry(operation, 0.25, APINetworkError("reset")))
    drawn.journal(ending(operation, "success", 3))
    assert row(drawn) == "#1  500 → 0.50 s → APINetworkError → 0.25 s → 200 success  0.25 s"


def test_a_write_shows_its_method() -> None:
    """A read is what one expects."""
    drawn = scene()
    drawn.journal.begin("POST")
    assert row(drawn) == "#1  POST ⠋ attempt 1"


@pytest.mark.parametrize(
    ("kind", "attempts", "shown", "style"),
    [
        ("success", 1, "200 success  0.25 s", GREEN),
        ("ServerError", 3, "ServerError  0.25 s", RED),
        ("CircuitOpenError", 0, "CircuitOpenError  0.25 s, never sent", YELLOW),
    ],
)
def test_an_end_is_drawn_by_its_kind(kind: str, attempts: int, shown: str, style: str) -> None:
    """An error of the server and a rejection are told apart."""
    drawn = scene()
    drawn.journal(ending(drawn.journal.begin("GET"), kind, attempts))
    assert row(drawn) == f"#1  {shown}"
    assert style + shown.partition("  ")[0] in picture(drawn)


def test_a_transition_is_drawn_where_it_was_made() -> None:
    """Such as the probe that closes the circuit."""
    drawn = scene()
    operation = drawn.journal.begin("GET")
    for kind in ("half-opened", "closed"):
        operation.note(transition(kind), now=NOW)
    drawn.journal(ending(operation, "success", 1))
    assert row(drawn) == "#1  200 success  0.25 s  ● half-opened  ● closed"


def test_the_longest_row_fits_a_terminal_of_80() -> None:
    """Two retries, the longest name of an error, and a transition."""
    drawn = scene()
    operation = drawn.journal.begin("GET")
    operation.number = 10
    for wait in (0.25, 0.5):
        drawn.journal(retry(operation, wait))
    operation.note(transition("opened"), now=NOW)
    drawn.journal(ending(operation, "ServiceUnavailableError", 3))
    expected = "500 → 0.25 s → 500 → 0.50 s → ServiceUnavailableError  0.25 s  ● opened"
    assert f"#10 {expected}" in text_of(drawn)


def test_checks_come_with_the_end_of_a_chapter() -> None:
    """A failed one in red."""
    drawn = scene()
    assert CYAN in picture(drawn)[:10]
    drawn.checks += [GOOD, BAD]
    assert text_of(drawn)[-3:-1] == ["✓ good: 1", "✗ bad: 2; expected 3"]
    assert f"{GREEN}✓ " in picture(drawn)
    assert f"{BOLD_RED}✗ " in picture(drawn)
    assert CYAN not in picture(drawn)[:10]


@pytest.mark.parametrize(("width", "used"), [(60, 60), (80, 80), (120, 100)])
def test_a_wide_terminal_is_not_filled(width: int, used: int) -> None:
    """Long lines are hard to read."""
    console = terminal(width)
    view = LiveView(console)
    console.print(view._picture(scene()))
    view.end(report(GOOD))
    assert max(len(line.rstrip()) for line in console.export_text().splitlines()) == used


def await_picture(console: Console, text: str) -> None:
    """Wait until it is drawn."""
    drawn = cast("io.StringIO", console.file)
    eventually(lambda: text in drawn.getvalue(), lambda: f"never drawn: {text}")


def test_the_picture_moves_by_itself() -> None:
    """While the chapter is played, whoever is busy with what."""
    console, drawn = terminal(), scene()
    with LiveView(console).chapter(drawn):
        operation = drawn.journal.begin("GET")
        await_picture(console, "⠋ attempt 1")
        drawn.journal(retry(operation, 0.5))
        await_picture(console, "attempt 2 in 0.50 s")
        drawn.journal(ending(operation, "success", 2))
        await_picture(console, "200 success")


def test_the_last_picture_of_a_chapter_stays() -> None:
    """Drawn anew when it ends, with all that came since the last frame."""
    console = terminal()
    view = LiveView(console)
    drawn = scene()
    view.begin("http://server.example")
    with view.chapter(drawn):
        view.show()
        drawn.checks.append(GOOD)
    lines = console.export_text().splitlines()
    title = (
        f"resilient-http-client {__version__} against the failure server at http://server.example"
    )
    assert lines[0] == title
    assert "│ ✓ good: 1" in "\n".join(lines)


def test_the_end_shows_table_proof_and_verdict() -> None:
    """One outcome to a line, so that none is cut off."""
    console = terminal()
    LiveView(console).end(report(GOOD))
    lines = [line.strip("│ ") for line in console.export_text(clear=False).splitlines()]
    assert lines[1].split() == ["chapter", "operations", "attempts", "waits", "outcomes", "circuit"]
    assert lines[3].split() == ["healthy", "2", "2", "0.00", "s", "2", "success", "-"]
    assert lines[3].index("2") == lines[1].index("operations") + len("operations") - 1
    assert lines[3].index("2 success") == lines[1].index("outcomes")
    assert lines[4].split()[-3:] == ["1", "ServerError", "opened"]
    assert lines[5] == "1 CircuitOpenError"
    assert lines[7].split() == ["all", "4", "5", "0.00", "s"]
    assert "✓ good: 1" in lines
    assert lines[-1] == "All 2 checks hold."
    assert f"{BOLD_GREEN}All 2 checks hold." in console.export_text(styles=True)


def test_a_bad_end_says_what_failed() -> None:
    """In red, and last."""
    console = terminal()
    LiveView(console).end(report(BAD))
    styled = console.export_text(clear=False, styles=True)
    assert console.export_text().splitlines()[-2:] == [
        "1 of 2 checks FAILED:",
        "proof: bad: 2; expected 3",
    ]
    assert f"{BOLD_RED}1 of 2 checks FAILED:" in styled
    assert f"{RED}proof: bad: 2; expected 3" in styled

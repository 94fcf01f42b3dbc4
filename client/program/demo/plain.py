"""The view without a terminal: lines of ASCII, one per event that matters."""

from __future__ import annotations

import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from ... import events
from ...version import __version__
from .report import COLUMNS, NUMERIC, table

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from .proof import Check
    from .record import Operation
    from .report import Report, Scene

__all__ = ["PlainView", "duration"]

_WIDTH: Final = 96
_INDENT: Final = "    "
_A_TENTH: Final = 0.1


class PlainView:
    """Writes lines.

    Args:
        out: Where they go.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._scene: Scene | None = None
        self._shown = 0

    def begin(self, url: str) -> None:
        """Say what is about to be shown."""
        self._write(f"resilient-http-client {__version__} against the failure server at {url}")

    @contextmanager
    def chapter(self, scene: Scene) -> Generator[None]:
        """Write the heading, what happens, and what was found."""
        self._scene, self._shown = scene, 0
        self._write("", f"{scene.number}/{scene.of} {scene.chapter.title}")
        self._write(*textwrap.wrap(scene.chapter.text, _WIDTH - len(_INDENT)), indent=_INDENT)
        yield
        self.show()
        self._write(*(_result(check) for check in scene.checks), indent=_INDENT)

    def show(self) -> None:
        """Write a line for each event since the last time."""
        if self._scene is None:
            return
        news = self._scene.record.events[self._shown :]
        self._shown += len(news)
        for event in news:
            line = describe(event, self._scene.journal.operation(event))
            if line:
                self._write(line, indent=_INDENT)

    def end(self, report: Report) -> None:
        """Write the table, the proof and the verdict."""
        self._write("", *_aligned([COLUMNS, *table(report)]))
        self._write("", "The server's ledger:", *(_result(check) for check in report.proof))
        self._write("", report.verdict)
        self._write(*(f"{where}: {check}" for where, check in report.failed), indent=_INDENT)

    def _write(self, *lines: str, indent: str = "") -> None:
        for line in lines:
            self._out.write(f"{indent}{line}\n")
        self._out.flush()


def describe(event: events.Event, operation: Operation | None) -> str | None:
    """Return the line for an event, None for one that another line covers."""
    number = f"#{operation.number}" if operation else "an operation"
    return _about_operation(event, number) or _about_circuit(event, number)


def _about_operation(event: events.Event, number: str) -> str | None:
    match event:
        case events.BulkheadWaiting(limit=limit):
            return f"{number} queues for one of {limit} slots"
        case events.RetryScheduled(attempt=attempt, wait=wait, error=error):
            return f"{number} attempt {attempt}: {_name_of(error)}; the next in {wait:.2f} s"
        case events.OperationSucceeded(status_code=status):
            return f"{number} success: {status} {_effort(event)}"
        case events.OperationFailed(error=error):
            return f"{number} error: {_name_of(error)} {_effort(event)}"
        case _:
            return None


def _about_circuit(event: events.Event, number: str) -> str | None:
    match event:
        case events.CircuitOpened(failures=failures, recovery_timeout=seconds):
            return f"circuit open for {seconds:g} s, after {failures} failures in a row"
        case events.CircuitHalfOpened():
            return f"circuit half-open: {number} is the probe"
        case events.CircuitClosed(open_seconds=seconds):
            return f"circuit closed, {seconds:.2f} s after it opened"
        case _:
            return None


def duration(seconds: float) -> str:
    """Return a time as it is best read."""
    return f"{seconds:.2f} s" if seconds >= _A_TENTH else f"{seconds * 1000:.1f} ms"


def _name_of(error: BaseException) -> str:
    status = getattr(error, "status_code", None)
    name = type(error).__name__
    return name if status is None else f"{name} ({status})"


def _effort(end: events.OperationSucceeded | events.OperationFailed) -> str:
    plural = "" if end.attempts == 1 else "s"
    return f"after {end.attempts} attempt{plural}, {duration(end.elapsed)}"


def _result(check: Check) -> str:
    return f"{'PASS' if check.holds else 'FAIL'} {check}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if name in NUMERIC else cell.ljust(width)
            for name, cell, width in zip(COLUMNS, row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]

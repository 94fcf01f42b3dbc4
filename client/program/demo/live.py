"""The view on a terminal: a picture of each chapter that moves while it is played, by rich.

It draws from a thread of rich's and only reads: what it shows is in the journal and in the
client's own statistics.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from rich.box import ROUNDED, SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ... import events
from ...strategies.circuit.state import CircuitState
from ...version import __version__
from .pace import SLOTS
from .plain import duration
from .record import Phase
from .report import COLUMNS, NUMERIC, table

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from rich.console import RenderableType

    from .proof import Check
    from .record import Operation
    from .report import Report, Scene

__all__ = ["LiveView", "live_view"]

_WIDEST: Final = 100
_FRAMES_PER_SECOND: Final = 12
_SPINNER: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_CIRCUIT_STYLES: Final = {
    CircuitState.CLOSED: "green",
    CircuitState.OPEN: "bold red",
    CircuitState.HALF_OPEN: "bold yellow",
}


def live_view(out: TextIO) -> LiveView:
    """Make the view for a terminal."""
    return LiveView(Console(file=out, highlight=False))


class LiveView:
    """Draws.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _WIDEST)

    def begin(self, url: str) -> None:
        """Say what is about to be shown."""
        title = Text.assemble(
            ("resilient-http-client", "bold"),
            f" {__version__} against the failure server at {url}",
        )
        self._console.print(title)

    @contextmanager
    def chapter(self, scene: Scene) -> Generator[None]:
        """Keep the picture of a chapter up to date; its last state stays on the screen."""
        with Live(
            get_renderable=lambda: self._picture(scene),
            console=self._console,
            refresh_per_second=_FRAMES_PER_SECOND,
        ):
            yield

    def show(self) -> None:
        """Do nothing: the next frame will show it."""

    def end(self, report: Report) -> None:
        """Draw the table, the proof and the verdict."""
        style = "bold red" if report.failed else "bold green"
        proof = Panel(
            Group(*map(_result, report.proof)),
            title="what the server's ledger says",
            title_align="left",
            box=ROUNDED,
            width=self._width,
        )
        failed = [Text(f"{where}: {check}", "red") for where, check in report.failed]
        self._console.print(_summary(report, self._width), proof)
        self._console.print(Text(report.verdict, style), *failed, sep="\n")

    def _picture(self, scene: Scene) -> RenderableType:
        blank = Text()
        parts = [Text(scene.chapter.text, "italic"), blank, _status(scene), blank]
        parts += [_row(operation, scene.journal.now()) for operation in scene.record.operations]
        if scene.checks:
            parts += [blank, *map(_result, scene.checks)]
        return Panel(
            Group(*parts),
            title=Text(f" {scene.number}/{scene.of} {scene.chapter.title} ", "bold"),
            title_align="left",
            box=ROUNDED,
            border_style="dim" if scene.checks else "cyan",
            width=self._width,
        )


def _status(scene: Scene) -> Text:
    """Draw the state of the circuit, the slots, and what has been done so far."""
    stats, state = scene.client.stats(), scene.client.circuit_state or CircuitState.CLOSED
    left = scene.journal.break_ends_at - scene.journal.now()
    countdown = f", a probe in {left:.1f} s" if state is CircuitState.OPEN and left > 0 else ""
    taken = stats.slots_in_use
    return Text.assemble(
        ("circuit ", "dim"),
        (f"● {state}{countdown}".ljust(29), _CIRCUIT_STYLES[state]),
        ("slots ", "dim"),
        ("■" * taken, "cyan"),
        ("□" * (SLOTS - taken), "dim"),
        (f" {stats.slots_waiting:>2} queue   ", "yellow" if stats.slots_waiting else "dim"),
        ("attempts ", "dim"),
        str(stats.attempts),
    )


def _row(operation: Operation, now: float) -> Text:
    """Draw one operation: what has failed, how long was waited, where it stands."""
    method = "" if operation.method == "GET" else f"{operation.method} "
    row = Text.assemble((f"#{operation.number:<3}", "dim"), method)
    for retry in operation.retries:
        row.append(_short_name_of(retry.error), "red").append(f" → {retry.wait:.2f} s → ", "dim")
    row.append_tokens(_now(operation, now))
    for transition in operation.transitions:
        row.append(f"  ● {transition}", "bold")
    return row


def _short_name_of(error: BaseException) -> str:
    return str(getattr(error, "status_code", None) or type(error).__name__)


def _now(operation: Operation, now: float) -> Iterable[tuple[str, str]]:
    attempt = len(operation.retries) + 1
    left = operation.next_attempt_at - now
    spinner = _SPINNER[int(now * _FRAMES_PER_SECOND) % len(_SPINNER)]
    if operation.end is not None:
        return _end(operation.end)
    match operation.phase:
        case Phase.QUEUE:
            return [(f"{spinner} queues for a slot", "yellow")]
        case Phase.WAIT if left > 0:
            return [(f"attempt {attempt} in {left:.2f} s", "yellow")]
        case _:
            return [(f"{spinner} attempt {attempt}", "cyan")]


def _end(end: events.OperationSucceeded | events.OperationFailed) -> Iterable[tuple[str, str]]:
    took = f"  {duration(end.elapsed)}"
    if isinstance(end, events.OperationSucceeded):
        return [(f"{end.status_code} success", "green"), (took, "dim")]
    name = type(end.error).__name__
    if end.attempts:
        return [(name, "red"), (took, "dim")]
    return [(name, "yellow"), (f"{took}, never sent", "dim")]


def _result(check: Check) -> Text:
    sign, style = ("✓", "green") if check.holds else ("✗", "bold red")
    return Text.assemble((f"{sign} ", style), str(check))


def _summary(report: Report, width: int) -> Table:
    drawn = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), width=width)
    for name in COLUMNS:
        drawn.add_column(name, justify="right" if name in NUMERIC else "left")
    *chapters, total = table(report)
    for row in chapters:
        drawn.add_row(*(cell.replace(", ", "\n") for cell in row))
    drawn.add_section()
    drawn.add_row(*total, style="bold")
    return drawn

"""What a view shows: what a chapter is, the one that is being played, and the whole run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractContextManager

    from ...faces.facade.clients import ResilientClient
    from .caller import Caller
    from .failure_server import FailureServer, Ledger
    from .proof import Check
    from .record import ChapterRecord, Journal

__all__ = ["COLUMNS", "NUMERIC", "Chapter", "Play", "Report", "Scene", "View", "table"]

COLUMNS: Final = ("chapter", "operations", "attempts", "waits", "outcomes", "circuit")
NUMERIC: Final = frozenset({"operations", "attempts", "waits"})


class Play(Protocol):
    """Works the server's faults and makes the calls of a chapter."""

    def __call__(self, caller: Caller, server: FailureServer, /) -> Awaitable[None]:
        """Play the chapter to its end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One chapter.

    Attributes:
        name: Its row in the final table.
        title: Its heading.
        text: What will happen, and why it matters.
        play: What is done.
        promises: What must be true of it afterwards.
    """

    name: str
    title: str
    text: str
    play: Play
    promises: Callable[[ChapterRecord, Ledger], list[Check]]


@dataclass(slots=True, kw_only=True)
class Scene:
    """A chapter as it is being played.

    Attributes:
        number: 1 for the first.
        of: How many there are.
        chapter: What it says.
        record: What has happened so far.
        journal: The record of the whole run.
        client: Who the calls are made with.
        checks: What was found of its promises, once it is over.
    """

    number: int
    of: int
    chapter: Chapter
    record: ChapterRecord
    journal: Journal
    client: ResilientClient
    checks: list[Check] = field(default_factory=list["Check"])


@dataclass(frozen=True, slots=True)
class Report:
    """A run that is over: its chapters, and what the ledger proves of it."""

    scenes: Sequence[Scene]
    proof: Sequence[Check]

    @property
    def checks(self) -> list[tuple[str, Check]]:
        """Every check, with the name of the chapter it belongs to."""
        of_chapters = [
            (scene.chapter.name, check) for scene in self.scenes for check in scene.checks
        ]
        return [*of_chapters, *(("proof", check) for check in self.proof)]

    @property
    def failed(self) -> list[tuple[str, Check]]:
        """The checks that do not hold."""
        return [(where, check) for where, check in self.checks if not check.holds]

    @property
    def verdict(self) -> str:
        """The result in one line."""
        if not self.failed:
            return f"All {len(self.checks)} checks hold."
        return f"{len(self.failed)} of {len(self.checks)} checks FAILED:"


class View(Protocol):
    """Shows a run to a person."""

    def begin(self, url: str) -> None:
        """Say what is about to be shown."""
        ...

    def chapter(self, scene: Scene) -> AbstractContextManager[None]:
        """Show a chapter for as long as it lasts."""
        ...

    def show(self) -> None:
        """Show what is new."""
        ...

    def end(self, report: Report) -> None:
        """Show what has come of it."""
        ...


def table(report: Report) -> list[tuple[str, ...]]:
    """Return the rows below `COLUMNS`, one per chapter and one for all."""
    records = [scene.record for scene in report.scenes]
    rows = [
        (
            scene.chapter.name,
            *_numbers([scene.record]),
            scene.record.outcomes,
            _circuit(scene.record),
        )
        for scene in report.scenes
    ]
    return [*rows, ("all", *_numbers(records), "", "")]


def _numbers(records: Sequence[ChapterRecord]) -> tuple[str, str, str]:
    operations = sum(len(record.operations) for record in records)
    attempts = sum(record.attempts for record in records)
    waited = sum(record.waited for record in records)
    return str(operations), str(attempts), f"{waited:.2f} s"


def _circuit(record: ChapterRecord) -> str:
    return record.transitions.replace("none", "-")

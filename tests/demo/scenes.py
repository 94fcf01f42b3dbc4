"""A scene in the middle of its chapter, to be looked at."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from client.program.demo.chapters import CHAPTERS
from client.program.demo.proof import Check
from client.program.demo.record import Journal
from client.program.demo.report import Report, Scene
from client.strategies.circuit.circuit import CircuitState
from tests.demo.builders import Run

if TYPE_CHECKING:
    from client.faces.facade.clients import ResilientClient

NOW = 1000.0
GOOD = Check("good", "1", holds=True, expected="1")
BAD = Check("bad", "2", holds=False, expected="3")


@dataclass(frozen=True)
class FakeStats:
    """What a view reads of a client's statistics."""

    slots_in_use: int = 0
    slots_waiting: int = 0
    attempts: int = 42


@dataclass(frozen=True)
class FakeClient:
    """What a view asks a client."""

    circuit_state: CircuitState | None = CircuitState.CLOSED
    slots: FakeStats = FakeStats()

    def stats(self) -> FakeStats:
        """What it was made with."""
        return self.slots


HEALTHY = FakeClient()


def scene(client: FakeClient = HEALTHY, chapter: int = 0) -> Scene:
    """A chapter that has just begun, at the hour `NOW`."""
    journal = Journal("run", lambda: NOW)
    return Scene(
        number=chapter + 1,
        of=len(CHAPTERS),
        chapter=CHAPTERS[chapter],
        record=journal.begin_chapter(),
        journal=journal,
        client=cast("ResilientClient", client),
    )


def report(*proof: Check) -> Report:
    """A run of two chapters; the first has a promise that was kept, and nothing went wrong."""
    first, second = scene(), scene(chapter=2)
    first.record.operations += Run([("success", 1, 1, 1)] * 2).record().operations
    first.checks.append(GOOD)
    outage = Run([("ServerError", 3, 3, 0), ("CircuitOpenError", 0, 0, 0)], ["opened"]).record()
    second.record.operations += outage.operations
    second.record.events += outage.events
    return Report([first, second], proof)

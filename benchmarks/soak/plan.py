"""What a run is made of: its phases, and how long each of them lasts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

__all__ = [
    "CALLS_PER_SECOND",
    "MAX_CALLERS",
    "MAX_MINUTES",
    "MIN_CALLERS",
    "MIN_MINUTES",
    "Phase",
    "Plan",
    "Stage",
]

CALLS_PER_SECOND: Final = 150.0
"""The most that all callers together begin, so that the run tests the library, not the machine."""
CALLS_PER_CALLER: Final = 5.0
MIN_MINUTES: Final = 0.2
MAX_MINUTES: Final = 60.0
MIN_CALLERS: Final = 4
MAX_CALLERS: Final = 400
_WINDOW_SECONDS: Final = 20.0


class Phase(StrEnum):
    """The parts of a run, in their order."""

    WARM_UP = "warm-up"
    MIXED = "mixed faults"
    ERRORS = "outage: 503"
    REFUSED = "outage: refused"
    RECOVERY = "recovery"
    IDLE = "idle"

    @property
    def is_outage(self) -> bool:
        """Whether no call can succeed."""
        return self in {Phase.ERRORS, Phase.REFUSED}


SHARES: Final = {
    Phase.WARM_UP: 0.06,
    Phase.MIXED: 0.5,
    Phase.ERRORS: 0.095,
    Phase.REFUSED: 0.095,
    Phase.RECOVERY: 0.125,
    Phase.IDLE: 0.125,
}
"""Of the whole time; of eight minutes, one is idle."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A phase and its length in seconds."""

    phase: Phase
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run, as it was asked for.

    Attributes:
        minutes: The length of all phases together; what starting, stopping and reading the
            ledger take comes on top.
        seed: Where all chance begins. Which calls are made, cancelled and struck by which fault
            follows from it; the order in which concurrent calls meet does not.
        callers: Concurrent callers.
        sync: Whether all of them are threads with the blocking client, and not only a quarter.
    """

    minutes: float
    seed: int
    callers: int
    sync: bool = False

    @property
    def seconds(self) -> float:
        """The length of all phases together."""
        return self.minutes * 60

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The phases with their lengths."""
        return tuple(Stage(phase, share * self.seconds) for phase, share in SHARES.items())

    @property
    def bucket_seconds(self) -> float:
        """The width of a point in the picture."""
        return max(0.25, self.seconds / 200)

    @property
    def window_seconds(self) -> float:
        """After how long the callers pause and the ledger, which is bounded, is read and emptied.

        At the highest rate a window leaves a few thousand entries of the hundred thousand that
        the ledger holds.
        """
        return min(_WINDOW_SECONDS, max(2.0, self.seconds / 12))

    @property
    def pause_seconds(self) -> float:
        """How long a caller rests between two calls, on average."""
        return 1 / min(CALLS_PER_CALLER, CALLS_PER_SECOND / self.callers)

    @property
    def recovery_timeout(self) -> float:
        """How long a circuit stays open before it tries again: several times in an outage."""
        return min(2.0, max(0.3, self.seconds / 60))

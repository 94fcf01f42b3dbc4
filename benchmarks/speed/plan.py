"""How much is measured: how often, how long, with how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

__all__ = ["MAX_ROUNDS", "ON_DEMAND", "SECTIONS", "Plan"]

SECTIONS: Final = (
    "protection",
    "engine",
    "failure",
    "outage",
    "scale",
    "startup",
    "strategies",
    "endpoints",
    "cache",
)
ON_DEMAND: Final = ("telemetry",)
"""Measured where somebody asks for it, and not part of `RESULTS.md`."""
MAX_ROUNDS: Final = 1_000
_FEWEST_STARTS: Final = 15
_MANY_CALLERS: Final = 100
_FEWEST_ROUNDS: Final = 3
"""With fewer, one disturbance is the median."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run, as it was asked for.

    Attributes:
        sections: What is measured.
        rounds: How often each batch is run; cheap ones several times as often.
        batch_seconds: How long the baseline's batch takes, about.
        is_quick: Whether it is only to be seen that all of it works.
        concurrencies: How many callers there are at once, in the first section.
        calls_each: How many calls each of them makes in a batch at least, so that they meet.
        origins: How many origins are called, in turns.
        failure_callers: How many callers there are where a share of all answers fails.
        outage_callers: How many callers there are in the outage.
        queue_callers: How many callers queue.
        queue_slots: For how many slots.
    """

    sections: tuple[str, ...] = SECTIONS
    rounds: int = 10
    batch_seconds: float = 0.1
    is_quick: bool = False
    concurrencies: tuple[int, ...] = (1, 50, 200)
    calls_each: int = 4
    origins: tuple[int, ...] = (1, 1_000, 100_000)
    failure_callers: int = 50
    outage_callers: int = 1_000
    queue_callers: int = 10_000
    queue_slots: int = 50

    @classmethod
    def quick(cls, sections: tuple[str, ...], rounds: int | None) -> Plan:
        """Return one that shows that all of it works, with fewer of everything."""
        return cls(
            sections=sections,
            rounds=rounds or 2,
            batch_seconds=0.01,
            is_quick=True,
            concurrencies=(1, 50),
            calls_each=1,
            origins=(1, 100, 1_000),
            outage_callers=100,
            queue_callers=1_000,
        )

    def least_calls(self, concurrency: int) -> int:
        """How many calls a batch of so many callers makes at least: the same number by each."""
        each = self.calls_each if concurrency <= _MANY_CALLERS else self.calls_each // 2
        return concurrency * max(1, each)

    def rounds_of(self, concurrency: int) -> int:
        """How often a batch of so many callers is run."""
        if concurrency == 1:
            return self.many_rounds
        if concurrency <= _MANY_CALLERS:
            return self.rounds
        return max(_FEWEST_ROUNDS, self.rounds // 2)

    @property
    def many_rounds(self) -> int:
        """How often short batches are run: ratios near 1 need many."""
        return self.rounds * (1 if self.is_quick else 4)

    @property
    def short_batch_seconds(self) -> float:
        """How long those take."""
        return self.batch_seconds * 0.4

    @property
    def few_rounds(self) -> int:
        """How often something is done that takes seconds."""
        return max(1, self.rounds // 4)

    @property
    def bursts(self) -> int:
        """How often it is done where what counts is the same each time."""
        return max(1, self.rounds // 10)

    @property
    def starts(self) -> int:
        """How often each program is started."""
        return self.rounds if self.is_quick else max(_FEWEST_STARTS, self.rounds)

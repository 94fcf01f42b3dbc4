"""What a circuit takes and gives: its states, the outcomes it is told, and its answers.

They stand apart from `circuit`, so that who only names them does not import pybreaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from client.config import CircuitBreakerConfig

__all__ = [
    "CircuitState",
    "Guard",
    "Holder",
    "Outcome",
    "Permit",
    "Rejection",
    "Transition",
    "is_expected",
]


class CircuitState(StrEnum):
    """The states of a circuit, by pybreaker's names."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Outcome(Enum):
    """What an operation's end says about the health of the server."""

    SUCCESS = "success"
    FAILURE = "failure"
    IGNORED = "ignored"


class Permit:
    """Leave to begin an operation; probes have one of their own each."""

    __slots__ = ("generation", "half_opened", "is_probe", "is_used")

    def __init__(
        self, generation: int, *, is_probe: bool = False, half_opened: bool = False
    ) -> None:
        self.generation = generation
        self.is_probe = is_probe
        self.half_opened = half_opened
        """True for the probe whose admission moved the circuit from open to half open."""
        self.is_used = False
        """True for a probe that has reported: it does so once."""


class Holder(Protocol):
    """Whatever asks for leave, and reports with its permit how it went."""

    permit: Permit | None


class Guard(Protocol):
    """What an operation asks of the circuit it goes through; see `circuit`."""

    scope: str

    def admit(self, now: float, holder: Holder | None = None) -> Permit | Rejection:
        """Return leave to begin an operation, or why there is none."""
        ...

    def peek(self, now: float) -> Rejection | None:
        """Tell, without taking a permit, whether an operation would be turned away for sure."""
        ...

    def expects(self, error: BaseException) -> bool:
        """Tell whether an error counts as a failure."""
        ...

    def is_unmoved_by(self, permit: Permit, outcome: Outcome) -> bool:
        """Tell whether there is nothing to note about an outcome."""
        ...

    def record(
        self, permit: Permit, outcome: Outcome, now: float, error: BaseException | None = None
    ) -> Transition | None:
        """Take note of how an operation ended, and return the transition it caused."""
        ...


@dataclass(frozen=True, slots=True)
class Rejection:
    """No leave: how many seconds until a probe may go, and the failure that opened the circuit."""

    retry_after: float
    last_error: BaseException | None


@dataclass(frozen=True, slots=True)
class Transition:
    """The circuit opened for `seconds`, or closed after `seconds`."""

    state: CircuitState
    seconds: float
    failures: int = 0
    last_error: BaseException | None = None


def is_expected(config: CircuitBreakerConfig, error: BaseException) -> bool:
    """Tell whether an error, or the exception of httpx behind it, counts as a failure."""
    kinds = config.expected_exception
    return isinstance(error, kinds) or isinstance(error.__cause__, kinds)

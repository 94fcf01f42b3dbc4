"""What a circuit takes and gives: its states, the outcomes it is told, and its answers.

They stand apart from `circuit`, so that who only names them does not import pybreaker.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ...config.models import CircuitBreakerConfig
    from ...engine.operation import Call
    from .audience import Member

__all__ = [
    "WORST_FIRST",
    "CircuitOutcome",
    "CircuitState",
    "Guard",
    "Holder",
    "Mover",
    "Permit",
    "Rejection",
    "Transition",
    "is_expected",
]


class CircuitState(StrEnum):
    """The states of a circuit, by pybreaker's names, and the one that only people bring about."""

    CLOSED = "closed"
    """Calls pass."""
    OPEN = "open"
    """Calls are turned away, until the break is over."""
    HALF_OPEN = "half-open"
    """Probes pass, and decide whether it closes."""
    ISOLATED = "isolated"
    """Somebody turned it off by hand: calls are turned away until it is released."""


WORST_FIRST: Final = (
    CircuitState.ISOLATED,
    CircuitState.OPEN,
    CircuitState.HALF_OPEN,
    CircuitState.CLOSED,
)


class CircuitOutcome(Enum):
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
        self.generation: int = generation
        self.is_probe: bool = is_probe
        self.half_opened: bool = half_opened
        """True for the probe whose admission moved the circuit from open to half open."""
        self.is_used: bool = False
        """True for a probe that has reported: it does so once."""


class Holder(Protocol):
    """Whatever asks for leave, and reports with its permit how it went."""

    permit: Permit | None


Mover: TypeAlias = "tuple[Call, Member]"
"""The operation that may move a circuit, and the client it is of."""


class Guard(Protocol):
    """What an operation asks of the circuit it goes through; see `circuit`."""

    scope: str

    @property
    def permit(self) -> Permit:
        """One of the generation that the circuit is in, to ask by whether it has opened since."""
        ...

    def admit(
        self,
        now: float,
        holder: Holder | None = None,
        by: Mover | None = None,
    ) -> Permit | Rejection:
        """Return leave to begin an operation, or why there is none."""
        ...

    def has_opened_since(self, permit: Permit, now: float) -> bool:
        """Whether the circuit has opened since it gave a permit."""
        ...

    def waking(self, permit: Permit, wake: Callable[[], object]) -> AbstractContextManager[object]:
        """Call `wake` where the circuit opens, or has opened since the permit, within a block."""
        ...

    def peek(self, now: float) -> Rejection | None:
        """Return the rejection of an operation that would be rejected for sure, or None."""
        ...

    def expects(self, error: BaseException) -> bool:
        """Return whether an error counts as a failure."""
        ...

    def is_unmoved_by(self, permit: Permit, outcome: CircuitOutcome) -> bool:
        """Return whether an outcome changes nothing."""
        ...

    def record(
        self,
        permit: Permit,
        outcome: CircuitOutcome,
        now: float,
        error: BaseException | None = None,
        by: Mover | None = None,
    ) -> Transition | None:
        """Record how an operation ended, and return the transition it caused."""
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
    """Return whether an error, or the exception of httpx behind it, counts as a failure."""
    kinds = config.expected_exception
    return isinstance(error, kinds) or isinstance(error.__cause__, kinds)

"""One attempt's place in the queue for a token, and then the token."""

from __future__ import annotations

from enum import Enum
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Stage", "Ticket"]

_numbers: Final = count(1)


class Stage(Enum):
    """How far an attempt has come with its token."""

    NEW = "new"
    """It has asked for none, or has given it back."""
    RESTING = "resting"
    """It wants none yet, and keeps its place."""
    QUEUED = "queued"
    HELD = "held"
    """It has a token, and was not sent."""
    SENT = "sent"


class Ticket:
    """What one attempt has of a lane. Only the lane changes it, but for what it wants.

    Args:
        cost: The tokens it takes.
    """

    __slots__ = (
        "cost",
        "is_called",
        "is_charged",
        "not_before",
        "number",
        "planned",
        "stage",
        "taken_at",
        "wake",
    )

    def __init__(self, cost: float) -> None:
        self.cost: float = cost
        self.stage: Stage = Stage.NEW
        self.number: int = next(_numbers)
        """Its place: who has a lower number goes first."""
        self.not_before: float = -inf
        """When it wants to be sent at the earliest."""
        self.planned: float = inf
        """When it looks again, unless it is woken."""
        self.taken_at: float = 0.0
        """When it got its token."""
        self.is_charged: bool = False
        """Whether it was taken from anything."""
        self.wake: Callable[[], object] | None = None
        """Ends its wait, from any thread."""
        self.is_called: bool = False
        """Whether it should look again sooner than it planned."""

    def __lt__(self, other: Ticket) -> bool:
        return self.number < other.number

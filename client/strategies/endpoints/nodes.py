"""An endpoint with what is known of it, and the ticket of an attempt that is out to one."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from .health.health import Health
from .scores import Score

if TYPE_CHECKING:
    from .scores import Slowest

    class Weighted(Protocol):
        """An endpoint as configured, or what was made of it."""

        @property
        def url(self) -> str:
            """By which it is known, whatever else of it changes."""
            ...

        @property
        def weight(self) -> float:
            """Its share beside the others' weights; 0 drains it."""
            ...


__all__ = ["Node", "Outcome", "Ticket"]


class Outcome(Enum):
    """What an attempt says about the endpoint it went to."""

    SUCCESS = "success"
    """It answered; a 4xx is an answer too."""
    FAILURE = "failure"
    """It failed, or did not answer in time."""
    LIMITED = "limited"
    """It answered 429: it is alive, and how fast it says no is no latency."""
    CANCELLED = "cancelled"
    """Nobody waited for it any longer: that is the caller's doing, the time it took is not."""


class Ticket:
    """An attempt that is out to an endpoint, or is going to be.

    It is made before an endpoint is chosen, by whoever will give it back: so that nothing stays
    taken, wherever an interrupt breaks it off.

    Attributes:
        node: Where it goes; None before that is chosen.
        began: When it was chosen.
        era: Of the endpoint's health, then. What began before an ejection says nothing after it.
        is_probe: Whether it finds out if an endpoint is well again.
        is_reported: Whether it is known what came of it.
    """

    __slots__ = ("began", "era", "is_probe", "is_reported", "node")

    def __init__(self) -> None:
        self.node: Node | None = None
        self.began: float = 0.0
        self.era: int = 0
        self.is_probe: bool = False
        self.is_reported: bool = False


class Node:
    """An endpoint, and what is known of it. Whoever changes it holds the pool's lock.

    Attributes:
        settings: As configured.
        url: By which it is known.
        weight: Its share beside the others'; 0 for none of what may go elsewhere.
        score: How fast it is.
        health: Whether it is ejected.
        out: The attempts that are out to it.
        is_ready: Whether policies may choose it.
    """

    __slots__ = ("health", "is_ready", "out", "score", "settings", "url", "weight")

    def __init__(self, settings: Weighted, slowest: Slowest) -> None:
        self.settings: Weighted = settings
        self.url: Final[str] = settings.url
        self.weight: float = settings.weight
        self.score: Final = Score(slowest)
        self.health: Final = Health()
        self.out: Final[set[Ticket]] = set()
        self.is_ready: bool = False

    @property
    def outstanding(self) -> int:
        """How many attempts are out."""
        return len(self.out)

    def share(self, now: float) -> float:
        """Return the weight it has now, which is less than its own in a slow start."""
        return self.weight * self.health.ramp(now)

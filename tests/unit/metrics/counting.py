"""An aggregator, and operations to count in it."""

from dataclasses import dataclass, field

from client.metrics.aggregator import Aggregator, Standing
from client.metrics.targets import Targets


@dataclass
class Clock:
    """A clock that a test sets."""

    time: float = 1000.0
    epoch: float = 5000.0

    def now(self) -> float:
        """The time on it."""
        return self.time

    def wall_clock(self) -> float:
        """The seconds since the epoch."""
        return self.epoch


TARGET = "https://api.example"


@dataclass(eq=False)
class Operation:
    """One that is under way."""

    url: str

    def find_target(self, targets: Targets) -> str:
        """Return what it is counted under."""
        return targets("", self.url)


@dataclass
class Counting:
    """Counts for a test."""

    clock: Clock = field(default_factory=Clock)
    client: str = "orders"
    standing: Standing = field(default_factory=Standing)
    metrics: Aggregator = field(init=False)

    def __post_init__(self) -> None:
        """Makes the aggregator."""
        self.metrics = Aggregator(self.client, self.clock, self.standing)

    def attempt(
        self, outcome: str = "success", *, seconds: float = 0.02, resend: str = "first"
    ) -> None:
        """Counts an attempt that ends now."""
        self.metrics.end_attempt((TARGET, "GET", outcome, resend), seconds, self.clock.time)

    def operation(
        self,
        outcome: str = "success",
        *,
        attempts: int = 1,
        error: BaseException | None = None,
        target: str = TARGET,
        method: str = "GET",
    ) -> None:
        """Counts an operation and its attempts."""
        for number in range(attempts):
            self.attempt(outcome, resend="again" if number else "first")
        self.metrics.end_operation((target, method, outcome), attempts, 0.5, error)

"""How fast the story goes, and the configuration of its client that follows from it."""

from dataclasses import dataclass
from typing import Final

from ...config.models import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    LoggingConfig,
    RetryConfig,
    TimeoutConfig,
)

__all__ = ["FAST", "LIVE", "SLOTS", "THRESHOLD", "Pace", "configure"]

SLOTS: Final = 5
THRESHOLD: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The times of a run, in seconds.

    Attributes:
        reading: To read what a chapter is about before it begins.
        between: Between calls that are made one after the other.
        shortest_wait: The least a retry waits.
        longest_wait: The most a retry waits.
        recovery: How long the circuit stays open.
        slow_answer: How long the server takes while it is slow.
        patience: How long an operation queues for a slot. Longer than a slow answer, so that a
            second round is served, and shorter than two, so that a third is not.
    """

    reading: float
    between: float
    shortest_wait: float
    longest_wait: float
    recovery: float
    slow_answer: float
    patience: float


LIVE: Final = Pace(
    reading=0.8,
    between=0.1,
    shortest_wait=0.1,
    longest_wait=0.4,
    recovery=1.8,
    slow_answer=0.6,
    patience=0.9,
)
FAST: Final = Pace(
    reading=0.0,
    between=0.0,
    shortest_wait=0.02,
    longest_wait=0.1,
    recovery=0.8,
    slow_answer=0.3,
    patience=0.45,
)


def configure(url: str, pace: Pace) -> ClientConfig:
    """Return the configuration of the demo's one client."""
    return ClientConfig(
        base_url=url,
        timeout=TimeoutConfig(connect=5.0, read=5.0, write=5.0, total=10.0),
        retry=RetryConfig(
            max_attempts=3,
            min_wait_seconds=pace.shortest_wait,
            max_wait_seconds=pace.longest_wait,
            multiplier=pace.longest_wait / 2,
        ),
        circuit_breaker=CircuitBreakerConfig(
            failure_threshold=THRESHOLD, recovery_timeout=pace.recovery
        ),
        bulkhead=BulkheadConfig(max_concurrency=SLOTS, acquisition_timeout=pace.patience),
        # What the log would say is on the screen already.
        logging=LoggingConfig(level="CRITICAL"),
        # The server is called directly, as its controls are.
        trust_env=False,
    )

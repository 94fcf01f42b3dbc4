"""What strategies around the core do."""

from __future__ import annotations

from dataclasses import dataclass

from .operations import OfClient, OfOperation

__all__ = [
    "ChaosInjected",
    "FallbackUsed",
    "LimitChanged",
    "Reconfigured",
    "WouldReject",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackUsed(OfOperation):
    """A fallback answers in place of an operation that failed.

    Attributes:
        error: What it failed with.
        outcome: How it ended: as in `AttemptEnded`, or "circuit_open", "bulkhead_full".
    """

    error: Exception
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosInjected(OfOperation):
    """A fault is injected into attempt number `attempt`, on purpose.

    Attributes:
        fault: "raise", "delay", "answer" or "call".
        seconds: Of a delay; None else.
        status_code: Of an answer; None else.
    """

    attempt: int
    fault: str
    seconds: float | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(OfClient):
    """The bulkhead has `limit` slots from now on, where it had `before`.

    Attributes:
        reason: "drops" (many attempts failed by overload), "latency" (they take longer than usual)
            or "growth" (neither).
    """

    limit: int
    before: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldReject(OfOperation):
    """A strategy that only observes would have turned the operation away, or let it wait.

    Attributes:
        by: "circuit", "bulkhead" or "rate_limit".
        wait: Seconds after which it would have been let in; None where it would have been turned
            away, or where that is not known.
    """

    by: str
    wait: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconfigured(OfClient):
    """The client goes by other settings from now on.

    Attributes:
        changed: The dotted names of the settings that differ, sorted; no values.
    """

    changed: tuple[str, ...]

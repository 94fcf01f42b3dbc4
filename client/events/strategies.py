"""What strategies around the core do."""

from __future__ import annotations

from dataclasses import dataclass

from .operations import OfClient, OfOperation

__all__ = [
    "CacheUsed",
    "ChaosInjected",
    "FallbackUsed",
    "HedgeLost",
    "HedgeSent",
    "LimitChanged",
    "RateLimitPaused",
    "RateLimitRejected",
    "RateLimitWaited",
    "Reconfigured",
    "WouldReject",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackUsed(OfOperation):
    """A fallback answers in place of an operation that failed.

    Attributes:
        error: What it failed with.
        outcome: How it ended: as in `AttemptEnded`, or "circuit_open", "bulkhead_full",
            "rate_limit_rejected".
    """

    error: Exception
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUsed(OfOperation):
    """The operation has passed the cache, with its answer or without.

    Attributes:
        status: "hit", "stale", "revalidated", "miss" or "bypass", as in `CacheReport`.
        why: The reason, in a few words.
        age: Seconds since a server made the answer; None where no kept one is served.
    """

    status: str
    why: str
    age: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitPaused(OfOperation):
    """An answer to this operation asks everybody to pause. It is told again where it grows.

    Attributes:
        key: Whose callers pause: the origin, "client", or what the `key` of the rate limit said.
        seconds: How long, from now.
        by: "retry_after", or "nothing_left" where the server says that nothing remains.
        status_code: Of the answer.
    """

    key: str
    seconds: float
    by: str
    status_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitWaited(OfOperation):
    """The operation waited for `seconds` until it was its turn to be sent."""

    seconds: float
    """How long it waited."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimitRejected(OfOperation):
    """The rate limit turned the operation away: its turn would come in `retry_after` seconds."""

    retry_after: float
    """Seconds until its turn would come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosInjected(OfOperation):
    """A fault is injected into attempt number `attempt`, on purpose.

    Attributes:
        fault: "raise", "delay", "answer" or "call".
        seconds: Of a delay; None else.
        status_code: Of an answer; None else.
    """

    attempt: int
    """Its number, from 1."""
    fault: str
    seconds: float | None = None
    status_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeSent(OfOperation):
    """Attempt number `attempt` is sent beside one that is late, or in place of one that failed.

    Attributes:
        target: The origin, without a default port.
        after: Seconds since the attempt before it was sent.
    """

    attempt: int
    """Its number, from 1."""
    target: str
    after: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HedgeLost(OfOperation):
    """Attempt number `attempt` is not waited for any more: another has a good answer.

    Attributes:
        target: The origin, without a default port.
        seconds: For how long it has been under way.
        is_hedge: Whether it was sent beside another; False for the one that was late.
        is_drained: Whether its answer is read all the same, so that its connection lives.
    """

    attempt: int
    """Its number, from 1."""
    target: str
    seconds: float
    is_hedge: bool
    is_drained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitChanged(OfClient):
    """The bulkhead has `limit` slots from now on, where it had `before`.

    Attributes:
        reason: "drops" (many attempts failed by overload), "latency" (they take longer than usual)
            or "growth" (neither).
    """

    limit: int
    """Slots from now on."""
    before: int
    """Slots until now."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldReject(OfOperation):
    """A strategy that only observes would have turned the operation away, or let it wait.

    Attributes:
        by: "circuit", "bulkhead", "rate_limit", "endpoint" (one that is full) or "outliers" (an
            endpoint would have been ejected).
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

"""What is said of a fault: how it answers, and how its setting is shown."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict


class FaultKind(StrEnum):
    """The faults that answer a call, in their order of precedence."""

    COUNT = "count"
    DURATION = "duration"
    RATE = "rate"


class When(StrEnum):
    """Whether a failed call had its effect: what a client cannot know from the answer."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultAnswer:
    """How a call that is struck is answered.

    Attributes:
        status: The HTTP status.
        retry_after: The `Retry-After` header, sent as it is given; None sends none.
        when: `before` fails in place of the effect; `after` lets the effect happen and only
            then fails, the case that idempotency keys exist for.
    """

    status: int = 500
    retry_after: str | None = None
    when: When = When.BEFORE


@dataclass(frozen=True, slots=True)
class Fault:
    """One call's failure: the fault that made it, and the answer it gives."""

    kind: FaultKind
    answer: FaultAnswer


class AnswerSetting(TypedDict):
    """The part that the settings of all failing faults share."""

    status: int
    """The HTTP status of a failure."""
    retry_after: str | None
    """Its `Retry-After` header, or None."""
    when: str
    """ "before" the call takes effect, or "after"."""


class CountSetting(AnswerSetting):
    """A count fault in force."""

    remaining: int
    """Calls that will still fail."""


class DurationSetting(AnswerSetting):
    """A duration fault in force."""

    seconds_left: float
    """Seconds for which calls will still fail."""


class RateSetting(AnswerSetting):
    """A rate fault in force."""

    percent: float
    """The share of calls that fail, in 100."""
    seed: int | None
    """Where its chance began, or None."""


class FaultsInForce(TypedDict):
    """Every fault as `GET /fail` shows it; None is off."""

    count: CountSetting | None
    """What fails the next calls."""
    duration: DurationSetting | None
    """What fails calls for some time."""
    rate: RateSetting | None
    """What fails a share of the calls."""
    latency_ms: float
    """Milliseconds by which every answer is later; 0 is off."""

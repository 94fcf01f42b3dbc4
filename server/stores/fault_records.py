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
    retry_after: str | None
    when: str


class CountSetting(AnswerSetting):
    """A count fault in force."""

    remaining: int


class DurationSetting(AnswerSetting):
    """A duration fault in force."""

    seconds_left: float


class RateSetting(AnswerSetting):
    """A rate fault in force."""

    percent: float
    seed: int | None


class FaultsInForce(TypedDict):
    """Every fault as `GET /fail` shows it; None is off."""

    count: CountSetting | None
    duration: DurationSetting | None
    rate: RateSetting | None
    latency_ms: float

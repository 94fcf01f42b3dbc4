"""Which calls fail: pure state, with the clock and the dice handed in.

Precedence: latency adds to every call, failed or not. Of the failures, count is asked first,
then duration, then rate; the first to strike answers and the rest are not asked, so a rate's
sequence advances only with the calls that it decides.
"""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .fault_records import (
    AnswerSetting,
    CountSetting,
    DurationSetting,
    Fault,
    FaultAnswer,
    FaultKind,
    FaultsInForce,
    RateSetting,
)


class Dice(Protocol):
    """A source of numbers in [0, 1); `random.Random` is one."""

    def random(self) -> float:
        """Return the next number."""
        ...


@dataclass(slots=True)
class _Count:
    answer: FaultAnswer
    remaining: int

    def strikes(self) -> bool:
        self.remaining -= 1
        return True

    def setting(self) -> CountSetting:
        return {"remaining": self.remaining, **_answer_setting(self.answer)}


@dataclass(slots=True)
class _Duration:
    answer: FaultAnswer
    ends_at: float
    clock: Callable[[], float]

    def seconds_left(self) -> float:
        return max(0.0, self.ends_at - self.clock())

    def strikes(self) -> bool:
        return self.seconds_left() > 0

    def setting(self) -> DurationSetting:
        return {"seconds_left": self.seconds_left(), **_answer_setting(self.answer)}


@dataclass(slots=True)
class _Rate:
    answer: FaultAnswer
    percent: float
    seed: int | None
    dice: Dice

    def strikes(self) -> bool:
        return self.dice.random() * 100 < self.percent

    def setting(self) -> RateSetting:
        return {"percent": self.percent, "seed": self.seed, **_answer_setting(self.answer)}


class Faults:
    """The faults of one server, all off at first. Safe to use from any thread.

    Values are taken as given: their bounds are the HTTP routes' to check.

    Args:
        clock: Seconds that never run backwards.
        dice: Makes one rate fault's source of chance from its seed.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        dice: Callable[[int | None], Dice] = random.Random,
    ) -> None:
        self._clock = clock
        self._dice = dice
        self._lock = threading.Lock()
        self._count: _Count | None = None
        self._duration: _Duration | None = None
        self._rate: _Rate | None = None
        self._latency_ms = 0.0

    def fail_count(self, n: int, answer: FaultAnswer) -> None:
        """Fail the next `n` calls; 0 switches this fault off."""
        with self._lock:
            self._count = _Count(answer, n) if n else None

    def fail_duration(self, seconds: float, answer: FaultAnswer) -> None:
        """Fail every call for `seconds` from now; 0 switches this fault off."""
        with self._lock:
            ends_at = self._clock() + seconds
            self._duration = _Duration(answer, ends_at, self._clock) if seconds else None

    def fail_rate(self, percent: float, answer: FaultAnswer, *, seed: int | None = None) -> None:
        """Fail each call with a chance of `percent` in 100; 0 switches this fault off.

        Args:
            percent: From 0 to 100.
            answer: How a struck call is answered.
            seed: The same seed gives the same sequence of failures; None draws a new one.
        """
        with self._lock:
            self._rate = _Rate(answer, percent, seed, self._dice(seed)) if percent else None

    def add_latency(self, milliseconds: float) -> None:
        """Answer every call later by `milliseconds`; 0 switches this fault off."""
        with self._lock:
            self._latency_ms = milliseconds

    def reset(self) -> None:
        """Switch every fault off."""
        with self._lock:
            self._count = self._duration = self._rate = None
            self._latency_ms = 0.0

    @property
    def latency_ms(self) -> float:
        """How much later every call is answered, in milliseconds."""
        return self._latency_ms

    def strike(self) -> Fault | None:
        """Decide the call at hand: the fault that answers it, or None to let it through."""
        with self._lock:
            for kind, armed in (
                (FaultKind.COUNT, self._count),
                (FaultKind.DURATION, self._duration),
                (FaultKind.RATE, self._rate),
            ):
                if armed is not None and armed.strikes():
                    self._drop_spent()
                    return Fault(kind, armed.answer)
        return None

    def in_force(self) -> FaultsInForce:
        """Return every fault as it stands now."""
        with self._lock:
            self._drop_spent()
            return {
                "count": self._count.setting() if self._count else None,
                "duration": self._duration.setting() if self._duration else None,
                "rate": self._rate.setting() if self._rate else None,
                "latency_ms": self._latency_ms,
            }

    def _drop_spent(self) -> None:
        if self._count is not None and self._count.remaining == 0:
            self._count = None
        if self._duration is not None and self._duration.seconds_left() == 0:
            self._duration = None


def _answer_setting(answer: FaultAnswer) -> AnswerSetting:
    return {"status": answer.status, "retry_after": answer.retry_after, "when": answer.when.value}

"""Counts failures over a sliding window of time, in ten buckets, for `failure_rate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from ...config.models import CircuitBreakerConfig

__all__ = ["FailureWindow"]

_BUCKETS: Final = 10
_DEFAULT_SECONDS: Final = 60.0
_DEFAULT_CALLS: Final = 20


class FailureWindow:
    """The outcomes of the last `seconds`; a bucket, a tenth of them, is forgotten at a time.

    Not safe on its own between threads: the circuit that holds it locks.
    """

    def __init__(self, *, rate: float, seconds: float, minimum_calls: int) -> None:
        self._rate = rate
        self._minimum_calls = minimum_calls
        self._bucket_seconds = seconds / _BUCKETS
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS
        self._tick: int | None = None

    @classmethod
    def of(cls, config: CircuitBreakerConfig) -> Self | None:
        """Return the window a configuration asks for, or None where it asks for none."""
        if config.failure_rate is None:
            return None
        return cls(
            rate=config.failure_rate,
            seconds=config.window_seconds or _DEFAULT_SECONDS,
            minimum_calls=config.minimum_calls or _DEFAULT_CALLS,
        )

    @staticmethod
    def is_same(one: CircuitBreakerConfig, other: CircuitBreakerConfig) -> bool:
        """Return whether two configurations ask for windows of one length, or for none."""
        if one.failure_rate is None or other.failure_rate is None:
            return one.failure_rate is other.failure_rate
        seconds = _DEFAULT_SECONDS
        return (one.window_seconds or seconds) == (other.window_seconds or seconds)

    def reconfigure(self, config: CircuitBreakerConfig) -> None:
        """Go by another rate and another number of calls, over what was counted already."""
        self._rate = config.failure_rate or self._rate
        self._minimum_calls = config.minimum_calls or _DEFAULT_CALLS

    @property
    def failures(self) -> int:
        """The failures in the window, as of the last look at it."""
        return sum(self._failures)

    def add(self, now: float, *, failed: bool) -> None:
        """Count one outcome."""
        bucket = self._forget(now) % _BUCKETS
        self._calls[bucket] += 1
        self._failures[bucket] += failed

    def is_over(self, now: float) -> bool:
        """Return whether enough calls were seen and their share of failures reaches the rate."""
        self._forget(now)
        calls = sum(self._calls)
        # Divided, not multiplied: 7 of 100 are a rate of 0.07, but 0.07 * 100 is above 7.
        return calls >= self._minimum_calls and self.failures / calls >= self._rate

    def clear(self) -> None:
        """Forget everything: the circuit has closed, and what was before no longer counts."""
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS

    def _forget(self, now: float) -> int:
        """Empty the buckets that time has passed, and return the number of the present one."""
        tick = int(now / self._bucket_seconds)
        last = tick if self._tick is None else self._tick
        for step in range(min(tick - last, _BUCKETS)):
            bucket = (tick - step) % _BUCKETS
            self._calls[bucket] = self._failures[bucket] = 0
        self._tick = max(tick, last)
        return self._tick

"""Counts failures over a sliding window of time, in ten buckets, for `failure_rate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from client.config import CircuitBreakerConfig

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

    def add(self, now: float, *, failed: bool) -> None:
        """Count one outcome."""
        self._forget(now)
        bucket = (self._tick or 0) % _BUCKETS
        self._calls[bucket] += 1
        self._failures[bucket] += failed

    def is_over(self, now: float) -> bool:
        """Tell whether enough calls were seen and their share of failures reaches the rate."""
        self._forget(now)
        calls = sum(self._calls)
        return calls >= self._minimum_calls and sum(self._failures) >= self._rate * calls

    def clear(self) -> None:
        """Forget everything: the circuit has closed, and what was before no longer counts."""
        self._calls = [0] * _BUCKETS
        self._failures = [0] * _BUCKETS

    def _forget(self, now: float) -> None:
        tick = int(now / self._bucket_seconds)
        if self._tick is None:
            self._tick = tick
        for step in range(min(tick - self._tick, _BUCKETS)):
            bucket = (tick - step) % _BUCKETS
            self._calls[bucket] = self._failures[bucket] = 0
        self._tick = max(tick, self._tick)

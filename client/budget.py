"""The retry budget: retries are paid for, so that in an outage they cannot become the load.

Source: Finagle's RetryBudget. Every operation deposits `ratio` of a retry, which expires after
ten seconds; besides, `minimum_per_second` retries a second are free, a second's worth at most
in hand, so that a quiet client can retry at all.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from client.config import RetryBudgetConfig

__all__ = ["RetryBudget"]

_WINDOW: Final = 10
"""Seconds after which a deposit expires; deposits are kept by the second."""
_EPSILON: Final = 1e-9


class RetryBudget:
    """A bucket that operations fill and retries empty. Safe to share between threads."""

    def __init__(self, config: RetryBudgetConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._deposits = [0.0] * _WINDOW
        self._second: int | None = None
        rate = config.minimum_per_second
        # Below one a second, a whole retry must still be able to gather.
        self._most_free = max(rate, 1.0) if rate else 0.0
        self._free = self._most_free
        self._refilled_at: float | None = None

    def deposit(self, now: float) -> None:
        """Count one operation that began."""
        with self._lock:
            self._expire(now)
            self._deposits[int(now) % _WINDOW] += self._config.ratio

    def withdraw(self, now: float) -> bool:
        """Pay for one retry, or return False and leave the budget as it was."""
        with self._lock:
            self._expire(now)
            self._refill(now)
            if self._free >= 1 - _EPSILON:
                self._free -= 1
                return True
            return self._withdraw_deposits()

    def _withdraw_deposits(self) -> bool:
        if sum(self._deposits) < 1 - _EPSILON:
            return False
        owed = 1.0
        second = self._second or 0
        # Oldest first: what would expire next is spent first.
        for age in range(_WINDOW - 1, -1, -1):
            slot = (second - age) % _WINDOW
            paid = min(owed, self._deposits[slot])
            self._deposits[slot] -= paid
            owed -= paid
        return True

    def _expire(self, now: float) -> None:
        second = int(now)
        if self._second is None:
            self._second = second
        passed = min(second - self._second, _WINDOW)
        for step in range(passed):
            self._deposits[(second - step) % _WINDOW] = 0.0
        if passed > 0:
            self._second = second

    def _refill(self, now: float) -> None:
        rate = self._config.minimum_per_second
        if self._refilled_at is not None:
            self._free = min(self._most_free, self._free + (now - self._refilled_at) * rate)
        self._refilled_at = now

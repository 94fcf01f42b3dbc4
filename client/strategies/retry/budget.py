"""The retry budget: retries are paid for, so that in an outage they cannot become the load.

Source: Finagle's RetryBudget. Every operation deposits `ratio` of a retry, which expires after
ten seconds; besides, `minimum_per_second` retries a second are free, a second's worth at most
in hand, so that a quiet client can retry at all.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ...runtime.forking import fork_safe
from ...runtime.steady import Steady

if TYPE_CHECKING:
    from ...config.models import RetryBudgetConfig

__all__ = ["RetryBudget"]

_WINDOW: Final = 10
"""Seconds after which a deposit expires; deposits are kept by the second."""
_ONE_RETRY: Final = 1 - 1e-9
"""What a retry costs, less what adding up shares may have lost: 10 * 0.1 is below 1."""


class RetryBudget:
    """A bucket that operations fill and retries empty. Safe to share between threads."""

    def __init__(self, config: RetryBudgetConfig) -> None:
        self._config = config
        self._ratio = config.ratio
        self._lock = fork_safe(threading.RLock())
        self._time = Steady()
        self._deposits = [0.0] * _WINDOW
        self._second: int | None = None
        rate = config.minimum_per_second
        # Below one a second, a whole retry must still be able to gather.
        self._most_free = max(rate, 1.0) if rate else 0.0
        self._free = self._most_free
        self._refilled_at: float | None = None

    def reconfigure(self, config: RetryBudgetConfig, now: float) -> None:
        """Go by another ratio and another minimum; what is in hand stays, up to the new most."""
        with self._lock:
            self._refill(self._time.at(now))
            self._config = config
            self._ratio = config.ratio
            rate = config.minimum_per_second
            self._most_free = max(rate, 1.0) if rate else 0.0
            self._free = min(self._free, self._most_free)

    def deposit(self, now: float) -> None:
        """Count one operation that was admitted."""
        with self._lock:
            now = self._time.at(now)
            second = int(now)
            if second != self._second:
                self._expire(second)
            self._deposits[second % _WINDOW] += self._ratio

    def available(self, now: float) -> float:
        """Return how many retries it would pay for now."""
        with self._lock:
            now = self._time.at(now)
            self._expire(int(now))
            self._refill(now)
            return self._free + sum(self._deposits)

    def withdraw(self, now: float) -> bool:
        """Pay for one retry, or return False and leave the budget as it was."""
        with self._lock:
            now = self._time.at(now)
            second = int(now)
            self._expire(second)
            self._refill(now)
            if self._free >= _ONE_RETRY:
                self._free -= 1
                return True
            return self._withdraw_deposits(second)

    def _withdraw_deposits(self, second: int) -> bool:
        if sum(self._deposits) < _ONE_RETRY:
            return False
        owed = 1.0
        # Oldest first: what would expire next is spent first.
        for age in range(_WINDOW - 1, -1, -1):
            slot = (second - age) % _WINDOW
            paid = min(owed, self._deposits[slot])
            self._deposits[slot] -= paid
            owed -= paid
        return True

    def _expire(self, second: int) -> None:
        """Drop the deposits that time has passed."""
        last = second if self._second is None else self._second
        for step in range(min(second - last, _WINDOW)):
            self._deposits[(second - step) % _WINDOW] = 0.0
        self._second = second

    def _refill(self, now: float) -> None:
        rate = self._config.minimum_per_second
        if self._refilled_at is not None:
            self._free = min(self._most_free, self._free + (now - self._refilled_at) * rate)
        self._refilled_at = now

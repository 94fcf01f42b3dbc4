"""pybreaker by itself, which has a circuit and nothing else: its `call`, when it rejects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import pybreaker

from benchmarks.speed.contenders.contract import FAILURES_TO_OPEN
from benchmarks.speed.contenders.httpx_gets import telling

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.speed.contenders.contract import Contender

__all__ = ["CONTENDERS", "rejecting"]

CONTENDERS: Final[tuple[Contender, ...]] = ()


def rejecting() -> Callable[[], bool]:
    """Return a call that its open circuit rejects, and that tells whether it was rejected."""
    breaker = pybreaker.CircuitBreaker(fail_max=FAILURES_TO_OPEN, reset_timeout=3600)

    # Also for the failure that opened it; from the next on it is a rejection.
    return telling(lambda fail: partial(breaker.call, fail), pybreaker.CircuitBreakerError)

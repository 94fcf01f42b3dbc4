"""httpx + interlock-cb, as in its README: a pipeline of retry, circuit breaker and bulkhead."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import httpx
from interlock import CircuitBreaker, CircuitOpenError, Config, Pipeline
from interlock.errors import InterlockError
from tenacity import retry_if_exception_type, wait_none

from benchmarks.speed.contenders.contract import ATTEMPTS, FAILURES_TO_OPEN, Contender, Setup
from benchmarks.speed.contenders.httpx_gets import decorated, telling

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CONTENDERS", "rejecting"]


def _pipeline(setup: Setup) -> Pipeline:
    builder = Pipeline.builder().retry(
        attempts=ATTEMPTS, wait=wait_none(), retry=retry_if_exception_type(httpx.HTTPError)
    )
    if setup.has_circuit:
        builder = builder.circuit_breaker(CircuitBreaker(name="target"))
    return builder.bulkhead(setup.slots).build()


def rejecting() -> Callable[[], bool]:
    """Return a call that its open circuit rejects, and that tells whether it was rejected."""
    breaker = CircuitBreaker(
        name="rejecting",
        config=Config(minimum_number_of_calls=FAILURES_TO_OPEN, wait_duration_in_open=3600),
    )

    return telling(lambda fail: partial(breaker.call, fail), CircuitOpenError)


_OPEN_ASYNC, _OPEN_BLOCKING = decorated(_pipeline)

CONTENDERS: Final = (
    Contender(
        name="httpx + interlock-cb",
        about=f"bulkhead, circuit at half of at least ten calls failed, {ATTEMPTS} attempts",
        distribution="interlock-cb",
        open_async=_OPEN_ASYNC,
        open_blocking=_OPEN_BLOCKING,
        has_circuit=True,
        failures=(httpx.HTTPError, InterlockError),
    ),
)

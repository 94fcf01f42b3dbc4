"""The clients of a run: async, blocking, and one of them without a circuit.

Behind a circuit an outage costs next to nothing, so there the retry budget has no work. The lane
without a circuit shows that it holds by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from client import ClientConfig, ResilientClient, SyncResilientClient
from client.config.models import (
    BulkheadConfig,
    CircuitBreakerConfig,
    LoggingConfig,
    RetryBudgetConfig,
    RetryConfig,
    TimeoutConfig,
)

if TYPE_CHECKING:
    from benchmarks.soak.journal import Journal
    from benchmarks.soak.plan import Plan

__all__ = ["BUDGET", "AsyncLane", "Lane", "SyncLane", "build_lanes"]

BUDGET: Final = RetryBudgetConfig(ratio=0.2, minimum_per_second=2.0)


@dataclass(frozen=True, slots=True)
class AsyncLane:
    """Callers that are tasks."""

    name: str
    callers: int
    client: ResilientClient


@dataclass(frozen=True, slots=True)
class SyncLane:
    """Callers that are threads."""

    name: str
    callers: int
    client: SyncResilientClient


Lane = AsyncLane | SyncLane


def build_lanes(url: str, plan: Plan, journal: Journal) -> list[Lane]:
    """Make the clients and share out the callers."""
    quarter = plan.callers // 4
    if plan.sync:
        return [
            _sync("threads", plan.callers - quarter, url, plan, journal),
            _sync("threads-no-circuit", quarter, url, plan, journal, has_circuit=False),
        ]
    return [
        _async("async", plan.callers - 2 * quarter, url, plan, journal),
        _async("async-no-circuit", quarter, url, plan, journal, has_circuit=False),
        _sync("threads", quarter, url, plan, journal),
    ]


def _async(  # noqa: PLR0913 - what a lane is made of
    name: str, callers: int, url: str, plan: Plan, journal: Journal, *, has_circuit: bool = True
) -> AsyncLane:
    config = configure(url, callers, plan, has_circuit=has_circuit)
    return AsyncLane(name, callers, ResilientClient(config, listeners=[journal.listener(name)]))


def _sync(  # noqa: PLR0913 - what a lane is made of
    name: str, callers: int, url: str, plan: Plan, journal: Journal, *, has_circuit: bool = True
) -> SyncLane:
    config = configure(url, callers, plan, has_circuit=has_circuit)
    return SyncLane(name, callers, SyncResilientClient(config, listeners=[journal.listener(name)]))


def configure(url: str, callers: int, plan: Plan, *, has_circuit: bool) -> ClientConfig:
    """Return a configuration with fewer slots than callers and timeouts shorter than the stalls."""
    circuit = CircuitBreakerConfig(failure_threshold=5, recovery_timeout=plan.recovery_timeout)
    return ClientConfig(
        base_url=url,
        timeout=TimeoutConfig(connect=1.0, read=0.4, write=0.4, pool=1.0, total=4.0),
        retry=RetryConfig(
            max_attempts=4,
            min_wait_seconds=0.01,
            max_wait_seconds=0.25,
            multiplier=0.04,
            max_retry_after=1.0,
            budget=BUDGET,
        ),
        circuit_breaker=circuit if has_circuit else None,
        bulkhead=BulkheadConfig(max_concurrency=max(2, callers // 4), acquisition_timeout=0.3),
        logging=LoggingConfig(level="CRITICAL"),
        trust_env=False,
    )

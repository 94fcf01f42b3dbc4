"""After chaotic calls in threads and tasks the metrics say what the server's ledger says."""

import asyncio
from collections import Counter
from contextlib import suppress
from typing import Any

import httpx
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from client import (
    AsyncClient,
    Client,
    ClientConfig,
    MyAPIError,
    PrometheusMetrics,
    ResilientClient,
    RetryConfig,
    SyncResilientClient,
    TimeoutConfig,
)
from client.metrics.snapshot import MetricsSnapshot
from server.testing import FailureServer
from tests.unit.threads import together

THREADS = 4
CALLS = 20
PATIENT = TimeoutConfig(connect=None, read=None, write=None, pool=None)
"""An attempt that waits too long for a connection, as on a busy machine, reaches no ledger."""
RETRY: Any = {"max_retries": 3, "backoff_factor": 0.001, "timeout": None}


class Sum:
    """A sink of one's own: keeps the newest of each client."""

    def __init__(self) -> None:
        self.newest: dict[int, MetricsSnapshot] = {}

    def export(self, snapshot: MetricsSnapshot) -> None:
        """Take a snapshot in."""
        self.newest[snapshot.client_id] = snapshot

    def attempts(self) -> int:
        """Of all clients together."""
        return sum(
            point.count
            for taken in self.newest.values()
            for metric in taken.metrics
            if metric.instrument.name == "attempt.duration"
            for point in metric.points.values()
            if not isinstance(point, float | int)
        )


def config(server: FailureServer) -> ClientConfig:
    """One that tries again at once, and often."""
    retry = RetryConfig(max_attempts=4, min_wait_seconds=0, max_wait_seconds=0.002, budget=None)
    return ClientConfig(base_url=server.url, retry=retry, timeout=PATIENT)


def in_threads(server: FailureServer, telemetry: list[object]) -> None:
    """Make calls by both kinds of blocking client."""
    with (
        SyncResilientClient(config(server), telemetry=telemetry) as facade,
        Client(base_url=server.url, telemetry=telemetry, **RETRY) as drop_in,
    ):

        def calls() -> None:
            for _ in range(CALLS):
                with suppress(MyAPIError):
                    facade.get("/msg")
                drop_in.get("/msg")

        together(calls, threads=THREADS)


async def in_tasks(server: FailureServer, telemetry: list[object]) -> None:
    """Make calls by both kinds of async client."""
    async with (
        ResilientClient(config(server), telemetry=telemetry) as facade,
        AsyncClient(base_url=server.url, telemetry=telemetry, **RETRY) as drop_in,
    ):
        calls = [
            call
            for _ in range(THREADS * CALLS)
            for call in (facade.get("/msg"), drop_in.get("/msg"))
        ]
        await asyncio.gather(*calls, return_exceptions=True)


def test_counters_equal_the_ledger(failure_server: FailureServer) -> None:
    """To the last attempt: those of Prometheus and those that a sink is handed."""
    failure_server.latency(2)
    failure_server.fail_rate(35, status=503, seed=7)
    metrics, total = PrometheusMetrics(CollectorRegistry()), Sum()
    telemetry: list[object] = [metrics, total]
    in_threads(failure_server, telemetry)
    asyncio.run(in_tasks(failure_server, telemetry))
    attempts: Counter[str] = Counter()
    operations = 0.0
    for family in text_string_to_metric_families(metrics.text()):
        for sample in family.samples:
            if sample.name == "resilient_http_attempt_duration_seconds_count":
                attempts[sample.labels["outcome"]] += int(sample.value)
            if sample.name == "resilient_http_operation_duration_seconds_count":
                operations += sample.value
    ledger = failure_server.ledger()
    statuses = Counter(status for each in ledger.requests.values() for status in each.statuses)
    assert operations == 4 * THREADS * CALLS
    assert sum(attempts.values()) == total.attempts() == ledger.arrived
    assert attempts["success"] == statuses[200]
    assert attempts["server_error"] == statuses[503] > operations / 4
    assert httpx.codes.OK in statuses

"""Clients in such trouble that somebody is woken for it."""

from contextlib import ExitStack, suppress
from threading import Thread
from typing import Any

import httpx

from client import (
    BulkheadConfig,
    ClientConfig,
    HedgeConfig,
    MyAPIError,
    PrometheusMetrics,
    RateLimitConfig,
    RetryBudgetConfig,
    RetryConfig,
    SyncResilientClient,
    TimeoutConfig,
)
from server.testing import FailureServer
from tests.eventually import PATIENCE_SECONDS

__all__ = ["Emergency"]

_AT_ONCE = RetryConfig(max_attempts=2, min_wait_seconds=0, max_wait_seconds=0)
_UNPAID = RetryConfig(budget=RetryBudgetConfig(ratio=0, minimum_per_second=0))
_AN_HOUR = 3600


class Emergency:
    """One client for each alert that others do not set off in any case, however slow the machine.

    Args:
        server: What those call that depend on time.
        metrics: What their metrics go to.
    """

    def __init__(self, server: FailureServer, metrics: PrometheusMetrics) -> None:
        self._metrics = metrics
        self._open = ExitStack()
        self._again = self._client("again", 503, retry=_AT_ONCE)
        self._unpaid = self._client("unpaid", 503, retry=_UNPAID)
        self._paused = self._client(
            "paused", 429, rate_limit=RateLimitConfig(acquisition_timeout=0), retry=None
        )
        self._slow = self._client(
            "slow", base_url=server.url, timeout=TimeoutConfig(total=0.1), retry=None
        )
        self._late = self._client(
            "late", base_url=server.url, hedge=HedgeConfig(delay=0.001, max_extra_load=0.01)
        )
        self._full = self._client(
            "full", 200, bulkhead=BulkheadConfig(max_concurrency=1, acquisition_timeout=_AN_HOUR)
        )
        self._queueing = Thread(target=self._full.get, args=["http://full.example/"], daemon=True)
        self._left_open = ExitStack()
        self._left_open.enter_context(self._full.stream("GET", "http://full.example/"))
        self._queueing.start()

    def go_on(self) -> None:
        """Make some more calls."""
        for client in (self._again, self._unpaid, self._paused):
            with suppress(MyAPIError):
                client.get("http://down.example/")
        for client in (self._slow, self._late):
            with suppress(MyAPIError):
                client.get("/msg", params={"delay": 150})

    def close(self) -> None:
        """Let go who queues, and close all."""
        self._left_open.close()
        self._queueing.join(PATIENCE_SECONDS)
        self._open.close()

    def _client(self, name: str, status: int | None = None, **settings: Any) -> SyncResilientClient:
        """One without a circuit, that is answered with a status, or by the server."""
        transport = None
        if status is not None:
            answer = {"Retry-After": "60"} if status == httpx.codes.TOO_MANY_REQUESTS else {}
            transport = httpx.MockTransport(lambda _: httpx.Response(status, headers=answer))
        return self._open.enter_context(
            SyncResilientClient(
                ClientConfig(name=name, circuit_breaker=None, **settings),
                transport=transport,
                telemetry=[self._metrics],
            )
        )

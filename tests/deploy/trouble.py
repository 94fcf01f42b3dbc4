"""Clients in all the trouble that the dashboard shows and the alerts tell of."""

from contextlib import suppress
from threading import Thread
from typing import ClassVar

import httpx

from client import (
    AdaptiveLimitConfig,
    AnswerFault,
    BalancingConfig,
    BulkheadConfig,
    CacheConfig,
    ChaosConfig,
    CircuitBreakerConfig,
    ClientConfig,
    HedgeConfig,
    MyAPIError,
    OutlierConfig,
    PrometheusMetrics,
    RateLimitConfig,
    RetryBudgetConfig,
    RetryConfig,
    SyncResilientClient,
    TimeoutConfig,
)
from client.events import CircuitOpened
from server.testing import FailureServer
from tests.deploy.emergency import Emergency

__all__ = ["Raising", "Trouble"]


class Raising:
    """A listener that raises now and then."""

    listens_to: ClassVar = {CircuitOpened}

    def __call__(self, event: object) -> None:
        """Raise."""
        raise LookupError


def _busy(request: httpx.Request) -> httpx.Response:
    """Ask for a pause, where the host is said to be busy."""
    if request.url.host == "busy.example":
        return httpx.Response(429, headers={"Retry-After": "1"})
    return httpx.Response(200)


def _one_of_two(request: httpx.Request) -> httpx.Response:
    """Answer what may be kept, but for a server that is ill."""
    if request.url.host == "ill.example":
        return httpx.Response(503)
    return httpx.Response(200, headers={"Cache-Control": "max-age=60"})


class Trouble:
    """Clients that go through everything there is to see, and to be woken for.

    Args:
        server: What it calls.
        metrics: What its metrics go to.
    """

    def __init__(self, server: FailureServer, metrics: PrometheusMetrics) -> None:
        self._server = server
        self._number = 0
        self.emergency = Emergency(server, metrics)

        config = ClientConfig(
            name="ledger",
            base_url=server.url,
            retry=RetryConfig(
                max_attempts=2,
                min_wait_seconds=0.01,
                max_wait_seconds=0.01,
                budget=RetryBudgetConfig(ratio=0.1, minimum_per_second=5),
            ),
            bulkhead=BulkheadConfig(max_concurrency=1),
            circuit_breaker=CircuitBreakerConfig(failure_threshold=5, recovery_timeout=0.2),
        )
        self.client = SyncResilientClient(config, telemetry=[metrics], listeners=[Raising()])
        self.hedged = SyncResilientClient(
            ClientConfig(
                name="hedged",
                base_url=server.url,
                hedge=HedgeConfig(delay=0.001, max_extra_load=1),
            ),
            telemetry=[metrics],
        )
        self.other = SyncResilientClient(
            ClientConfig(name="many", timeout=TimeoutConfig(total=10)),
            transport=httpx.MockTransport(lambda _: httpx.Response(200)),
            telemetry=[metrics],
        )
        self.limited = SyncResilientClient(
            ClientConfig(name="limited", retry=None, rate_limit=RateLimitConfig(rate=200)),
            transport=httpx.MockTransport(_busy),
            telemetry=[metrics],
        )
        adaptive = AdaptiveLimitConfig(initial_limit=1_000_000, window=0.01, minimum_samples=1)
        bulkhead = BulkheadConfig(max_concurrency=1_000_000, adaptive=adaptive)
        self.overloaded = SyncResilientClient(
            ClientConfig(name="stock", retry=None, circuit_breaker=None, bulkhead=bulkhead),
            transport=httpx.MockTransport(lambda _: httpx.Response(503)),
            telemetry=[metrics],
        )

        observing = CircuitBreakerConfig(failure_threshold=1, recovery_timeout=60, mode="observe")
        faults = ChaosConfig(faults=[AnswerFault(503)], injection_rate=1)
        self.chaotic = SyncResilientClient(
            ClientConfig(name="drill", retry=None, circuit_breaker=observing, chaos=faults),
            transport=httpx.MockTransport(lambda _: httpx.Response(200)),
            telemetry=[metrics],
            fallback=httpx.Response(200),
            allow_chaos=True,
        )

        outliers = OutlierConfig(consecutive_failures=1, base_ejection=0.05, slow_start=0)
        self.spread = SyncResilientClient(
            ClientConfig(
                name="spread",
                endpoints=["http://ill.example", "http://well.example"],
                balancing=BalancingConfig(policy="ordered", outliers=outliers),
                retry=RetryConfig(min_wait_seconds=0.01, max_wait_seconds=0.01),
                cache=CacheConfig(),
            ),
            transport=httpx.MockTransport(_one_of_two),
            telemetry=[metrics],
        )

    def go_on(self) -> None:
        """Make some more calls."""
        self.client.circuit.reset()
        self._server.fail_count(1, status=503)
        self._call()
        self._server.latency(20)  # so that those who come at once do queue
        queueing = [Thread(target=self._call) for _ in range(3)]
        for each in queueing:
            each.start()
        for each in queueing:
            each.join()
        self.hedged.get("/msg")
        self._server.reset()
        self._server.fail_count(20, status=503)
        for _ in range(8):
            self._call()
        self._server.reset()
        for _ in range(120):
            self._number += 1
            self.other.get(f"http://host-{self._number}.example/")
        for host in ("calm", "calm", "busy"):
            with suppress(MyAPIError):
                self.limited.get(f"http://{host}.example/")
        with suppress(MyAPIError):
            self.overloaded.get("http://stock.example/")
        self.chaotic.get("http://drill.example/")
        for _ in range(2):
            self.spread.get(f"/{self._number}")
        self.emergency.go_on()

    def close(self) -> None:
        """Close all."""
        self.emergency.close()
        self.spread.close()
        self.chaotic.close()
        self.overloaded.close()
        self.limited.close()
        self.hedged.close()
        self.client.close()
        self.other.close()

    def _call(self) -> None:
        with suppress(MyAPIError):
            self.client.get("/msg")

"""The dashboard and the alert rules: each query names metrics that exist, and finds them."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import Any, ClassVar

import httpx
import pytest
from prometheus_client import CollectorRegistry

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
from client.metrics import instruments, strategy_instruments
from client.metrics.instruments import Instrument
from client.telemetry.prometheus.names import label_names, sample_names
from server.testing import FailureServer
from tests.deploy.prometheus import DEPLOY, Prometheus, program, running_prometheus
from tests.eventually import eventually
from tests.served_apps import served_apps

pytestmark = pytest.mark.any_python

ALERTS = DEPLOY / "prometheus-alerts.yml"
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana-dashboard.json").read_text("utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
NAMES = {
    name: {*label_names(each), *(["le"] if name.endswith("_bucket") else [])}
    for each in (*vars(instruments).values(), *vars(strategy_instruments).values())
    if isinstance(each, Instrument)
    for name in sample_names(each)
}
USED = re.compile(r"(resilient_http_\w+)(?:\{([^}]*)\})?")


def used_in(text: str) -> Iterator[tuple[str, set[str]]]:
    """The metrics that queries use, each with the labels that it is chosen by."""
    for name, chosen in USED.findall(text):
        yield name, set(re.findall(r"(\w+)\s*[=!]~?", chosen)) - {"job"}


@pytest.mark.parametrize("text", [*QUERIES, ALERTS.read_text("utf-8")], ids=lambda text: text[:60])
def test_every_query_names_what_there_is(text: str) -> None:
    """Metrics, and labels of them."""
    found = list(used_in(text))
    assert found
    for name, labels in found:
        assert name in NAMES
        assert labels <= NAMES[name]


def test_every_metric_is_shown() -> None:
    """In one panel at least."""
    shown = {name for query in QUERIES for name, _ in used_in(query)}
    forms = (
        set(sample_names(each))
        for each in (*vars(instruments).values(), *vars(strategy_instruments).values())
        if isinstance(each, Instrument)
    )
    assert [form for form in forms if not form & shown] == []


def test_the_dashboard_is_one() -> None:
    """Panels have numbers of their own, and do not overlap."""
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(numbers)) == len(numbers)
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "rules", ALERTS.name],
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "prometheus-alerts.test.yml"],
    ],
    ids=["check", "config", "test"],
)
def test_promtool_finds_nothing(arguments: list[str]) -> None:
    """The rules are right, and fire when they should."""
    done = subprocess.run(
        [program("promtool"), *arguments], cwd=DEPLOY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


def test_every_alert_is_tested() -> None:
    """It fires in one test at least."""
    names = re.findall(r"alert: (\w+)", ALERTS.read_text("utf-8"))
    tests = (DEPLOY / "prometheus-alerts.test.yml").read_text("utf-8")
    assert names
    assert all(re.search(rf"alertname: {name}\n\s+exp_alerts:\n", tests) for name in names)


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
    """A client of the failure server that goes through everything there is to see.

    Args:
        server: What it calls.
        metrics: What its metrics go to.
    """

    def __init__(self, server: FailureServer, metrics: PrometheusMetrics) -> None:
        self._server = server
        self._number = 0

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

    def close(self) -> None:
        """Close all."""
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


@pytest.fixture(scope="module")
def prometheus_of_trouble(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Prometheus, Trouble]]:
    """A Prometheus that scrapes a client in trouble."""
    program("prometheus")
    metrics = PrometheusMetrics(CollectorRegistry())
    folder = tmp_path_factory.mktemp("prometheus")
    with served_apps() as serve, FailureServer() as server:
        trouble = Trouble(server, metrics)
        scraped = serve(metrics.asgi_app()).removeprefix("http://")
        with running_prometheus(folder, scraped) as prometheus:
            yield prometheus, trouble
            trouble.close()


def test_every_query_finds_something(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """In a real Prometheus, while a client is in trouble."""
    prometheus, trouble = prometheus_of_trouble
    left = {
        re.sub(r"\$(job|client|target)\b", ".*", query.replace("$__rate_interval", "30s"))
        for query in QUERIES
    }

    def all_have_answered() -> bool:
        trouble.go_on()
        left.difference_update([query for query in left if prometheus.values(query)])
        return not left

    eventually(all_have_answered, lambda: f"nothing is found by {sorted(left)}")


def test_every_alert_can_be_worked_out(prometheus_of_trouble: tuple[Prometheus, Trouble]) -> None:
    """By a real Prometheus."""
    prometheus, _ = prometheus_of_trouble
    eventually(lambda: set(prometheus.rules().values()) == {"ok"}, lambda: str(prometheus.rules()))

"""What Prometheus is shown of the clients of a process."""

import asyncio
import gc
import inspect
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import anyio
import pytest
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
    make_asgi_app,
)
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from client import PrometheusMetrics
from client.metrics.instruments import (
    BULKHEAD_IN_USE,
    CIRCUIT_STATE,
    LISTENER_ERRORS,
    RETRIES,
    RETRY_WAIT,
    Instrument,
)
from client.metrics.targets import OTHER
from client.telemetry.prometheus.collector import collector_of
from client.telemetry.prometheus.families import ClientsFamily
from client.telemetry.prometheus.library import observe_all
from client.telemetry.sinks import Joined
from tests.eventually import PATIENCE_SECONDS
from tests.unit.metrics.counting import TARGET, Counting

pytestmark = pytest.mark.usefixtures("measured_programs")


class Standing:
    """A part of a client, with gauges."""

    def __init__(self, *gauges: tuple[Instrument, tuple[str, ...], float]) -> None:
        self.stands = gauges

    def gauges(self, now: float) -> tuple[tuple[Instrument, tuple[str, ...], float], ...]:
        """Return what was given."""
        return self.stands


class Scraped:
    """Some clients, and what is shown of them."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = PrometheusMetrics(self.registry)

    def client(self) -> Counting:
        """One more client."""
        counting = Counting()
        self.metrics.attach(counting.metrics)
        return counting

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """What is shown, by name and labels; twice the same is an error."""
        found: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
        for family in text_string_to_metric_families(self.metrics.text()):
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                assert key not in found
                found[key] = sample.value
        return found

    def value(self, name: str, **labels: str) -> float | None:
        """One value of the client."""
        return self.samples().get((name, frozenset({"client": "orders", **labels}.items())))


def printed_by(program: str) -> str:
    """What a process of its own prints."""
    command = [sys.executable, "-c", program]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_family_has_what_the_library_s_has() -> None:
    """And no more."""
    family = ClientsFamily(RETRY_WAIT, {})
    assert family.samples == []
    assert not hasattr(family, "nonsense")


def test_each_kind_has_its_form() -> None:
    """By the rules for names and units."""
    scraped = Scraped()
    counting = scraped.client()
    counting.operation(attempts=3)
    counting.metrics.add(RETRIES, (TARGET, "server_error", "scheduled"), 2)
    counting.metrics.add(RETRY_WAIT, (TARGET,), 1.5)
    counting.standing.measured = (Standing((BULKHEAD_IN_USE, (), 4)),)
    operation = {"target": TARGET, "method": "GET", "outcome": "success"}
    name = "resilient_http_operation_duration_seconds"
    assert scraped.value(f"{name}_count", **operation) == 1
    assert scraped.value(f"{name}_sum", **operation) == 0.5
    assert scraped.value(f"{name}_bucket", **operation, le="0.25") == 0
    assert scraped.value(f"{name}_bucket", **operation, le="0.5") == 1
    assert scraped.value(f"{name}_bucket", **operation, le="+Inf") == 1
    made = "resilient_http_attempts_per_operation_bucket"
    assert scraped.value(made, target=TARGET, le="3.0") == 1
    decided = {"target": TARGET, "reason": "server_error", "decision": "scheduled"}
    assert scraped.value("resilient_http_retries_total", **decided) == 2
    assert scraped.value("resilient_http_retry_wait_seconds_total", target=TARGET) == 1.5
    assert scraped.value("resilient_http_bulkhead_in_use") == 4
    text = scraped.metrics.text()
    assert "# TYPE resilient_http_bulkhead_in_use gauge" in text
    assert "# HELP resilient_http_bulkhead_in_use Slots of the bulkhead that are taken" in text


def test_clients_of_one_name_are_added_up() -> None:
    """Of a circuit's states the highest counts; Prometheus refuses a series that comes twice."""
    scraped = Scraped()
    clients = [scraped.client(), scraped.client()]
    for counting in clients:
        counting.operation()
        gauges = Standing((BULKHEAD_IN_USE, (), 2), (CIRCUIT_STATE, (TARGET, "open"), 1))
        counting.standing.measured = (gauges,)
    operation = {"target": TARGET, "method": "GET", "outcome": "success"}
    assert scraped.value("resilient_http_operation_duration_seconds_count", **operation) == 2
    assert scraped.value("resilient_http_bulkhead_in_use") == 4
    assert scraped.value("resilient_http_circuit_state", target=TARGET, state="open") == 1


def test_counters_outlive_their_client() -> None:
    """One that went back would look like a restart; what stands now is gone with it."""
    scraped = Scraped()
    for expected in (1, 2):
        counting = scraped.client()
        counting.standing.measured = (Standing((BULKHEAD_IN_USE, (), 4)),)
        counting.metrics.add(LISTENER_ERRORS, ("log",))
        assert scraped.value("resilient_http_bulkhead_in_use") == 4
        del counting
        gc.collect()
        assert scraped.value("resilient_http_listener_errors_total", listener="log") == expected
        assert scraped.value("resilient_http_bulkhead_in_use") is None


def test_names_of_clients_that_are_gone_are_bounded() -> None:
    """Those that went last are kept."""
    scraped = Scraped()
    for number in range(150):
        counting = Counting(client=f"client-{number}")
        scraped.metrics.attach(counting.metrics)
        counting.metrics.add(LISTENER_ERRORS, ("log",))
        del counting
    clients = {dict(labels)["client"] for _, labels in scraped.samples()}
    assert clients == {f"client-{number}" for number in range(50, 150)}


def test_targets_of_clients_that_are_gone_are_bounded() -> None:
    """A client may be made for each call, and each call go elsewhere; nothing is lost."""
    scraped = Scraped()
    for number in range(150):
        counting = scraped.client()
        url = f"http://host-{number}.example/"
        counting.metrics.note(("", url, "GET", 200, 0.1, 0.1, 1000.0))
        counting.metrics.add(LISTENER_ERRORS, ("log",))
        del counting
    samples = scraped.samples()
    name = "resilient_http_operation_duration_seconds_count"
    counts = {dict(labels)["target"]: samples[name, labels] for of, labels in samples if of == name}
    assert counts.pop(OTHER) == 50
    assert counts == {f"http://host-{number}.example": 1 for number in range(100)}
    assert scraped.value("resilient_http_listener_errors_total", listener="log") == 150


def test_several_objects_for_one_registry_are_as_good_as_one() -> None:
    """Nothing is shown twice."""
    scraped = Scraped()
    counting = scraped.client()
    other = Counting()
    PrometheusMetrics(scraped.registry).attach(other.metrics)
    for each in (counting, other):
        each.metrics.add(LISTENER_ERRORS, ("log",))
    assert scraped.value("resilient_http_listener_errors_total", listener="log") == 2
    assert scraped.metrics.text() == generate_latest(scraped.registry).decode()


def test_a_client_that_has_it_twice_counts_once() -> None:
    """The same object, or another for the same registry."""
    scraped, counting = Scraped(), Counting()
    again = PrometheusMetrics(scraped.registry)
    Joined([scraped.metrics, again, scraped.metrics], counting.metrics, counting)
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    assert scraped.value("resilient_http_listener_errors_total", listener="log") == 1


def test_what_a_scrape_needs_is_imported_before() -> None:
    """A process that forks in the middle of an import has children that wait for its end."""
    program = (
        "import sys\n"
        "from client import PrometheusMetrics\n"
        "metrics = PrometheusMetrics()\n"
        "before = set(sys.modules)\n"
        "metrics.text(), metrics.asgi_app()\n"
        "print(sorted(set(sys.modules) - before))"
    )
    assert printed_by(program) == "[]\n"


def test_labels_are_escaped() -> None:
    """Whatever a name holds."""
    scraped = Scraped()
    client = 'a"b\\c\nd{}=,é'
    counting = Counting(client=client)
    scraped.metrics.attach(counting.metrics)
    counting.metrics.add(LISTENER_ERRORS, ("log",))
    [(_, labels)] = scraped.samples()
    assert dict(labels) == {"client": client, "listener": "log"}


def test_series_are_bounded() -> None:
    """Whatever hosts and methods are called."""
    scraped = Scraped()
    counting = scraped.client()
    for number in range(10_000):
        url = f"http://host-{number}.example/"
        counting.metrics.note(("", url, f"METHOD-{number}", 200, 0.1, 0.1, 1000.0))
    samples = scraped.samples()
    counts = [key for key in samples if key[0].endswith("_count")]
    assert len(counts) == 3 * 101
    assert sum(samples[key] for key in counts if "operation_duration" in key[0]) == 10_000
    assert {dict(labels).get("method", OTHER) for _, labels in counts} == {OTHER}
    assert scraped.value("resilient_http_telemetry_series_overflow_total") == 9_900


def test_the_default_registry_is_that_of_the_library() -> None:
    """So that an app that is mounted already shows it. In a process of its own: it is for ever."""
    program = (
        "from client.telemetry import PrometheusMetrics\n"
        "from client import SyncResilientClient\n"
        "import prometheus_client, httpx\n"
        "transport = httpx.MockTransport(lambda request: httpx.Response(200))\n"
        "client = SyncResilientClient(transport=transport, telemetry=[PrometheusMetrics()])\n"
        "client.get('http://a.example/')\n"
        "print(prometheus_client.generate_latest().decode())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert 'resilient_http_attempts_per_operation_count{client="default"' in shown.stdout
    assert "python_info" in shown.stdout


async def ask(app: Any, accept: str, query: bytes = b"") -> tuple[int, str, str]:
    """Status, media type and body of what an ASGI app answers."""
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b""}

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    headers = [(b"accept", accept.encode()), (b"accept-encoding", b"gzip")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": query,
        "headers": headers,
    }
    await app(scope, receive, send)
    [(kind, value)] = told[0]["headers"]
    assert kind.lower() == b"content-type"
    return told[0]["status"], value.decode(), told[1]["body"].decode()


@pytest.mark.parametrize("query", [b"", b"name[]=resilient_http_operation_duration_seconds_sum"])
@pytest.mark.parametrize(
    ("accept", "kind", "end"),
    [
        ("*/*", "text/plain", ""),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", "# EOF\n"),
        ("text/plain; version=1.0.0; escaping=allow-utf-8", "text/plain", ""),
        ("text/plain; version=1.0.0; escaping=dots", "text/plain", ""),
    ],
    ids=["text", "openmetrics", "utf-8", "dots"],
)
def test_an_app_answers_in_the_format_that_is_asked_for(
    accept: str, kind: str, end: str, query: bytes
) -> None:
    """To the letter as the library's own does with the same registry."""
    scraped = Scraped()
    Counter("theirs", "Of the app", registry=scraped.registry).inc()
    counting = Counting(client='a"b\\c\nd')
    scraped.metrics.attach(counting.metrics)
    for _ in range(3):
        counting.operation()
    counting.metrics.add(RETRIES, (TARGET, "server_error", "scheduled"), 1_234_567)
    counting.standing.measured = (Standing((BULKHEAD_IN_USE, (), 4)),)
    status, told, body = asyncio.run(ask(scraped.metrics.asgi_app(), accept, query))
    assert (status, told.partition(";")[0]) == (200, kind)
    assert body.endswith(end)
    app = make_asgi_app(scraped.registry, disable_compression=True)
    assert asyncio.run(ask(app, accept, query)) == (status, told, body)


def test_large_numbers_are_written_as_the_library_does() -> None:
    """From a million on with an exponent."""
    scraped = Scraped()
    counting = scraped.client()
    for number in (999_999, 1_000_000, 123_456_789):
        counting.operation()
        [histogram] = counting.metrics._operations.values()
        histogram.counts[0] = number
        assert scraped.metrics.text() == generate_latest(scraped.registry).decode()


class Asked(Collector):
    """Of the app's own: notes the thread that asks for it."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def collect(self) -> list[Metric]:
        """Return nothing."""
        self.threads.append(threading.get_ident())
        return []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_event_loop_goes_on_while_the_text_is_put_together(backend: str) -> None:
    """By a thread that is free also where endpoints hold all of those that there are for them."""
    scraped = Scraped()
    asked = Asked()
    scraped.registry.register(asked)
    app = scraped.metrics.asgi_app()

    async def endpoint(let_go: threading.Event) -> None:
        await anyio.to_thread.run_sync(let_go.wait)

    async def scrape() -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 1
        let_go = threading.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(endpoint, let_go)
            await anyio.lowlevel.checkpoint()
            try:
                with anyio.fail_after(PATIENCE_SECONDS):
                    await ask(app, "*/*")
                    await ask(app, "*/*")
            finally:
                let_go.set()

    anyio.run(scrape, backend=backend)
    assert len(asked.threads) == 2
    assert threading.get_ident() not in asked.threads


def test_a_scrape_whose_caller_has_gone_is_answered_to_nobody() -> None:
    """A server says so in the place of the request."""
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        told.append(message)

    app: Any = Scraped().metrics.asgi_app()
    asyncio.run(app({"type": "http", "headers": []}, receive, send))
    assert told == []


def test_servers_see_that_it_is_an_app_of_today() -> None:
    """One that is no coroutine function is called as ASGI 2 has it."""
    assert inspect.iscoroutinefunction(Scraped().metrics.asgi_app())
    assert not isinstance(Scraped().metrics.asgi_app(), partial)


def test_an_app_answers_http_alone() -> None:
    """A server that asks whether it wants to hear of its start is told that it does not."""
    app: Any = Scraped().metrics.asgi_app()
    with pytest.raises(ValueError, match="lifespan: this app answers requests by HTTP alone"):
        asyncio.run(app({"type": "lifespan"}, None, None))


def test_what_is_no_registry_is_refused() -> None:
    """With what is allowed."""
    registry: Any = "default"
    with pytest.raises(TypeError, match=r"give a prometheus_client\.CollectorRegistry"):
        PrometheusMetrics(registry)


def test_a_registry_whose_names_are_taken_is_refused() -> None:
    """As the library does it."""
    registry = CollectorRegistry()
    Counter("resilient_http_retries", "Of somebody else", registry=registry)
    with pytest.raises(ValueError, match="resilient_http_retries"):
        PrometheusMetrics(registry)


def test_a_forked_child_shows_nothing_of_its_parent() -> None:
    """Nor of those clients that are gone."""
    scraped = Scraped()
    counting = scraped.client()
    counting.operation()
    del counting
    gc.collect()
    assert scraped.samples()
    collector_of(scraped.registry).begin_anew()
    assert scraped.samples() == {}


def test_it_makes_no_thread() -> None:
    """Only a scrape makes it work."""
    assert not hasattr(Scraped().metrics, "export")
    counting = Counting()
    Joined([Scraped().metrics], counting.metrics, counting)


def test_without_the_library_the_error_names_the_extra() -> None:
    """When it is made, and not before."""
    program = (
        "import sys; sys.modules['prometheus_client'] = None\n"
        "from client import PrometheusMetrics\n"
        "from client.telemetry import *\n"
        "try: PrometheusMetrics()\n"
        "except ImportError as error: print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "pip install 'resilient-http-client[prometheus]'" in told.stdout


def test_several_values_are_observed_at_once() -> None:
    """Also where the library's histogram has other names inside: one by one then."""

    class Plain:
        """Has nothing but what is documented."""

        def __init__(self) -> None:
            self.seen: list[float] = []

        def observe(self, amount: float) -> None:
            """Count one value."""
            self.seen.append(amount)

    plain: Any = Plain()
    observe_all(plain, (1.0, 2.0), [0.5, 2.0, 3.0])
    assert plain.seen == [0.5, 2.0, 3.0]
    registry = CollectorRegistry()
    histogram = Histogram("x", "y", buckets=(1.0, 2.0), registry=registry)
    observe_all(histogram, (1.0, 2.0), [0.5, 2.0, 3.0])
    observe_all(histogram, (1.0, 2.0), [1.0])
    found = {le: registry.get_sample_value("x_bucket", {"le": le}) for le in ("1.0", "2.0", "+Inf")}
    assert found == {"1.0": 2, "2.0": 3, "+Inf": 4}
    assert registry.get_sample_value("x_sum") == 6.5

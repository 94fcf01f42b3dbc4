"""The FastAPI example: started, served, deprived of its upstream, and shut down."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from client import ClientConfig, ResilientClient
from examples.fastapi_app import app, upstream
from server.testing import FailureServer
from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS, eventually

RUNNING = re.compile(r"running on (http://\S+)")
THRESHOLD = 3
YEAR = 31_536_000
HOUR = 3_600
"""The longest that the failure server fails by itself."""
QUICK = {
    "RESILIENT_CLIENT_RETRY__MIN_WAIT_SECONDS": "0",
    "RESILIENT_CLIENT_RETRY__MAX_WAIT_SECONDS": "0",
    "RESILIENT_CLIENT_CIRCUIT_BREAKER__FAILURE_THRESHOLD": str(THRESHOLD),
}
RECOVERY_TIMEOUT = "RESILIENT_CLIENT_CIRCUIT_BREAKER__RECOVERY_TIMEOUT"


@dataclass
class Service:
    """The running example, a caller of it, and what it has printed so far."""

    process: subprocess.Popen[str]
    url: str
    printed: list[str] = field(default_factory=list[str])

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Call it."""
        return httpx.get(
            f"{self.url}{path}", headers=headers, timeout=PATIENCE_SECONDS, trust_env=False
        )

    def stop(self) -> int:
        """End it as an orchestrator does, and return its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)


@contextmanager
def serving(base_url: str, recovery: float = 0.2) -> Iterator[Service]:
    """The example under uvicorn, on a free port of loopback."""
    command = [sys.executable, "-m", "uvicorn", "examples.fastapi_app:app", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={
            **os.environ,
            **QUICK,
            RECOVERY_TIMEOUT: str(recovery),
            "RESILIENT_CLIENT_BASE_URL": base_url,
        },
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stderr is not None
            printed: list[str] = []
            for line in process.stderr:
                printed.append(line)
                if running := RUNNING.search(line):
                    break
            else:
                pytest.fail(f"it did not start:\n{''.join(printed)}")
            reader = threading.Thread(target=printed.extend, args=(process.stderr,))
            reader.start()
            yield Service(process, running[1], printed)
        finally:
            process.kill()
        reader.join()


@pytest.fixture(scope="module")
def _upstream() -> Iterator[FailureServer]:
    with FailureServer() as server:
        yield server


@pytest.fixture(scope="module")
def _service(_upstream: FailureServer) -> Iterator[Service]:
    with serving(_upstream.url) as service:
        yield service


@pytest.fixture
def server(_upstream: FailureServer) -> FailureServer:
    """The upstream of the example, as new."""
    _upstream.clear()
    return _upstream


@pytest.fixture
def service(_service: Service, server: FailureServer) -> Service:
    """The running example, with its circuit closed."""
    eventually(lambda: _service.get("/message").status_code == httpx.codes.OK)
    server.clear()
    return _service


def test_it_serves_and_hands_its_callers_id_on(service: Service, server: FailureServer) -> None:
    """One id for the call in the logs of all three."""
    response = service.get("/message", **{"X-Request-ID": "from-our-caller"})
    assert response.json()["request_id"] == "from-our-caller"
    assert server.ledger().requests["from-our-caller"].arrived == 1


def test_an_order_is_placed_once_though_the_answer_is_lost(
    service: Service, server: FailureServer
) -> None:
    """The retry is known by its request id."""
    server.fail_count(1, when="after")
    response = httpx.put(f"{service.url}/orders/7", trust_env=False)
    entry = server.ledger().requests["order-7"]
    assert response.json()["message_id"] == entry.message_id
    assert (entry.arrived, entry.took_effect) == (2, 1)


def test_a_bad_id_is_the_callers_mistake(service: Service, server: FailureServer) -> None:
    """It is refused at the door."""
    response = service.get("/message", **{"X-Request-ID": "no blanks"})
    assert response.status_code == httpx.codes.UNPROCESSABLE_ENTITY
    assert server.ledger().arrived == 0


def test_it_fails_fast_while_its_upstream_fails(server: FailureServer) -> None:
    """What is turned away never reaches the upstream; this process calls itself well."""
    server.fail_duration(HOUR, status=503)
    with serving(server.url, recovery=YEAR) as service:  # no probe comes between
        failed = [service.get("/message") for _ in range(THRESHOLD)]
        rejected = service.get("/message")
        live, ready = service.get("/health/live"), service.get("/health/ready")
        exposition = service.get("/metrics/").text
        state = service.get("/resilience/state.json").json()
    ledger = server.ledger()
    assert {response.status_code for response in failed} == {503}
    assert all(response.json()["request_id"] in ledger.requests for response in failed)
    assert "CircuitOpenError" in rejected.json()["detail"]
    assert rejected.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert 1 <= int(rejected.headers["Retry-After"]) <= YEAR
    assert rejected.json()["request_id"] not in ledger.requests
    assert live.json() == {"status": "ok"}
    assert ready.status_code == httpx.codes.OK
    assert (ready.json()["status"], ready.json()["ready"]) == ("degraded", True)
    of_rejections = 'resilient_http_rejections_total{by="circuit",client="default",'
    assert f'{of_rejections}target="{server.url}"}} 1.0' in exposition
    assert "open" in str(state)


def test_it_survives_an_upstream_that_is_gone_and_comes_back(
    service: Service, server: FailureServer
) -> None:
    """Nothing listens any more, then something does."""
    server.stop()
    try:
        failed = [service.get("/message") for _ in range(THRESHOLD)]
        health = service.get("/health/ready").json()
    finally:
        server.start()
    assert {response.status_code for response in failed} == {502}
    assert (health["status"], health["ready"]) == ("degraded", True)
    eventually(lambda: service.get("/message").status_code == httpx.codes.OK)
    assert service.get("/health/ready").json()["status"] == "ok"


def test_its_page_is_there(service: Service) -> None:
    """For a browser on this machine, which fetches nothing from elsewhere."""
    shown = service.get("/resilience/")
    assert shown.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in shown.headers["content-security-policy"]


def test_it_shuts_down_cleanly(server: FailureServer) -> None:
    """With connections open on both sides."""
    with serving(server.url) as service, httpx.Client(trust_env=False) as caller:
        assert caller.get(f"{service.url}/message").status_code == httpx.codes.OK
        assert service.stop() in {0, -signal.SIGTERM}  # uvicorn ends as the signal would have
    printed = "".join(service.printed)
    assert "Application shutdown complete." in printed
    assert "Traceback" not in printed
    assert "Warning" not in printed


@pytest.mark.parametrize(
    ("happens", "status", "retry_after"),
    [
        (httpx.Response(400), 502, None),
        (httpx.Response(401), 502, None),
        (httpx.Response(404), 404, None),
        (httpx.Response(408), 504, None),
        (httpx.Response(429, headers={"Retry-After": "7"}), 503, "7"),
        (httpx.Response(500), 502, None),
        (httpx.Response(503), 503, "1"),
        (httpx.Response(504, headers={"Retry-After": "0"}), 503, "1"),
        (httpx.ReadTimeout("silence"), 504, None),
        (httpx.ReadError("reset"), 502, None),
        (httpx.DecodingError("no gzip"), 502, None),
    ],
    ids=repr,
)
def test_each_failure_has_its_answer(
    happens: httpx.Response | Exception, status: int, retry_after: str | None
) -> None:
    """And none of them says where the upstream lives."""

    def handler(_request: httpx.Request) -> httpx.Response:
        if isinstance(happens, Exception):
            raise happens
        return happens

    response = asyncio.run(_get_message(httpx.MockTransport(handler)))
    assert response.status_code == status
    assert response.headers.get("Retry-After") == retry_after
    assert response.json()["request_id"] == "order-1"
    assert "internal" not in response.text


async def _get_message(transport: httpx.AsyncBaseTransport) -> httpx.Response:
    config = ClientConfig(base_url="https://internal.example", retry=None)
    async with (
        ResilientClient(config, transport=transport) as client,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://us") as caller,
    ):
        app.dependency_overrides[upstream] = lambda: client
        try:
            return await caller.get("/message", headers={"X-Request-ID": "order-1"})
        finally:
            app.dependency_overrides.clear()


def test_traces_come_to_the_terminal() -> None:
    """A span is a line: its trace, what it is, how it ended."""
    program = """
from examples.traced_app import provider
tracer = provider.get_tracer("test")
with tracer.start_as_current_span("whole"):
    with tracer.start_as_current_span("GET", attributes={"http.request.resend_count": 2}):
        pass
"""
    command = [sys.executable, "-c", program]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(
        r"trace (\w{32}): INTERNAL GET, resend 2, UNSET\ntrace \1: INTERNAL whole, UNSET\n", printed
    )

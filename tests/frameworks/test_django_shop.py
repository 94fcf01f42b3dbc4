"""The Django example, by its own tests and served over loopback."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from server.testing import FailureServer
from tests.docs.reading import ROOT
from tests.eventually import PATIENCE_SECONDS
from tests.frameworks.programs import Program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("django")

GUNICORN = ["gunicorn", "examples.django_shop.wsgi", "--bind", "127.0.0.1:0"]
GUNICORN += ["--workers", "2", "--threads", "4", "--no-control-socket"]
COMMANDS = {
    "threads": GUNICORN,
    "threads of a preloaded app": [*GUNICORN, "--preload"],
    "event loop": ["uvicorn", "examples.django_shop.asgi:application", "--port", "0"],
}
READY = r"(?:Listening at:|running on) (http://\S+)"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FailureServer]:
    """What the service calls."""
    with FailureServer() as server:
        yield server


@pytest.fixture(scope="module", params=COMMANDS)
def service(request: pytest.FixtureRequest, upstream: FailureServer) -> Iterator[Program]:
    """The example under a server."""
    command = COMMANDS[request.param]
    pytest.importorskip(command[0])
    with running(*command, until=READY, RESILIENT_CLIENT_BASE_URL=upstream.url) as program:
        yield program
        program.stop()
    assert "Traceback" not in program.printed
    assert "Warning" not in program.printed


@pytest.fixture
def caller(service: Program, upstream: FailureServer) -> Iterator[httpx.Client]:
    """A caller of it, while the upstream is as new."""
    upstream.clear()
    with httpx.Client(base_url=service.said, trust_env=False, timeout=PATIENCE_SECONDS) as http:
        yield http


def test_its_own_tests_pass() -> None:
    """Run by Django."""
    command = [sys.executable, "-W", "error", "-m", "django", "test", "examples.django_shop"]
    run = subprocess.run(
        [*command, "--settings", "examples.django_shop.settings"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    assert run.returncode == 0, run.stderr
    assert "Ran 3 tests" in run.stderr


@pytest.mark.parametrize("path", ["/message", "/async/message"])
def test_a_failure_is_made_good(caller: httpx.Client, upstream: FailureServer, path: str) -> None:
    """By views of both kinds."""
    upstream.fail_count(1)
    assert caller.get(path).json()["message_id"]
    assert upstream.ledger().arrived == 2


def test_an_order_is_placed_once_though_the_answer_is_lost(
    caller: httpx.Client, upstream: FailureServer
) -> None:
    """The retry is known by its request id."""
    upstream.fail_count(1, when="after")
    assert caller.post("/orders/7").status_code == httpx.codes.OK
    entry = upstream.ledger().requests["order-7"]
    assert (entry.arrived, entry.took_effect) == (2, 1)


def test_many_at_once_share_the_clients(caller: httpx.Client, upstream: FailureServer) -> None:
    """Threads, processes and tasks get answers to their own calls."""
    with ThreadPoolExecutor(8) as pool:
        numbers = range(100, 140)
        answers = list(pool.map(lambda number: caller.post(f"/orders/{number}"), numbers))
    ledger = upstream.ledger()
    assert [answer.json()["message_id"] for answer in answers] == [
        ledger.requests[f"order-{number}"].message_id for number in numbers
    ]


@pytest.mark.parametrize("path", ["/message", "/async/message"])
@pytest.mark.parametrize(
    ("status", "answered", "retry_after"), [(404, 404, None), (500, 502, None), (503, 503, "1")]
)
def test_each_failure_has_its_answer(  # noqa: PLR0913, PLR0917 - a table, and two fixtures
    caller: httpx.Client,
    upstream: FailureServer,
    path: str,
    status: int,
    answered: int,
    retry_after: str | None,
) -> None:
    """And none of them says where the upstream lives."""
    upstream.fail_count(3, status=status)
    response = caller.get(path)
    assert response.status_code == answered
    assert response.headers.get("Retry-After") == retry_after
    assert response.json()["request_id"] in upstream.ledger().requests
    assert "127.0.0.1" not in response.text


def test_an_outage_makes_nobody_restart_it(caller: httpx.Client) -> None:
    """The process is well and ready, whatever the upstream does."""
    assert caller.get("/health/live").json() == {"status": "ok"}
    assert caller.get("/health/ready").json()["ready"] is True

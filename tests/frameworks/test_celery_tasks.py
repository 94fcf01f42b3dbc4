"""The Celery example, done by workers of each kind that talk through folders."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from server.testing import FailureServer
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.frameworks.programs import Program, running

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("celery")

from celery.exceptions import SoftTimeLimitExceeded

from client import InvalidRequestError
from examples.celery_tasks import place_order
from tests.frameworks.file_broker import FOLDER, use_folder

WORKER = ["celery", "-A", "tests.frameworks.file_broker", "worker", "--loglevel", "INFO"]
WORKER += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--concurrency", "1"]
READY = r"(\S+) ready\."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where messages and results are, for the workers and for the tests."""
    folder = tmp_path_factory.mktemp("celery")
    use_folder(folder)
    return folder


@pytest.fixture(scope="module")
def upstream() -> Iterator[FailureServer]:
    """What the tasks call."""
    with FailureServer() as server:
        yield server


@pytest.fixture
def server(upstream: FailureServer) -> FailureServer:
    """The same, as new."""
    upstream.clear()
    return upstream


@contextmanager
def working(pool: str, folder: Path, upstream: FailureServer) -> Iterator[Program]:
    """A worker with such a pool; it ends by itself when it is told to."""
    settings = {FOLDER: str(folder), "RESILIENT_CLIENT_BASE_URL": upstream.url}
    with running(*WORKER, "--pool", pool, until=READY, **settings) as program:
        yield program
        assert program.stop() == 0


@pytest.fixture(scope="module")
def worker(folder: Path, upstream: FailureServer) -> Iterator[Program]:
    """A worker of the usual kind, with one process in its pool."""
    with working("prefork", folder, upstream) as program:
        yield program


def result(order_id: int, **options: Any) -> str:
    """Have it placed, and wait for what becomes of it."""
    message_id: str = place_order.apply_async((order_id,), **options).get(timeout=PATIENCE_SECONDS)
    return message_id


@pytest.mark.parametrize("pool", ["solo", "threads", "gevent"])
def test_each_kind_of_pool_places_an_order_once(
    pool: str, folder: Path, server: FailureServer
) -> None:
    """Though the answer is lost."""
    if pool == "gevent":
        pytest.importorskip("gevent")
    with working(pool, folder, server):
        server.fail_count(1, when="after")
        message_id = result(1)
    entry = server.ledger().requests["order-1"]
    assert (entry.arrived, entry.took_effect, entry.message_id) == (2, 1, message_id)


@pytest.mark.usefixtures("worker")
def test_the_task_is_retried_once_the_client_has_given_up(server: FailureServer) -> None:
    """Two attempts in each run of the task, all by one id."""
    server.fail_count(3, when="after")
    message_id = result(2)
    entry = server.ledger().requests["order-2"]
    assert entry.statuses == (500, 500, 500, 200)
    assert (entry.took_effect, entry.message_id) == (1, message_id)


@pytest.mark.usefixtures("worker")
def test_what_would_fail_again_is_not_retried(server: FailureServer) -> None:
    """Neither by the client nor as a task; whoever waits for the result gets its class and text."""
    server.fail_count(1, status=400)
    with pytest.raises(InvalidRequestError, match=r"400 Bad Request \(request id order-3\)"):
        result(3)
    assert server.ledger().arrived == 1


@pytest.mark.usefixtures("worker")
def test_a_time_limit_leaves_the_client_in_order(server: FailureServer) -> None:
    """The task that it ends is done for; the next one is not."""
    server.latency(60_000)
    with pytest.raises(SoftTimeLimitExceeded):
        result(4, soft_time_limit=1)
    server.reset()
    assert result(5) == server.ledger().requests["order-5"].message_id


def test_the_order_of_a_process_that_dies_is_placed_once(
    worker: Program, server: FailureServer
) -> None:
    """Another process is given the task, and the upstream knows the id."""
    server.latency(60_000)
    waiting = place_order.delay(6)
    eventually(lambda: "order-6" in server.ledger().requests)
    server.reset()
    os.kill(child_of(worker.process.pid), signal.SIGKILL)
    message_id = waiting.get(timeout=PATIENCE_SECONDS)
    entry = server.ledger().requests["order-6"]
    assert (entry.arrived, entry.took_effect, entry.message_id) == (2, 1, message_id)


def child_of(process: int) -> int:
    """The one process of the pool, as Linux tells it."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return int(children.split()[0])

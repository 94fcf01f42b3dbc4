"""One blocking client in many threads: counts add up, and nobody is let through by mistake."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx

from client import (
    APINetworkError,
    CircuitOpenError,
    CircuitState,
    ServiceUnavailableError,
    SyncResilientClient,
)
from client.events import CircuitClosed, CircuitHalfOpened, CircuitOpened
from tests.eventually import PATIENCE_SECONDS
from tests.wire.scripts import healthy
from tests.wire.twins import check_all_is_back, settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from client import Event
    from tests.wire.conftest import Serve
    from tests.wire.scripted_server import Connection

THREADS = 8
CALLS = 15


def in_threads(work: Callable[[], None]) -> None:
    """Do the same in all threads at once, and wait for them."""
    barrier = threading.Barrier(THREADS)

    def run() -> None:
        barrier.wait(PATIENCE_SECONDS)
        work()

    threads = [threading.Thread(target=run, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), "it hangs"


class Outage:
    """A server that answers 503 or resets, in turn, until it is repaired."""

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.may_answer = threading.Event()
        self._number = count()

    def __call__(self, connection: Connection) -> None:
        """Serve a connection."""
        while True:
            connection.read_request()
            if self.is_over.is_set():
                self.may_answer.wait(PATIENCE_SECONDS)
                connection.answer(body=b"ok")
            elif next(self._number) % 2:
                connection.answer(503)
            else:
                connection.reset()
                return


class Tally:
    """Counts, where `+=` on a `Counter` would lose some."""

    def __init__(self) -> None:
        self.counts = Counter[str]()
        self._lock = threading.Lock()

    def add(self, what: str) -> None:
        """Count one."""
        with self._lock:
            self.counts[what] += 1


def test_an_outage_and_its_end(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The circuit opens once; of all that come after the break a single one is the probe."""
    outage, tally = Outage(), Tally()
    outcomes = tally.counts
    events: list[Event] = []
    server = serve(outage)
    config = settings(
        server.url,
        retry={"max_attempts": 2, "budget": None},
        circuit_breaker={"failure_threshold": 40, "recovery_timeout": 1000.0},
        bulkhead={"max_concurrency": 5},
    )
    with SyncResilientClient(config, listeners=[events.append]) as client:

        def call() -> None:
            try:
                client.get("/")
            except (ServiceUnavailableError, APINetworkError, CircuitOpenError) as error:
                tally.add(type(error).__name__)
            else:
                tally.add("ok")

        def call_often() -> None:
            for _ in range(CALLS):
                call()

        in_threads(call_often)
        assert client.stats().circuits == {"client": CircuitState.OPEN}
        assert outcomes["CircuitOpenError"] > 0
        assert sum(outcomes.values()) == THREADS * CALLS
        stats = client.stats()
        assert stats.operations == THREADS * CALLS
        assert stats.failures == outcomes
        assert stats.attempts == len(server.requests)
        assert stats.retries == stats.attempts - (stats.operations - outcomes["CircuitOpenError"])

        # The probe is held back until all others have been turned away.
        outage.is_over.set()
        sent, rejected = len(server.requests), outcomes["CircuitOpenError"]
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000, time=time.time)
        monkeypatch.setattr("client.ports.blocking_ports.time", later)

        def probe() -> None:
            call()
            if outcomes["CircuitOpenError"] == rejected + THREADS - 1:
                outage.may_answer.set()

        in_threads(probe)
        assert outcomes["ok"] == 1
        assert outcomes["CircuitOpenError"] == rejected + THREADS - 1
        assert len(server.requests) == sent + 1
        assert client.circuit_state is CircuitState.CLOSED
        check_all_is_back_of(client)
    kinds = Counter(type(event) for event in events)
    assert (kinds[CircuitOpened], kinds[CircuitHalfOpened], kinds[CircuitClosed]) == (1, 1, 1)


def check_all_is_back_of(client: SyncResilientClient) -> None:
    """Assert that nothing is held."""
    shaped: Any = client
    check_all_is_back(shaped)


def test_a_deadline_is_its_own_threads(serve: Serve) -> None:
    """Half of the threads are in a hurry; the others, on the same pool, are not cut short."""

    def answers_late(connection: Connection) -> None:
        while True:
            connection.read_request()
            if connection.stopping.wait(0.15):
                return
            connection.answer(body=b"ok")

    server = serve(answers_late)
    tally, number = Tally(), count()
    with SyncResilientClient(settings(server.url, circuit_breaker=None)) as client:

        def call() -> None:
            deadline = 0.05 if next(number) % 2 else None
            for _ in range(3):
                try:
                    client.get("/", deadline=deadline)
                except Exception as error:  # noqa: BLE001 - counted
                    tally.add(f"{type(error).__name__} {deadline}")
                else:
                    tally.add(f"ok {deadline}")

        in_threads(call)
        assert tally.counts == {"ok None": 12, "DeadlineExceededError 0.05": 12}
        check_all_is_back_of(client)


def test_somebody_s_patch_may_send_from_another_thread(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that puts a bound on every request does: the attempt is not that thread's."""
    original = httpx.Client.request
    threads = ThreadPoolExecutor(1)

    def bounded(*arguments: Any, **options: Any) -> httpx.Response:
        return threads.submit(original, *arguments, **options).result(PATIENCE_SECONDS)

    monkeypatch.setattr(httpx.Client, "request", bounded)
    with threads, SyncResilientClient(settings(serve(healthy).url)) as client:
        assert client.get("/").text == "ok"

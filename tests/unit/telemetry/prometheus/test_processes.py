"""What several processes count is shown together, without what dead ones had under way."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("measured_programs")

WORKER = """
import contextlib, gc, os, sys, threading, time, httpx
from client import BulkheadConfig, ClientConfig, NotFoundError
from client import PrometheusMetrics, SyncResilientClient
from client.telemetry.prometheus.processes import AllProcesses
import prometheus_client

hold, held = threading.Event(), threading.Event()

def answer(request):
    if request.url.path == "/hold":
        held.set()
        hold.wait()
    return httpx.Response(404 if request.url.path == "/missing" else 200)

metrics = PrometheusMetrics()
assert PrometheusMetrics()._registry is metrics._registry
config = ClientConfig(bulkhead=BulkheadConfig(max_concurrency=5))
twice = [metrics, PrometheusMetrics()]
client = SyncResilientClient(config, transport=httpx.MockTransport(answer), telemetry=twice)
other = SyncResilientClient(config, transport=httpx.MockTransport(answer), telemetry=[metrics])
named = ClientConfig(name="third", bulkhead=BulkheadConfig(max_concurrency=5))
third = SyncResilientClient(named, transport=httpx.MockTransport(answer), telemetry=[metrics])
theirs = prometheus_client.Counter("theirs", "Of the app")
theirs.inc()
for line in sys.stdin:
    word = line.strip()
    if word == "hold":
        threading.Thread(target=client.get, args=("http://a.example/hold",), daemon=True).start()
        held.wait()
    elif word == "missing":
        with contextlib.suppress(NotFoundError):
            client.get("http://a.example/missing")
    elif word == "text":
        print(metrics.text())
    elif word == "compare":
        metrics.text()  # has written what stands now
        by_the_library = prometheus_client.generate_latest(metrics._registry).decode()
        print(metrics.text() == by_the_library)
    elif word == "drop":
        del other, third; gc.collect()
        AllProcesses.here()._refresh("third")
        AllProcesses.here()._refresh("nobody")
    elif word == "many":
        for number in range(150):
            with SyncResilientClient(
                config, transport=httpx.MockTransport(answer), telemetry=[metrics]
            ) as short:
                short.get(f"http://host-{number}.example/")
                short.circuit.isolate("maintenance", f"http://host-{number}.example")
                AllProcesses.here()._refresh("default")  # as each second
    elif word == "fork":
        child = os.fork()
        if child == 0:
            client.get("http://a.example/")
            client.close()
            sys.exit(0)
        os.waitpid(child, 0)
    elif word == "wait":
        while AllProcesses.here().noted:
            time.sleep(0.001)
    else:
        client.get("http://a.example/")
        other.get("http://a.example/")
    print("done", flush=True)
"""


class Worker:
    """A process with two clients of one name."""

    def __init__(self, folder: Path) -> None:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, word: str) -> list[str]:
        """Have it do something; the lines that it prints."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        lines = []
        while (line := self.process.stdout.readline().rstrip("\n")) != "done":
            assert line or self.process.poll() is None, "the process has died"
            lines.append(line)
        return lines

    def value(self, name: str) -> float | None:
        """What the client's series come to, shown by this process; None where there is none."""
        start = name + '{client="default",'
        found = [line for line in self.tell("text") if line.replace("}", ",").startswith(start)]
        assert len({line.rpartition(" ")[0] for line in found}) == len(found)
        return sum(float(line.rpartition(" ")[2]) for line in found) if found else None

    def kill(self) -> None:
        """End it as nobody can prepare for."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Worker]]:
    """Two of them."""
    started = [Worker(tmp_path), Worker(tmp_path)]
    yield started
    for worker in started:
        worker.process.communicate()


IN_USE = "resilient_http_bulkhead_in_use"
LIMIT = "resilient_http_bulkhead_limit"
OPERATIONS = "resilient_http_operation_duration_seconds_count"


def test_one_of_two_is_killed(workers: list[Worker], tmp_path: Path) -> None:
    """What it has counted stays, to the last call; what it had under way goes."""
    one, other = workers
    for _ in range(3):
        one.tell("call")
        other.tell("call")
    for worker in workers:
        worker.tell("hold")
        worker.value(IN_USE)  # both have written what stands now
    assert one.value(OPERATIONS) == other.value(OPERATIONS) == 12
    assert one.value(IN_USE) == 2
    assert one.value(LIMIT) == 20
    assert "theirs_total 2.0" in one.tell("text")
    for worker in workers:
        worker.tell("missing")
        worker.tell("wait")
    assert one.value("resilient_http_retries_total") == 2
    other.tell("call")
    other.tell("wait")  # for what may be lost: a few milliseconds
    other.kill()
    assert one.value(OPERATIONS) == 16
    assert one.value(IN_USE) == 1
    assert one.value(LIMIT) == 10
    assert [path.name for path in tmp_path.glob("*.alive")] == [
        f"resilient_http_{one.process.pid}.alive"
    ]


def test_a_client_that_is_gone_has_nothing_under_way(workers: list[Worker]) -> None:
    """What it has counted stays."""
    one, other = workers
    other.kill()  # it would write what stands now in its own time
    one.tell("call")
    one.tell("drop")
    assert one.value(LIMIT) == 5
    assert one.value(OPERATIONS) == 2


def test_targets_of_clients_of_one_name_are_bounded(workers: list[Worker]) -> None:
    """A client may be made for each call, and each call go elsewhere; nothing is lost."""
    one, other = workers
    other.kill()  # it would write in its own time
    one.tell("many")
    assert one.value(OPERATIONS) == 150
    lines = one.tell("text")
    shown = [line for line in lines if line.startswith(OPERATIONS)]
    assert len(shown) == 101
    assert sum(float(line.rpartition(" ")[2]) for line in shown if "_OTHER" in line) == 50
    targets = {found[1] for line in lines if (found := re.search('target="([^"]*)"', line))}
    assert targets == {
        "_OTHER",
        "client",
        *(f"http://host-{number}.example" for number in range(100)),
    }


def test_the_text_is_that_of_the_library(workers: list[Worker]) -> None:
    """To the letter."""
    one, other = workers
    one.tell("missing")
    other.tell("call")
    other.kill()
    assert one.tell("compare") == ["True"]


def test_a_forked_child_counts_for_itself(workers: list[Worker]) -> None:
    """Nothing is counted twice, and its end is noticed."""
    one, other = workers
    other.kill()  # likewise
    one.tell("call")
    one.tell("fork")
    assert one.value(OPERATIONS) == 3
    assert one.value(LIMIT) == 10


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("os.environ[NAME] = '/nowhere'", "no directory: make it beforehand"),
        ("import prometheus_client; os.environ[NAME] = '/tmp'", "set it before the process starts"),
    ],
    ids=["no-directory", "too-late"],
)
def test_a_variable_that_cannot_work_is_an_error(program: str, expected: str) -> None:
    """It names the cure."""
    program = (
        "import os; NAME = 'PROMETHEUS_MULTIPROC_DIR'\n"
        f"{program}\n"
        "from client import PrometheusMetrics\n"
        "try: PrometheusMetrics()\n"
        "except ValueError as error: print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert expected in told.stdout

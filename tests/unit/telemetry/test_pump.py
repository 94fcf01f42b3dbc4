"""Sinks are handed snapshots in a thread of their own, and a last one at every kind of end."""

import gc
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from client.metrics.instruments import LISTENER_ERRORS, OPERATION_DURATION
from client.metrics.snapshot import MetricsSnapshot
from client.telemetry import pump
from client.telemetry.sinks import Joined
from tests.eventually import eventually
from tests.unit.metrics.counting import Counting

pytestmark = pytest.mark.usefixtures("measured_programs")


class Keeping:
    """Keeps what it is handed; where told to, it raises or waits."""

    def __init__(self, *, raises: BaseException | None = None, waits: bool = False) -> None:
        self.taken: list[MetricsSnapshot] = []
        self.raises = raises
        self.goes_on = threading.Event()
        if not waits:
            self.goes_on.set()

    def export(self, snapshot: MetricsSnapshot) -> None:
        """Take a snapshot in."""
        self.taken.append(snapshot)
        self.goes_on.wait()
        if self.raises is not None:
            raise self.raises

    def operations(self) -> list[int]:
        """How many operations each knew of."""
        return [sum(taken.counts(OPERATION_DURATION).values()) for taken in self.taken]


class Owner:
    """Stands for a client."""


def threads() -> int:
    """How many pumps are at work."""
    return sum(thread.name == "resilient-client metrics" for thread in threading.enumerate())


@pytest.fixture(autouse=True)
def few_are_left() -> Iterator[None]:
    """Whatever a test does, no thread of it goes on."""
    gc.collect()
    eventually(lambda: threads() == 0)
    yield
    gc.collect()
    eventually(lambda: threads() == 0)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is short."""
    monkeypatch.setattr(pump, "INTERVAL_SECONDS", 0.005)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is longer than any test."""
    monkeypatch.setattr(pump, "INTERVAL_SECONDS", 3600.0)


@pytest.mark.usefixtures("quick")
def test_a_sink_is_called_again_and_again() -> None:
    """With what each of its clients has counted so far, by one thread."""
    sink, one, other = Keeping(), Counting(), Counting()
    owners = [Owner(), Owner()]
    joined = [
        Joined([sink, sink], each.metrics, owner)
        for each, owner in zip((one, other), owners, strict=True)
    ]
    one.operation()
    eventually(lambda: {0, 1} <= set(sink.operations()))
    other.operation()
    eventually(lambda: sink.operations()[-2:] == [1, 1])
    assert threads() == 1
    for each in joined:
        each.close(is_async=False)


@pytest.mark.usefixtures("slow")
def test_a_last_export_is_made_by_closing() -> None:
    """Once: with everything that was counted."""
    sink, counting, owner = Keeping(), Counting(), Owner()
    joined = Joined([sink], counting.metrics, owner)
    counting.operation()
    joined.close(is_async=False)
    assert sink.operations() == [1]


@pytest.mark.usefixtures("quick")
def test_what_ends_because_of_the_closing_is_exported_too() -> None:
    """And then no more."""
    sink, counting, owner = Keeping(waits=True), Counting(), Owner()
    joined = Joined([sink], counting.metrics, owner)
    eventually(lambda: sink.taken)
    joined.close(is_async=True)
    counting.operation()
    sink.goes_on.set()
    eventually(lambda: threads() == 0)
    assert sink.operations()[-1] == 1
    counting.operation()
    joined.flush(is_async=True)
    assert sink.operations()[-1] == 1


@pytest.mark.usefixtures("slow")
def test_a_client_that_is_dropped_is_exported_once_more() -> None:
    """Though nobody closed it."""
    sink, counting, owner = Keeping(), Counting(), Owner()
    Joined([sink], counting.metrics, owner)
    counting.operation()
    del counting, owner
    eventually(lambda: sink.operations() == [1])


@pytest.mark.usefixtures("slow")
def test_nothing_new_is_not_exported_again() -> None:
    """Where a client is dropped after its last export."""
    sink, counting, owner = Keeping(), Counting(), Owner()
    joined = Joined([sink], counting.metrics, owner)
    counting.operation()
    joined.flush(is_async=False)
    del owner
    eventually(lambda: threads() == 0)
    assert sink.operations() == [1]


@pytest.mark.usefixtures("quick")
def test_a_slow_sink_delays_no_other() -> None:
    """Nor is it called before it is done."""
    stuck, sink, counting, owner = Keeping(waits=True), Keeping(), Counting(), Owner()
    joined = Joined([stuck, sink], counting.metrics, owner)
    eventually(lambda: stuck.taken)
    before = len(sink.taken)
    eventually(lambda: len(sink.taken) > before + 2)
    assert len(stuck.taken) == 1
    joined.close(is_async=True)
    joined.close(is_async=True)  # it is known to be late: nobody waits for it again
    stuck.goes_on.set()
    eventually(lambda: threads() == 0)
    assert len(stuck.taken) >= 2


@pytest.mark.usefixtures("slow")
def test_a_sink_that_never_returns_keeps_few_of_the_clients_that_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Closed or dropped; what comes later is lost with them."""
    monkeypatch.setattr(pump, "_MOST_WAITING", 4)
    stuck = Keeping(waits=True)
    held = pump.pump_of(stuck)

    def end_another(*, closes: bool) -> None:
        counting, owner = Counting(), Owner()
        counting.operation()
        joined = Joined([stuck], counting.metrics, owner)
        if closes:
            joined.close(is_async=True)
        del owner

    for closes in (True, False) * 5:
        end_another(closes=closes)
        gc.collect()
    assert held._work.qsize() <= 6
    assert len(held._lines) <= 3
    stuck.goes_on.set()
    eventually(lambda: threads() == 0)


@pytest.mark.parametrize(
    "error",
    [ValueError("no"), SystemExit(), KeyboardInterrupt()],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.usefixtures("quick")
def test_a_sink_that_raises_is_logged_and_counted(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    """And called again."""
    sink, counting, owner = Keeping(raises=error), Counting(), Owner()
    joined = Joined([sink], counting.metrics, owner)
    eventually(lambda: counting.metrics.snapshot().counts(LISTENER_ERRORS).get(("Keeping",), 0) > 1)
    joined.close(is_async=False)
    eventually(lambda: threads() == 0)
    [text] = {record.getMessage() for record in caplog.records}
    assert text == "the metric sink Keeping raised"
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


@pytest.mark.usefixtures("slow")
def test_a_sink_does_not_keep_a_client_alive() -> None:
    """Nor do the parts of it whose gauges are asked."""

    class Part:
        """Leads back to the client, as a callback may."""

        def __init__(self, owner: Owner) -> None:
            self.owner = owner

        def gauges(self, now: float) -> list[object]:
            """Stand at nothing."""
            return []

    sink, counting, owner = Keeping(), Counting(), Owner()
    counting.standing.measured = (Part(owner),)  # type: ignore[assignment]  # as little as is needed
    joined = Joined([sink], counting.metrics, owner)
    joined.flush(is_async=False)
    del counting, owner, joined
    gc.collect()
    eventually(lambda: threads() == 0)


@pytest.mark.usefixtures("quick")
def test_without_a_thread_a_client_works_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The next one tries again."""

    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sink, counting, owner = Keeping(), Counting(), Owner()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        first = Joined([sink], counting.metrics, owner)
    first.close(is_async=False)
    assert "no thread can be started for the metric sink Keeping" in caplog.text
    assert sink.taken == []
    second = Joined([sink], counting.metrics, owner)
    second.close(is_async=False)
    assert sink.taken


PROGRAM = """
import os, sys
from client.metrics.aggregator import Aggregator, Standing
from client.metrics.instruments import RETRY_WAIT
from client.telemetry import pump
from client.telemetry.sinks import Joined
import time

class Clock:
    now = staticmethod(time.monotonic)
    wall_clock = staticmethod(time.time)

class Telling:
    def export(self, snapshot):
        waits = snapshot.points(RETRY_WAIT).get((), 0)
        os.write(1, f"{os.getpid() == PARENT} {waits:g}\\n".encode())
        if "stuck" in sys.argv:
            time.sleep(3600)

PARENT = os.getpid()
pump.INTERVAL_SECONDS = 3600
if "ticks" in sys.argv:
    pump.INTERVAL_SECONDS = 0.01
owner, standing = Telling(), Standing()
counts = Aggregator("x", Clock(), standing)
joined = Joined([Telling()], counts, owner)
counts.add(RETRY_WAIT, (), 2)
"""
FORKING = """
joined.flush(is_async=False)
child = os.fork()
if child == 0:
    counts.add(RETRY_WAIT, (), 5)
    joined.close(is_async=False)
    sys.exit(0)
os.waitpid(child, 0)
"""


def run(program: str, *arguments: str) -> list[str]:
    """The lines that a program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize("argument", ["quick", "stuck"])
def test_a_last_export_is_made_when_the_interpreter_ends(argument: str) -> None:
    """Which no sink keeps from ending."""
    assert run(PROGRAM, argument) == ["True 2"]


def test_a_forked_child_needs_no_thread_without_clients() -> None:
    """Nothing is to be handed over."""
    pump.Pump(Keeping()).begin_anew()
    assert threads() == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_counts_from_zero() -> None:
    """In a thread of its own; the parent's counts are the parent's to tell."""
    assert run(PROGRAM + FORKING) == ["True 2", "False 5"]

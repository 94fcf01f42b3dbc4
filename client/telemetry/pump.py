"""Hands each sink what its clients have counted: once a second, and when a client ends.

Each sink has a daemon thread of its own for as long as it has a client. So a slow one delays only
itself: it is not called again before it is done, and is then handed the newest. Calls of clients
never wait for a sink. Closing a client does, but not for long.

A client that is dropped without being closed is told of by the garbage collector, in any thread and
in the middle of anything: nothing may be locked there, hence the queue.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final
from weakref import WeakValueDictionary, finalize

from ..errors.complaints import complain
from ..metrics.instruments import LISTENER_ERRORS
from ..runtime.forking import fork_safe, tell_in_child

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..metrics.aggregator import Aggregator
    from ..metrics.snapshot import Metric, MetricsSnapshot
    from .sinks import MetricSink

__all__ = ["INTERVAL_SECONDS", "Line", "Pump", "pump_of"]

INTERVAL_SECONDS: Final = 1.0
_MOST_WAITING: Final = 10_000
"""Pieces of work that wait for a sink at most, two for each client that ends: one that never
returns keeps no more of them."""
_EXIT_SECONDS: Final = 1.0
"""How long the end of the interpreter waits for all last exports of a sink together."""


class Line:
    """From one client to one sink.

    Args:
        sink: Where it leads to.
        source: What the client counts.
    """

    def __init__(self, sink: MetricSink, source: Aggregator) -> None:
        self._sink = sink
        self._source = source
        self._told: list[Metric] = []
        self._name = type(sink).__qualname__
        self.is_closing: bool = False

    def export(self) -> None:
        """Hand over what was counted; log and count what the sink raises."""
        taken = self._source.snapshot()
        self._told = _grown(taken)
        try:
            self._sink.export(taken)
        except BaseException:  # noqa: BLE001 - it is told, and the thread goes on with other clients
            complain("the metric sink %s raised", self._name)
            self._source.add(LISTENER_ERRORS, (self._name,))

    def export_rest(self) -> None:
        """Hand over what was counted since the last time, if there is any."""
        if self._told != _grown(self._source.snapshot()):
            self.export()


class Pump:
    """The thread of one sink, while there is something to hand over.

    Args:
        sink: What is handed the snapshots.
    """

    def __init__(self, sink: MetricSink) -> None:
        self.sink: MetricSink = sink
        self._lock = fork_safe(threading.RLock())
        self._lines: set[Line] = set()
        self._work: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_late = False
        self._exits_at: float | None = None
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Start a thread in a forked child, where there is none: for the child's own counts."""
        self._work, self._thread, self._is_late = SimpleQueue(), None, False
        if self._lines:
            self._start()

    def join(self, source: Aggregator, owner: object) -> Line:
        """Begin to hand over what a client counts, until it is closed or dropped.

        Args:
            source: What counts.
            owner: The client, or what lives as long.
        """
        line = Line(self.sink, source)
        with self._lock:
            self._lines.add(line)
            if self._thread is None:
                self._start()
        finalize(owner, self._drop, line)
        return line

    def flush(self, line: Line, seconds: float) -> None:
        """Have a line export now, and wait for that, unless the sink was too slow before.

        Args:
            line: Of a client that is being closed.
            seconds: How long to wait at most; the export is made all the same.
        """
        done = fork_safe(threading.Event())
        with self._lock:
            if self._thread is None or self._is_stuck():
                return
            self._work.put(line.export)
            self._work.put(done.set)
        if not self._is_late:
            self._is_late = not done.wait(seconds)

    def leave(self, line: Line) -> None:
        """Export no more of a line than what comes within the next second."""
        line.is_closing = True

    def _drop(self, line: Line) -> None:
        """Export what is left of a client that is gone; called by the garbage collector."""
        if line not in self._lines:
            return
        if self._is_stuck():
            self._lines.discard(line)
            return
        done = threading.Event()
        self._work.put(partial(self._end, line))
        self._work.put(done.set)
        if not threading.main_thread().is_alive():  # the interpreter ends, and its threads soon
            self._exits_at = self._exits_at or time.monotonic() + _EXIT_SECONDS
            done.wait(max(0.0, self._exits_at - time.monotonic()))

    def _is_stuck(self) -> bool:
        return self._work.qsize() >= _MOST_WAITING

    def _end(self, line: Line) -> None:
        line.export_rest()
        with self._lock:
            self._lines.discard(line)

    def _start(self) -> None:
        thread = threading.Thread(
            target=self._run, args=(self._work,), name="resilient-client metrics", daemon=True
        )
        try:
            thread.start()
        except RuntimeError:  # there are no more threads: the client is worth more than its metrics
            complain(
                "no thread can be started for the metric sink %s", type(self.sink).__qualname__
            )
        else:
            self._thread = thread

    def _run(self, work: SimpleQueue[Callable[[], object]]) -> None:
        due = time.monotonic() + INTERVAL_SECONDS
        while self._has_lines():
            try:
                work.get(timeout=max(0.0, due - time.monotonic()))()
                self._is_late = False
            except Empty:
                self._export_all()
                due = time.monotonic() + INTERVAL_SECONDS

    def _has_lines(self) -> bool:
        """Return whether to go on; if not, the next client gets another thread."""
        with self._lock:
            if not self._lines:
                self._thread = None
            return bool(self._lines)

    def _export_all(self) -> None:
        for line in list(self._lines):
            if line.is_closing:
                self._end(line)
            else:
                line.export()
        self._is_late = False


_lock: Final = fork_safe(threading.RLock())
_pumps: Final[WeakValueDictionary[int, Pump]] = WeakValueDictionary()
"""By the identity of their sinks, which they keep alive."""


def pump_of(sink: MetricSink) -> Pump:
    """Return the one pump of a sink."""
    with _lock:
        pump = _pumps.get(id(sink))
        if pump is None:
            pump = _pumps[id(sink)] = Pump(sink)
        return pump


def _grown(taken: MetricsSnapshot) -> list[Metric]:
    """Return what only grows: whether anything was counted shows there."""
    return [metric for metric in taken.metrics if metric.instrument.kind != "gauge"]

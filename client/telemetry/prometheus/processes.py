"""What several processes count together: each writes into a directory that all of them read.

Writing costs several times what counting does. So values are written together with those that come
within a few milliseconds; a process that is killed takes no more than these along.

`prometheus_client` keeps values in files of that directory, by process. What it leaves to others is
to notice that a process has died, so that what it had under way is not shown for ever. Each process
holds a lock on a file of its own there, which the system frees at whatever end, also of a process
in another container that shares the directory. A process id would tell less: it may be given again,
and means nothing in a neighbour.
"""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections import defaultdict, deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, ClassVar, Final, Literal, cast

from ...runtime.forking import fork_safe, tell_in_child
from .collector import BoundedTotals, FirstTargets
from .library import (
    Collector,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    forget_dead,
    observe_all,
    values,
    written_in,
)
from .names import family_name, label_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...metrics.instruments import Instrument
    from ...metrics.snapshot import MetricsSnapshot
    from ..sinks import MetricsSource
    from .library import Family

    Key = tuple[Instrument, tuple[str, ...]]
    """A metric, and the values of its labels, the client's first."""
    ClientKey = tuple[str, Instrument, tuple[str, ...]]

__all__ = ["AllProcesses"]

_VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX: Final = "resilient_http_"
_SUFFIX: Final = ".alive"
_SECONDS: Final = 0.005
"""How long a value waits at most for others to be written with."""


class AllProcesses(Collector):
    """Writes what the clients of this process count, and reads what all processes wrote.

    One a process: two that wrote the same value would undo each other's work.

    Args:
        folder: Where all of them write to.
    """

    _here: ClassVar[AllProcesses | None] = None
    _making: ClassVar[threading.RLock] = fork_safe(threading.RLock())

    @classmethod
    def here(cls) -> AllProcesses:
        """Return the one of this process.

        Raises:
            ValueError: There is no such directory, or it was named too late.
        """
        with cls._making:
            if cls._here is None:
                cls._here = cls(_checked(os.environ[_VARIABLE]))
            return cls._here

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # No other thread may be at work in the library while this one forks: its lock is not freed.
        self._lock = threading.RLock()
        os.register_at_fork(
            before=self._lock.acquire,
            after_in_parent=self._lock.release,
            after_in_child=self._lock.release,
        )
        self._sources: list[MetricsSource] = []
        self._targets: defaultdict[str, FirstTargets] = defaultdict(FirstTargets)
        """By client: nothing that was written can be taken out again."""
        self._families: dict[Instrument, Counter | Gauge | Histogram] = {}
        self._children: dict[Key, Counter | Gauge | Histogram] = {}
        self._shown: dict[str, dict[Key, Gauge]] = {}
        """Gauges that are written, by client."""
        self.noted: deque[tuple[ClientKey, float]] = deque()
        self._written_at = 0.0
        self._bell: SimpleQueue[None] | None = None
        self.is_rung: bool = False
        self._mark = _Mark(folder)
        self.registry: CollectorRegistry = CollectorRegistry()
        self.registry.register(self)
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Have a forked child write for itself."""
        self._mark = _Mark(self._folder)
        self._shown.clear()
        self.noted.clear()
        self._bell = None
        self.is_rung = False

    def write_or_ring(self) -> None:
        """Write what was noted, or see to it that this is done within a few milliseconds."""
        if time.monotonic() - self._written_at > _SECONDS:
            self._write()
        else:
            self.is_rung = True
            self._ring()

    def _ring(self) -> None:
        """Have a thread write after a while, so that the last values of many are not left."""
        with self._lock:
            if self._bell is None:
                self._bell = SimpleQueue()
                work = partial(self._write_later, self._bell)
                threading.Thread(target=work, name="resilient-client files", daemon=True).start()
            self._bell.put(None)

    def _write_later(self, bell: SimpleQueue[None]) -> None:
        while True:
            bell.get()
            time.sleep(_SECONDS)
            self.is_rung = False
            self._write()

    def _write(self) -> None:
        with self._lock:
            self._written_at = time.monotonic()
            together: defaultdict[ClientKey, list[float]] = defaultdict(list)
            for _ in range(len(self.noted)):
                key, value = self.noted.popleft()
                together[key].append(value)
            for (client, instrument, labels), amounts in together.items():
                bounded = self._targets[client].bounded(instrument, labels)
                child = self._child(instrument, (client, *bounded))
                if isinstance(child, Histogram):
                    observe_all(child, instrument.bounds, amounts)
                else:
                    child.inc(sum(amounts))

    def attach(self, source: MetricsSource) -> None:
        """Write what one more client counts; one that is written already has two objects for it."""
        with self._lock:
            if source in self._sources:
                return
            self._sources.append(source)
        source.recorders = (*source.recorders, _Recorder(source.client, self))

    def export(self, snapshot: MetricsSnapshot) -> None:
        """Write what was counted, and what stands now in the clients of one name."""
        self._write()
        self._refresh(snapshot.client)

    def collect(self) -> Iterator[Family]:
        """Return what all processes counted, and what stands now in those that live."""
        self._write()
        with self._lock:
            clients = {each.client for each in self._sources} | self._shown.keys()
        for client in clients:
            self._refresh(client)
        self._mark.drop_dead()
        yield from written_in(self._folder)

    def _child(
        self, instrument: Instrument, labels: tuple[str, ...]
    ) -> Counter | Gauge | Histogram:
        child = self._children.get((instrument, labels))
        if child is None:
            family = self._families.get(instrument)
            if family is None:
                family = self._families[instrument] = _made(instrument)
            child = self._children[instrument, labels] = family.labels(*labels)
        return child

    def _refresh(self, client: str) -> None:
        """Write gauges; one that nobody has any more stands at 0, for it cannot be taken out."""
        with self._lock:
            self._sources = [each for each in self._sources if not each.is_over]
            totals = BoundedTotals(self._targets[client])
            for source in self._sources:
                if source.client == client:
                    totals.add_gauges(source)
            found = totals.numbers()
            shown = self._shown.pop(client, {})
            for key, gauge in shown.items():
                gauge.set(found.get(key, 0))
            for key in found.keys() - shown.keys():
                self._show(client, key, found[key])
            if found:
                self._shown.setdefault(client, {}).update(shown)

    def _show(self, client: str, key: Key, value: float) -> None:
        """Write a gauge for the first time."""
        gauge = cast("Gauge", self._child(*key))
        gauge.set(value)
        self._shown.setdefault(client, {})[key] = gauge


class _Recorder:
    """Takes the values of one client.

    Args:
        client: Its name.
        processes: Where to.
    """

    def __init__(self, client: str, processes: AllProcesses) -> None:
        self._client = client
        self._processes = processes

    def record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        """Take a value in."""
        processes = self._processes
        processes.noted.append(((self._client, instrument, labels), value))
        if not processes.is_rung:
            processes.write_or_ring()


class _Mark:
    """The file by which others see that this process lives, and it that they do not.

    Args:
        folder: Where the processes write to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        mark = folder / f"{_PREFIX}{os.getpid()}{_SUFFIX}"
        new = mark.with_suffix(".new")
        # Locked before it bears its name: whoever finds it unlocked there may remove it.
        self._file = new.open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)
        new.replace(mark)

    def drop_dead(self) -> None:
        """Remove what processes had under way that are no more."""
        for mark in self._folder.glob(f"{_PREFIX}*{_SUFFIX}"):
            # Somebody else may have been quicker.
            with suppress(FileNotFoundError, BlockingIOError), mark.open() as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                process = mark.name.removeprefix(_PREFIX).removesuffix(_SUFFIX)
                forget_dead(process, self._folder)
                mark.unlink()


def _made(instrument: Instrument) -> Counter | Gauge | Histogram:
    name, labels = family_name(instrument), label_names(instrument)
    if instrument.kind == "counter":
        return Counter(name, instrument.help, labels, registry=None)
    if instrument.kind == "histogram":
        bounds = instrument.bounds
        return Histogram(name, instrument.help, labels, buckets=bounds, registry=None)
    mode: Literal["livemax", "livesum"] = "livemax" if instrument.of_several == "max" else "livesum"
    return Gauge(name, instrument.help, labels, registry=None, multiprocess_mode=mode)


def _checked(folder: str) -> Path:
    if not Path(folder).is_dir():
        raise ValueError(f"{_VARIABLE} is {folder!r}, which is no directory: make it beforehand")
    if values.ValueClass is values.MutexValue:
        raise ValueError(
            f"{_VARIABLE} was set after prometheus_client had been imported, which looks at it "
            "then and never again: set it before the process starts"
        )
    return Path(folder)

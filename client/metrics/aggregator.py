"""The one place where operations and attempts are counted; all that is shown reads it.

It always runs. What an exporter makes of it is worked out when it asks.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol
from weakref import ref

from ..errors.complaints import complain
from ..http.outcomes import ANSWERED
from ..runtime.forking import fork_safe, tell_in_child
from .histogram import FINE_SECONDS, Histogram, Recent, percentile
from .instruments import (
    ATTEMPT_DURATION,
    ATTEMPTS_PER_OPERATION,
    FIRST,
    OPERATION_DURATION,
    OPERATIONS_ACTIVE,
    SECONDS,
    SERIES_OVERFLOW,
)
from .snapshot import Metric, MetricsSnapshot
from .targets import METHODS, OTHER, Targets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..http.shapes import URL
    from .histogram import HistogramPoint
    from .instruments import Instrument

    Gauge = tuple[Instrument, tuple[str, ...], float]
    Plain = tuple[str, str | URL, str, int | None, float, float, float]
    """An operation that ended well with its only attempt, as it is known at that moment: base URL,
    URL, method, status, its seconds, those of its attempt, and when it ended."""

__all__ = ["Aggregator", "Gauge", "Measured", "Recorder", "Standing", "Tally"]

_NO_ERRORS: Final = frozenset({"success", "client_error", "cancelled"})
"""Outcomes of operations that are nobody's failure, or the caller's own."""
_numbers: Final = count(1)
_MOST_NOTED: Final = 200
"""Operations that are noted at most before they are counted: a fifth of a millisecond's work."""


class Recorder(Protocol):
    """What is told each value as it comes, for want of a way to take in many at once."""

    def record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        """Take in one value: an amount to add, or one that a histogram counts."""
        ...


class Measured(Protocol):
    """A part of a client that can tell what stands now."""

    def gauges(self, now: float) -> Iterable[Gauge]:
        """Return the values of its gauges, each with its instrument and labels.

        Asked from any thread, `now` on the monotonic clock.
        """
        ...


class Clock(Protocol):
    """What an aggregator needs of the world."""

    def now(self) -> float:
        """Return the time on a monotonic clock, in seconds."""
        ...

    def wall_clock(self) -> float:
        """Return the seconds since the epoch."""
        ...


class Operation(Protocol):
    """A call of the engine, as far as it is counted while it is under way."""

    def find_target(self, targets: Targets) -> str:
        """Return the target under which it is counted."""
        ...


@dataclass(frozen=True, slots=True)
class _OfOne:
    """What an operation with a single attempt is counted in: found by one look, not by four."""

    operations: Histogram
    attempts: Histogram
    attempts_made: Histogram
    recent: Recent


class Tally(NamedTuple):
    """What was done at one target, in few numbers.

    Attributes:
        operations: Those that have ended.
        errors: Of these, all but successes, client errors (4xx but 429) and cancelled ones.
        attempts: What these operations made.
        attempted: How many of them made any.
        active: Operations under way.
    """

    operations: int
    errors: int
    attempts: int
    attempted: int
    active: int


class Standing:
    """What a client is at now: part of it, and gone when it is.

    Attributes:
        active: The operations under way.
        measured: Parts of the client whose gauges are asked when a snapshot is taken.
    """

    def __init__(self) -> None:
        self.active: dict[Operation, None] = {}
        self.measured: tuple[Measured, ...] = ()
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget the operations of the parent's other threads, in a forked child."""
        self.active.clear()


class Aggregator:
    """Counts what one client does. Safe to share between threads.

    Nothing in it leads to the client, which it may outlive: for those who tell what was counted
    last. A forked child begins at zero: what its parent has counted is the parent's to tell.

    Args:
        client: Its name.
        clock: Tells the time.
        standing: What the client is at; held weakly.

    Attributes:
        client_id: A number that no other client of the process has.
        recorders: Told each value; almost always empty.
    """

    def __init__(self, client: str, clock: Clock, standing: Standing) -> None:
        self.client = client
        self.client_id: int = next(_numbers)
        self.targets: Targets = Targets()
        self.recorders: tuple[Recorder, ...] = ()
        self._standing = ref(standing)
        self._noted: deque[Plain] = deque()
        self._clock = clock
        self._started_at = clock.wall_clock()
        self._lock = fork_safe(threading.RLock())
        self._counters: dict[Instrument, dict[tuple[str, ...], float]] = {}
        self._histograms: dict[Instrument, dict[tuple[str, ...], Histogram]] = {}
        self._operations = self._histograms[OPERATION_DURATION] = {}
        self._attempts = self._histograms[ATTEMPT_DURATION] = {}
        self._attempts_of = self._histograms[ATTEMPTS_PER_OPERATION] = {}
        self._recent: dict[str, Recent] = {}
        self._of_one: dict[tuple[str, str, str], _OfOne] = {}
        self._failures: Counter[str] = Counter()
        tell_in_child(self)

    @property
    def is_over(self) -> bool:
        """Whether the client is gone, so that nothing more will be counted."""
        return self._standing() is None

    def begin_anew(self) -> None:
        """Count from zero, as the clients of a forked child do."""
        self._noted.clear()
        self._counters.clear()
        for points in self._histograms.values():
            points.clear()
        self._recent.clear()
        self._of_one.clear()
        self._failures.clear()
        self._started_at = self._clock.wall_clock()

    def add(self, instrument: Instrument, labels: tuple[str, ...], amount: float = 1) -> None:
        """Add to a counter."""
        with self._lock:
            points = self._counters.setdefault(instrument, {})
            points[labels] = points.get(labels, 0) + amount
        self._record(instrument, labels, amount)

    def observe(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        """Count a value in a histogram."""
        with self._lock:
            points = self._histograms.setdefault(instrument, {})
            histogram = points.get(labels)
            if histogram is None:
                histogram = points[labels] = Histogram(instrument.bounds)
            histogram.add(value)
        self._record(instrument, labels, value)

    def _find_of_one(self, labels: tuple[str, str, str]) -> _OfOne:
        target = labels[0]
        return _OfOne(
            operations=self._operations.setdefault(labels, Histogram(SECONDS)),
            attempts=self._attempts.setdefault((*labels, FIRST), Histogram(FINE_SECONDS)),
            attempts_made=self._attempts_of.setdefault(
                (target,), Histogram(ATTEMPTS_PER_OPERATION.bounds)
            ),
            recent=self._recent.setdefault(target, Recent()),
        )

    def end_attempt(self, labels: tuple[str, str, str, str], seconds: float, now: float) -> None:
        """Count an attempt that took `seconds` and ended now, by the labels of its metric."""
        self._count_noted()
        target = labels[0]
        with self._lock:
            histogram = self._attempts.get(labels)
            if histogram is None:
                histogram = self._attempts[labels] = Histogram(FINE_SECONDS)
            recent = self._recent.get(target)
            if recent is None:
                recent = self._recent[target] = Recent()
            if not recent.starts <= now < recent.ends:
                recent.turn_to(now)
            at = bisect_left(FINE_SECONDS, seconds)
            histogram.counts[at] += 1
            histogram.sum += seconds
            recent.counts[at] += 1
        if self.recorders:
            self._record(ATTEMPT_DURATION, labels, seconds)

    def end_operation(
        self,
        labels: tuple[str, str, str],
        attempts: int,
        seconds: float,
        error: BaseException | None,
    ) -> None:
        """Count an operation that took `seconds`, by the labels of its metric."""
        self._count_noted()
        target = labels[0]
        with self._lock:
            histogram = self._operations.get(labels)
            if histogram is None:
                histogram = self._operations[labels] = Histogram(OPERATION_DURATION.bounds)
            histogram.counts[bisect_left(histogram.bounds, seconds)] += 1
            histogram.sum += seconds
            if attempts:
                made = self._attempts_of.get((target,))
                if made is None:
                    made = self._attempts_of[target,] = Histogram(ATTEMPTS_PER_OPERATION.bounds)
                made.counts[bisect_left(made.bounds, attempts)] += 1
                made.sum += attempts
            if error is not None:
                self._failures[type(error).__name__] += 1
        if target is OTHER:
            self.add(SERIES_OVERFLOW, ())
        if self.recorders:
            self._record(OPERATION_DURATION, labels, seconds)
            if attempts:
                self._record(ATTEMPTS_PER_OPERATION, (target,), attempts)

    def note(self, operation: Plain) -> None:
        """Note an operation that one good attempt was enough for, to be counted before long.

        Most operations are such. Together they are counted for half of what each would cost by
        itself, and no lock is taken on their way.
        """
        if self.recorders:
            self._count_and_record(operation)
            return
        self._noted.append(operation)
        if len(self._noted) >= _MOST_NOTED:
            self._count_noted()

    def _count_noted(self) -> None:
        with self._lock:
            for _ in range(len(self._noted)):
                self._count_plain(self._noted.popleft())

    def _count_and_record(self, operation: Plain) -> None:
        with self._lock:
            labels = self._count_plain(operation)
        for recorder in self.recorders:
            try:
                recorder.record(ATTEMPT_DURATION, (*labels, FIRST), operation[5])
                recorder.record(OPERATION_DURATION, labels, operation[4])
                recorder.record(ATTEMPTS_PER_OPERATION, labels[:1], 1)
            except Exception:  # noqa: BLE001 - it is told
                complain("a recorder of metrics raised")

    def _count_plain(self, operation: Plain) -> tuple[str, str, str]:
        base_url, address, method, status, seconds, of_attempt, now = operation
        target = self.targets(base_url, address)
        method = method if method in METHODS else OTHER
        labels = (target, method, ANSWERED.get(status, "other"))
        found = self._of_one.get(labels)
        if found is None:
            found = self._of_one[labels] = self._find_of_one(labels)
        found.operations.counts[bisect_left(SECONDS, seconds)] += 1
        found.operations.sum += seconds
        found.attempts_made.counts[0] += 1
        found.attempts_made.sum += 1
        at = bisect_left(FINE_SECONDS, of_attempt)
        found.attempts.counts[at] += 1
        found.attempts.sum += of_attempt
        recent = found.recent
        if not recent.starts <= now < recent.ends:
            recent.turn_to(now)
        recent.counts[at] += 1
        if target is OTHER:
            self.add(SERIES_OVERFLOW, ())
        return labels

    def snapshot(self) -> MetricsSnapshot:
        """Return everything that was counted so far, and what stands now."""
        self._count_noted()
        with self._lock:
            metrics: dict[Instrument, Mapping[tuple[str, ...], float | HistogramPoint]] = {
                **{each: dict(points) for each, points in self._counters.items()},
                **{
                    each: {labels: found.point(each.bounds) for labels, found in points.items()}
                    for each, points in self._histograms.items()
                },
            }
        metrics.update(self.gauges())
        return MetricsSnapshot(
            client=self.client,
            client_id=self.client_id,
            started_at=self._started_at,
            taken_at=self._clock.wall_clock(),
            metrics=tuple(Metric(each, points) for each, points in metrics.items() if points),
        )

    def gauges(self) -> dict[Instrument, dict[tuple[str, ...], float]]:
        """Return what stands now, by instrument and labels; nothing where the client is gone."""
        standing = self._standing()
        if standing is None:
            return {}
        active = self._active_now()
        found: dict[Instrument, dict[tuple[str, ...], float]] = {
            OPERATIONS_ACTIVE: {(target,): count for target, count in active.items()}
        }
        now = self._clock.now()
        for part in standing.measured:
            for instrument, labels, value in part.gauges(now):
                found.setdefault(instrument, {})[labels] = value
        return found

    def gauges_alone(self) -> dict[Instrument, float]:
        """Return what stands now of gauges that have no labels.

        A part all of whose gauges have some may say so (`is_labelled`), and is not asked.
        """
        now, standing = self._clock.now(), self._standing()
        return {
            instrument: value
            for part in (() if standing is None else standing.measured)
            if not getattr(part, "is_labelled", False)
            for instrument, labels, value in part.gauges(now)
            if not labels
        }

    def tallies(self) -> dict[str, Tally]:
        """Return in few numbers what was done at each target; made to be asked often."""
        self._count_noted()
        active = self._active_now()
        ended = dict.fromkeys(active, 0)
        failed = dict(ended)
        with self._lock:
            for (target, _, outcome), found in self._operations.items():
                count = sum(found.counts)
                ended[target] = ended.get(target, 0) + count
                failed[target] = failed.get(target, 0) + count * (outcome not in _NO_ERRORS)
            made = {
                labels[0]: (int(each.sum), sum(each.counts))
                for labels, each in self._attempts_of.items()
            }
        return {
            target: Tally(count, failed[target], *made.get(target, (0, 0)), active[target])
            for target, count in ended.items()
        }

    def attempts_at(self, target: str) -> tuple[int, int]:
        """Return how many attempts have ended at a target, and how many of them in an error."""
        self._count_noted()
        ended = failed = 0
        with self._lock:
            for (where, _, outcome, _), found in self._attempts.items():
                if where == target:
                    count = sum(found.counts)
                    ended += count
                    failed += count * (outcome not in _NO_ERRORS)
        return ended, failed

    def totals(self, instrument: Instrument, place: int) -> dict[str, float]:
        """Return what a counter has come to, by the value of one of its labels."""
        summed: dict[str, float] = {}
        with self._lock:
            for labels, value in self._counters.get(instrument, {}).items():
                summed[labels[place]] = summed.get(labels[place], 0) + value
        return summed

    def _active_now(self) -> Counter[str]:
        standing = self._standing()
        active = () if standing is None else list(standing.active)
        return Counter(each.find_target(self.targets) for each in active)

    def attempts_by_outcome(self) -> dict[str, tuple[int, float]]:
        """Return how many attempts have ended, and their seconds together, by outcome."""
        self._count_noted()
        found: dict[str, tuple[int, float]] = {}
        with self._lock:
            for (_, _, outcome, _), each in self._attempts.items():
                count, seconds = found.get(outcome, (0, 0.0))
                found[outcome] = count + sum(each.counts), seconds + each.sum
        return found

    def failures_by_class(self) -> dict[str, int]:
        """Return how many operations ended in an error, by the name of its class."""
        with self._lock:
            return dict(self._failures)

    def recent_percentiles(self, target: str) -> tuple[float | None, ...]:
        """Return p50, p90 and p99 of the attempts that ended in the last minute, in seconds."""
        self._count_noted()
        with self._lock:
            recent = self._recent.get(target)
            counts = [] if recent is None else recent.summed(self._clock.now())
        return tuple(percentile(counts, share) for share in (0.5, 0.9, 0.99))

    def _record(self, instrument: Instrument, labels: tuple[str, ...], value: float) -> None:
        for recorder in self.recorders:
            try:
                recorder.record(instrument, labels, value)
            except Exception:  # noqa: BLE001 - it is told
                complain("a recorder of metrics raised")

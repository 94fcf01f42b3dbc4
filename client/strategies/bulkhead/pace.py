"""How long attempts take of late, from what the client counts anyway.

It is worked out while somebody queues, so that a call which finds a free slot pays nothing for it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    class Counted(Protocol):
        """Counts attempts: the aggregator."""

        def attempts_by_outcome(self) -> Mapping[str, tuple[int, float]]:
            """Return how many have ended, and their seconds together, by outcome."""
            ...


__all__ = ["Pace"]

_GOOD: Final = ("success", "client_error")
"""What took as long as an answer takes. A failure may be faster than any, and then says nothing;
one that is slower does."""
_MINIMUM: Final = 10
"""Attempts below which nothing is said."""
_MEMORY: Final = 100
"""Attempts about which the mean goes: those before count for less and less."""
_EVERY: Final = 0.1
"""Seconds for which an answer is good."""
_STALE: Final = 60.0
"""Seconds after which what was known is worth no more than the fewest attempts that say anything:
nobody has queued for so long."""


class Pace:
    """The mean duration of attempts. Safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._seen: Mapping[str, tuple[int, float]] = {}
        self._seen_at: float | None = None
        self._mean = 0.0
        self._weight = 0.0

    def mean(self, counted: Counted, now: float) -> float | None:
        """Return the seconds that an attempt takes, or None where too few were made to say.

        Args:
            counted: Where the attempts are counted.
            now: In seconds of a monotonic clock.
        """
        with self._lock:
            since = None if self._seen_at is None else now - self._seen_at
            if since is None or not 0 <= since < _EVERY:
                self._look(counted, is_stale=since is None or since > _STALE)
                self._seen_at = now
            return self._mean if self._weight >= _MINIMUM else None

    def _look(self, counted: Counted, *, is_stale: bool) -> None:
        before, self._seen = self._seen, counted.attempts_by_outcome()
        new = {
            outcome: (
                count - before.get(outcome, (0, 0.0))[0],
                total - before.get(outcome, (0, 0.0))[1],
            )
            for outcome, (count, total) in self._seen.items()
        }
        count = sum(new[each][0] for each in _GOOD if each in new)
        seconds = sum(new[each][1] for each in _GOOD if each in new)
        usual = seconds / count if count > 0 else self._mean
        for outcome, (more, took) in new.items():
            if outcome not in _GOOD and more > 0 and 0 < usual < took / more:
                count, seconds = count + more, seconds + took
        if is_stale:
            self._weight = 0
        if count <= 0:
            return
        weight = min(self._weight, _MEMORY)
        newly = min(count, _MINIMUM) if is_stale else count
        self._mean = (self._mean * weight + seconds / count * newly) / (weight + newly)
        self._weight = weight + newly

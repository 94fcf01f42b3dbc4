"""What holds the callers of one key back: what was configured, what was learned, and pauses.

Rule 1  A pause is never shortened. After it one caller goes after the other, never a burst.
Rule 2  What the server tells comes on top of what was configured: it can only make it tighter.
Rule 3  Nothing here is locked: the lane that it belongs to is.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Final, NamedTuple

from .bucket import Bucket, Ramp
from .learning import sustained

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .learning import Limit

__all__ = ["Limits", "Rate"]

_CAUTION: Final = 0.9
"""The share of what went well before a pause at which callers are let go after it."""
_LONGEST_GAP: Final = 1.0
"""Seconds between two answers above which nobody was calling."""
_WORTH_TELLING: Final = 1.0
"""Seconds by which a pause must grow to be told of again."""


class Rate(NamedTuple):
    """So many tokens a second, and at most so many at once."""

    per_second: float
    burst: float


class Limits:
    """Says how long a caller waits who comes after so many others, and takes his token.

    A request takes its cost from what was configured, and 1 from all else.

    Args:
        rate: What was configured, or None where nothing was.
        now: The time.
    """

    def __init__(self, rate: Rate | None, now: float) -> None:
        self.paused_until: float = -inf
        self._own: Bucket | None = None
        self._learned: dict[str, Bucket] = {}
        self._restart: Bucket | None = None
        """Lets callers go one after the other after a pause."""
        self._good = 0
        self._busy = 0.0
        """Seconds since the last pause began in which somebody was calling, or it lasted."""
        self._seen_at = now
        self.set_rate(rate, now)

    def set_rate(self, rate: Rate | None, now: float) -> None:
        """Change what was configured; what was taken stays so."""
        if rate is None:
            self._own = None
        elif self._own is None:
            self._own = Bucket(rate.per_second, rate.burst, now)
        else:
            self._own.tune(rate.per_second, rate.burst, now)

    def is_full(self, now: float) -> bool:
        """Whether what was configured lets as many go as if nobody had come yet."""
        return self._own is None or self._own.level(now) >= self._own.capacity

    def pause_left(self, now: float) -> float:
        """Return the seconds until the pause is over, 0.0 where there is none."""
        return max(0.0, self.paused_until - now)

    def seconds(self, ahead: int, cost_ahead: float, cost: float, now: float) -> float:
        """Return how long somebody waits who comes after so many others, of such a cost."""
        wait = self.pause_left(now)
        if self._own is not None:
            wait = max(wait, self._own.wait(cost_ahead, cost, now))
        for bucket in self._learned.values():
            wait = max(wait, bucket.wait(ahead, 1.0, now))
        if self._restart is not None:
            wait = max(wait, self._restart.wait(ahead, 1.0, now))
        return wait

    def take(self, cost: float, now: float, *, is_last: bool) -> None:
        """Take a token.

        Args:
            cost: Of what was configured.
            now: The time.
            is_last: Whether nobody else waits: then a pause that is over is history.
        """
        for bucket, amount in self._charged(cost):
            bucket.take(amount, now)
        restart = self._restart
        if isinstance(restart, Ramp):
            if restart.is_free(now):
                self._restart = None
        elif restart is not None and is_last and restart.level(now) >= 0:
            self._restart = None

    def put_back(self, cost: float, taken_at: float, now: float) -> None:
        """Put a token back that was not used."""
        for bucket, amount in self._charged(cost):
            bucket.give(amount, taken_at, now)

    def correct(self, before: float, cost: float, taken_at: float, now: float) -> None:
        """Have something cost more, or less, than was taken for it."""
        if self._own is None:
            return
        if cost < before:
            self._own.give(before - cost, taken_at, now)
        else:
            self._own.take(cost - before, now)

    def pause(self, seconds: float, now: float, rate: float | None = None) -> bool:
        """Let nobody go for so long; return whether that is worth telling.

        It is not where there is such a pause already, give or take a second: answers to requests
        that were under way together say the same.

        Args:
            seconds: How long.
            now: The time.
            rate: Requests a second that the server allows, as far as it says so now.
        """
        until, before = now + seconds, self.paused_until
        if until <= before:
            return False
        is_new = before <= now
        if is_new:
            self._begin_pause(until, rate)
        self._busy += until - max(now, before)
        self._seen_at = self.paused_until = until
        for bucket, _ in self._charged(0.0):
            bucket.hold(until)
        if isinstance(self._restart, Ramp):
            self._restart.begins = until
        return is_new or until - before >= _WORTH_TELLING

    def note_good(self, now: float) -> None:
        """Count an answer that was good."""
        if now >= self._seen_at:  # else it was under way when the pause began
            self._busy += min(_LONGEST_GAP, now - self._seen_at)
            self._seen_at = now
            self._good += 1

    def learn(self, limits: Iterable[Limit], out: int, now: float) -> None:
        """Take over what the server says of its limits; what it said before is out of date.

        Args:
            limits: What it says.
            out: Requests under way, which may be counted in that already, or not.
            now: The time.
        """
        known, self._learned = self._learned, {}
        for limit in limits:
            bucket = known.get(limit.name) or Bucket(limit.rate, limit.capacity, now)
            bucket.tune(limit.rate, limit.capacity, now)
            if limit.remaining is not None:
                bucket.fill_to(limit.remaining - out, now)
            self._learned[limit.name] = bucket

    def _begin_pause(self, until: float, told: float | None) -> None:
        """Decide how callers are let go after a pause, by what is known from before it."""
        learned = [sustained(each.rate, each.capacity) for each in self._learned.values()]
        known = [told] if told is not None else [max(learned)] if learned else []
        if self._own is not None:
            known.append(self._own.rate)
        before = self._restart
        level = 1.0 if before is None else before.level(until)
        if known:
            self._restart = Bucket(min(known), 1.0, until, level)
        else:
            good = max(self._good, 1) / max(self._busy, 1.0)
            self._restart = Ramp(_CAUTION * good, until, level)
        self._good, self._busy = 0, 0.0

    def _charged(self, cost: float) -> Iterator[tuple[Bucket, float]]:
        """Yield the buckets that a request takes from, each with how much."""
        if self._own is not None:
            yield self._own, cost
        for bucket in self._learned.values():
            yield bucket, 1.0
        if self._restart is not None:
            yield self._restart, 1.0

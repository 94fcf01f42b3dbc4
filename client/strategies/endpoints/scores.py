"""How well an endpoint does: its latency as a peak EWMA, and a penalty for failures.

Rule 1  A latency rises at once to a longer one, and decays by time: towards what is measured
        where something is, towards nothing where nothing is, so that a slow endpoint is asked
        again some time. Source: `PeakEwma` of Twitter's Finagle.
Rule 2  What was no success tells a lower bound: it raises a latency and never lowers it. Fast
        failures would else make an endpoint that fails the best of all.
Rule 3  A failure makes an endpoint look many times worse, half as much each second, until its first
        success. Until then it counts as at least as slow as the slowest, or one that fails from
        its beginning, and has no latency, would look ideal.
"""

from __future__ import annotations

import math
from typing import Final

__all__ = ["DECAY", "Score", "Slowest"]

DECAY: Final = 10.0
"""Seconds after which 1/e of a latency is left."""
_FAILED: Final = 16.0
"""How many times worse a failure makes an endpoint look: it is over after four seconds."""
_WORST: Final = 64.0
"""The most that further failures make of it: over after six."""
_ANY: Final = 1e-3
"""Seconds of a latency where none is known at all: what counts is who has the most outstanding."""


class Slowest:
    """The greatest of all the latencies of a list of endpoints, each as decayed by now.

    They decay by one factor, and one that is measured anew is never below what it had decayed to.
    So the greatest of all that ever were, decayed, is the greatest of those that are; or more,
    for a while, where an endpoint has gone or begins anew.
    """

    __slots__ = ("_at", "_seconds")

    def __init__(self) -> None:
        self._seconds = 0.0
        self._at = 0.0

    def note(self, seconds: float, now: float) -> None:
        """Take note of a latency as it is now."""
        self._seconds = max(self.at(now), seconds)
        self._at = max(now, self._at)

    def at(self, now: float) -> float:
        """Return it; 0 where there is none."""
        return self._seconds * math.exp(-max(0.0, now - self._at) / DECAY)


class Score:
    """The latency of one endpoint, and its penalty. Whoever uses it holds a lock.

    Args:
        slowest: The greatest latency of all endpoints.
    """

    __slots__ = ("_factor", "_failed_at", "_measured_at", "_seconds", "_slowest")

    def __init__(self, slowest: Slowest) -> None:
        self._slowest = slowest
        self._seconds: float | None = None
        self._measured_at = 0.0
        self._factor = 1.0
        self._failed_at = 0.0

    def latency(self, now: float) -> float | None:
        """Return the seconds that an answer takes; None where none has come yet."""
        if self._seconds is None:
            return None
        return self._seconds * math.exp(-max(0.0, now - self._measured_at) / DECAY)

    def penalty(self, now: float) -> float:
        """Return how many times worse than its latency an endpoint is; 1 where it does not fail."""
        if self._factor == 1.0:
            return 1.0
        factor = self._factor * math.exp2(self._failed_at - max(now, self._failed_at))
        if factor <= 1.0:
            self._factor = factor = 1.0
        return factor

    def cost(self, outstanding: float, now: float) -> float:
        """Return what it costs to send one more: the less, the better.

        Args:
            outstanding: Attempts that are out, by the endpoint's share.
            now: The time.
        """
        latency, penalty = self.latency(now), self.penalty(now)
        if penalty > 1.0:
            latency = max(latency or 0.0, self._slowest.at(now)) or _ANY
        elif latency is None:
            # The first attempt finds out; others wait for what it finds.
            latency = 0.0 if not outstanding else self._slowest.at(now) or _ANY
        return latency * (outstanding + 1.0) * penalty

    def succeed(self, seconds: float, now: float) -> None:
        """Take note of an answer that took so long."""
        self._factor = 1.0
        known = self._seconds
        if known is not None and seconds < known:
            kept = math.exp(-max(0.0, now - self._measured_at) / DECAY)
            seconds = known * kept + seconds * (1.0 - kept)
        self._measure(seconds, now)

    def outlast(self, seconds: float, now: float) -> None:
        """Take note of an attempt that was out so long and brought no answer."""
        known = self.latency(now)
        # Where nothing is known, that it takes longer than a moment would look like a fast one.
        if seconds > (self._slowest.at(now) if known is None else known):
            self._measure(seconds, now)

    def fail(self, seconds: float, now: float) -> None:
        """Take note of a failure after so long."""
        self.outlast(seconds, now)
        factor = self.penalty(now)
        self._factor = min(_WORST, factor * _FAILED)
        self._failed_at = max(now, self._failed_at)

    def forget(self) -> None:
        """Know nothing: it has come back, and what its timeouts took is no measure any longer."""
        self._seconds = None
        self._factor = 1.0

    def _measure(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self._measured_at = max(now, self._measured_at)
        self._slowest.note(seconds, now)

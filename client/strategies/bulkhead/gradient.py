"""How many at once a server takes well, found from how long it takes: Gradient2, with changes.

Source: `Gradient2Limit` of Netflix's concurrency-limits (Java). As there: the limit follows the
ratio of the long-term latency to that of the last window, never below a half; a constant number of
waiting requests is allowed on top; nothing changes while less than half of the limit is used. Not
as there: a limit that is reached makes its own latency, so windows in which it was reached only
lower the long-term one. And where a share of the attempts fails by overload, the limit is cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ...config.parts.bulkhead import AdaptiveLimitConfig

__all__ = ["Change", "Gradient", "Window"]

Change: TypeAlias = Literal["drops", "latency", "growth"]
"""Why a limit changed: attempts failed by overload, they took longer than usual, or neither."""
_QUEUE: Final = 4.0
"""Requests that may wait in the server, as published."""
_LONG_TERM: Final = 600
"""Windows about which the long-term latency goes, as published."""
_WARM_UP: Final = 10
"""Windows of which it is the plain mean, at first."""
_LEAST_RATIO: Final = 0.5
_FAR_ABOVE: Final = 2.0
_DECAY: Final = 0.95
"""A long-term latency that is twice as long as the last one is of other times: it goes faster."""


class Window(NamedTuple):
    """What was seen in a stretch of time.

    Attributes:
        answered: Attempts that were answered well.
        seconds: What these took, together.
        drops: Attempts that failed by overload.
        most_in_use: How many operations had an attempt under way at most.
        was_full: Whether the limit was reached.
    """

    answered: int
    seconds: float
    drops: int
    most_in_use: int
    was_full: bool


class Gradient:
    """The limit, and what it is found from.

    Args:
        config: How it is found.
        ceiling: The highest it may become.
    """

    def __init__(self, config: AdaptiveLimitConfig, ceiling: int) -> None:
        self._config = config
        self._ceiling = ceiling
        self._exact: float = self._within(config.initial_limit)
        self.long_term: float | None = None
        """The latency of healthy times, in seconds; None where none was seen yet."""
        self._seen = 0

    @property
    def limit(self) -> int:
        """The limit in force."""
        return int(self._exact)

    def reconfigure(self, config: AdaptiveLimitConfig, ceiling: int) -> None:
        """Go on from here by other settings."""
        self._config, self._ceiling = config, ceiling
        self._exact = self._within(self._exact)

    def _within(self, limit: float) -> float:
        return float(min(max(limit, self._config.min_limit), self._ceiling))

    def learn(self, window: Window) -> Change | None:
        """Look at a window that has ended; return why the limit is another now, or None."""
        before, config = self.limit, self._config
        change: Change = "drops"
        seen = window.answered + window.drops
        if seen and window.drops >= config.drop_ratio * seen:
            self._exact = self._within(self._exact * config.backoff_ratio)
        elif window.answered:
            change = self._follow(window)
        return None if self.limit == before else change

    def _follow(self, window: Window) -> Change:
        latency = window.seconds / window.answered
        long_term = self._remember(latency, was_full=window.was_full)
        config, limit = self._config, self._exact
        if window.most_in_use * 2 < limit:
            return "growth"
        ratio = min(1.0, config.tolerance * long_term / latency) if latency > 0 else 1.0
        aim = limit * max(_LEAST_RATIO, ratio) + _QUEUE
        self._exact = self._within(limit + (aim - limit) * config.smoothing)
        return "growth" if self._exact >= limit else "latency"

    def _remember(self, latency: float, *, was_full: bool) -> float:
        if self.long_term is None:
            self.long_term = latency
        elif latency < self.long_term or not was_full:
            self._seen = min(self._seen + 1, _LONG_TERM)
            share = 1 / (self._seen + 1) if self._seen < _WARM_UP else 2 / (_LONG_TERM + 1)
            self.long_term += (latency - self.long_term) * share
        if self.long_term > _FAR_ABOVE * latency:
            self.long_term *= _DECAY
        return self.long_term

"""What hedging remembers of each origin from call to call."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from ...runtime.forking import fork_safe
from .extra_load import ExtraLoad
from .latencies import Latencies

if TYPE_CHECKING:
    from ...config.parts.hedge import HedgeConfig

__all__ = ["Place", "Places"]

_MOST: Final = 200
"""Origins that are remembered; beyond, the one that was called longest ago is forgotten."""


class Place:
    """One origin: what its answers take, and what hedges may add to its load.

    The load is counted for each by itself, or calls of a healthy one would pay for hedges that a
    slow one cannot bear. Safe to share between threads.
    """

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._latencies = Latencies()
        self._load = ExtraLoad()

    def begin(self, config: HedgeConfig) -> None:
        """Count a call."""
        with self._lock:
            self._load.deposit(config.max_extra_load)

    def delay(self, config: HedgeConfig) -> float | None:
        """Return the seconds after which a hedge is sent, or None where that is not known yet."""
        if config.delay is not None:
            return config.delay
        with self._lock:
            if len(self._latencies) < config.minimum_samples:
                return None
            seconds = self._latencies.percentile(config.percentile)
        longest = config.max_delay
        return max(config.min_delay, seconds if longest is None else min(seconds, longest))

    def note(self, seconds: float) -> None:
        """Take note of what a first attempt took."""
        with self._lock:
            self._latencies.add(seconds)

    def pay(self) -> bool:
        """Pay for a hedge; False where that would be too much load."""
        with self._lock:
            return self._load.withdraw()

    def refund(self) -> None:
        """Return what was paid for a hedge that was not sent."""
        with self._lock:
            self._load.refund()


class Places:
    """They, by origin. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._places: OrderedDict[str, Place] = OrderedDict()

    def at(self, origin: str) -> Place:
        """Return what is remembered of an origin."""
        with self._lock:
            place = self._places.get(origin)
            if place is None:
                place = self._places[origin] = Place()
                if len(self._places) > _MOST:
                    self._places.popitem(last=False)
            else:
                self._places.move_to_end(origin)
            return place

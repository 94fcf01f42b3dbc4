"""Finds the lane of a key; what is kept is bounded.

The least recently used goes first, and best one that is as if it were new. One with a pause, or
with somebody who waits, is never forgotten: where all are such, further keys share one lane.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Final

from ...runtime.forking import fork_safe
from .lane import Lane

if TYPE_CHECKING:
    from .limits import Rate

__all__ = ["Lanes"]

_MOST_KEYS: Final = 10_000
_MOST_LOOKED_AT: Final = 100
"""Lanes looked at to make room for one, so that it costs little even where all are in use."""


class Lanes:
    """The lanes of one client, safe to share between threads and tasks.

    Args:
        rate: What was configured for each key, or None where nothing was.
        most_keys: How many are kept.
    """

    def __init__(self, rate: Rate | None, most_keys: int = _MOST_KEYS) -> None:
        self._rate = rate
        self._most_keys = most_keys
        # A signal handler may call in the middle of a step.
        self._lock = fork_safe(threading.RLock())
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._shared: Lane | None = None
        """Of the keys that find no room."""

    @property
    def waiting(self) -> int:
        """How many callers wait for a token."""
        return sum(lane.waiting for lane in self.all())

    def paused(self, now: float) -> int:
        """Return how many keys are paused."""
        return sum(lane.pause_left(now) > 0 for lane in self.all())

    def lane(self, key: str, now: float) -> Lane:
        """Return the lane of a key."""
        with self._lock:
            lane = self._lanes.get(key)
            if lane is not None:
                self._lanes.move_to_end(key)
                return lane
            if not self._make_room(now):
                return self._shared_lane(now)
            lane = self._lanes[key] = Lane(self._rate, self._lock, now)
            return lane

    def reconfigure(self, rate: Rate | None, now: float) -> None:
        """Take over other settings, for all keys."""
        self._rate = rate
        for lane in self.all():
            lane.reconfigure(rate, now)

    def begin_anew(self) -> None:
        """Forget whoever waits and what is under way; pauses and what was taken stay."""
        for lane in self.all():
            lane.begin_anew()

    def all(self) -> list[Lane]:
        """Return those that there are."""
        with self._lock:
            lanes = list(self._lanes.values())
        return lanes if self._shared is None else [*lanes, self._shared]

    def _shared_lane(self, now: float) -> Lane:
        if self._shared is None:
            self._shared = Lane(self._rate, self._lock, now)
        return self._shared

    def _make_room(self, now: float) -> bool:
        """Forget a lane where there are too many."""
        lanes = self._lanes
        if len(lanes) < self._most_keys:
            return True
        idle: str | None = None
        for key in list(islice(lanes, _MOST_LOOKED_AT)):
            if lanes[key].is_as_new(now):
                del lanes[key]
                return True
            if lanes[key].is_idle(now):
                idle = idle or key
            else:
                lanes.move_to_end(key)  # the next search does not meet it again
        if idle is None:
            return False
        del lanes[idle]
        return True

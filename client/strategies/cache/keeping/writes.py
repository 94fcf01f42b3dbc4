"""What was written meanwhile: an answer that was asked for before a write is not kept after it.

Within the process this is counted, so that no clock has a say. For other processes on the same
storage a mark is left there, with the time of the wall clock: one for each of 256 parts of all
keys, so that writes to many URLs do not crowd out what is kept.
"""

from __future__ import annotations

import struct
import threading
from collections import OrderedDict
from dataclasses import dataclass
from math import isfinite
from typing import Final, NamedTuple

from ....runtime.forking import fork_safe
from .keys import PROCESS
from .records import TOMBSTONE, sealed

__all__ = ["Began", "Ledger", "Tombstone", "mark_of"]

_MOST: Final = 4096
_FORMAT: Final = struct.Struct("!16sd")


class Began(NamedTuple):
    """When an answer was asked for."""

    writes: int
    """How many writes there had been."""
    moment: float
    """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The last write to any of the resources that share it.

    Attributes:
        writer: The process that wrote, as random bytes of its own.
        moment: When, in seconds since the epoch.
    """

    writer: bytes
    moment: float

    def precedes(self, began: Began) -> bool:
        """Whether an answer was asked for after the write."""
        if began.moment == self.moment:
            return self.writer == PROCESS  # which has counted
        return began.moment > self.moment

    @property
    def footprint(self) -> int:
        """The bytes of memory that it takes, roughly."""
        return 200

    def to_bytes(self) -> bytes:
        """Return it as a record for a storage."""
        return sealed(TOMBSTONE, _FORMAT.pack(self.writer, self.moment))

    @classmethod
    def from_payload(cls, payload: memoryview) -> Tombstone:
        """Return what stands in a record of this kind.

        Raises:
            ValueError: It is damaged.
        """
        if len(payload) != _FORMAT.size:
            raise ValueError("a damaged mark of a write")
        tombstone = cls(*_FORMAT.unpack(payload))
        if not isfinite(tombstone.moment):
            raise ValueError("a mark of a write at no time")
        return tombstone


def mark_of(resource: str) -> str:
    """Return the key of the mark that the resource of a resource key shares with others."""
    return f"w{resource[1:3]}"


class Ledger:
    """Counts the writes of this process to what one storage keeps. Safe between threads."""

    def __init__(self) -> None:
        self._lock = fork_safe(threading.Lock())
        self._count = 0
        self._last: OrderedDict[str, int] = OrderedDict()
        self._floor = 0
        self.undone: OrderedDict[str, int] = OrderedDict()
        """Keys of what should be gone from the storage, and may not be."""
        self.distrusted: float = float("-inf")
        """What was received before, in seconds since the epoch, may be one that should be gone."""

    def began(self, moment: float) -> Began:
        """Return when an answer is asked for, which is now.

        Args:
            moment: The seconds since the epoch.
        """
        return Began(self._count, moment)

    def note(self, resource: str, moment: float) -> int:
        """Count a write, and take note that what is kept of it must go.

        Args:
            resource: The key of what was written to.
            moment: The seconds since the epoch.

        Returns:
            What `settle` is told when that is done.
        """
        with self._lock:
            self._count += 1
            self._last[resource] = self.undone[resource] = count = self._count
            self._last.move_to_end(resource)
            if len(self._last) > _MOST:
                self._floor = self._last.popitem(last=False)[1]
            if len(self.undone) > _MOST:
                self.undone.popitem(last=False)
                self.distrusted = max(self.distrusted, moment)
        return count

    def settle(self, resource: str, count: int) -> None:
        """Take note that all is gone that was kept before that write."""
        with self._lock:
            if self.undone.get(resource) == count:
                del self.undone[resource]

    def allows(self, resource: str, began: Began) -> bool:
        """Whether there was no write since an answer was asked for, as far as is remembered."""
        return self._last.get(resource, self._floor) <= began.writes

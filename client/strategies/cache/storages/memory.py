"""A storage in the memory of the process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol

from ....runtime.forking import fork_safe, tell_in_child
from ..keeping.records import kept_under
from .bounds import check_bound

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["MemoryStorage", "Record"]

_PLACE: Final = 230
"""Bytes that a key and its place in the table take, besides what is kept there."""
_BYTES: Final = 33
"""Bytes that an object of bytes takes, besides its contents."""


class Record(Protocol):
    """Something that can be kept as it is, so that it need not be made of bytes each time."""

    @property
    def footprint(self) -> int:
        """The bytes of memory that it takes, roughly."""
        ...

    def to_bytes(self) -> bytes:
        """Return it as it stands in other storages."""
        ...


class _Kept(NamedTuple):
    value: bytes | Record
    size: int


class MemoryStorage:
    """Keeps entries in memory, up to a number and a size; what was used longest ago goes first.

    Safe to share between clients, threads and event loops. A forked child goes on with a copy.

    Args:
        max_entries: How many are kept; 1 at least, default 1000.
        max_bytes: How much memory they may take, what Python needs for them included; default
            64 MiB. What is larger by itself is not kept.

    Raises:
        ValueError: A bound is no whole number, or below 1.
    """

    is_blocking: ClassVar[bool] = False
    """It never waits, so it is called where the call is made."""

    def __init__(self, max_entries: int = 1000, max_bytes: int = 64 * 1024 * 1024) -> None:
        self._most = check_bound("max_entries", max_entries)
        self._most_bytes = check_bound("max_bytes", max_bytes)
        self._lock = fork_safe(threading.RLock())
        self._kept: OrderedDict[str, _Kept] = OrderedDict()
        self._size = 0
        tell_in_child(self)

    def get(self, key: str, /) -> bytes | None:
        """Return what was set last, or None where that is gone."""
        value = self.find(key)
        if value is None or isinstance(value, bytes):
            return value
        return kept_under(key, value.to_bytes())

    def set(self, key: str, value: bytes, /) -> None:
        """Keep a value, and forget what there is no room for any more."""
        self.keep(key, value)

    def delete(self, key: str, /) -> None:
        """Forget a value, if it is there."""
        with self._counted():
            self._drop(key)

    def close(self) -> None:
        """Do nothing: it can be used again, with all that is kept."""

    def clear(self) -> None:
        """Forget all."""
        with self._counted():
            self._kept.clear()
            self._size = 0

    def find(self, key: str) -> bytes | Record | None:
        """Return what stands there, as it was given."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                return None
            self._kept.move_to_end(key)
            return kept.value

    def keep(self, key: str, value: bytes | Record) -> None:
        """Keep bytes, or what could be made bytes."""
        size = len(key) + _PLACE
        size += len(value) + _BYTES if isinstance(value, bytes) else value.footprint
        with self._counted():
            self._drop(key)
            if size > self._most_bytes:
                return
            self._kept[key] = _Kept(value, size)
            self._size += size
            while self._size > self._most_bytes or len(self._kept) > self._most:
                self._drop(next(iter(self._kept)))

    @contextmanager
    def _counted(self) -> Generator[None]:
        with self._lock:
            try:
                yield
            except BaseException:  # an interrupt between two lines
                self.begin_anew()
                raise

    def _drop(self, key: str) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._size -= kept.size

    def begin_anew(self) -> None:
        """Count again: the thread that was at it is in the parent process, or was interrupted."""
        self._size = sum(kept.size for kept in self._kept.values())

    @property
    def size(self) -> int:
        """The bytes of memory that all of it takes, as far as they are known."""
        return self._size

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._kept))

    def __repr__(self) -> str:
        return f"<MemoryStorage with {len(self)} entries, {self._size} bytes>"

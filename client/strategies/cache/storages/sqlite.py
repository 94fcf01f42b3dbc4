"""A storage in a file, by the SQLite of the standard library."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from sqlite3 import Connection, Error, OperationalError
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar, cast

from ....runtime.forking import fork_safe, tell_in_child
from .bounds import check_bound
from .database import Database, writing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SQLiteStorage"]

T = TypeVar("T")
_ROW: Final = 100
"""Bytes that a row takes besides its key and its value, roughly."""
_MOST_NOTED: Final = 500
_NOTED_SECONDS: Final = 10.0
"""Reads are noted in the file with the next write, or once there are so many, or after so long."""


class SQLiteStorage:
    """Keeps entries in a file that outlives the process, and that several may share.

    Safe between threads and processes of one machine, and in forked children. What was used longest
    ago goes first. A file that is made is readable and writable by its owner alone; a damaged one
    is moved aside, to the same name with `.damaged` behind it.

    Args:
        path: Where the file is, or will be, in a folder of a local disk. SQLite puts two more
            beside it while it is in use.
        max_entries: How many records are kept; 1 at least, default 10,000. An answer is one, and
            one more stands for each URL whose answers have a `Vary` or a partition.
        max_bytes: How much they may take; default 256 MiB. What is larger by itself is not kept.
            The file may become somewhat larger.

    Raises:
        TypeError: The path is none.
        ValueError: The path is empty or one of SQLite's own names; or a bound is no whole number,
            or below 1.
    """

    is_blocking: ClassVar[bool] = True
    """It reads and writes a file, so it is called in a thread."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_entries: int = 10_000,
        max_bytes: int = 256 * 1024 * 1024,
    ) -> None:
        self._most = check_bound("max_entries", max_entries)
        self._most_bytes = check_bound("max_bytes", max_bytes)
        self._database = Database(_absolute(path))
        self._lock = fork_safe(threading.RLock())
        self._opened: Connection | None = None
        self._known = 0, 0
        """Entries and bytes, when this storage looked last."""
        self._noted: OrderedDict[str, None] = OrderedDict()
        self._note_at = 0.0
        tell_in_child(self)

    def get(self, key: str, /) -> bytes | None:
        """Return what was set last, or None where that is gone.

        Raises:
            sqlite3.Error: The file cannot be read.
            OSError: It cannot be made.
        """
        return self._do(lambda connection: self._read(connection, key))

    def set(self, key: str, value: bytes, /) -> None:
        """Keep a value, and forget what there is no room for any more.

        Raises:
            sqlite3.Error: The file cannot be written to.
            OSError: It cannot be made.
        """
        self._do(lambda connection: self._write(connection, key, value))

    def delete(self, key: str, /) -> None:
        """Forget a value, if it is there.

        Raises:
            sqlite3.Error: The file cannot be written to.
            OSError: It cannot be made.
        """
        self._do(lambda connection: self._write(connection, key, None))

    def clear(self) -> None:
        """Forget all.

        Raises:
            sqlite3.Error: The file cannot be written to.
            OSError: It cannot be made.
        """
        self._do(self._empty)

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        with self._lock:
            with suppress(Error, OSError):
                if self._noted:
                    self._do(self._flush)
            self._opened = None
            self._database.close()

    def begin_anew(self) -> None:
        """Forget the connection, which is the parent process's."""
        self._opened = None
        self._database.leave()
        self._noted.clear()

    @property
    def size(self) -> int:
        """The bytes that all of it takes, roughly, as far as this storage has seen.

        It is told without a look into the file; so is the length, the number of records.
        """
        return self._known[1]

    def __len__(self) -> int:
        return self._known[0]

    def __repr__(self) -> str:
        return f"SQLiteStorage({self._database.path!r})"

    def __del__(self) -> None:
        with suppress(Exception):  # it may never have been made, or all may be about to end
            self._database.close()

    def _do(self, work: Callable[[Connection], T]) -> T:
        """Do something with the file; once more where it had to be opened or made anew."""
        with self._lock:
            try:
                return self._do_once(work)
            except Error as error:
                if not self._database.recover(error):
                    raise
            return self._do_once(work)

    def _do_once(self, work: Callable[[Connection], T]) -> T:
        connection = self._database.connection()
        if connection is not self._opened:
            entries, used = _row(connection, "SELECT entries, bytes FROM totals")
            self._opened, self._known = connection, (entries, used)
        return work(connection)

    def _empty(self, connection: Connection) -> None:
        with writing(connection):
            connection.execute("DELETE FROM entries")
            connection.execute("UPDATE totals SET entries = 0, bytes = 0")
        self._known = 0, 0

    def _read(self, connection: Connection, key: str) -> bytes | None:
        row = connection.execute("SELECT value FROM entries WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if not self._noted:
            self._note_at = time.monotonic() + _NOTED_SECONDS
        self._noted[key] = None
        self._noted.move_to_end(key)
        if len(self._noted) >= _MOST_NOTED or time.monotonic() >= self._note_at:
            with suppress(OperationalError):  # another process writes; this can wait
                self._flush(connection)
        value: bytes = row[0]
        return value

    def _flush(self, connection: Connection) -> None:
        with writing(connection):
            clock = self._note(connection, _clock(connection))
            connection.execute("UPDATE totals SET clock = ?", (clock,))

    def _note(self, connection: Connection, clock: int) -> int:
        """Write down when what was read was used, and return the next moment."""
        noted, self._noted = self._noted, OrderedDict()
        moments = zip(range(clock, clock + len(noted)), noted, strict=True)
        connection.executemany("UPDATE entries SET used = ? WHERE key = ?", moments)
        return clock + len(noted)

    def _write(self, connection: Connection, key: str, value: bytes | None) -> None:
        """Put a value in place of what is there, or nothing."""
        with writing(connection):
            entries, used, clock = _row(connection, "SELECT entries, bytes, clock FROM totals")
            clock = self._note(connection, clock)
            old = connection.execute("SELECT size FROM entries WHERE key = ?", (key,)).fetchone()
            if old is not None:
                connection.execute("DELETE FROM entries WHERE key = ?", (key,))
                entries, used = entries - 1, used - old[0]
            size = len(key) + len(value or b"") + _ROW
            if value is not None and size <= self._most_bytes:
                connection.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?)", (key, size, clock, value)
                )
                entries, used = entries + 1, used + size
            if entries > self._most or used > self._most_bytes:
                entries, used = self._make_room(connection, entries, used)
            totals = entries, used, clock + 1
            connection.execute("UPDATE totals SET entries = ?, bytes = ?, clock = ?", totals)
        self._known = entries, used

    def _make_room(self, connection: Connection, entries: int, used: int) -> tuple[int, int]:
        gone: list[tuple[str]] = []
        for key, size in connection.execute("SELECT key, size FROM entries ORDER BY used"):
            gone.append((key,))
            entries, used = entries - 1, used - size
            if entries <= self._most and used <= self._most_bytes:
                break
        else:  # the totals were wrong, or there would be room by now
            entries = used = 0
        connection.executemany("DELETE FROM entries WHERE key = ?", gone)
        return entries, used


def _absolute(path: str | os.PathLike[str]) -> str:
    name = cast("object", os.fspath(path))
    if not isinstance(name, str):
        raise TypeError(f"path is {path!r}: give a str or a Path")
    if not name or name == ":memory:" or name.startswith("file:"):
        raise ValueError(f"path is {name!r}: give that of a file, or use MemoryStorage()")
    return os.path.abspath(name)  # noqa: PTH100 - a Path resolves nothing without following links


def _row(connection: Connection, query: str) -> tuple[int, ...]:
    row: tuple[int, ...] = connection.execute(query).fetchone()
    return row


def _clock(connection: Connection) -> int:
    return _row(connection, "SELECT clock FROM totals")[0]

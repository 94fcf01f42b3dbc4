"""The file behind `SQLiteStorage`: opened when it is needed, and made anew where it is damaged.

A file that is another program's is never touched, and a damaged one is moved aside, not deleted:
the path may be a mistake.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["Database", "writing"]

_OURS: Final = 0x52484343
"""Says in the head of the file whose it is."""
_VERSION: Final = 1
_BUSY_SECONDS: Final = 0.25
"""How long a write waits for that of another process."""
_OPENINGS: Final = 5
_BETWEEN_OPENINGS: Final = 0.02
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_REPLACED: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_ERROR})
"""What an open file brings that was replaced, or cut off."""
_NO_FILE: Final = (0, 0)
_SCHEMA: Final = (
    "DROP TABLE IF EXISTS entries",
    "DROP TABLE IF EXISTS totals",
    "CREATE TABLE entries (key TEXT PRIMARY KEY, size INTEGER, used INTEGER, value BLOB NOT NULL)",
    "CREATE INDEX entries_by_use ON entries (used)",
    "CREATE TABLE totals (entries INTEGER, bytes INTEGER, clock INTEGER)",
    "INSERT INTO totals VALUES (0, 0, 0)",
    f"PRAGMA user_version = {_VERSION}",
    f"PRAGMA application_id = {_OURS}",
)
_of_parents: Final[list[sqlite3.Connection]] = []
"""Connections of a parent process, which a forked child may not even close."""


class Database:
    """A connection to a file that may be moved or damaged while it is open. Not safe by itself.

    Args:
        path: Where the file is, or will be.
    """

    def __init__(self, path: str) -> None:
        self.path: str = path
        self._connection: sqlite3.Connection | None = None
        self._file = _NO_FILE

    def connection(self) -> sqlite3.Connection:
        """Return the connection to the file that stands at the path now.

        Raises:
            sqlite3.Error: It cannot be opened, or is another program's.
            OSError: It cannot be made.
        """
        if self._connection is not None:
            if _identity(self.path) == self._file:
                return self._connection
            self.close()
        for _ in range(_OPENINGS - 1):
            try:
                return self._open()
            except sqlite3.Error as error:
                if not self.recover(error) and _code(error) != sqlite3.SQLITE_BUSY:
                    raise
            time.sleep(_BETWEEN_OPENINGS)  # others are making it, too
        return self._open()

    def recover(self, error: sqlite3.Error) -> bool:
        """Close the file after an error, and move it aside if it is damaged.

        Returns:
            Whether another try, with the file that is there then, may go better.

        Raises:
            OSError: It cannot be moved.
        """
        code = _code(error)
        if code not in _DAMAGE | _REPLACED:
            return False
        self.close()
        if code in _DAMAGE:
            _move_aside(self.path, self._file)
        return True

    def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def leave(self) -> None:
        """Forget the connection, which is a parent process's."""
        if self._connection is not None:
            _of_parents.append(self._connection)
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        _make(self.path)
        self._file = _identity(self.path)
        connection = sqlite3.connect(
            self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection


@contextmanager
def writing(connection: sqlite3.Connection) -> Generator[None]:
    """Write all that is done in the block, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _identity(path: str) -> tuple[int, int]:
    """Return what tells a file from another at the same path."""
    try:
        status = os.stat(path)  # noqa: PTH116 - before every read: a Path takes twice as long
    except OSError:
        return _NO_FILE
    return status.st_dev, status.st_ino


def _make(path: str) -> None:
    """Make an empty file, whose companions will have its permissions."""
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One that is there is not opened: closing it again would free SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _move_aside(path: str, file: tuple[int, int]) -> None:
    """Move a damaged file, unless somebody has done so and another stands there."""
    if _identity(path) != file:
        return
    Path(path).replace(f"{path}.damaged")
    for suffix in ("-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables, unless they are there."""
    if _is_ready(connection):
        connection.execute("PRAGMA synchronous = NORMAL")
        return
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    with writing(connection):
        if not _is_ready(connection):
            for statement in _SCHEMA:
                connection.execute(statement)


def _is_ready(connection: sqlite3.Connection) -> bool:
    """Whether the tables are there.

    Raises:
        sqlite3.DatabaseError: Those of another program are.
    """
    owner, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if owner != _OURS and tables:
        raise sqlite3.DatabaseError("the file is another program's: give the cache one of its own")
    return bool(owner == _OURS and version == _VERSION and tables)

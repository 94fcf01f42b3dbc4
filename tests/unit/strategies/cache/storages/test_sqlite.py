"""The storage in a file: shared, damaged, moved, locked, full, and another program's."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from client.cache import SQLiteStorage
from client.strategies.cache.storages import database
from client.strategies.cache.storages import sqlite as module
from tests.eventually import eventually
from tests.unit.threads import together

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITER = """
import sys
from client.cache import SQLiteStorage
storage = SQLiteStorage(sys.argv[1], max_entries=50)
mark = sys.argv[2].encode()
print("begun", flush=True)
number = 0
while number < int(sys.argv[3]):
    number += 1
    try:
        storage.set(f"key-{number % 20}", mark * 200)
        found = storage.get(f"key-{number % 7}")
    except Exception as error:
        if "locked" not in str(error):
            raise
        continue
    assert found is None or found == found[:1] * 200, found
storage.close()
print("ended", flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "folder" / "cache.db"


@pytest.fixture
def storage(path: Path) -> Iterator[SQLiteStorage]:
    """A storage that is closed afterwards."""
    made = SQLiteStorage(path)
    yield made
    made.close()


def writer(path: Path, mark: str, times: int) -> subprocess.Popen[str]:
    """Begin another process that reads and writes."""
    arguments = [sys.executable, "-c", WRITER, str(path), mark, str(times)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_what_is_kept_outlives_the_process(path: Path, storage: SQLiteStorage) -> None:
    """Another one finds it."""
    storage.set("a", b"\x00\xff")
    assert SQLiteStorage(path).get("a") == b"\x00\xff"
    assert storage.get("absent") is None
    storage.delete("absent")
    assert repr(storage) == f"SQLiteStorage({str(path)!r})"


def test_the_file_is_its_owners_alone(path: Path, storage: SQLiteStorage) -> None:
    """And so are those that SQLite puts beside it, and a folder that was not there."""
    storage.set("a", b"1")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == {"cache.db": 0o600, "cache.db-shm": 0o600, "cache.db-wal": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_reads_are_noted_with_the_next_write(path: Path) -> None:
    """By whichever storage: what was read last stays longest."""
    one, other = SQLiteStorage(path, max_entries=2), SQLiteStorage(path, max_entries=2)
    one.set("a", b"1")
    one.set("b", b"2")
    assert other.get("a") == b"1"
    other.set("c", b"3")
    assert [one.get(key) for key in "abc"] == [b"1", None, b"3"]
    one.close()
    other.close()


def used(path: Path, key: str) -> int:
    """Return when something was used last, by the file."""
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("SELECT used FROM entries WHERE key = ?", (key,)).fetchone()
    finally:
        connection.close()
    moment: int = found[0]
    return moment


@pytest.mark.parametrize("bound", ["_MOST_NOTED", "_NOTED_SECONDS"])
def test_many_reads_or_old_ones_are_noted_without_a_write(
    path: Path, storage: SQLiteStorage, bound: str
) -> None:
    """Another process may be the only one that writes."""
    storage.set("a", b"1")
    before = used(path, "a")
    storage.get("a")
    assert used(path, "a") == before
    with patch.object(module, bound, 0):
        storage._noted.clear()
        storage.get("a")
    assert used(path, "a") > before


def test_reads_that_cannot_be_noted_now_are_noted_later(path: Path, storage: SQLiteStorage) -> None:
    """A read never fails because another process writes."""
    storage.set("a", b"1")
    before = used(path, "a")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with patch.object(module, "_MOST_NOTED", 0):
        assert storage.get("a") == b"1"
        other.execute("ROLLBACK")
        other.close()
        assert used(path, "a") == before
        assert storage.get("a") == b"1"
    assert used(path, "a") > before


def test_what_was_read_is_noted_as_it_is_closed(path: Path, storage: SQLiteStorage) -> None:
    """Or nobody would."""
    storage.set("a", b"1")
    before = used(path, "a")
    storage.get("a")
    storage.close()
    assert used(path, "a") > before


def test_a_file_that_is_no_database_is_moved_aside(path: Path, storage: SQLiteStorage) -> None:
    """Nothing of it is lost: the path may be a mistake."""
    path.parent.mkdir()
    path.write_bytes(b"something else" * 100)
    assert storage.get("a") is None
    storage.set("a", b"1")
    assert storage.get("a") == b"1"
    assert Path(f"{path}.damaged").read_bytes() == b"something else" * 100


def test_a_file_that_is_damaged_while_it_is_open_is_made_anew(
    path: Path, storage: SQLiteStorage
) -> None:
    """At the next use of what is damaged in it."""
    storage.set("a", bytes(50_000))
    storage.close()
    damaged = path.read_bytes()
    path.write_bytes(damaged[:4_096] + b"\xff" * (len(damaged) - 4_096))
    assert storage.get("a") is None
    storage.set("a", b"1")
    assert storage.get("a") == b"1"
    assert Path(f"{path}.damaged").exists()


def test_a_file_that_is_emptied_or_removed_begins_anew(path: Path, storage: SQLiteStorage) -> None:
    """So does one that another has taken the place of."""
    storage.set("a", b"1")
    path.unlink()
    assert storage.get("a") is None
    storage.set("a", b"2")
    other = SQLiteStorage(path.parent / "other.db")
    other.set("a", b"3")
    other.close()
    (path.parent / "other.db").replace(path)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    assert storage.get("a") == b"3"
    storage.close()
    path.write_bytes(b"")
    assert storage.get("a") is None


def test_one_that_was_made_anew_by_another_is_not_moved_aside(
    path: Path, storage: SQLiteStorage
) -> None:
    """Two processes that find the same damage make one new file."""
    storage.set("a", b"1")
    behind = storage._database
    error = sqlite3.DatabaseError("malformed")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    before = behind._file
    path.rename(path.parent / "moved")
    SQLiteStorage(path).set("a", b"2")
    behind._file = before
    assert behind.recover(error)
    assert storage.get("a") == b"2"
    assert not Path(f"{path}.damaged").exists()


def test_another_programs_database_is_not_touched(path: Path, storage: SQLiteStorage) -> None:
    """There is an error instead, at each use."""
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE entries (key, mine)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(sqlite3.DatabaseError, match="another program's"):
            storage.set("a", b"1")
    assert path.read_bytes() == before


def test_a_file_of_another_version_begins_anew(path: Path, storage: SQLiteStorage) -> None:
    """Whatever was in it: it is a cache."""
    storage.set("a", b"1")
    storage.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    assert storage.get("a") is None
    storage.set("a", b"2")
    assert storage.get("a") == b"2"


def test_tables_that_somebody_drops_are_made_anew(path: Path, storage: SQLiteStorage) -> None:
    """Also while the file is open."""
    storage.set("a", b"1")
    connection = sqlite3.connect(path)
    connection.executescript("DROP TABLE entries; DROP TABLE totals; PRAGMA user_version = 0")
    connection.close()
    assert storage.get("a") is None
    storage.set("a", b"2")
    assert storage.get("a") == b"2"
    assert not Path(f"{path}.damaged").exists()


def test_what_another_makes_meanwhile_is_not_made_again(path: Path, storage: SQLiteStorage) -> None:
    """It is looked once more, when nobody else can write."""
    storage.set("a", b"1")
    with patch.object(database, "_is_ready", side_effect=[False, True]):
        assert SQLiteStorage(path).get("a") == b"1"


def test_totals_that_are_wrong_keep_no_room(path: Path) -> None:
    """As after an update by hand: what is there goes, and the next begins anew."""
    storage = SQLiteStorage(path, max_entries=2)
    storage.set("a", b"1")
    connection = sqlite3.connect(path)
    connection.execute("UPDATE totals SET entries = 100")
    connection.commit()
    connection.close()
    storage.set("b", b"2")
    assert storage.get("a") is None
    storage.set("c", b"3")
    assert len(storage) <= 2
    storage.close()


def test_a_locked_file_can_be_read_and_says_that_it_cannot_be_written(
    path: Path, storage: SQLiteStorage
) -> None:
    """It is the guard who makes nothing of that; it works once the lock is gone."""
    storage.set("a", b"1")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert storage.get("a") == b"1"
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        storage.set("a", b"2")
    other.execute("ROLLBACK")
    other.close()
    storage.set("a", b"2")
    assert storage.get("a") == b"2"


def test_a_full_disk_loses_what_comes_and_nothing_else(storage: SQLiteStorage) -> None:
    """Half of a write is none."""
    storage.set("a", b"1")
    connection = storage._database.connection()
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        storage.set("a", bytes(100_000))
    assert (storage.get("a"), len(storage)) == (b"1", 1)
    connection.execute("PRAGMA max_page_count = 1000000")
    storage.set("a", bytes(100_000))
    assert storage.get("a") == bytes(100_000)


def test_where_no_file_can_be_made_there_is_an_error(tmp_path: Path) -> None:
    """A file where a folder should be, a folder where the file should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        SQLiteStorage(tmp_path / "file" / "cache.db").get("a")
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        SQLiteStorage(tmp_path).get("a")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_to_is_an_error(tmp_path: Path) -> None:
    """Each time, until it can."""
    tmp_path.chmod(0o500)
    storage = SQLiteStorage(tmp_path / "cache.db")
    with pytest.raises(OSError, match=r"cache\.db"):
        storage.set("a", b"1")
    tmp_path.chmod(0o700)
    storage.set("a", b"1")
    storage.close()


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ("", ValueError, "give that of a file"),
        (":memory:", ValueError, "use MemoryStorage"),
        ("file:cache.db", ValueError, "give that of a file"),
        (b"cache.db", TypeError, "give a str or a Path"),
        (7, TypeError, "int"),
    ],
    ids=["empty", "memory", "uri", "bytes", "number"],
)
def test_a_path_is_that_of_a_file(wrong: Any, error: type[Exception], said: str) -> None:
    """And the error says so."""
    with pytest.raises(error, match=said):
        SQLiteStorage(wrong)


def test_the_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever folder the process goes to later."""
    monkeypatch.chdir(tmp_path)
    storage = SQLiteStorage("cache.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    storage.set("a", b"1")
    storage.close()
    assert (tmp_path / "cache.db").exists()


def test_threads_share_one(storage: SQLiteStorage) -> None:
    """None of them sees half of anything."""

    def use() -> None:
        for number in range(10):
            storage.set("a", str(number).encode() * 100)
            found = storage.get("a")
            assert found is not None
            assert len(set(found)) == 1
            storage.set(f"{threading.get_ident()}-{number}", b"1")

    together(use, 4)
    assert len(storage) == 41


def test_processes_share_one(path: Path, storage: SQLiteStorage) -> None:
    """Those that write at once wait for each other, or give up; none finds half of anything."""
    storage.set("a", b"1")
    others = [writer(path, mark, 150) for mark in "xy"]
    for other in others:
        told, _ = other.communicate()
        assert (other.returncode, told.split()) == (0, ["begun", "ended"])
    assert storage.get("a") == b"1"
    assert len(storage) == 21
    connection = storage._database.connection()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    counted = connection.execute("SELECT count(*), sum(size) FROM entries").fetchone()
    assert counted == (len(storage), storage.size)


def test_processes_make_the_file_at_once(path: Path) -> None:
    """One does, and all use it."""
    others = [writer(path, mark, 20) for mark in "xyz"]
    assert [other.communicate()[0].split() for other in others] == [["begun", "ended"]] * 3
    assert len(SQLiteStorage(path)) == 20
    assert not Path(f"{path}.damaged").exists()


def was_written(storage: SQLiteStorage, mark: bytes) -> bool:
    """Whether a process has come as far as that."""
    return (storage.get("key-3") or b"")[:1] == mark


def test_a_process_that_is_killed_in_the_middle_of_writing_leaves_it_whole(
    path: Path, storage: SQLiteStorage
) -> None:
    """Whatever it was at: what others find is whole, and they go on."""
    for mark in "uvwxyz":
        other = writer(path, mark, 1_000_000)
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        eventually(partial(was_written, storage, mark.encode()))
        other.send_signal(signal.SIGKILL)
        other.communicate()
        for number in range(20):
            found = storage.get(f"key-{number}")
            assert found is None or found == found[:1] * 200
    connection = storage._database.connection()
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    counted = connection.execute("SELECT count(*), sum(size) FROM entries").fetchone()
    assert counted == (len(storage), storage.size)
    assert not Path(f"{path}.damaged").exists()


def test_a_forked_child_opens_the_file_itself(storage: SQLiteStorage) -> None:
    """And leaves the connection of its parent alone, which works on."""
    storage.set("a", b"1")
    child = os.fork()
    if child == 0:
        try:
            storage.set("b", (storage.get("a") or b"") * 2)
            storage.close()
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    assert [storage.get(key) for key in "ab"] == [b"1", b"11"]


def test_a_connection_of_a_parent_is_not_even_closed(storage: SQLiteStorage) -> None:
    """It is put where nothing frees it."""
    storage.set("a", b"1")
    connection = storage._database.connection()
    storage.begin_anew()
    assert database._of_parents.pop() is connection
    connection.close()
    assert storage.get("a") == b"1"


def test_one_that_was_never_opened_can_be_left_and_closed(path: Path) -> None:
    """There is nothing to leave."""
    storage = SQLiteStorage(path)
    storage.begin_anew()
    storage.close()
    assert not path.exists()


def test_an_interrupt_in_the_middle_of_a_write_undoes_it(storage: SQLiteStorage) -> None:
    """And leaves no transaction open that others would wait for."""
    storage.set("a", b"1")
    with (
        patch.object(SQLiteStorage, "_make_room", side_effect=KeyboardInterrupt),
        patch.object(storage, "_most", 0),
        pytest.raises(KeyboardInterrupt),
    ):
        storage.set("b", b"2")
    assert [storage.get(key) for key in "ab"] == [b"1", None]
    assert not storage._database.connection().in_transaction


def test_opening_waits_for_who_makes_the_file(path: Path, storage: SQLiteStorage) -> None:
    """But not for long: then it is an error."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, timeout=0)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        storage.get("a")
    other.execute("COMMIT")
    other.close()
    assert storage.get("a") is None

"""The storage in memory: what it counts, and what goes first."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any
from unittest.mock import patch

import pytest

from client.cache import MemoryStorage
from client.strategies.cache.keeping.records import kept_under
from tests.unit.strategies.cache.entries import an_entry
from tests.unit.threads import together


def test_what_was_used_longest_ago_goes_first() -> None:
    """A look at something is a use of it."""
    storage = MemoryStorage(max_entries=2)
    storage.set("a", b"1")
    storage.set("b", b"2")
    assert storage.get("a") == b"1"
    storage.set("c", b"3")
    assert [storage.get(key) for key in "abc"] == [b"1", None, b"3"]
    assert list(storage) == ["a", "c"]
    assert len(storage) == 2


def test_what_is_too_large_is_not_kept() -> None:
    """Nor is what stood there before, which it was to replace; others stay."""
    storage = MemoryStorage(max_bytes=5_000)
    storage.set("a", b"small")
    storage.set("b", b"small")
    storage.set("a", bytes(5_000))
    assert [storage.get(key) for key in "ab"] == [None, b"small"]


def test_many_go_where_a_large_one_comes() -> None:
    """As many as are in its way."""
    storage = MemoryStorage(max_bytes=5_000)
    for number in range(5):
        storage.set(str(number), bytes(600))
    storage.set("large", bytes(3_100))
    assert storage.get("4") is not None
    assert [storage.get(str(number)) for number in range(4)] == [None] * 4
    assert storage.size <= 5_000


def test_an_entry_is_kept_as_it_is_and_given_as_bytes() -> None:
    """So that one of the cache's need not be unpacked at each hit."""
    storage, entry = MemoryStorage(), an_entry()
    storage.keep("a", entry)
    assert storage.find("a") is entry
    assert storage.get("a") == kept_under("a", entry.to_bytes())
    assert storage.size > entry.footprint


def test_what_is_deleted_takes_no_room() -> None:
    """Once, or twice, or all of it."""
    storage = MemoryStorage()
    storage.set("a", b"1")
    storage.set("b", b"2")
    storage.delete("a")
    storage.delete("a")
    assert (len(storage), storage.get("a")) == (1, None)
    storage.clear()
    assert (len(storage), storage.size) == (0, 0)


def test_it_can_be_used_after_it_was_closed() -> None:
    """With all that it keeps: a client that is closed may not be the last."""
    storage = MemoryStorage()
    storage.set("a", b"1")
    storage.close()
    assert storage.get("a") == b"1"


@pytest.mark.parametrize("length", [10, 500, 20_000])
def test_it_counts_about_what_python_needs(length: int) -> None:
    """Keys and places included."""
    gc.collect()
    tracemalloc.start()
    try:
        storage = MemoryStorage()
        for number in range(500):
            storage.set(f"{number:041}", bytes(length))
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.7 < storage.size / taken < 1.4


@pytest.mark.parametrize("bound", ["max_entries", "max_bytes"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, None, "many"])
def test_a_bound_is_a_whole_number_from_one_on(bound: str, value: Any) -> None:
    """And the error says so."""
    with pytest.raises(ValueError, match=f"{bound} is {value!r}: give a whole number from 1 on"):
        MemoryStorage(**{bound: value})


def test_threads_lose_nothing_of_the_count() -> None:
    """However they come between each other's lines."""
    storage = MemoryStorage(max_entries=5)

    def use() -> None:
        for number in range(40):
            storage.set(str(number % 7), bytes(number))
            storage.get(str(number % 3))
            storage.delete(str(number % 4))

    together(use, 8)
    kept = storage.size
    storage.begin_anew()
    assert storage.size == kept
    assert len(storage) <= 5


@pytest.mark.parametrize("line", ["set", "delete"])
def test_an_interrupt_between_two_lines_leaves_the_count_right(line: str) -> None:
    """As Ctrl-C may come there."""
    storage = MemoryStorage()
    storage.set("a", b"1")
    storage.set("b", b"2")
    before = MemoryStorage._drop

    def interrupted(self: MemoryStorage, key: str) -> None:
        self._kept.pop(key)
        raise KeyboardInterrupt

    with patch.object(MemoryStorage, "_drop", interrupted), pytest.raises(KeyboardInterrupt):
        storage.set("a", b"3") if line == "set" else storage.delete("a")
    assert MemoryStorage._drop is before
    size = storage.size
    storage.delete("b")
    assert (size > 0, storage.size) == (True, 0)


def test_it_shows_how_much_there_is() -> None:
    """And nothing of what."""
    storage = MemoryStorage()
    storage.set("key", b"value")
    assert repr(storage) == f"<MemoryStorage with 1 entries, {storage.size} bytes>"

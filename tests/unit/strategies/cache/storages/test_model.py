"""Both storages against a dict, in every order that hypothesis finds."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from client.cache import MemoryStorage, SQLiteStorage

KEYS = st.sampled_from(["a", "bb", "ccc", "dddd", "eeeee", "ffffff"])
SIZES = st.sampled_from([0, 1, 300, 900, 2_000, 5_000])


class Machine(RuleBasedStateMachine):
    """What is set is there, unless there was no room; what was used longest ago goes first."""

    kind: type[Any]
    overhead: int

    def make(self, most: int, most_bytes: int) -> Any:
        """Make the storage."""
        return MemoryStorage(most, most_bytes)

    @initialize(most=st.integers(1, 4), most_bytes=st.sampled_from([1, 1_500, 5_000, 20_000]))
    def begin(self, most: int, most_bytes: int) -> None:
        """With any bounds."""
        self.most, self.most_bytes = most, most_bytes
        self.storage = self.make(most, most_bytes)
        self.model: dict[str, bytes] = {}
        self.marks = 0

    def size_of(self, key: str) -> int:
        """Return what something takes by the model."""
        return len(key) + len(self.model[key]) + self.overhead

    @rule(key=KEYS, size=SIZES)
    def set(self, key: str, size: int) -> None:
        """Something comes, new or in place of what was there."""
        self.marks += 1
        value = bytes(size) + str(self.marks).encode()
        self.storage.set(key, value)
        self.model.pop(key, None)
        self.model[key] = value
        if self.size_of(key) > self.most_bytes:
            del self.model[key]
        while len(self.model) > self.most or self.size() > self.most_bytes:
            del self.model[next(iter(self.model))]

    @rule(key=KEYS)
    def get(self, key: str) -> None:
        """Somebody looks."""
        expected = self.model.pop(key, None)
        if expected is not None:
            self.model[key] = expected  # it is the newest now
        assert self.storage.get(key) == expected

    @rule(key=KEYS)
    def delete(self, key: str) -> None:
        """Something is forgotten, if it is there."""
        self.storage.delete(key)
        self.model.pop(key, None)

    @rule()
    def close(self) -> None:
        """It is closed, and used again."""
        self.storage.close()

    @rule()
    def clear(self) -> None:
        """All is forgotten."""
        self.storage.clear()
        self.model.clear()

    def size(self) -> int:
        """Return what all takes by the model."""
        return sum(map(self.size_of, self.model))

    @invariant()
    def the_counts_are_right(self) -> None:
        """Of what there is, and of what it takes."""
        if hasattr(self, "storage"):
            assert len(self.storage) == len(self.model)
            assert self.storage.size == self.size()


class MemoryMachine(Machine):
    """The one in memory."""

    overhead = 230 + 33


class SQLiteMachine(Machine):
    """The one in a file."""

    overhead = 100

    def make(self, most: int, most_bytes: int) -> Any:
        """Make it, in a folder that goes with it."""
        self.folder = tempfile.TemporaryDirectory()
        return SQLiteStorage(Path(self.folder.name) / "cache.db", most, most_bytes)

    @rule()
    def reopen(self) -> None:
        """Another one goes on with the file, as after a restart."""
        self.storage.close()
        self.storage = SQLiteStorage(
            Path(self.folder.name) / "cache.db", self.most, self.most_bytes
        )

    def teardown(self) -> None:
        """Leave nothing behind."""
        if hasattr(self, "storage"):
            self.storage.close()
            self.folder.cleanup()


TestMemory = MemoryMachine.TestCase
TestMemory.settings = settings(max_examples=100, stateful_step_count=40)
TestSQLite = SQLiteMachine.TestCase
TestSQLite.settings = settings(max_examples=20, stateful_step_count=30)

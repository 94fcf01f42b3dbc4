"""Ways to call a storage, and what is made of what it gives."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

from ..entry import Entry
from .records import ENTRY, INDEX, TOMBSTONE, kept_under, opened, taken_from
from .variants import Index
from .writes import Tombstone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..storages.memory import MemoryStorage

__all__ = ["Access", "Awaited", "Called", "Direct", "Kept", "is_async_storage", "require_methods"]

Kept: TypeAlias = Entry | Index | Tombstone
"""What stands under a key."""

_METHODS: Final = ("get", "set", "delete", "close")
_READERS: Final[dict[bytes, Callable[[memoryview], Kept]]] = {
    ENTRY: Entry.from_payload,
    INDEX: Index.from_payload,
    TOMBSTONE: Tombstone.from_payload,
}


def require_methods(storage: object) -> None:
    """Refuse what is no storage.

    Raises:
        TypeError: It is none.
    """
    missing = [name for name in _METHODS if not callable(getattr(storage, name, None))]
    if missing or isinstance(storage, type):
        raise TypeError(
            f"storage is {type(storage).__name__} and has no {', '.join(missing)}: give a "
            "MemoryStorage(), a SQLiteStorage(path), or an object with get, set, delete and close"
            if missing
            else f"storage is the class {storage!r}: give one that is made, with ()"
        )


def is_async_storage(storage: object) -> bool:
    """Whether a method of a storage is a coroutine function."""
    return any(inspect.iscoroutinefunction(getattr(storage, name)) for name in _METHODS)


class Access(Protocol):
    """One piece of work's way to a storage."""

    is_damaged: bool
    """Whether something came that cannot be read."""

    async def get(self, key: str) -> Kept | None:
        """Return what stands there; None where that is nothing, or damaged."""
        ...

    async def set(self, key: str, value: Kept) -> None:
        """Keep something."""
        ...

    async def delete(self, key: str) -> None:
        """Forget something."""
        ...


class Direct:
    """Keeps things as they are in memory. Never suspends."""

    is_damaged: bool = False

    def __init__(self, storage: MemoryStorage) -> None:
        self._storage = storage

    async def get(self, key: str) -> Kept | None:
        """Return what stands there."""
        value = self._storage.find(key)
        if not isinstance(value, bytes):
            return cast("Kept | None", value)
        return self._read(key, value)

    async def set(self, key: str, value: Kept) -> None:
        """Keep something."""
        self._storage.keep(key, value)

    async def delete(self, key: str) -> None:
        """Forget something."""
        self._storage.delete(key)

    def _read(self, key: str, value: bytes) -> Kept | None:
        kept = _read(key, value)
        self.is_damaged |= kept is None
        return kept


class Called:
    """Calls plain methods. Never suspends."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.is_damaged: bool = False

    async def get(self, key: str) -> Kept | None:
        """Return what stands there; None where that is nothing, or damaged."""
        return self._kept(key, self._storage.get(key))

    async def set(self, key: str, value: Kept) -> None:
        """Keep something."""
        _refuse(self._storage.set(key, kept_under(key, value.to_bytes())))

    async def delete(self, key: str) -> None:
        """Forget something."""
        _refuse(self._storage.delete(key))

    def _kept(self, key: str, value: Any) -> Kept | None:
        if value is None:
            return None
        if not isinstance(value, bytes | bytearray | memoryview):
            _refuse(value)
            raise TypeError(f"get returned {type(value).__name__}: bytes or None are wanted")
        kept = _read(key, bytes(cast("bytes", value)))
        self.is_damaged |= kept is None
        return kept


class Awaited(Called):
    """Awaits what the methods return."""

    async def get(self, key: str) -> Kept | None:
        """Return what stands there; None where that is nothing, or damaged."""
        return self._kept(key, await _awaited(self._storage.get(key)))

    async def set(self, key: str, value: Kept) -> None:
        """Keep something."""
        await _awaited(self._storage.set(key, kept_under(key, value.to_bytes())))

    async def delete(self, key: str) -> None:
        """Forget something."""
        await _awaited(self._storage.delete(key))


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _refuse(value: object) -> None:
    """Refuse what would have to be awaited."""
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()  # or Python would complain that it was never awaited
        raise TypeError("a method returned an awaitable: define it by `async def`")


def _read(key: str, value: bytes) -> Kept | None:
    """Return what stands under a key, or None where that is damaged, or another one's."""
    try:
        kind, payload = opened(taken_from(key, value))
        reader = _READERS.get(kind)
        return None if reader is None else reader(payload)
    except ValueError:
        return None

"""A stand-in for the store, until it is there."""

from __future__ import annotations

from typing import Any

from .rules.vary import selecting_value


class PlainStore:
    def __init__(self) -> None:
        self._kept: dict[Any, list[Any]] = {}
        self._count = 0
        self._forgotten: dict[str, int] = {}

    def began(self) -> int:
        return self._count

    def place(self, url: str, partition: str | None = None) -> Any:
        return url, partition

    async def find(self, place: Any, fields: Any) -> Any:
        url, partition = place
        for values, entry in self._kept.get((url, partition), []):
            if values == tuple(selecting_value(name, fields) for name in entry.vary):
                return entry
        return None

    async def keep(self, place: Any, fields: Any, entry: Any, began: int) -> bool:
        url, partition = place
        if self._forgotten.get(url, -1) > began:
            return False
        values = tuple(selecting_value(name, fields) for name in entry.vary)
        others = [each for each in self._kept.get((url, partition), []) if each[0] != values]
        self._kept[url, partition] = [(values, entry), *others]
        return True

    async def forget(self, url: str) -> None:
        self._count += 1
        self._forgotten[url] = self._count
        for key in [each for each in self._kept if each[0] == url]:
            del self._kept[key]

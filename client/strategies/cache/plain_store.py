"""A stand-in for the store, until it is there."""

from __future__ import annotations

from typing import Any

from .rules.vary import selecting_value


class PlainStore:
    def __init__(self) -> None:
        self._kept: dict[Any, list[Any]] = {}
        self._count = 0
        self._forgotten: dict[str, int] = {}

    def began(self, moment: float) -> int:
        return self._count

    async def find(self, url: str, partition: str | None, fields: Any) -> Any:
        for values, entry in self._kept.get((url, partition), []):
            if values == tuple(selecting_value(name, fields) for name in entry.vary):
                return entry
        return None

    async def keep(
        self, url: str, partition: str | None, fields: Any, entry: Any, began: int
    ) -> bool:
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

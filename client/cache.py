"""What the cache of answers is given besides its settings: storages, and how to write one."""

from __future__ import annotations

from .strategies.cache.storages.memory import MemoryStorage
from .strategies.cache.storages.protocol import Storage
from .strategies.cache.storages.sqlite import SQLiteStorage
from .strategies.cache.visits.report import CacheReport

__all__ = ["CacheReport", "MemoryStorage", "SQLiteStorage", "Storage"]


def __dir__() -> list[str]:
    return sorted(__all__)

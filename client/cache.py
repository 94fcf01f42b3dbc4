"""What the cache of answers is given besides its settings: where they are kept."""

from __future__ import annotations

from .strategies.cache.storages.memory import MemoryStorage
from .strategies.cache.storages.protocol import Storage
from .strategies.cache.storages.sqlite import SQLiteStorage

__all__ = ["MemoryStorage", "SQLiteStorage", "Storage"]

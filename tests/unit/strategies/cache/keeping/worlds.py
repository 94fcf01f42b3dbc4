"""Where stores are at work in tests: both worlds, trio, and storages of every kind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel
import trio

from client.cache import MemoryStorage, SQLiteStorage
from client.config.parts.cache import CacheConfig
from client.ports.asyncio_ports import AsyncioPorts
from client.ports.blocking_ports import BlockingPorts
from client.runtime.coroutines import run_to_end
from client.strategies.cache.keeping.guard import Guard
from client.strategies.cache.keeping.store import Store
from tests.eventually import PATIENCE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from client.engine.ports import Ports

KINDS = ("memory", "sqlite", "plain", "thread", "async")
"""The storages that `World.storage` makes."""


class World:
    """One that a story is told in, with clocks that are set by hand."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.is_async = name != "blocking"
        self.time = 1_000.0
        self.wall = 2_000.0
        self.warnings: list[str] = []
        self._folder = folder
        self._ports: Any = None

    def tell(self, story: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a story to its end."""
        if self.name == "asyncio":
            asyncio.run(story())
        elif self.name == "trio":
            trio.run(story)
        else:
            run_to_end(story())

    def ports(self) -> Ports:
        """Return those of this world, but for the clocks."""
        made: Any = AsyncioPorts() if self.is_async else BlockingPorts()
        made.now = lambda: self.time
        made.wall_clock = lambda: self.wall
        ports: Ports = made
        return ports

    def guard(self, storage: object, timeout: float = PATIENCE_SECONDS) -> Guard:
        """Make a client's way to a storage."""
        return Guard(
            storage,
            self.ports(),
            is_async=self.is_async,
            timeout=timeout,
            warn=self.warnings.append,
        )

    def store(self, storage: object, **settings: Any) -> Store:
        """Make a client's store."""
        config = CacheConfig(**{"storage_timeout": PATIENCE_SECONDS, **settings})
        return Store(
            config, storage, self.ports(), is_async=self.is_async, warn=self.warnings.append
        )

    def storage(self, kind: str) -> Any:
        """Make a storage; where nothing can be awaited, a plain one in place of an async one."""
        if kind == "memory":
            return MemoryStorage()
        if kind == "sqlite":
            return SQLiteStorage(self._folder / "cache.db")
        if kind == "async" and self.is_async:
            return Awaited()
        return Plain() if kind == "plain" else InThread()


class InThread:
    """A dict that may block, as far as anybody knows."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.closed = 0
        self.threads: set[int] = set()

    def get(self, key: str) -> Any:
        """Return what is kept."""
        self.threads.add(threading.get_ident())
        return self.kept.get(key)

    def set(self, key: str, value: bytes) -> None:
        """Keep something."""
        self.kept[key] = value

    def delete(self, key: str) -> None:
        """Forget something."""
        self.kept.pop(key, None)

    def close(self) -> None:
        """Count it."""
        self.threads.add(threading.get_ident())
        self.closed += 1


class Plain(InThread):
    """A dict that never blocks."""

    is_blocking = False


class Awaited:
    """A dict that is awaited."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.closed = 0

    async def get(self, key: str) -> Any:
        """Return what is kept."""
        await anyio.lowlevel.checkpoint()
        return self.kept.get(key)

    async def set(self, key: str, value: bytes) -> None:
        """Keep something."""
        await anyio.lowlevel.checkpoint()
        self.kept[key] = value

    async def delete(self, key: str) -> None:
        """Forget something."""
        await anyio.lowlevel.checkpoint()
        self.kept.pop(key, None)

    async def close(self) -> None:
        """Count it."""
        await anyio.lowlevel.checkpoint()
        self.closed += 1

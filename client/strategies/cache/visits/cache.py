"""What all operations of a client share of the cache: its settings, its store and its clocks."""

from __future__ import annotations

import time
import weakref
from typing import TYPE_CHECKING, Final, Self

from ....http.bodies.response_decoding import Decoding
from ....runtime.event_loop import runs_asyncio
from ..flights.refreshing import Refreshes
from ..flights.sharing import Sharing
from ..keeping.keys import PROCESS
from ..keeping.store import Store
from ..storages.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....config.parts.cache import CacheConfig
    from ....engine.operation import Call
    from ....engine.ports import Ports, World
    from ....http.family import Family
    from ....http.shapes import Response
    from ..entry import Stamp

__all__ = ["Cache"]

_made: Final[dict[int, MemoryStorage]] = {}
"""What was made for settings that name no storage, by their identity."""


class Cache:
    """It.

    Args:
        config: The settings.
        storage: Where answers are kept.
        world: The async or the blocking one.
        family: Whose responses are answered with.
        ports: The world that the client runs in.
        warn: Logs a warning about the client.

    Raises:
        TypeError: The storage is for the other world.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, each named by the caller
        self,
        config: CacheConfig,
        *,
        storage: object,
        world: World,
        family: Family,
        ports: Ports,
        warn: Callable[[str], object],
    ) -> None:
        self.config: CacheConfig = config
        self.storage: object = storage
        self.store: Store = Store(config, storage, ports, is_async=world.is_async, warn=warn)
        self.family: Family = family
        self.sharing: Sharing = Sharing()
        self.refreshes: Refreshes = Refreshes()
        self._decoding = Decoding(family, world.pause)
        self._is_async = world.is_async

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - as above
        cls,
        config: CacheConfig,
        world: World,
        family: Family,
        ports: Ports,
        warn: Callable[[str], object],
        before: Self | None = None,
    ) -> Self:
        """Return the cache of a client, or the one that follows another by other settings."""
        storage = config.storage
        if storage is None and before is not None and before.config.storage is None:
            storage = before.storage
        if storage is None:
            storage = _storage_of(config)
        cache = cls(config, storage=storage, world=world, family=family, ports=ports, warn=warn)
        if before is not None:
            cache.sharing, cache.refreshes = before.sharing, before.refreshes
        return cache

    async def forget(self, url: str) -> None:
        """Forget all that is kept of a URL, and what is being fetched of it: it was written to."""
        self.sharing.divert(url)
        await self.store.forget(url)

    def hang_up(self) -> None:
        """End what goes on beside the callers."""
        self.sharing.hang_up()
        self.refreshes.hang_up()

    async def close(self, ports: Ports) -> None:
        """Do so, wait for it, but not for long, and let go of the storage."""
        await self.sharing.close(ports)
        await self.refreshes.close(ports)
        await self.store.close()

    def begin_anew(self) -> None:
        """Forget what went on in an event loop that has ended."""
        self.sharing.begin_anew()
        self.refreshes.begin_anew()

    def times(self, call: Call) -> tuple[float, float]:
        """Return the seconds since the epoch, and of a clock that all of this process read alike.

        Args:
            call: The operation, for the clocks of its world.
        """
        ports = call.host.ports
        if self._is_async and not runs_asyncio():  # trio's begins anywhere, in each run
            return ports.wall_clock(), time.monotonic()
        return ports.wall_clock(), ports.now()

    async def make_ready(self, response: Response, *, is_streamed: bool) -> None:
        """Unpack the body of a kept answer, now or when its caller reads it.

        No time is too late for that: it is there.

        Raises:
            Exception: Of httpx: it cannot be unpacked.
        """
        is_packed = self._decoding.install(response)
        if is_streamed:
            return
        if is_packed and self._is_async:
            await response.aread()
        else:
            response.read()

    def stamp(self, moment: float) -> Stamp:
        """Return what says when something came, to this process."""
        return PROCESS, moment


def _storage_of(config: CacheConfig) -> MemoryStorage:
    """Return the storage of settings that name none: one for all clients that are given them."""
    made = _made.get(id(config))
    if made is None:
        made = _made[id(config)] = MemoryStorage()
        weakref.finalize(config, _made.pop, id(config), None)
    return made

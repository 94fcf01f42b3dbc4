"""What all operations of a client share of the cache: its settings, its store and its clocks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...runtime.event_loop import runs_asyncio
from .keys import PROCESS

if TYPE_CHECKING:
    from ...config.parts.cache import CacheConfig
    from ...engine.ports import Ports, World
    from ...http.bodies.response_decoding import Decoding
    from ...http.family import Family
    from .entry import Entry, Stamp
    from .visits.asking import Asked

__all__ = ["Keeping"]


class Keeping:
    """They, and what of them depends on the world.

    Args:
        config: The settings.
        store: Where answers are kept.
        family: Whose responses are answered with.
        decoding: Of that family and this world.
        ports: For the clocks.
        world: The async or the blocking one.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, each named by the caller
        self,
        config: CacheConfig,
        store: Any,
        *,
        family: Family,
        decoding: Decoding,
        ports: Ports,
        world: World,
    ) -> None:
        self.config: CacheConfig = config
        self.store: Any = store
        self.family: Family = family
        self.decoding: Decoding = decoding
        self._ports = ports
        self._is_async = world.is_async

    def wall(self) -> float:
        """Return the seconds since the epoch."""
        return self._ports.wall_clock()

    def moment(self) -> float:
        """Return the seconds of a clock that all clients of this process read alike."""
        if self._is_async and not runs_asyncio():  # trio's begins anywhere, in each run
            return time.monotonic()
        return self._ports.now()

    def stamp(self, moment: float) -> Stamp:
        """Return what says when something came, to this process."""
        return PROCESS, moment

    def began(self) -> Any:
        """Return what says when an answer is asked for."""
        return self.store.began(self.wall())

    async def find(self, asked: Asked) -> Entry | None:
        """Return what is kept for a request."""
        found: Entry | None = await self.store.find(asked.url, asked.partition, asked.fields)
        return found

    async def keep(self, asked: Asked, entry: Entry, began: Any) -> bool:
        """Keep an answer to a request, unless it was asked for before a write."""
        kept: bool = await self.store.keep(asked.url, asked.partition, asked.fields, entry, began)
        return kept

    async def forget(self, url: str) -> None:
        """Forget what is kept for a URL, whoever it is for."""
        await self.store.forget(url)

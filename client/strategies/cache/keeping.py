"""What all operations of a client share of the cache: its settings, its store and its clocks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from ...runtime.event_loop import runs_asyncio
from .keys import PROCESS

if TYPE_CHECKING:
    from ...config.parts.cache import CacheConfig
    from ...engine.operation import Call
    from ...http.bodies.response_decoding import Decoding
    from ...http.family import Family
    from .entry import Stamp
    from .store import Store

__all__ = ["Keeping"]


class Keeping:
    """They.

    Args:
        config: The settings.
        store: Where answers are kept.
        family: Whose responses are answered with.
        decoding: Of that family and this world.
        is_async: Whether that is the async one.
    """

    def __init__(
        self,
        config: CacheConfig,
        store: Store,
        *,
        family: Family,
        decoding: Decoding,
        is_async: bool,
    ) -> None:
        self.config: CacheConfig = config
        self.store: Store = store
        self.family: Family = family
        self.decoding: Decoding = decoding
        self._is_async = is_async

    def times(self, call: Call) -> tuple[float, float]:
        """Return the seconds since the epoch, and of a clock that all of this process read alike.

        Args:
            call: The operation, for the clocks of its world.
        """
        ports = call.host.ports
        if self._is_async and not runs_asyncio():  # trio's begins anywhere, in each run
            return ports.wall_clock(), time.monotonic()
        return ports.wall_clock(), ports.now()

    def stamp(self, moment: float) -> Stamp:
        """Return what says when something came, to this process."""
        return PROCESS, moment

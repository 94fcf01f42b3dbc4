"""What is kept: found, kept and forgotten in a storage.

Under the key of a resource, which is a method and a URL, stands an answer, or an index of several:
those that differ by header fields of the request, each under a key of its own. What is somebody's
stands apart, under keys in which the index's generation is: so all of it is out of reach when the
index is gone, and nobody needs to know whose there is.

Nothing is kept that was asked for before a write to its resource. Whoever writes deletes, leaves a
mark (see `writes`) and deletes again; whoever keeps looks for that, keeps, and looks again. So
whatever comes between is seen by one of the two.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ..entry import Entry
from ..rules.urls import normalised
from ..storages.memory import MemoryStorage
from .guard import Guard
from .keys import PROCESS, Keys
from .variants import Index, Variant, variant_key
from .writes import Tombstone, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ....config.parts.cache import CacheConfig
    from ....engine.ports import Ports
    from ..fields import Fields
    from .access import Access, Kept
    from .writes import Began

__all__ = ["Place", "Store"]


class Place(NamedTuple):
    """Where the answers to a request are kept.

    Attributes:
        resource: The key of method and URL.
        partition: Whose they are; None for everybody's.
    """

    resource: str
    partition: str | None


class Store:
    """Keeps answers in a storage. It never raises, and takes no longer than it may.

    Args:
        config: The settings.
        storage: Where they are kept.
        ports: The world that the client runs in.
        is_async: Whether that is the async one.
        warn: Logs a warning about the client.

    Raises:
        TypeError: It is no storage, or one for the other world.
    """

    def __init__(
        self,
        config: CacheConfig,
        storage: object,
        ports: Ports,
        *,
        is_async: bool,
        warn: Callable[[str], object],
    ) -> None:
        self._keys = Keys(config.secret)
        self._most = config.max_variants
        self._ports = ports
        self._guard = Guard(
            storage, ports, is_async=is_async, timeout=config.storage_timeout, warn=warn
        )
        self._ledger = self._guard.ledger
        self._memory = storage if type(storage) is MemoryStorage else None

    def place(self, url: str, partition: str | None = None, method: str = "GET") -> Place:
        """Return where the answers to a request are kept, whose URL is absolute."""
        with suppress(ValueError):
            url = normalised(url)
        return Place(self._keys.resource(method, url), partition)

    def began(self) -> Began:
        """Return when an answer is asked for: now. Called before the request is sent."""
        return self._ledger.began(self._ports.wall_clock())

    def glance(self, place: Place) -> Entry | None:
        """Return what is kept in the memory of this process, and is for every request.

        None where that is not so, or where the storage is another one: then `find` says.
        """
        if self._memory is None or place.partition is not None:
            return None
        if place.resource in self._ledger.undone:
            return None
        kept = self._memory.find(place.resource)
        return kept if type(kept) is Entry else None

    async def find(self, place: Place, request: Fields) -> Entry | None:
        """Return what is kept for a request with such header fields."""
        if place.resource in self._ledger.undone:
            await self._erase(place.resource)
            return None
        if self._memory is not None and place.partition is None:
            kept = self._memory.find(place.resource)
            if kept is None or type(kept) is Entry:
                return kept
        entry = await self._guard.run(partial(self._find, place, request))
        if entry is None or entry.received <= self._ledger.distrusted:
            return None
        return entry

    async def keep(self, place: Place, request: Fields, entry: Entry, began: Began) -> bool:
        """Keep an answer, unless its resource was written to since it was asked for.

        Args:
            place: Where.
            request: The header fields of the request that was answered.
            entry: The answer.
            began: When it was asked for.

        Returns:
            Whether it is kept, as far as is known.
        """
        resource = place.resource
        if not self._ledger.allows(resource, began):
            return False
        if resource in self._ledger.undone:
            await self._erase(resource)
            return False
        try:
            return bool(await self._guard.run(partial(self._keep, place, request, entry, began)))
        except BaseException:  # before it was looked whether there was a write
            self._ledger.note(resource, began.moment)
            raise

    async def forget(self, url: str) -> None:
        """Forget all that is kept of a URL, whosever it is: it was written to."""
        resource = self.place(url).resource
        self._ledger.note(resource, self._ports.wall_clock())
        await self._erase(resource)

    async def close(self) -> None:
        """Let go of the storage, which is closed with the last client that uses it."""
        await self._guard.close()

    async def _find(self, place: Place, request: Fields, access: Access) -> Entry | None:
        whole, kept = place.resource, await access.get(place.resource)
        if place.partition is not None:
            if not isinstance(kept, Index):
                return None
            whole = self._keys.part(whole, kept.generation, place.partition)
            kept = await access.get(whole)
        if isinstance(kept, Index):
            for variant in kept.matching(self._keys, whole, request):
                entry = await access.get(variant.key)
                if isinstance(entry, Entry):
                    return entry
        return kept if isinstance(kept, Entry) else None

    async def _keep(
        self, place: Place, request: Fields, entry: Entry, began: Began, access: Access
    ) -> bool:
        resource = whole = place.resource
        if not await self._allows(access, resource, began):
            return False
        kept = await access.get(whole)
        if place.partition is not None:
            generation = await self._generation(access, whole, kept)
            whole = self._keys.part(whole, generation, place.partition)
            kept = await access.get(whole)
        key = await self._put(access, whole, kept, request, entry)
        if await self._allows(access, resource, began):
            return True
        await access.delete(key)
        await access.delete(resource)
        return False

    async def _generation(self, access: Access, resource: str, kept: Kept | None) -> bytes:
        """Return what the keys of parts go by."""
        index = kept if isinstance(kept, Index) else Index()
        if not index.generation:
            index = replace(index, generation=secrets.token_bytes(8))
            await access.set(resource, index)
        return index.generation

    async def _put(
        self, access: Access, whole: str, kept: Kept | None, request: Fields, entry: Entry
    ) -> str:
        """Keep an answer beside others, and return under which key."""
        if not isinstance(kept, Index):
            if not entry.vary:
                await access.set(whole, entry)
                return whole
            kept = Index()
        key = variant_key(self._keys, whole, entry.vary, request)
        index, dropped = kept.with_one(Variant(key, entry.vary), self._most)
        await access.set(key, entry)
        if index != kept:
            await access.set(whole, index)
        for variant in dropped:
            await access.delete(variant.key)
        return key

    async def _allows(self, access: Access, resource: str, began: Began) -> bool:
        """Whether nothing was written since an answer was asked for, here or elsewhere."""
        if not self._ledger.allows(resource, began):
            return False
        if self._memory is not None:
            return True
        mark = await access.get(mark_of(resource))
        return not isinstance(mark, Tombstone) or mark.precedes(began)

    async def _erase(self, resource: str) -> None:
        count = await self._guard.run(partial(self._forget, resource))
        if count is not None:
            self._ledger.settle(resource, count)

    async def _forget(self, resource: str, access: Access) -> int:
        kept = await access.get(resource)
        await access.delete(resource)
        moment = self._ports.wall_clock()
        count = self._ledger.note(resource, moment)
        if self._memory is None:
            await access.set(mark_of(resource), Tombstone(PROCESS, moment))
            await access.delete(resource)
        if isinstance(kept, Index):
            for variant in kept.variants:
                await access.delete(variant.key)
        return count

"""The cache around an operation: an answer that is kept, or the way to a server and back.

Rule 1  Nobody is served what is another's: see `visits.asking`.
Rule 2  What is kept is what the server sent, byte by byte, where that can be seen.
Rule 3  An answer out of the cache passes nothing further in. The failure behind a stale one has
        passed all of it: gates hear of that, and the caller does not.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import TYPE_CHECKING, Final

from ...engine.attempts import explain
from ...engine.layer import Failure, Outer
from ...metrics.strategy_instruments import CACHE_BYTES, CACHE_ENTRIES
from .visits.asking import asked_for
from .visits.reading import Reading
from .visits.recall import Recall
from .visits.report import CacheReport
from .visits.telling import told
from .visits.writing import invalidate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Call
    from ...http.shapes import Response
    from ...metrics.aggregator import Gauge
    from .visits.cache import Cache

__all__ = ["Caching"]

_READ: Final = frozenset({"GET", "HEAD"})


class Caching(Outer):
    """The layer that answers from what is kept.

    Args:
        cache: What all operations share.
        is_read: Whether anything is looked up, or kept: else a write is only taken note of.
    """

    changes_requests: bool = True

    def __init__(self, cache: Cache, *, is_read: bool = True) -> None:
        self.cache: Cache = cache
        self._is_read = is_read
        self._recall = Recall(cache)

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return an answer that is kept, or what comes of going on."""
        method = call.method.upper()
        if method not in _READ:
            result = await inner(call, exchange)
            await invalidate(self.cache, call, method, result)
            return told(self.cache, call, result, CacheReport("bypass", method))
        if not self._is_read:
            result = await inner(call, exchange)
            return told(self.cache, call, result, CacheReport("bypass", "switched off"))
        likeness = None if exchange.is_streamed else exchange.likeness
        if likeness is not None:
            answer = self._recall.answer(likeness, call, exchange)
            if answer is not None:
                return answer
        try:
            request = exchange.request_for(None)
        except Exception as error:
            failure = explain(call, exchange, exchange.attempt_kind(call), error)
            if failure is None:
                raise
            return failure
        asked = asked_for(request, call, exchange, self.cache.config.partition)
        reading = Reading(self.cache, inner, call, exchange, asked)
        result = await reading.run()
        if likeness is not None and reading.served is not None:
            self._recall.note(likeness, call, asked, reading.served, result)
        return result

    def gauges(self, now: float) -> Iterable[Gauge]:  # noqa: ARG002 - a part's signature
        """Return how much is kept, where the storage can tell."""
        storage = self.cache.storage
        if isinstance(storage, Sized):
            yield CACHE_ENTRIES, (), len(storage)
        if isinstance(size := getattr(storage, "size", None), int):
            yield CACHE_BYTES, (), size

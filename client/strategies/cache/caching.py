"""The cache around an operation: an answer that is kept, or the way to a server and back.

Rule 1  Nobody is served what is another's: see `visits.asking`.
Rule 2  What is kept is what the server sent, byte by byte, where that can be seen.
Rule 3  An answer out of the cache passes nothing further in. The failure behind a stale one has
        passed all of it: gates hear of that, and the caller does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ...engine.attempts import explain
from ...engine.layer import Failure, Outer
from .telling import told
from .visits.asking import asked_for
from .visits.reading import Reading
from .visits.writing import invalidate

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Call
    from ...http.shapes import Response
    from .keeping import Keeping

__all__ = ["Caching"]

_READ: Final = frozenset({"GET", "HEAD"})


class Caching(Outer):
    """The layer that answers from what is kept.

    Args:
        keeping: What all operations share.
        is_read: Whether anything is looked up, or kept: else a write is only taken note of.
    """

    changes_requests: bool = True

    def __init__(self, keeping: Keeping, *, is_read: bool = True) -> None:
        self.keeping: Keeping = keeping
        self._is_read = is_read

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return an answer that is kept, or what comes of going on."""
        method = call.method.upper()
        if method not in _READ:
            result = await inner(call, exchange)
            await invalidate(self.keeping, call, method, result)
            return told(self.keeping, call, result, "bypass", method)
        if not self._is_read:
            return told(self.keeping, call, await inner(call, exchange), "bypass", "switched off")
        try:
            request = exchange.request_for(None)
        except Exception as error:
            failure = explain(call, exchange, exchange.attempt_kind(call), error)
            if failure is None:
                raise
            return failure
        asked = asked_for(request, call, exchange, self.keeping.config.partition)
        return await Reading(self.keeping, inner, call, exchange, asked).run()

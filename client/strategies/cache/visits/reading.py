"""One read on its way through the cache."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ....engine.attempts import explain
from ....engine.layer import Failure
from ....engine.rejections import is_rejection
from ....exceptions import APIConnectionError, ClientClosedError
from ....http.bodies.sent_request import copy_request
from ..fields import Fields
from ..flights.sharing import Fetched, Wish
from ..keeping.keys import PROCESS
from ..rules.deciding import Use, decide, may_stand_in
from ..rules.freshening import OfHead, is_about, of_head
from ..rules.terms import current_age
from ..rules.validating import conditions
from .answering import answer_of, not_cached
from .filling import Fill
from .report import CacheReport
from .telling import told
from .visit import Visit

if TYPE_CHECKING:
    from ....engine.layer import Exchange, Inner
    from ....engine.operation import Call
    from ....exceptions import MyAPIError
    from ....http.shapes import Request, Response
    from ..entry import Entry, Headers
    from .asking import Asked
    from .cache import Cache
    from .report import CacheStatus

__all__ = ["Reading"]

_NOT_MODIFIED: Final = 304
_ERRORS: Final = frozenset({500, 502, 503, 504})
"""What a stale answer may stand in for (RFC 5861, 4)."""


class Reading:
    """It.

    Args:
        cache: What all operations share.
        inner: The way to a server.
        call: The operation.
        exchange: Its way to the wire.
        asked: What it asks for.
    """

    def __init__(
        self, cache: Cache, inner: Inner, call: Call, exchange: Exchange, asked: Asked
    ) -> None:
        self.visit: Visit = Visit(cache, call, exchange, asked)
        self.served: Entry | None = None
        """What was kept, and fresh, and has been served."""
        self._cache = cache
        self._inner = inner
        self._call = call
        self._exchange = exchange
        self._asked = asked

    async def run(self) -> Response | Failure:
        """Return the answer."""
        asked = self._asked
        if asked.past is not None:
            if asked.wanted.only_if_cached:
                return await self._not_cached(asked.past)
            result = await self._inner(self._call, self._exchange)
            return self._told(result, "bypass", asked.past)
        entry = await self._find()
        why = "nothing is kept"
        if entry is not None:
            age = self._age(entry)
            refreshes = self._cache.config.stale_while_revalidate
            use, why = decide(entry, age, asked.wanted, refreshes=refreshes)
            if use is Use.REFRESH:
                self._refresh(entry)
            if use is not Use.VALIDATE:
                answer = await self._answer(entry, "hit" if use is Use.FRESH else "stale", why)
                if answer is not None:
                    self.served = entry if use is Use.FRESH else None
                    return answer
                entry, why = None, "what was kept cannot be read"
        if asked.wanted.only_if_cached:
            return await self._not_cached(why)
        return await self._ask(entry, why)

    async def _find(self) -> Entry | None:
        store, asked = self._cache.store, self._asked
        entry = await store.find(store.place(asked.url, asked.partition), asked.fields)
        return None if entry is None or asked.why_not(entry) is not None else entry

    async def _ask(self, entry: Entry | None, why: str) -> Response | Failure:
        """Ask a server, and return what is made of what it says."""
        call, exchange, fetch = self._call, self._exchange, partial(self.fetch, entry)
        if not self._may_wait:
            return await self._landed(await fetch(call, exchange), entry, why)
        found = await self._cache.sharing.ask(self._wish, call, exchange, fetch)
        if isinstance(found, Fetched):
            return await self._landed(found, entry, why)
        if self._asked.why_not(found) is None:
            answer = await self._answer(found, "hit", "another call has asked for it")
            if answer is not None:
                return answer
        return await self._landed(await fetch(call, exchange), entry, why)

    @property
    def _may_wait(self) -> bool:
        """Whether an answer to another call may be good for this one."""
        asked, wanted = self._asked, self._asked.wanted
        if not self._cache.config.single_flight or asked.is_conditional:
            return False
        if asked.has_credentials and asked.partition is None:
            return False
        is_picky = wanted.no_cache or wanted.no_store or wanted.min_fresh is not None
        return not is_picky and wanted.max_age is None

    @property
    def _wish(self) -> Wish:
        asked = self._asked
        return Wish(asked.url, asked.partition, asked.fields, asked.request)

    def _refresh(self, entry: Entry) -> None:
        """Ask a server beside the caller, who is served what is kept."""
        cache = self._cache

        async def fetch(call: Call, exchange: Exchange) -> Response | Failure:
            result = (await self.fetch(entry, call, exchange)).result
            if isinstance(result, Failure) or not exchange.is_streamed:
                return result
            try:
                await exchange.read(result)
            except Exception as error:
                failure = explain(call, exchange, exchange.attempt_kind(call), error)
                if failure is None:
                    raise
                return failure
            return result

        key = cache.sharing.key(self._wish)
        cache.refreshes.begin(key, self._call, self._exchange, fetch)

    async def fetch(self, entry: Entry | None, call: Call, exchange: Exchange) -> Fetched:
        """Ask a server, and keep what it says.

        Args:
            entry: What is kept already, stale.
            call: The operation, or another that goes out in its place.
            exchange: The way of that to the wire.
        """
        asked = self._asked
        fill = Fill(self._cache, call, asked, entry)
        is_asking = entry is not None and not asked.is_conditional and asked.request.method == "GET"
        own = conditions(entry) if entry is not None and is_asking else ()
        if own:
            exchange.take(_conditional(asked.request, own))
        result = await self._pass(fill, call, exchange)
        if isinstance(result, Failure):
            if result.response is None:
                return Fetched(result)
            kept = await fill.take(result.response, is_streamed=exchange.is_streamed)
            return Fetched(result, kept)
        if result.status_code == _NOT_MODIFIED and own and entry is not None:
            headers = tuple(result.headers.raw)
            await exchange.discard(Failure(None, result))
            if is_about(entry, Fields(headers)):
                new, is_kept = await fill.freshen(entry, headers)
                return Fetched(result, new, is_revalidated=True, is_for_all=is_kept)
            exchange.take(asked.request)
            return await self.fetch(None, call, exchange)
        if asked.request.method == "HEAD":
            await self._heed_head(fill, result)
            return Fetched(result)
        kept = await fill.take(result, is_streamed=exchange.is_streamed)
        return Fetched(result, kept)

    async def _pass(self, fill: Fill, call: Call, exchange: Exchange) -> Response | Failure:
        if not exchange.is_streamed:
            call.tap = fill.tap
        try:
            return await self._inner(call, exchange)
        finally:
            call.tap = None  # the two would keep each other alive

    async def _heed_head(self, fill: Fill, response: Response) -> None:
        """Take note of what an answer to HEAD says of what is kept for GET (RFC 9111, 4.3.5)."""
        entry = await self._find()
        if entry is None or response.history:
            return
        headers = tuple(response.headers.raw)
        said = of_head(entry, response.status_code, Fields(headers))
        if said is OfHead.FRESHENS:
            await fill.freshen(entry, headers)
        elif said is OfHead.CONTRADICTS:
            await self._cache.forget(self._asked.url)

    async def _landed(self, fetched: Fetched, entry: Entry | None, why: str) -> Response | Failure:
        """Return what the caller gets of what a server has said."""
        result = fetched.result
        if fetched.is_revalidated and fetched.entry is not None:
            self._call.plan.leave(self._call)
            answer = await self._answer(fetched.entry, "revalidated", why)
            if answer is None:  # who has kept that, and in which coding?
                await self._cache.forget(self._asked.url)
                self._exchange.take(self._asked.request)
                return await self._ask(None, "what was kept cannot be read")
            return answer
        if isinstance(result, Failure) and entry is not None and result.error is not None:
            reason = self._stands_in(entry, result.error)
            answer = None if reason is None else await self._answer(entry, "stale", reason)
            if answer is not None:
                await self._exchange.abandon(result)
                self._call.plan.leave(self._call)
                return answer
        return self._told(result, "miss", why)

    def _stands_in(self, entry: Entry, error: MyAPIError) -> str | None:
        """Return why an answer that is not fresh may be served in place of an error, or None."""
        config, age, wanted = self._cache.config, self._age(entry), self._asked.wanted
        if isinstance(error, ClientClosedError):
            return None
        if is_rejection(error):
            longest = config.max_stale_when_open
            is_allowed = config.serve_stale_when_open and may_stand_in(entry, age, wanted, longest)
            return type(error).__name__ if is_allowed else None
        is_connection = error.status_code is None and isinstance(error, APIConnectionError)
        if not is_connection and error.status_code not in _ERRORS:
            return None
        said = entry.terms.directives.stale_if_error
        longest = config.stale_if_error if said is None else said
        is_allowed = longest > 0 and may_stand_in(entry, age, wanted, longest)
        return "stale-if-error" if is_allowed else None

    async def _answer(
        self, entry: Entry, status: CacheStatus, why: str
    ) -> Response | Failure | None:
        """Return what is kept as an answer; None where it cannot be read after all."""
        age = self._age(entry)
        answer = await answer_of(self.visit, entry, age)
        return None if answer is None else self._told(answer, status, why, age)

    async def _not_cached(self, why: str) -> Response | Failure:
        answer = await not_cached(self.visit)
        return self._told(answer, "miss", f"only-if-cached, and {why}")

    def _age(self, entry: Entry) -> float:
        return current_age(entry, *self._cache.times(self._call), PROCESS)

    def _told(
        self, result: Response | Failure, status: CacheStatus, why: str, age: float | None = None
    ) -> Response | Failure:
        return told(self._cache, self._call, result, CacheReport(status, why, age))


def _conditional(request: Request, own: Headers) -> Request:
    """Return a copy of a request that asks whether something still holds."""
    pairs = {name.decode("latin-1"): value.decode("latin-1") for name, value in own}
    return copy_request(request, pairs)

"""The cache around an operation: an answer that is kept, or the way to a server and back.

Rule 1  Nobody is served what is another's: see `asking`.
Rule 2  What is kept is what the server sent, byte by byte, where that can be seen.
Rule 3  An answer out of the cache passes nothing further in, and a failure behind a stale one has
        passed all of it: gates and listeners hear of that, and the caller does not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...engine.attempts import explain
from ...engine.layer import Failure, Outer
from ...engine.rejections import is_rejection
from ...exceptions import APIConnectionError, ClientClosedError
from ...http.bodies.response_body import was_read
from ...http.bodies.sent_request import copy_request
from ...http.bodies.stored_response import stored_response
from . import plain
from .asking import asked_for
from .filling import Fill
from .report import CacheReport

if TYPE_CHECKING:
    from ...config.cache import CacheConfig
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Call
    from ...http.bodies.response_decoding import Decoding
    from ...http.family import Family
    from ...http.shapes import Request, Response
    from .asking import Asked
    from .entry import Entry
    from .report import CacheStatus

__all__ = ["Caching"]

_READ: Final = frozenset({"GET", "HEAD"})
_NOT_MODIFIED: Final = 304
_ONLY_IF_CACHED: Final = 504
_ERRORS: Final = frozenset({500, 502, 503, 504})
"""What a stale answer may stand in for (RFC 5861, 4)."""


class Caching(Outer):
    """The layer that answers from what is kept.

    Args:
        config: Its settings.
        store: Where answers are kept.
        family: Whose responses it answers with.
        decoding: Of that family and this world.
    """

    changes_requests: bool = True

    def __init__(self, config: CacheConfig, store: Any, family: Family, decoding: Decoding) -> None:
        self.config: CacheConfig = config
        self.store: Any = store
        self.family: Family = family
        self._decoding = decoding

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return an answer that is kept, or what comes of going on."""
        if call.method.upper() not in _READ:
            result = await inner(call, exchange)
            await self._invalidate(call, result)
            return self._told(call, result, "bypass", "method")
        try:
            request = exchange.request_for(None)
        except Exception as error:
            failure = explain(call, exchange, exchange.attempt_kind(call), error)
            if failure is None:
                raise
            return failure
        asked = asked_for(request, call, exchange, self.config.partition)
        visit = Visit(self, inner, call, exchange, asked)
        return await visit.run()

    async def _invalidate(self, call: Call, result: Response | Failure) -> None:
        if isinstance(result, Failure) or call.method.upper() in plain.SAFE:
            return
        await self.store.forget(call.url, call.host.ports.wall_clock())

    def _told(
        self,
        call: Call,
        result: Response | Failure,
        status: CacheStatus,
        why: str,
        age: float | None = None,
    ) -> Response | Failure:
        """Leave in an answer what the cache did for it, and tell those who listen."""
        report = CacheReport(status, why, age)
        call.cache_status = status
        answer = result.response if isinstance(result, Failure) else result
        if self.family.is_response(answer):
            answer.extensions["cache"] = report
        return result

    # What a visit uses.
    told = _told

    def install(self, response: Response) -> None:
        """Have the body of an answer unpacked as that of a server's."""
        self._decoding.install(response)


class Visit:
    """One read on its way through the cache."""

    def __init__(
        self, caching: Caching, inner: Inner, call: Call, exchange: Exchange, asked: Asked
    ) -> None:
        self._caching = caching
        self._inner = inner
        self._call = call
        self._exchange = exchange
        self._asked = asked
        self._ours = plain.directives(asked.fields)

    async def run(self) -> Response | Failure:
        """Return its answer."""
        asked, ours = self._asked, self._ours
        if asked.past is not None:
            if "only-if-cached" in ours:
                return await self._not_cached()
            result = await self._inner(self._call, self._exchange)
            return self._caching.told(self._call, result, "bypass", asked.past)
        entry = await self._find()
        if entry is None:
            if "only-if-cached" in ours:
                return await self._not_cached()
            return await self._fetch(None, "nothing is kept")
        age = self._age(entry)
        decision = plain.decide(entry, asked.fields, age)
        if decision.kind == "fresh":
            answer = await self._answer(entry, "hit", decision.why, age)
            if answer is not None:
                return answer
            entry = None
        if "only-if-cached" in ours:
            return await self._not_cached()
        return await self._fetch(entry, decision.why)

    @property
    def _primary(self) -> tuple[str, str, str | None]:
        return ("GET", self._call.url, self._asked.partition)

    async def _find(self) -> Entry | None:
        asked = self._asked
        entry: Entry | None = await self._caching.store.find(self._primary, asked.fields)
        if entry is None:
            return None
        is_public = _is_public(entry)
        return entry if asked.may_have(entry, entry.vary, is_public=is_public) is None else None

    def _age(self, entry: Entry) -> float:
        ports = self._call.host.ports
        return plain.age_of(entry, ports.wall_clock(), ports.now(), b"here")

    async def _fetch(self, entry: Entry | None, why: str) -> Response | Failure:
        """Ask a server, whether what is kept still holds if there is anything."""
        call, exchange, asked = self._call, self._exchange, self._asked
        fill = Fill(self._caching, call, asked, self._primary, entry)
        is_ours = entry is not None and not asked.is_conditional
        if entry is not None and is_ours and (conditions := plain.validators(entry)):
            exchange.take(copy_request(asked.request, conditions))
        else:
            is_ours = False
        if not exchange.is_streamed:
            call.tap = fill.tap
        try:
            result = await self._inner(call, exchange)
        finally:
            call.tap = None
        if isinstance(result, Failure):
            return await self._failed(entry, result, fill, why)
        if result.status_code == _NOT_MODIFIED:
            if is_ours and entry is not None:
                return await self._revalidated(entry, result, fill)
            return self._caching.told(call, result, "miss", "condition")
        await fill.take(result, is_streamed=exchange.is_streamed)
        return self._caching.told(call, result, "miss", why)

    async def _revalidated(self, entry: Entry, result: Response, fill: Fill) -> Response | Failure:
        headers = tuple(result.headers.raw)
        await self._exchange.discard(Failure(None, result))
        self._call.plan.leave(self._call)
        new = fill.freshened(entry, headers)
        await fill.keep(new)
        answer = await self._answer(new, "revalidated", "304", self._age(new))
        if answer is None:
            raise RuntimeError("what was kept cannot be read")
        return answer

    async def _failed(
        self, entry: Entry | None, failure: Failure, fill: Fill, why: str
    ) -> Response | Failure:
        exchange = self._exchange
        if entry is not None and (reason := self._stands_in(entry, failure)) is not None:
            age = self._age(entry)
            answer = await self._answer(entry, "stale", reason, age)
            if answer is not None:
                await exchange.abandon(failure)
                self._call.plan.leave(self._call)
                return answer
        if failure.response is not None:
            await fill.take(failure.response, is_streamed=exchange.is_streamed)
        return self._caching.told(self._call, failure, "miss", why)

    def _stands_in(self, entry: Entry, failure: Failure) -> str | None:
        config = self._caching.config
        error = failure.error
        if error is None or isinstance(error, ClientClosedError):
            return None
        theirs = plain.directives(entry.fields)
        if not theirs.keys().isdisjoint({"must-revalidate", "proxy-revalidate", "no-cache"}):
            return None
        if "s-maxage" in theirs:
            return None
        late = self._age(entry) - plain.lifetime(entry)
        if is_rejection(error):
            allowed = config.serve_stale_when_open and late <= config.max_stale_when_open
            return type(error).__name__ if allowed else None
        is_error = error.status_code in _ERRORS or (
            error.status_code is None and isinstance(error, APIConnectionError)
        )
        seconds = float(theirs.get("stale-if-error") or config.stale_if_error)
        return "stale-if-error" if is_error and late <= seconds else None

    async def _answer(
        self, entry: Entry, status: CacheStatus, why: str, age: float
    ) -> Response | Failure | None:
        """Return what is kept as an answer; None where it cannot be read after all."""
        asked = self._asked
        code, body = entry.status, entry.body
        if asked.is_conditional and plain.not_modified(asked.fields, entry):
            code, body = _NOT_MODIFIED, b""
        if asked.request.method == "HEAD":
            body = b""
        others = [pair for pair in entry.headers if pair[0].lower() != b"age"]
        headers = [*others, (b"Age", b"%d" % max(0, age))]
        response = self._made(code, headers, body, entry)
        return await self._handed_over(response, status, why, age)

    def _made(
        self, code: int, headers: list[tuple[bytes, bytes]], body: bytes, entry: Entry | None
    ) -> Response:
        asked = self._asked
        extensions: dict[str, object] = {}
        if entry is not None:
            extensions["http_version"] = entry.http_version
            if entry.reason is not None and code == entry.status:
                extensions["reason_phrase"] = entry.reason
        response = stored_response(
            self._caching.family,
            status=code,
            headers=headers,
            body=body,
            request=asked.request,
            extensions=extensions,
        )
        response.default_encoding = asked.outlook.default_encoding
        return response

    async def _handed_over(
        self, response: Response, status: CacheStatus, why: str, age: float | None
    ) -> Response | Failure | None:
        call, exchange = self._call, self._exchange
        self._caching.install(response)
        await exchange.complete(Failure(None, response))
        failure = exchange.failure_of(exchange.attempt_kind(call), response)
        return self._caching.told(call, response if failure is None else failure, status, why, age)

    async def _not_cached(self) -> Response | Failure:
        response = self._made(_ONLY_IF_CACHED, [], b"", None)
        answer = await self._handed_over(response, "miss", "only-if-cached", None)
        if answer is None:
            raise RuntimeError("unreachable")
        return answer


def _is_public(entry: Entry) -> bool:
    return not {"public", "s-maxage"}.isdisjoint(plain.directives(entry.fields))


_ = (replace, partial, was_read)

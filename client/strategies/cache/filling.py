"""An answer of a server on its way into the store."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ...engine.operation import under_way
from ...http.bodies.response_body import was_read
from ...http.bodies.tee import record, recording_of
from . import plain
from .entry import Entry

if TYPE_CHECKING:
    from ...engine.operation import Call
    from ...http.bodies.tee import Recording
    from ...http.shapes import Response
    from .asking import Asked
    from .caching import Caching

__all__ = ["Fill"]

_OF_CONNECTION: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""What is of one connection, and is never kept (RFC 9111, 3.1)."""
_OF_CODING: Final = frozenset({b"content-encoding", b"content-length"})
_FIRST_ERROR: Final = 400


class Fill:
    """What is kept of one operation's answer, and where."""

    def __init__(
        self, caching: Caching, call: Call, asked: Asked, primary: Any, old: Entry | None
    ) -> None:
        self._caching = caching
        self._call = call
        self._asked = asked
        self._primary = primary
        self._old = old
        ports = call.host.ports
        self._began = ports.wall_clock()
        self._sent = ports.now()
        self._heads: dict[int, tuple[float, float]] = {}

    def tap(self, response: Response) -> None:
        """Write down the body of an answer that is about to be read."""
        attempt = under_way.get()
        now = self._call.host.ports.now()
        self._heads[id(response)] = (self._sent if attempt is None else attempt.started, now)
        if not was_read(response):
            record(response, self._caching.family, self._caching.config.max_entry_bytes)

    async def take(self, response: Response, *, is_streamed: bool) -> None:
        """Keep an answer, where that is allowed; one that is streamed once it has been read."""
        caching = self._caching
        if not caching.family.is_response(response) or response.history:
            return
        head = self._head_of(response)
        if self._refusal(head) is not None:
            return
        if is_streamed and not was_read(response):
            most = caching.config.max_entry_bytes
            record(response, caching.family, most, partial(self._ended, head))
            return
        recording = recording_of(response)
        if recording is not None:
            await self._ended(head, recording)
        elif was_read(response):
            await self.keep(_decoded(head, response.content))

    def freshened(self, entry: Entry, headers: tuple[tuple[bytes, bytes], ...]) -> Entry:
        """Return what is kept with what a 304 says of it."""
        ports = self._call.host.ports
        new: Entry = plain.freshened(entry, _kept(headers))
        now, wall = ports.now(), ports.wall_clock()
        return replace(
            new, requested=wall - (now - self._sent), received=wall, stamp=(b"here", now)
        )

    async def _ended(self, head: Entry, recording: Recording) -> None:
        body = recording.body
        if body is not None and _is_whole(head, body):
            await self.keep(replace(head, body=body))

    async def keep(self, entry: Entry) -> None:
        """Keep an answer, unless the resource has been changed meanwhile."""
        if len(entry.body) <= self._caching.config.max_entry_bytes:
            await self._caching.store.keep(self._primary, self._asked.fields, entry, self._began)

    def _refusal(self, head: Entry) -> str | None:
        """Return why an answer is not kept, or None."""
        asked, old = self._asked, self._old
        if old is not None and head.status >= _FIRST_ERROR > old.status:
            return "an error never replaces a good answer"
        public = not {"public", "s-maxage"}.isdisjoint(plain.directives(head.fields))
        return plain.storable(asked.fields, head) or asked.may_have(
            head, head.vary, is_public=public
        )

    def _head_of(self, response: Response) -> Entry:
        ports = self._call.host.ports
        now, wall = ports.now(), ports.wall_clock()
        sent, came = self._heads.get(id(response), (self._sent, now))
        headers = _kept(tuple(response.headers.raw))
        head = Entry(
            status=response.status_code,
            headers=headers,
            body=b"",
            method=self._asked.request.method,
            requested=wall - (now - sent),
            received=wall - (now - came),
            stamp=(b"here", came),
            http_version=response.extensions.get("http_version", b"HTTP/1.1"),
            reason=response.extensions.get("reason_phrase"),
        )
        return replace(head, vary=plain.vary_of(head))


def _kept(headers: tuple[tuple[bytes, bytes], ...]) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header fields that are not of one connection alone."""
    named = b",".join(value for name, value in headers if name.lower() == b"connection")
    dropped = {each.strip().lower() for each in named.split(b",")} | _OF_CONNECTION
    return tuple(pair for pair in headers if pair[0].lower() not in dropped)


def _is_whole(head: Entry, body: bytes) -> bool:
    """Whether a body is as long as its head has said."""
    length = head.fields.get("content-length")
    return length is None or head.method == "HEAD" or length == str(len(body))


def _decoded(head: Entry, body: bytes) -> Entry:
    """Return an answer whose body has been unpacked already."""
    if "content-encoding" not in head.fields:
        return replace(head, body=body)
    headers = tuple(pair for pair in head.headers if pair[0].lower() not in _OF_CODING)
    return replace(head, headers=headers, body=body, is_decoded=True)

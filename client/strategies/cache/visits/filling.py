"""An answer of a server on its way into the store."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ....engine.operation import under_way
from ....http.bodies.response_body import was_read
from ....http.bodies.tee import record, recording_of
from ..entry import Entry
from ..rules.freshening import freshened
from ..rules.storing import kept_headers, why_not_stored
from ..rules.vary import vary_names

if TYPE_CHECKING:
    from ....engine.operation import Call
    from ....http.bodies.tee import Recording
    from ....http.shapes import Response
    from ..entry import Headers
    from .asking import Asked
    from .cache import Cache

__all__ = ["Fill"]

_OF_CODING: Final = frozenset({b"content-encoding", b"content-length"})
_FIRST_ERROR: Final = 400


class Fill:
    """What is kept of one operation's answer.

    Args:
        cache: Where, and by what settings.
        call: The operation.
        asked: What it asked for.
        old: What is kept already, stale, or None.
    """

    def __init__(self, cache: Cache, call: Call, asked: Asked, old: Entry | None) -> None:
        self._cache = cache
        self._call = call
        self._asked = asked
        self._old = old
        self._began = cache.store.began()
        self._sent = cache.times(call)[1]
        self._heads: dict[int, tuple[float, float]] = {}

    def tap(self, response: Response) -> None:
        """Write down the body of an answer that is about to be read."""
        attempt, cache = under_way.get(), self._cache
        _, now = cache.times(self._call)
        since = 0.0 if attempt is None else self._call.host.ports.now() - attempt.started
        self._heads[id(response)] = (now - since, now)
        if not was_read(response):
            record(response, cache.family, cache.config.max_entry_bytes)

    async def take(self, response: Response, *, is_streamed: bool) -> Entry | None:
        """Keep an answer, where that is allowed; one that is streamed once it has been read.

        Returns:
            What is kept; None where nothing is, or nothing yet.
        """
        family = self._cache.family
        if not family.is_response(response) or response.history:
            return None
        head = self._head_of(response)
        if self._refusal(head) is not None:
            return None
        head = replace(head, headers=kept_headers(head))
        if is_streamed and not was_read(response):
            most = self._cache.config.max_entry_bytes
            record(response, family, most, partial(self._ended, head))
            return None
        recording = recording_of(response)
        if recording is not None:
            return await self._ended(head, recording)
        if not was_read(response):
            return None
        return await self._keep(_decoded(head, response.content))

    async def freshen(self, entry: Entry, headers: Headers) -> tuple[Entry, bool]:
        """Keep, in place of an answer, what it has become by a 304.

        Returns:
            That, and whether it may be kept.
        """
        wall, now = self._cache.times(self._call)
        new = freshened(
            entry,
            headers,
            requested=wall - (now - self._sent),
            received=wall,
            stamp=self._cache.stamp(now),
        )
        is_kept = self._refusal(new) is None
        if is_kept:
            await self._keep(new)
        else:
            await self._cache.store.forget(self._asked.url)
        return new, is_kept

    async def _ended(self, head: Entry, recording: Recording) -> Entry | None:
        body = recording.body
        if body is None or not _is_whole(head, body):
            return None
        return await self._keep(replace(head, body=body))

    async def _keep(self, entry: Entry) -> Entry | None:
        if len(entry.body) > self._cache.config.max_entry_bytes:
            return None
        store, asked = self._cache.store, self._asked
        place = store.place(asked.url, asked.partition)
        is_kept = await store.keep(place, asked.fields, entry, self._began)
        return entry if is_kept else None

    def _refusal(self, head: Entry) -> str | None:
        """Return why an answer is not kept, or None."""
        asked, old = self._asked, self._old
        if old is not None and head.status >= _FIRST_ERROR > old.status:
            return "an error never replaces a good answer"
        return why_not_stored(head, asked.wanted) or asked.why_not(head)

    def _head_of(self, response: Response) -> Entry:
        wall, now = self._cache.times(self._call)
        sent, came = self._heads.get(id(response), (self._sent, now))
        head = Entry(
            status=response.status_code,
            headers=tuple(response.headers.raw),
            body=b"",
            method=self._asked.request.method,
            requested=wall - (now - sent),
            received=wall - (now - came),
            stamp=self._cache.stamp(came),
            http_version=response.extensions.get("http_version", b"HTTP/1.1"),
            reason=response.extensions.get("reason_phrase"),
        )
        return replace(head, vary=vary_names(head.fields) or ())


def _is_whole(head: Entry, body: bytes) -> bool:
    """Whether a body is as long as its head has said."""
    length = head.fields.get("content-length")
    return length is None or length == str(len(body))


def _decoded(head: Entry, body: bytes) -> Entry:
    """Return an answer whose body has been unpacked already."""
    if "content-encoding" not in head.fields:
        return replace(head, body=body)
    headers = tuple(pair for pair in head.headers if pair[0].lower() not in _OF_CODING)
    return replace(head, headers=headers, body=body, is_decoded=True)

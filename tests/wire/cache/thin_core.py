"""The rules of the cache with as little around them as can be: a dictionary."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

from client.strategies.cache.entry import Entry
from client.strategies.cache.fields import Fields
from client.strategies.cache.rules import (
    deciding,
    directives,
    freshening,
    invalidating,
    storing,
    terms,
    urls,
    validating,
    vary,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.wire.cache.reverse_proxy import Front, Pairs

    Variants = list[tuple[tuple[str | None, ...], Entry]]

TOKEN = b"this process"
CREDENTIALS = ("authorization", "cookie")


class ThinCore:
    """A cache in a dictionary, before another front."""

    def __init__(self, front: Front, stale_if_error: float = 0.0) -> None:
        self.front = front
        self.stale_if_error = stale_if_error
        self.kept: dict[str, Variants] = {}

    @asynccontextmanager
    async def ask(
        self, method: str, url: str, headers: Pairs, body: bytes
    ) -> AsyncIterator[httpx.Response]:
        """Return a context in which there is an answer, read."""
        yield await self.answer(method, url, headers, body)

    async def answer(self, method: str, url: str, headers: Pairs, body: bytes) -> httpx.Response:
        """Return an answer, from the dictionary or from the origin."""
        request = Fields(headers)
        wanted = directives.of_request(request)
        if method not in {"GET", "HEAD"} or body or "range" in request or wanted.no_store:
            return await self.past(method, url, headers, body)
        entry = self.find(url, request)
        if entry is not None and has_credentials(request) and not storing.is_for_all(entry):
            entry = None
        if entry is not None and validating.is_answerable(request):
            return await self.used(entry, method, url, headers, request)
        if wanted.only_if_cached:
            return made(504, (), b"")
        return await self.fill(method, url, headers, request)

    async def used(
        self, entry: Entry, method: str, url: str, headers: Pairs, request: Fields
    ) -> httpx.Response:
        """Answer by what fits, once it has been validated if it must be."""
        wanted = directives.of_request(request)
        age = terms.current_age(entry, time.time(), time.monotonic(), TOKEN)
        if deciding.decide(entry, age, wanted).use is not deciding.Use.VALIDATE:
            return served(entry, age, method, request)
        if wanted.only_if_cached:
            return made(504, (), b"")
        stale = deciding.may_replace_an_error(entry, age, wanted, self.stale_if_error)
        try:
            answer = await self.validated(entry, method, url, headers, request)
        except httpx.HTTPError:
            if not stale:
                raise
        else:
            if not stale or answer.status_code < 500:
                return answer
        return served(entry, age, method, request)

    async def past(self, method: str, url: str, headers: Pairs, body: bytes) -> httpx.Response:
        """Ask the origin, and drop what it changes."""
        answer = await self.send(method, url, headers, body)
        fields = Fields(answer.headers)
        for gone in invalidating.invalidated_by(method, answer.status, url, fields):
            self.kept.pop(gone, None)
        return as_response(answer)

    async def fill(self, method: str, url: str, headers: Pairs, request: Fields) -> httpx.Response:
        """Ask the origin, and keep what it says."""
        answer = await self.send(method, url, headers, b"")
        self.keep(url, request, answer)
        return as_response(answer)

    async def validated(
        self, entry: Entry, method: str, url: str, headers: Pairs, request: Fields
    ) -> httpx.Response:
        """Ask the origin if an answer is still good."""
        own = validating.has_conditions(request)
        extra = () if own or method == "HEAD" else validating.conditions(entry)
        answer = await self.send(method, url, [*headers, *extra], b"")
        if method == "HEAD":
            said = freshening.of_head(entry, answer.status, answer.fields)
            if said is freshening.OfHead.FRESHENS:
                self.keep(url, request, self.freshened(entry, answer))
            elif said is freshening.OfHead.CONTRADICTS:
                self.kept.pop(urls.normalised(url), None)
            return as_response(answer)
        if answer.status != 304 or own:
            self.keep(url, request, answer)
            return as_response(answer)
        if not freshening.is_about(entry, answer.fields):
            return await self.fill(method, url, headers, request)
        fresh = self.freshened(entry, answer)
        self.keep(url, request, fresh)
        return served(fresh, fresh.terms.first_age, method, request)

    def freshened(self, entry: Entry, answer: Entry) -> Entry:
        """Return an entry brought up to date."""
        return freshening.freshened(
            entry,
            answer.headers,
            requested=answer.requested,
            received=answer.received,
            stamp=answer.stamp,
        )

    async def send(self, method: str, url: str, headers: Pairs, body: bytes) -> Entry:
        """Ask the origin."""
        requested = time.time()
        async with self.front.ask(method, url, headers, body) as answer:
            received, monotonic = time.time(), time.monotonic()
            content = b"".join([part async for part in answer.aiter_raw()])
        return Entry(
            status=answer.status_code,
            headers=tuple(answer.headers.raw),
            body=content,
            method=method,
            requested=requested,
            received=received,
            stamp=(TOKEN, monotonic),
        )

    def find(self, url: str, request: Fields) -> Entry | None:
        """Return what fits a request: the newest of its variants."""
        for values, entry in self.kept.get(urls.normalised(url), ()):
            if values == tuple(vary.selecting_value(name, request) for name in entry.vary):
                return entry
        return None

    def keep(self, url: str, request: Fields, answer: Entry) -> None:
        """Keep an answer if it may be."""
        wanted = directives.of_request(request)
        secret = has_credentials(request)
        if storing.why_not_stored(answer, wanted, has_credentials=secret) is not None:
            return
        names = vary.vary_names(answer.fields) or ()
        entry = replace(answer, headers=storing.kept_headers(answer), vary=names)
        values = tuple(vary.selecting_value(name, request) for name in names)
        variants = self.kept.setdefault(urls.normalised(url), [])
        variants[:] = [each for each in variants if (each[0], each[1].vary) != (values, names)]
        variants.insert(0, (values, entry))


def has_credentials(request: Fields) -> bool:
    """Whether a request has any, of those that are seen from here."""
    return any(name in request for name in CREDENTIALS)


def served(entry: Entry, age: float, method: str, request: Fields) -> httpx.Response:
    """Return an answer from the dictionary."""
    pairs = tuple(pair for pair in entry.headers if pair[0].lower() != b"age")
    pairs += ((b"Age", deciding.age_header(age)),)
    if validating.is_not_modified(entry, request):
        own = validating.not_modified_headers(entry)
        return made(304, (*own, pairs[-1]), b"")
    return made(entry.status, pairs, b"" if method == "HEAD" else entry.body)


def as_response(answer: Entry) -> httpx.Response:
    """Return what came from the origin."""
    return made(answer.status, answer.headers, answer.body)


def made(status: int, headers: Any, body: bytes) -> httpx.Response:
    """Return an answer whose body is raw."""
    return httpx.Response(status, headers=list(headers), stream=httpx.ByteStream(body))

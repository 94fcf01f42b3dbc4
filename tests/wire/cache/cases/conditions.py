"""Conditions: the caller's own, the cache's, and what a request says in `Cache-Control`."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, checked, origin

__all__ = ["CASES"]

HOUR, OLD = "Cache-Control: max-age=3600", ("Cache-Control: max-age=60", "Age: 100")
TAG, WEAK, MODIFIED = 'ETag: "a"', 'ETag: W/"a"', "Last-Modified: {-3000}"
_TAGS = ('"a", "b", "c"', '"b", "a", "c"', '"b", "c", "a"')


def _held(name: str, says: tuple[str, ...], *asks: str, **others: object) -> Case:
    """Of a caller who holds the answer already."""
    return case(name, origin(HOUR, *says), cache(asks=asks, gets=304, **others), cache(gets=200))


def _said(name: str, line: str, *says: str, hits: bool = False) -> Case:
    """Of a request that says something."""
    asks = (f"Cache-Control: {line}",)
    return case(name, origin(*says), (cache if hits else origin)(asks=asks))


CALLERS = (
    _held("a tag that is held", (TAG,), 'If-None-Match: "a"', has=(TAG,), lacks=("Content-Type",)),
    _held("a weak tag that is held", (WEAK,), 'If-None-Match: W/"a"'),
    _held("a tag that is held, weakly", (TAG,), 'If-None-Match: W/"a"'),
    *(_held(f"a tag among {each}", (TAG,), f"If-None-Match: {each}") for each in _TAGS),
    _held("any tag", (TAG,), "If-None-Match: *"),
    _held(
        "a tag before a date", (TAG, MODIFIED), 'If-None-Match: "a"', "If-Modified-Since: {-9999}"
    ),
    _held("a date that is held", (MODIFIED,), "If-Modified-Since: {-3000}"),
    _held("a later date that is held", (MODIFIED,), "If-Modified-Since: {-2000}"),
    _held("a date of RFC 850 that is held", (MODIFIED,), "If-Modified-Since: {-3000 obsolete}"),
    case(
        "a tag that is not held",
        origin(HOUR, TAG),
        cache(asks=('If-None-Match: "b"',), gets=200),
    ),
    case(
        "a date that is not held",
        origin(HOUR, MODIFIED),
        cache(asks=("If-Modified-Since: {-4000}",), gets=200),
    ),
    case(
        "a date that is held, of a stale answer",
        origin(*OLD, MODIFIED),
        origin(asks=("If-Modified-Since: {-3000}",), status=304, text=""),
    ),
    case(
        "a condition that nothing is kept for",
        origin(asks=('If-None-Match: "a"',), sent=('If-None-Match: "a"',), status=304, text=""),
        origin(),
    ),
)

OF_THE_CACHE = (
    case("a tag that is asked by", origin(*OLD, TAG), checked(sent=('If-None-Match: "a"',))),
    case("a weak tag asked by", origin(*OLD, WEAK), checked(sent=('If-None-Match: W/"a"',))),
    case(
        "a date that is asked by",
        origin(*OLD, MODIFIED),
        checked(sent=("If-Modified-Since: {-3000}",)),
    ),
    case(
        "a tag and a date that are asked by",
        origin(*OLD, TAG, MODIFIED),
        checked(sent=('If-None-Match: "a"', "If-Modified-Since: {-3000}")),
    ),
    case(
        "a variant that is asked by its tag",
        origin(*OLD, TAG, "Vary: X-A", asks=("X-A: 1",)),
        checked(asks=("X-A: 1",), sent=('If-None-Match: "a"', "X-A: 1")),
    ),
    case(
        "an answer that has changed",
        origin(*OLD, TAG),
        origin(HOUR, 'ETag: "b"', sent=('If-None-Match: "a"',)),
        cache(has=('ETag: "b"',), number=2),
    ),
)

REQUESTS = (
    _said("a request that wants nothing old", "max-age=0", HOUR),
    _said("a request that wants nothing older", "max-age=600", HOUR, "Age: 1800"),
    _said("a request that wants nothing older than this", "max-age=600", HOUR, hits=True),
    _said("a request that wants it fresh for longer", "min-fresh=1800", HOUR, "Age: 3000"),
    _said("a request that wants it fresh for as long", "min-fresh=600", HOUR, hits=True),
    _said("a request that takes it stale", "max-stale=1000", *OLD, hits=True),
    _said("a request that takes it as stale as it is", "max-stale", *OLD, hits=True),
    _said("a request that takes it less stale", "max-stale=9", *OLD),
    _said("a request of no-cache", "no-cache", HOUR),
    _said("a request of no-store", "no-store", HOUR),
    case("a request of Pragma", origin(HOUR), origin(asks=("Pragma: no-cache",))),
    case("a request of another Pragma", origin(HOUR), cache(asks=("Pragma: x",))),
    case(
        "a request of no-cache, by its tag",
        origin(HOUR, TAG),
        checked(asks=("Cache-Control: no-cache",), sent=('If-None-Match: "a"',)),
    ),
    case(
        "a request of no-store leaves nothing",
        origin(HOUR, asks=("Cache-Control: no-store",)),
        origin(),
    ),
    _said("a request for what is kept only", "only-if-cached", HOUR, hits=True),
    case(
        "a request for what is kept only, and nothing is",
        cache(asks=("Cache-Control: only-if-cached",), gets=504),
        origin(),
    ),
)

CASES = (*CALLERS, *OF_THE_CACHE, *REQUESTS)

"""`Cache-Control` of answers: how long they are fresh, and what else it says."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, checked, fails, origin

__all__ = ["CASES"]

OLD = "Age: 100"
"""What makes an answer of `max-age=60` stale at once."""


def _fresh(name: str, *says: str) -> Case:
    return case(name, origin(*says), cache())


def _stale(name: str, *says: str) -> Case:
    return case(name, origin(*says), origin())


LIFETIMES = (
    _fresh("max-age", "Cache-Control: max-age=3600"),
    _stale("max-age that is over", "Cache-Control: max-age=60", OLD),
    _stale("max-age of nothing", "Cache-Control: max-age=0"),
    _stale("max-age below nothing", "Cache-Control: max-age=-3600"),
    _fresh("max-age just below 31 bits", "Cache-Control: max-age=2147483647"),
    _fresh("max-age of 31 bits", "Cache-Control: max-age=2147483648"),
    _fresh("max-age just above 31 bits", "Cache-Control: max-age=2147483649"),
    _fresh("max-age far above 31 bits", "Cache-Control: max-age=99999999999"),
    _fresh("max-age with leading zeros", "Cache-Control: max-age=003600"),
    _fresh("max-age in any case", "Cache-Control: mAx-AgE=3600"),
    _fresh("max-age in double quotes", 'Cache-Control: max-age="3600"'),
    _stale("max-age in single quotes", "Cache-Control: max-age='3600'"),
    _fresh("max-age beside something unknown", "Cache-Control: unknown, max-age=3600"),
    _stale("max-age within quotes before", 'Cache-Control: x="max-age=3600", max-age=60', OLD),
    _stale("max-age within quotes behind", 'Cache-Control: max-age=60, x="max-age=3600"', OLD),
    _stale("max-age twice, the longer first", "Cache-Control: max-age=3600, max-age=60", OLD),
    _stale("max-age twice, the longer last", "Cache-Control: max-age=60, max-age=3600", OLD),
    _fresh("max-age before a past Expires", "Cache-Control: max-age=3600", "Expires: {-7200}"),
    _fresh("max-age before an Expires of no date", "Cache-Control: max-age=3600", "Expires: 0"),
    _stale("max-age=0 before a future Expires", "Cache-Control: max-age=0", "Expires: {+3600}"),
    _fresh("s-maxage", "Cache-Control: s-maxage=3600"),
    _stale("s-maxage shorter than max-age", "Cache-Control: max-age=3600, s-maxage=60", OLD),
    _stale("s-maxage shorter, and first", "Cache-Control: s-maxage=60, max-age=3600", OLD),
    _stale(
        "s-maxage shorter, on a line of its own",
        "Cache-Control: max-age=3600",
        "Cache-Control: s-maxage=60",
        OLD,
    ),
    _fresh("s-maxage longer than max-age", "Cache-Control: max-age=60, s-maxage=3600", OLD),
    _fresh(
        "s-maxage before max-age=0 and a past Expires",
        "Cache-Control: max-age=0, s-maxage=3600",
        "Expires: {-10}",
    ),
)

NOT_KEPT = (
    _stale("private", "Cache-Control: private, max-age=3600"),
    _stale("no-store", "Cache-Control: no-store"),
    _stale("no-store in any case", "Cache-Control: nO-sToRe, max-age=3600"),
    _stale("no-store beside a lifetime", "Cache-Control: max-age=3600, no-store", "Expires: {+99}"),
    _stale("neither lifetime nor validator"),
    _stale("Set-Cookie", "Cache-Control: max-age=3600", "Set-Cookie: a=b"),
    case(
        "a fresh answer before one that would not be kept",
        origin("Cache-Control: max-age=3600", "X-A: 1"),
        cache("Cache-Control: no-store", "X-A: 2"),
        cache(has=("X-A: 1",)),
    ),
    case(
        "a fresh answer before one that would be old",
        origin("Cache-Control: max-age=3600", "X-A: 1"),
        cache("Cache-Control: no-store, max-age=0", "X-A: 2"),
        cache(has=("X-A: 1",)),
    ),
)

ASKED = (
    _stale("no-cache", "Cache-Control: max-age=3600, no-cache", "Expires: {+3600}"),
    _stale("no-cache in any case", "Cache-Control: max-age=3600, nO-CaChE"),
    case("no-cache with a tag", origin("Cache-Control: no-cache", 'ETag: "a"'), checked()),
    case(
        "no-cache with a tag and a lifetime",
        origin("Cache-Control: max-age=3600, no-cache", "Expires: {+3600}", 'ETag: "a"'),
        checked(),
    ),
    case(
        "no-cache for some fields",
        origin('Cache-Control: max-age=3600, no-cache="x-a, x-b"', "X-A: 1", "X-B: 2", "X-C: 3"),
        cache(has=("X-C: 3",), lacks=("X-A", "X-B")),
    ),
    _fresh("must-revalidate", "Cache-Control: max-age=3600, must-revalidate", 'ETag: "a"'),
    case(
        "must-revalidate when stale",
        origin("Cache-Control: max-age=60, must-revalidate", 'ETag: "a"', OLD),
        checked(),
    ),
)


def _in_need(name: str, line: str, *, may: bool, breaks: bool) -> Case:
    first = origin(f"Cache-Control: {line}", 'ETag: "a"', OLD)
    if may:
        return case(name, first, cache(breaks=breaks, status=503, gets=200, asks_too=True))
    return case(name, first, fails(breaks=True) if breaks else origin(status=503))


STALE = (
    _in_need("stale where the origin breaks off", "max-age=60", may=True, breaks=True),
    _in_need("stale where the origin fails", "max-age=60", may=True, breaks=False),
    _in_need("stale-if-error, in time", "max-age=60, stale-if-error=90", may=True, breaks=False),
    _in_need("stale-if-error, too late", "max-age=60, stale-if-error=9", may=False, breaks=False),
    *(
        _in_need(f"{each} forbids it where the origin {word}", f"max-age=60, {each}", **how)
        for each in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=60")
        for word, how in (
            ("breaks off", {"may": False, "breaks": True}),
            ("fails", {"may": False, "breaks": False}),
        )
    ),
    case(
        "stale-while-revalidate",
        origin("Cache-Control: max-age=60, stale-while-revalidate=90", 'ETag: "a"', OLD),
        cache('ETag: "b"', "Cache-Control: no-store", asks_too=True),
    ),
    case(
        "stale-while-revalidate, too late",
        origin("Cache-Control: max-age=60, stale-while-revalidate=30", 'ETag: "a"', OLD),
        origin('ETag: "b"'),
    ),
)

CASES = (*LIFETIMES, *NOT_KEPT, *ASKED, *STALE)

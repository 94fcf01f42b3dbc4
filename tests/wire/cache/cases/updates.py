"""What a 304 and an answer to HEAD change in what is kept."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, checked, origin

__all__ = ["CASES"]

HOUR, OLD = "Cache-Control: max-age=3600", ("Cache-Control: max-age=60", "Age: 100")
TAG, MODIFIED = 'ETag: "a"', "Last-Modified: {-3000}"


def _updated(name: str) -> Case:
    return case(
        f"a 304 updates {name}",
        origin(*OLD, TAG, f"{name}: 1"),
        checked(HOUR, TAG, f"{name}: 2", has=(f"{name}: 2",)),
        cache(has=(f"{name}: 2",), number=1),
    )


CASES = (
    *map(_updated, ("Any", "X-Any", "Content-Any", "X-Content-Any", "X-Frame-Options")),
    case(
        "a 304 leaves what it does not name",
        origin(*OLD, MODIFIED, "X-A: 1"),
        checked(MODIFIED, HOUR, has=("X-A: 1",)),
        cache(has=("X-A: 1",), number=1),
    ),
    case(
        "a 304 updates the lifetime",
        origin(*OLD, TAG),
        checked(HOUR, TAG, has=(HOUR,)),
        cache(has=(HOUR,), number=1),
    ),
    case(
        "a 304 does not update the length",
        origin(*OLD, TAG, text="0123456789"),
        checked(HOUR, TAG, "Content-Length: 36", has=("Content-Length: 10",)),
        cache(has=("Content-Length: 10",), number=1),
    ),
    case(
        "a 304 does not update what the body is",
        origin(*OLD, TAG, "Content-Type: text/plain"),
        checked(HOUR, TAG, "Content-Type: text/html", has=("Content-Type: text/plain",)),
    ),
    case(
        "a 304 may forbid to keep it on",
        origin(*OLD, TAG),
        checked("Cache-Control: no-store", TAG),
        origin(),
    ),
    case("HEAD from what is kept", origin(HOUR), cache(method="HEAD", has=(HOUR,))),
    case(
        "HEAD leaves nothing",
        origin(HOUR, method="HEAD"),
        origin(HOUR),
        cache(number=2),
    ),
    case(
        "HEAD of a stale answer",
        origin(*OLD),
        origin(method="HEAD"),
    ),
    case(
        "HEAD that finds it unchanged",
        origin(*OLD, TAG, "X-A: 1"),
        origin(HOUR, TAG, "X-A: 2", method="HEAD"),
        cache(has=("X-A: 2",), number=1),
    ),
    case(
        "HEAD that finds it changed",
        origin(*OLD, "Cache-Control: stale-while-revalidate=999", TAG),
        origin(HOUR, 'ETag: "b"', method="HEAD", asks=("Cache-Control: no-cache",)),
        origin(),
    ),
)

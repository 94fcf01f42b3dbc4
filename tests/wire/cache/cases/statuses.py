"""Statuses: which are kept, and for which freshness may be guessed."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, origin

__all__ = ["CASES"]

_KEPT = (200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599)
_GUESSED = (200, 203, 204)
_NOT_GUESSED = (201, 202, 403, 502, 503, 504, 599)
_OLD = ("Date: {+0}", "Last-Modified: {-86400}")


def _text(status: int) -> str | None:
    return "" if status == 204 else None


def _fresh(status: int) -> Case:
    first = origin("Cache-Control: max-age=3600", "Date: {+0}", status=status, text=_text(status))
    return case(f"{status} with a lifetime", first, cache(), cache())


def _stale(status: int) -> Case:
    first = origin("Cache-Control: max-age=60", "Age: 100", status=status, text=_text(status))
    return case(f"{status} that is over", first, origin())


def _expired(status: int) -> Case:
    says = ("Expires: {-5000}", "Last-Modified: {-100000}", "Date: {+0}")
    first = origin(*says, status=status, text=_text(status))
    return case(f"{status} that never was fresh", first, origin())


CASES = (
    *map(_fresh, _KEPT),
    *map(_stale, _KEPT),
    *map(_expired, _KEPT),
    *(
        case(f"{status} by a guess", origin(*_OLD, status=status, text=_text(status)), cache())
        for status in _GUESSED
    ),
    *(
        case(f"{status} without a guess", origin(*_OLD, status=status), origin(status=status))
        for status in _NOT_GUESSED
    ),
    case(
        "no-store for those who do not understand, and 200",
        origin("Cache-Control: max-age=3600, no-store, must-understand"),
        cache(),
    ),
    case(
        "no-store for those who do not understand, and 599",
        origin("Cache-Control: max-age=3600, no-store, must-understand", status=599),
        origin(),
    ),
)

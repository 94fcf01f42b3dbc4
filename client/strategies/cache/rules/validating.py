"""Conditions: the caller's, and those that validate an answer (RFC 9110, 13; RFC 9111, 4.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .dates import parse_date
from .lists import BLANKS, members

if TYPE_CHECKING:
    from ..entry import Entry, Headers
    from ..fields import Fields

__all__ = [
    "conditions",
    "has_conditions",
    "is_answerable",
    "is_not_modified",
    "not_modified_headers",
]

_BY_A_CACHE: Final = ("if-none-match", "if-modified-since")
"""The conditions that a cache may evaluate (RFC 9111, 4.3.2)."""
_BY_THE_SERVER: Final = ("if-match", "if-unmodified-since", "if-range")
_OF_304: Final = frozenset(
    {"cache-control", "content-location", "date", "etag", "expires", "last-modified", "vary"}
)
"""What a 304 says (RFC 9110, 15.4.5), and `Last-Modified`, by which some update what they hold."""


def conditions(entry: Entry) -> Headers:
    """Return the header fields that ask if an answer has changed; none without a validator."""
    terms = entry.terms
    pairs: Headers = ()
    if terms.etag is not None:
        pairs += ((b"If-None-Match", terms.etag.encode("latin-1")),)
    if terms.last_modified is not None:
        pairs += ((b"If-Modified-Since", terms.last_modified.encode("latin-1")),)
    return pairs


def has_conditions(request: Fields) -> bool:
    """Whether a request has a condition of its caller's, of whatever kind."""
    return any(name in request for name in (*_BY_A_CACHE, *_BY_THE_SERVER))


def is_answerable(request: Fields) -> bool:
    """Whether its conditions, if any, are such that a cache may answer them."""
    return not any(name in request for name in _BY_THE_SERVER)


def is_not_modified(entry: Entry, request: Fields) -> bool:
    """Whether the caller holds what a fresh answer says, by his own conditions, and gets a 304.

    `If-None-Match` alone counts where both are given (RFC 9110, 13.2.2). Only an answer of 200 has
    a 304 in its place.
    """
    if entry.status != 200:  # noqa: PLR2004 - a status says what it is
        return False
    if "if-none-match" in request:
        return _matches(entry.terms.etag, request.lines("if-none-match"))
    since = request.lines("if-modified-since")
    if len(since) != 1:
        return False
    asked = parse_date(since[0].strip(BLANKS), entry.received)
    return asked is not None and entry.terms.changed <= asked


def _matches(etag: str | None, lines: tuple[str, ...]) -> bool:
    """Whether an entity tag is among those listed, by weak comparison (RFC 9110, 8.8.3.2)."""
    listed = [member for line in lines for member in members(line)]
    if listed == ["*"]:
        return True
    return etag is not None and _opaque(etag) in map(_opaque, listed)


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/")


def not_modified_headers(entry: Entry) -> Headers:
    """Return the header fields of the 304 that a caller gets, but for `Age`."""
    return tuple(pair for pair in entry.headers if pair[0].decode("latin-1").lower() in _OF_304)

"""What may be kept, and which of its header fields (RFC 9111, 3), by a shared cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .dates import http_date
from .lists import members
from .terms import PROTECTED
from .vary import vary_names

if TYPE_CHECKING:
    from ..entry import Entry, Headers
    from ..fields import Fields
    from .directives import Directives
    from .terms import Terms

__all__ = ["is_for_all", "kept_headers", "left_out", "why_not_stored"]

_UNDERSTOOD: Final = frozenset(
    {200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 406, 410, 414, 415, 421}
    | {422, 429, 500, 501, 502, 503, 504}
)
"""Statuses whose rules of caching are kept here (RFC 9110, 15), for `must-understand`."""
_NO_CONTENT_OF_ITS_OWN: Final = frozenset({206, 304})
_FIRST_FINAL: Final = 200
_FIRST_ERROR: Final = 400
_OF_A_CONNECTION: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""They are about the way an answer came (RFC 9111, 3.1)."""


def why_not_stored(
    answer: Entry,
    wanted: Directives,
    *,
    has_credentials: bool = False,
    is_partitioned: bool = False,
) -> str | None:
    """Return why an answer may not be kept, in a few words, or None if it may.

    Args:
        answer: The answer with all its header fields; of its body nothing is needed.
        wanted: What its request said in `Cache-Control`.
        has_credentials: Whether its request had any, of whatever kind.
        is_partitioned: Whether the caller has said whose it is.
    """
    if wanted.no_store:
        return "the request says no-store"
    if has_credentials and not is_partitioned and not is_for_all(answer):
        return "credentials, and neither public nor s-maxage"
    return (
        _why_of_its_kind(answer)
        or _why_forbidden(answer)
        or _why_another_s(answer)
        or _why_useless(answer.terms, answer.status)
    )


def _why_of_its_kind(answer: Entry) -> str | None:
    if answer.method != "GET":
        return f"an answer to {answer.method}"
    if answer.status < _FIRST_FINAL or answer.status in _NO_CONTENT_OF_ITS_OWN:
        return f"status {answer.status}"
    return None


def _why_forbidden(answer: Entry) -> str | None:
    said = answer.terms.directives
    if said.must_understand:
        if answer.status in _UNDERSTOOD:
            return None  # whoever says so means no-store for those who do not understand
        return f"must-understand, and status {answer.status} is not known"
    return "no-store" if said.no_store else None


def _why_another_s(answer: Entry) -> str | None:
    """Return why it is not for everybody who would ask for it."""
    said = answer.terms.directives
    if said.private or said.private_fields & PROTECTED:
        return "private"
    if "set-cookie" in answer.fields:
        return "Set-Cookie"
    return "Vary: *" if vary_names(answer.fields) is None else None


def is_for_all(answer: Entry) -> bool:
    """Whether those with credentials may share it: the server says `public` or `s-maxage`."""
    said = answer.terms.directives
    return said.public or said.s_maxage is not None


def _why_useless(terms: Terms, status: int) -> str | None:
    """Return why it would never be used again."""
    if status >= _FIRST_ERROR and not terms.is_explicit:
        return f"status {status} without explicit freshness"
    if terms.has_validator:
        return None
    if terms.must_validate:
        return "no-cache without a validator"
    said = terms.directives
    if terms.lifetime > 0 or said.stale_if_error or said.stale_while_revalidate:
        return None
    return "neither freshness nor a validator"


def kept_headers(answer: Entry) -> Headers:
    """Return the header fields that are kept: as they came, without those that may not be.

    A missing `Date` is added, as a cache must (RFC 9110, 6.6.1).
    """
    out = left_out(answer.fields, answer.terms.directives)
    kept = tuple(pair for pair in answer.headers if pair[0].decode("latin-1").lower() not in out)
    if "date" not in answer.fields:
        kept += ((b"Date", http_date(answer.received)),)
    return kept


def left_out(fields: Fields, said: Directives) -> frozenset[str]:
    """Return the names of fields that are not kept, in lower case (RFC 9111, 3.1 and 5.2.2)."""
    listed = {m.lower() for line in fields.lines("connection") for m in members(line)}
    listed |= said.no_cache_fields | said.private_fields
    return _OF_A_CONNECTION | (listed - PROTECTED)

"""How long an answer is fresh, and how old it is (RFC 9111, 4.2).

What an answer says is read once, when it comes or is loaded: a hit only compares numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Final

from .dates import parse_date
from .directives import Directives, parse, parse_seconds
from .lists import members

if TYPE_CHECKING:
    from ..entry import Entry
    from ..fields import Fields

__all__ = ["HEURISTIC_STATUSES", "Terms", "current_age", "terms_of"]

HEURISTIC_STATUSES: Final = frozenset({200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
"""Those for which freshness may be guessed (RFC 9110, 15.1), without 206, which is not kept."""
_SHARE_OF_AGE: Final = 0.1
"""What has not changed for ten days will not today, says RFC 9111, 4.2.2."""
_LONGEST_GUESS: Final = 7 * 86_400.0
"""However old: a file of 1980 is not good for four years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an answer says of its use.

    Attributes:
        directives: Its `Cache-Control`.
        lifetime: For how many seconds it is fresh from when it was made; 0.0 or less: it never was.
        is_explicit: Whether the server says so, or it is guessed.
        first_age: How old it was when it came, in seconds (the corrected initial age).
        made: When it was made, in seconds since the epoch: its `Date`, else when it came.
        changed: When it was changed last, likewise: its `Last-Modified`, else `made`.
        etag: Its entity tag as it was sent, or None.
        last_modified: Its `Last-Modified` as it was sent, or None.
        must_validate: Whether the server must be asked each time.
        forbids_stale: Whether it may never be used when stale.
    """

    directives: Directives
    lifetime: float
    is_explicit: bool
    first_age: float
    made: float
    changed: float
    etag: str | None
    last_modified: str | None
    must_validate: bool
    forbids_stale: bool

    @property
    def has_validator(self) -> bool:
        """Whether the server can be asked if it has changed."""
        return self.etag is not None or self.last_modified is not None


def terms_of(status: int, fields: Fields, requested: float, received: float) -> Terms:
    """Return what an answer says of its use.

    Args:
        status: Its status.
        fields: Its header fields.
        requested: When its request was sent, in seconds since the epoch.
        received: When it came, in seconds since the epoch.
    """
    said = parse(fields.lines("cache-control"))
    date = _date(fields, "date", received)
    made = received if date is None else date
    modified = _date(fields, "last-modified", received)
    lifetime = _explicit(said, fields, made, received)
    is_explicit = lifetime is not None
    if lifetime is None:
        lifetime = 0.0
        if modified is not None and (status in HEURISTIC_STATUSES or said.public):
            lifetime = min(max(0.0, made - modified) * _SHARE_OF_AGE, _LONGEST_GUESS)
    delay = max(0.0, received - requested)
    must_validate = said.no_cache or bool(said.no_cache_fields & PROTECTED)
    return Terms(
        directives=said,
        lifetime=lifetime,
        is_explicit=is_explicit,
        first_age=max(0.0, received - made, _said_age(fields) + delay),
        made=made,
        changed=made if modified is None else modified,
        etag=_single(fields, "etag"),
        last_modified=_single(fields, "last-modified") if modified is not None else None,
        must_validate=must_validate,
        forbids_stale=must_validate
        or said.must_revalidate
        or said.proxy_revalidate
        or said.s_maxage is not None,
    )


def current_age(entry: Entry, wall: float, monotonic: float, token: bytes) -> float:
    """Return how old an answer is, in seconds (RFC 9111, 4.2.3).

    Within the process that received it by the monotonic clock, else by wall time. One from the
    future is as old as can be: somebody's clock is wrong, and nobody knows whose.

    Args:
        entry: The answer.
        wall: The time, in seconds since the epoch.
        monotonic: The monotonic clock of this process, in seconds.
        token: This process, as in the stamps of what it received.
    """
    stamp = entry.stamp
    if stamp is not None and stamp[0] == token:
        resident = monotonic - stamp[1]
    else:
        resident = wall - entry.received
    return entry.terms.first_age + resident if resident >= 0 else inf


PROTECTED: Final = frozenset(
    {
        "age",
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "expires",
        "vary",
    }
)
"""Without them an answer would mean something else, so they cannot be left out of it."""


def _explicit(said: Directives, fields: Fields, made: float, received: float) -> float | None:
    if said.s_maxage is not None:
        return float(said.s_maxage)
    if said.max_age is not None:
        return float(said.max_age)
    if "expires" not in fields:
        return None
    expires = _date(fields, "expires", received)
    return 0.0 if expires is None else expires - made


def _date(fields: Fields, name: str, now: float) -> float | None:
    text = _single(fields, name)
    return None if text is None else parse_date(text, now)


def _single(fields: Fields, name: str) -> str | None:
    """Return the value of a field that has one; None if it is missing or says several things."""
    lines = fields.lines(name)
    return lines[0] if len(lines) == 1 or len(set(lines)) == 1 else None


def _said_age(fields: Fields) -> int:
    """Return its `Age`: the first where there are several, 0 where it is none (RFC 9111, 5.1)."""
    first = next((m for line in fields.lines("age") for m in members(line)), None)
    return parse_seconds(first) or 0

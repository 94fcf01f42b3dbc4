"""Brings an answer that is kept up to date, by a 304 or an answer to HEAD (RFC 9111, 3.2, 4.3)."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from ..fields import Fields
from .dates import http_date
from .directives import parse
from .storing import left_out

if TYPE_CHECKING:
    from ..entry import Entry, Headers, Stamp

__all__ = ["OfHead", "freshened", "is_about", "of_head"]

_BOUND_TO_THE_BODY: Final = frozenset(
    {
        "content-encoding",
        "content-length",
        "content-md5",
        "content-range",
        "content-type",
        "digest",
        "repr-digest",
        "content-digest",
        "set-cookie",
        "vary",
    }
)
"""They describe the body that is kept, or say under which key it is (RFC 9111, 3.2)."""
_OK: Final = 200


class OfHead(Enum):
    """What an answer to HEAD says of the answer to GET that is kept."""

    FRESHENS = "freshens"
    """It is still good: it may be freshened."""
    CONTRADICTS = "contradicts"
    """It has changed."""
    NOTHING = "nothing"


def is_about(entry: Entry, fields: Fields) -> bool:
    """Whether a 304 is about an answer that is kept, and not about another (RFC 9111, 4.3.4).

    One that names no validator is taken for one: it answers the conditions that were sent.

    Args:
        entry: The answer by whose validators the server was asked.
        fields: The header fields of the 304.
    """
    etag = fields.get("etag")
    if etag is not None:
        mine = entry.terms.etag
        if etag.startswith("W/"):
            return mine is None or mine.removeprefix("W/") == etag.removeprefix("W/")
        return mine == etag
    modified = fields.get("last-modified")
    mine = entry.terms.last_modified
    return modified is None or mine is None or modified == mine


def freshened(
    entry: Entry, headers: Headers, *, requested: float, received: float, stamp: Stamp | None
) -> Entry:
    """Return an answer brought up to date, as a new one.

    Whether it may still be kept is to be asked again: the server may have changed its mind.

    Args:
        entry: The answer that is kept.
        headers: The header fields of the 304, or of the answer to HEAD.
        requested: When it was asked for, in seconds since the epoch.
        received: When it came, in seconds since the epoch.
        stamp: The process that received it, and when by its monotonic clock.
    """
    fields = Fields(headers)
    said = parse(fields.lines("cache-control"))
    untouched = _BOUND_TO_THE_BODY | left_out(fields, said)
    new = tuple(pair for pair in headers if _name(pair) not in untouched)
    # An age is of one answer: the one that is kept has another without it, or with its own.
    renewed = {_name(pair) for pair in new} | {"age"}
    if "date" not in fields:
        renewed.add("date")
        new += ((b"Date", http_date(received)),)
    old = tuple(pair for pair in entry.headers if _name(pair) not in renewed)
    return replace(entry, headers=old + new, requested=requested, received=received, stamp=stamp)


def of_head(entry: Entry, status: int, fields: Fields) -> OfHead:
    """Return what an answer to HEAD says of the answer to GET that is kept (RFC 9111, 4.3.5).

    One without validators says nothing: it could be about anything.

    Args:
        entry: The answer that is kept.
        status: The status of the answer to HEAD.
        fields: Its header fields.
    """
    if status != _OK or entry.status != _OK:
        return OfHead.NOTHING
    pairs = (
        (fields.get("etag"), entry.terms.etag),
        (fields.get("last-modified"), entry.terms.last_modified),
    )
    received = [(new, old) for new, old in pairs if new is not None]
    length, own = fields.get("content-length"), entry.fields.get("content-length")
    if length is not None and own is not None and length != own:
        return OfHead.CONTRADICTS
    if not received:
        return OfHead.NOTHING
    return OfHead.FRESHENS if all(new == old for new, old in received) else OfHead.CONTRADICTS


def _name(pair: tuple[bytes, bytes]) -> str:
    return pair[0].decode("latin-1").lower()

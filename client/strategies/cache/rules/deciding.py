"""Whether an answer that is kept may be used for a request (RFC 9111, 4; RFC 5861)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final, NamedTuple

from .directives import NOTHING_SAID

if TYPE_CHECKING:
    from ..entry import Entry
    from .directives import Directives
    from .terms import Terms

__all__ = ["Decision", "Use", "age_header", "decide", "may_replace_an_error", "may_stand_in"]


class Use(Enum):
    """How an answer that is kept may be used."""

    FRESH = "fresh"
    """As it is."""
    STALE = "stale"
    """As it is, though it is stale: the request allows that."""
    REFRESH = "refresh"
    """As it is, while the server is asked in the background (RFC 5861, 3)."""
    VALIDATE = "validate"
    """Once the server has been asked."""


class Decision(NamedTuple):
    """How an answer may be used, and why, in a few words."""

    use: Use
    why: str


_FRESH: Final = Decision(Use.FRESH, "fresh")


def decide(
    entry: Entry, age: float, wanted: Directives = NOTHING_SAID, *, refreshes: bool = True
) -> Decision:
    """Return how an answer may be used for a request that it fits.

    Where the server must be asked and the request says `only-if-cached`, it gets a 504.

    Args:
        entry: The answer.
        age: Its current age in seconds.
        wanted: What the request says in `Cache-Control`.
        refreshes: Whether stale answers may be used while they are refreshed.
    """
    terms = entry.terms
    left = terms.lifetime - age
    if wanted is NOTHING_SAID and left > 0 and not terms.must_validate:
        return _FRESH
    if why := _why_asked(terms, age, wanted):
        return Decision(Use.VALIDATE, why)
    if left > 0:
        if wanted.min_fresh is not None and left < wanted.min_fresh:
            return Decision(Use.VALIDATE, "not fresh for as long as the request wants")
        return _FRESH
    return _when_stale(terms, -left, wanted, refreshes=refreshes)


def _why_asked(terms: Terms, age: float, wanted: Directives) -> str | None:
    """Return why the server must be asked even if the answer is fresh."""
    if terms.must_validate:
        return "no-cache"
    if wanted.no_cache or wanted.max_age == 0:
        return "the request says no-cache"
    if wanted.max_age is not None and age > wanted.max_age:
        return "older than the request wants"
    return None


def _when_stale(terms: Terms, stale: float, wanted: Directives, *, refreshes: bool) -> Decision:
    if terms.forbids_stale:
        return Decision(Use.VALIDATE, "stale, and may not be used then")
    if wanted.max_stale is not None:
        if stale <= wanted.max_stale:
            return Decision(Use.STALE, "the request says max-stale")
        return Decision(Use.VALIDATE, "staler than the request wants")
    window = terms.directives.stale_while_revalidate
    if not refreshes or window is None or stale > window or wanted.min_fresh is not None:
        return Decision(Use.VALIDATE, "stale")
    if wanted.only_if_cached:
        return Decision(Use.STALE, "stale-while-revalidate, and only-if-cached")
    return Decision(Use.REFRESH, "stale-while-revalidate")


def may_replace_an_error(
    entry: Entry, age: float, wanted: Directives, stale_if_error: float
) -> bool:
    """Whether an answer may be used in place of an error (RFC 5861, 4).

    Args:
        entry: The answer.
        age: Its current age in seconds.
        wanted: What the request says in `Cache-Control`.
        stale_if_error: For how many seconds after it got stale, if the server says nothing.
    """
    said = entry.terms.directives.stale_if_error
    return may_stand_in(entry, age, wanted, stale_if_error if said is None else said)


def may_stand_in(entry: Entry, age: float, wanted: Directives, longest: float) -> bool:
    """Whether an answer may be used where the server cannot be asked, stale or not.

    Args:
        entry: The answer.
        age: Its current age in seconds.
        wanted: What the request says in `Cache-Control`.
        longest: For how many seconds after it got stale.
    """
    terms = entry.terms
    if _why_asked(terms, age, wanted) is not None:
        return False
    left = terms.lifetime - age
    if left > 0:
        return wanted.min_fresh is None or left >= wanted.min_fresh
    if terms.forbids_stale or wanted.min_fresh is not None:
        return False
    if wanted.max_stale is not None:
        longest = min(longest, wanted.max_stale)
    return -left <= longest


def age_header(age: float) -> bytes:
    """Return the value of `Age` for an answer from the cache (RFC 9111, 5.1)."""
    return str(int(age)).encode()

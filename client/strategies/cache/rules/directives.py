"""`Cache-Control`, of requests and of answers (RFC 9111, 5.2; RFC 5861; RFC 9110, 5.6).

Rule 1  Names in any case, an argument as a token or as a quoted string, and what is not known here
        is passed over.
Rule 2  What is said twice holds in the more restrictive sense.
Rule 3  What cannot be read holds in the more restrictive sense: `max-age=x` means 0, `no-cache=`
        means `no-cache`, and `public=x` means nothing.
Rule 4  Seconds beyond 2**31 mean 2**31 (RFC 9111, 1.2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias

from .lists import BLANKS, is_token, members, token_or_quoted

if TYPE_CHECKING:
    from ..fields import Fields

__all__ = ["FOREVER", "NOTHING_SAID", "Directives", "of_request", "parse", "parse_seconds"]

FOREVER: Final = 2**31
"""In seconds: what a cache says where it cannot say longer."""
_DIGITS_OF_FOREVER: Final = 10
_REMEMBERED: Final = 300
"""The longest value in characters that is remembered, so that 256 of them take little memory."""

_Arguments: TypeAlias = "list[str | None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Directives:
    """What a `Cache-Control` says. Times are in seconds; None is not said.

    Attributes:
        max_age: `max-age`.
        s_maxage: `s-maxage`: `max-age` for shared caches, of which this is one.
        min_fresh: Of a request: for how long the answer shall still be fresh.
        max_stale: Of a request: how stale it may be; without a number, for ever.
        stale_while_revalidate: How stale an answer may be that is being refreshed (RFC 5861, 3).
        stale_if_error: How stale it may be in place of an error (RFC 5861, 4).
        no_store: Whether nothing shall be kept.
        no_cache: Whether the server must be asked each time.
        no_cache_fields: Header fields that may not be used without asking, in lower case.
        private: Whether it is for one user only.
        private_fields: Header fields that are for one user only, in lower case.
        public: Whether it may be kept although it would not be otherwise.
        must_revalidate: Whether it may never be used when stale.
        proxy_revalidate: The same, for shared caches.
        must_understand: Whether it may be kept only by those who understand its status.
        only_if_cached: Of a request: whether the server may not be asked.
    """

    max_age: int | None = None
    s_maxage: int | None = None
    min_fresh: int | None = None
    max_stale: int | None = None
    stale_while_revalidate: int | None = None
    stale_if_error: int | None = None
    no_store: bool = False
    no_cache: bool = False
    no_cache_fields: frozenset[str] = frozenset()
    private: bool = False
    private_fields: frozenset[str] = frozenset()
    public: bool = False
    must_revalidate: bool = False
    proxy_revalidate: bool = False
    must_understand: bool = False
    only_if_cached: bool = False


NOTHING_SAID: Final = Directives()
"""Of a message without `Cache-Control`."""
_NO_CACHE: Final = Directives(no_cache=True)


def parse(lines: tuple[str, ...]) -> Directives:
    """Return what the lines of a `Cache-Control` say."""
    if not lines:
        return NOTHING_SAID
    if sum(map(len, lines)) > _REMEMBERED:
        return _parsed(lines)
    return _remembered(lines)


def of_request(fields: Fields) -> Directives:
    """Return what a request says, by `Cache-Control` or, without one, by `Pragma: no-cache`."""
    if lines := fields.lines("cache-control"):
        return parse(lines)
    for line in fields.lines("pragma"):
        if any(member.lower() == "no-cache" for member in members(line)):
            return _NO_CACHE
    return NOTHING_SAID


def parse_seconds(text: str | None) -> int | None:
    """Return a number of seconds (RFC 9111, 1.2.2), or None if it is none."""
    if not text or not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if len(digits) > _DIGITS_OF_FOREVER:
        return FOREVER
    return min(int(digits or "0"), FOREVER)


def _parsed(lines: tuple[str, ...]) -> Directives:
    found: dict[str, _Arguments] = {}
    for line in lines:
        for member in members(line):
            name, argument = _directive(member)
            found.setdefault(name, []).append(argument)
    no_cache, no_cache_fields = _whole_or_fields(found.get("no-cache"))
    private, private_fields = _whole_or_fields(found.get("private"))
    return Directives(
        max_age=_least(found.get("max-age")),
        s_maxage=_least(found.get("s-maxage")),
        min_fresh=_most(found.get("min-fresh")),
        max_stale=_max_stale(found.get("max-stale")),
        stale_while_revalidate=_least(found.get("stale-while-revalidate")),
        stale_if_error=_least(found.get("stale-if-error")),
        no_store="no-store" in found,
        no_cache=no_cache,
        no_cache_fields=no_cache_fields,
        private=private,
        private_fields=private_fields,
        public=None in found.get("public", ()),
        must_revalidate="must-revalidate" in found,
        proxy_revalidate="proxy-revalidate" in found,
        must_understand=None in found.get("must-understand", ()),
        only_if_cached="only-if-cached" in found,
    )


_remembered = lru_cache(maxsize=256)(_parsed)
"""Most answers of a server say the same."""


def _directive(member: str) -> tuple[str, str | None]:
    """Return the name and the argument: None without one, empty where it cannot be read."""
    name, equals, argument = member.partition("=")
    if not equals:
        return name.lower(), None
    bare = name.rstrip(BLANKS)
    return bare.lower(), token_or_quoted(argument) if bare == name else ""


def _least(arguments: _Arguments | None) -> int | None:
    if arguments is None:
        return None
    return min(parse_seconds(each) or 0 for each in arguments)


def _most(arguments: _Arguments | None) -> int | None:
    if arguments is None:
        return None
    known = [parse_seconds(each) for each in arguments]
    return max(FOREVER if each is None else each for each in known)


def _max_stale(arguments: _Arguments | None) -> int | None:
    if arguments is None:
        return None
    return min(FOREVER if each is None else parse_seconds(each) or 0 for each in arguments)


def _whole_or_fields(arguments: _Arguments | None) -> tuple[bool, frozenset[str]]:
    """Return whether it holds for the whole answer, and for which fields if not."""
    if arguments is None:
        return False, frozenset()
    names: set[str] = set()
    for argument in arguments:
        listed = members(argument or "")
        if not listed or not all(map(is_token, listed)):
            return True, frozenset()
        names.update(name.lower() for name in listed)
    return False, frozenset(names)

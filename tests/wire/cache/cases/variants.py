"""`Vary`, the parts of a URL, and credentials: who gets whose answer."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, origin

__all__ = ["CASES"]

HOUR = "Cache-Control: max-age=3600"


def _same(name: str, vary: str, first: tuple[str, ...], second: tuple[str, ...]) -> Case:
    return case(name, origin(HOUR, f"Vary: {vary}", asks=first), cache(asks=second))


def _other(name: str, vary: str, first: tuple[str, ...], second: tuple[str, ...]) -> Case:
    return case(name, origin(HOUR, f"Vary: {vary}", asks=first), origin(asks=second))


_ONE, _TWO = ("X-A: 1",), ("X-A: 2",)
_ALL = ("X-A: 1", "X-B: b", "X-C: 3")
_STARS = {
    "a star": ("*",),
    "two stars": ("*, *",),
    "a star on each of two lines": ("*", "*"),
    "a star behind nothing": (", *",),
    "a star behind an empty line": ("", "*"),
    "a star before a name": ("*, X-A",),
    "a star behind a name": ("X-A, *",),
}

CASES = (
    _same("vary by one, the same", "X-A", _ONE, _ONE),
    _other("vary by one, another", "X-A", _ONE, _TWO),
    _other("vary by one that was missing", "X-A", (), _ONE),
    _other("vary by one that is missing", "X-A", _ONE, ()),
    _same("vary by a name in any case", "x-a", _ONE, ("x-A: 1",)),
    _same("vary by one, another beside it", "X-A", ("X-A: 1", "X-Z: 2"), ("X-A: 1", "X-Z: 3")),
    _same("vary by two, the same", "X-A, X-B", _ALL[:2], _ALL[:2]),
    _other("vary by two, another", "X-A, X-B", _ALL[:2], ("X-A: 2", "X-B: b")),
    _other("vary by two that are missing", "X-A, X-B", _ALL[:2], ()),
    _same("vary by three, the same", "X-A, X-B, X-C", _ALL, _ALL),
    _other("vary by three, another", "X-A, X-B, X-C", _ALL, ("X-A: 2", "X-B: b", "X-C: 3")),
    _other("vary by three, moved", "X-A, X-B, X-C", _ALL, ("X-A: 1", "X-C: 3", "X-B: bc")),
    _same("vary by three, one always missing", "X-A, X-B, X-C", _ALL[::2], _ALL[::2]),
    _same("vary by lines that say the same", "X-A", ("X-A: 1, 2",), ("X-A: 1", "X-A: 2")),
    _same("vary by a list with blanks", "X-A", ("X-A: 1,2",), ("X-A:  1 ,  2 ",)),
    _same(
        "vary by a language in any case",
        "Accept-Language",
        ("Accept-Language: en, de",),
        ("Accept-Language: EN, De",),
    ),
    _same(
        "vary by a language with blanks",
        "Accept-Language",
        ("Accept-Language: en, de",),
        ("Accept-Language:  en ,  de ",),
    ),
    _other(
        "vary by a language in another order",
        "Accept-Language",
        ("Accept-Language: en, de",),
        ("Accept-Language: de, en",),
    ),
    case(
        "variants side by side",
        origin(HOUR, "Vary: X-A", asks=_ONE),
        origin(HOUR, "Vary: X-A", asks=_TWO),
        cache(asks=_ONE, number=1),
        cache(asks=_TWO, number=2),
    ),
    *(
        case(
            f"vary by {name}",
            origin(HOUR, *(f"Vary: {each}" for each in lines), asks=_ONE),
            origin(asks=_ONE),
        )
        for name, lines in _STARS.items()
    ),
    case(
        "a query is another resource",
        origin(HOUR, path="?a=1"),
        origin(HOUR, path="?a=2"),
        cache(path="?a=1", number=1),
    ),
    case("a query in another order", origin(HOUR, path="?a=1&b=2"), origin(path="?b=2&a=1")),
    case("escapes that say the same", origin(HOUR, path="%7Ea"), cache(path="~a")),
    case(
        "credentials, and then nobody's",
        origin(HOUR, asks=("Authorization: Basic YTpi",), sent=("Authorization: Basic YTpi",)),
        origin(),
    ),
    case(
        "credentials, and an answer for all by public",
        origin(f"{HOUR}, public", asks=("Authorization: Basic YTpi",)),
        cache(),
    ),
    case(
        "credentials, and an answer for all by s-maxage",
        origin("Cache-Control: s-maxage=3600", asks=("Authorization: Basic YTpi",)),
        cache(asks=("Authorization: Basic Yzpk",)),
    ),
    case("nobody's, and then credentials", origin(HOUR), origin(asks=("Cookie: a=b",))),
    case(
        "an answer for all, and then credentials",
        origin(f"{HOUR}, public"),
        cache(asks=("Cookie: a=b",)),
    ),
    case("a part of what is kept", origin(HOUR), origin(asks=("Range: bytes=0-1",))),
)

"""What writes do to what is kept."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, origin

__all__ = ["CASES"]

HOUR = "Cache-Control: max-age=3600"
_METHODS = ("POST", "PUT", "DELETE", "M-SEARCH")


def _done(method: str) -> Case:
    write = origin(method=method, sends=b"abc")
    return case(f"{method} that is done", origin(HOUR), write, origin())


def _failed(method: str) -> Case:
    write = origin(method=method, sends=b"abc", status=500)
    return case(f"{method} that fails", origin(HOUR), write, cache(number=1))


def _names(method: str, name: str) -> Case:
    return case(
        f"{method} that names another by {name}",
        origin(HOUR, path="other"),
        origin(f"{name}: other", method=method, sends=b"abc", status=201),
        origin(path="other"),
    )


CASES = (
    *map(_done, _METHODS),
    *map(_failed, _METHODS),
    *(_names(method, name) for method in _METHODS for name in ("Location", "Content-Location")),
    case(
        "a write that names another's",
        origin(HOUR, path="other"),
        origin("Location: http://elsewhere.invalid/other", method="POST", status=201),
        cache(path="other", number=1),
    ),
    case(
        "a write drops all variants",
        origin(HOUR, "Vary: X-A", asks=("X-A: 1",)),
        origin(HOUR, "Vary: X-A", asks=("X-A: 2",)),
        origin(method="PUT", sends=b"abc"),
        origin(asks=("X-A: 1",)),
        origin(asks=("X-A: 2",)),
    ),
    case("a read with a body", origin(HOUR), origin(method="GET", sends=b"abc"), cache(number=1)),
    case("OPTIONS changes nothing", origin(HOUR), origin(method="OPTIONS"), cache(number=1)),
)

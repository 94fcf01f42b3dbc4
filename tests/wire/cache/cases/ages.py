"""`Age` and `Date`, of the origin and of the cache."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, origin

__all__ = ["CASES"]

HOUR = "Cache-Control: max-age=3600"


def _fresh(name: str, *ages: str) -> Case:
    lines = [f"Age: {age}" for age in ages]
    return case(name, origin(HOUR, "Date: {+0}", *lines), cache())


def _stale(name: str, *ages: str) -> Case:
    lines = [f"Age: {age}" for age in ages]
    return case(name, origin(HOUR, "Date: {+0}", *lines), origin())


CASES = (
    _stale("an age above the lifetime", "7200"),
    _fresh("an age of no number", "abc"),
    _fresh("an age below nothing", "-7200"),
    _fresh("an age with a fraction", "7200.0"),
    _stale("an age just below 31 bits", "2147483647"),
    _stale("an age of 31 bits", "2147483648"),
    _stale("an age above 31 bits", "2147483649"),
    _stale("an old age before a young one", "7200, 0"),
    _fresh("a young age before an old one", "0, 7200"),
    _stale("an old age, and a young one on the next line", "7200", "0"),
    _fresh("a young age, and an old one on the next line", "0", "7200"),
    _fresh("no age twice", "0, 0"),
    _fresh("no age on two lines", "0", "0"),
    _fresh("the same age on two lines", "1800", "1800"),
    case("a date that is over", origin(HOUR, "Date: {-7200}"), origin()),
    case("an age is told", origin(HOUR), cache(has=("Age",))),
    case("an age is added to", origin(HOUR, "Age: 30"), cache(age=30)),
    case("an age is added to with Expires", origin("Expires: {+3600}", "Age: 30"), cache(age=30)),
    case("a date counts as age", origin(HOUR, "Date: {-40}"), cache(age=40)),
    case(
        "a date stays as it is",
        origin(HOUR, "Date: {-40}"),
        cache(has=("Date: {-40}",)),
        cache(has=("Date: {-40}",)),
    ),
    case(
        "a date stays as it is with Expires",
        origin("Expires: {+3600}", "Date: {-40}"),
        cache(has=("Date: {-40}", "Expires: {+3600}")),
    ),
    case("a missing date is added", origin(HOUR), cache(has=("Date",))),
)

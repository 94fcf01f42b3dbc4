"""`Expires`: lifetimes, and the forms of dates."""

from __future__ import annotations

from tests.wire.cache.cases.case import Case, cache, case, origin

__all__ = ["CASES"]


def _fresh(name: str, *says: str) -> Case:
    return case(name, origin(*says), cache())


def _stale(name: str, *says: str) -> Case:
    return case(name, origin(*says), origin())


_NOW = "Date: {+0}"
_READ = (
    ("after 32 bits", "Tue, 19 Jan 2038 14:14:08 GMT"),
    ("in centuries", "Sun, 21 Nov 2286 04:46:39 GMT"),
    ("of RFC 850", "Monday, 01-Aug-50 12:00:00 GMT"),
    ("of asctime", "Mon Aug  1 12:00:00 2050"),
    ("with its weekday in capitals", "MON, 01 Aug 2050 12:00:00 GMT"),
    ("with its month in capitals", "Mon, 01 AUG 2050 12:00:00 GMT"),
    ("with its zone in any case", "Mon, 01 Aug 2050 12:00:00 gMt"),
)
_NO_DATES = (
    ("a number", "0"),
    ("of UTC", "Mon, 01 Aug 2050 12:00:00 UTC"),
    ("of another zone", "Mon, 01 Aug 2050 12:00:00 CEST"),
    ("with a year of two digits", "Mon, 01 Aug 50 12:00:00 GMT"),
    ("without its comma", "Mon 01 Aug 2050 12:00:00 GMT"),
    ("with many blanks", "Mon, 01  Aug  2050 12:00:00 GMT"),
    ("with dashes", "Mon, 01-Aug-2050 12:00:00 GMT"),
    ("with points in its time", "Mon, 01 Aug 2050 12.00.00 GMT"),
    ("with an hour of one digit", "Mon, 01 Aug 2050 1:00:00 GMT"),
)

CASES = (
    _fresh("Expires in the future", "Expires: {+3600}", _NOW),
    _stale("Expires in the past", "Expires: {-3600}", _NOW),
    _stale("Expires now", "Expires: {+0}", _NOW),
    _stale("Expires before a date in the future", "Expires: {+300}", "Date: {+400}"),
    _fresh("Expires with a date of no date", "Expires: {+60}", "Date: someday"),
    _stale("Expires, old by Age, and a late date", "Date: {-10}", "Expires: {+10}", "Age: 25"),
    _stale("Expires, old by Age, and an early date", "Date: {+10}", "Expires: {+20}", "Age: 15"),
    *(_fresh(f"Expires {name}", f"Expires: {text}", _NOW) for name, text in _READ),
    *(
        _stale(f"Expires that is none: {name}", f"Expires: {text}", _NOW)
        for name, text in _NO_DATES
    ),
    _stale(
        "Expires on two lines",
        "Expires: Mon, 01 Aug 2050 1:00:00 GMT",
        "Expires: Mon, 01 Aug 2050 1:00:01 GMT",
        _NOW,
    ),
)

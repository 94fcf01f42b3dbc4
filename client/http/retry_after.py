"""Reads the `Retry-After` header (RFC 9110, 10.2.3): strictly, and never failing.

Rule 1  A number is 1 to 10 ASCII digits; `-5`, `1.5`, `1e3`, `1_000` and other scripts' digits are
        rubbish. Blanks around it are no part of a field's value (RFC 9110, 5.5).
Rule 2  A date is one of HTTP's three forms, which all mean GMT. The zone may be written as UTC,
        UT, Z or +0000 too, as servers do that print it with their language's usual functions; with
        any other zone it is rubbish, and so it is with none, but for asctime's form.
Rule 3  A date in the past means now.
Rule 4  Rubbish is None.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["parse_http_date", "parse_retry_after"]

_SECONDS: Final = re.compile(r"[0-9]{1,10}")
_LONGEST: Final = 64
# RFC 9110, 5.6.7: IMF-fixdate, then the obsolete forms of RFC 850 and of asctime.
_ZONE: Final = r"(?:GMT|UTC|UT|Z|\+00:?00)"
_FIXDATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?P<day>\d\d) (?P<month>[A-Z][a-z][a-z]) "
    rf"(?P<year>\d{{4}}) (?P<time>\d\d:\d\d:\d\d) {_ZONE}",
    re.ASCII,
)
_RFC850: Final = re.compile(
    r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, "
    rf"(?P<day>\d\d)-(?P<month>[A-Z][a-z][a-z])-(?P<year>\d\d) (?P<time>\d\d:\d\d:\d\d) {_ZONE}",
    re.ASCII,
)
_ASCTIME: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) "
    r"(?P<month>[A-Z][a-z][a-z]) (?P<day>[ \d]\d) (?P<time>\d\d:\d\d:\d\d) (?P<year>\d{4})",
    re.ASCII,
)
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]
_CENTURY: Final = 100
_HALF_CENTURY: Final = 50
_LEAP_SECOND: Final = 60


def parse_retry_after(value: str, wall_clock: float) -> float | None:
    """Return the seconds to wait that a `Retry-After` asks for, 0.0 or more, or None.

    Args:
        value: The header's text, whatever the server sent.
        wall_clock: The time now, in seconds since the epoch.
    """
    if len(value) > _LONGEST:
        return None
    value = value.strip(" \t")
    if _SECONDS.fullmatch(value):
        return float(value)
    moment = parse_http_date(value, wall_clock)
    return None if moment is None else max(0.0, moment - wall_clock)


def parse_http_date(value: str, wall_clock: float) -> float | None:
    """Return the moment that a date of HTTP means, in seconds since the epoch, or None.

    Args:
        value: The date, by rule 2.
        wall_clock: The time now, by which two digits of a year are completed.
    """
    for form in (_FIXDATE, _RFC850, _ASCTIME):
        found = form.fullmatch(value)
        if found:
            break
    else:
        return None
    try:
        hour, minute, second = map(int, found["time"].split(":"))
        moment = datetime(
            _full_year(found["year"], wall_clock),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            hour,
            minute,
            # A leap second is legal; the clock of datetime has none.
            59 if second == _LEAP_SECOND else second,
            tzinfo=UTC,
        )
        return moment.timestamp()
    except (ValueError, OverflowError):
        return None


def _full_year(year: str, wall_clock: float) -> int:
    """Complete two digits as RFC 9110, 5.6.7 asks: what seems more than 50 years ahead is past."""
    if len(year) > len("99"):
        return int(year)
    this_year = datetime.fromtimestamp(wall_clock, UTC).year
    ahead = (int(year) - this_year) % _CENTURY
    return this_year + (ahead if ahead <= _HALF_CENTURY else ahead - _CENTURY)

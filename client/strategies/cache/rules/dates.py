"""Dates of HTTP (RFC 9110, 5.6.7): all three forms, and nothing else.

They are read more strictly than those of `Retry-After`: a date that is wrong makes an answer stale,
which costs a request, where one that is guessed could keep it for years.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["http_date", "parse_date"]

_MONTHS: Final[tuple[str, ...]] = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TIME: Final = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_FLAGS: Final = re.ASCII | re.IGNORECASE
_FORMS: Final = (
    # IMF-fixdate, and the obsolete forms of RFC 850 and of asctime.
    re.compile(
        rf"(?:mon|tue|wed|thu|fri|sat|sun), (?P<day>\d\d) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        _FLAGS,
    ),
    re.compile(
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)day, "
        rf"(?P<day>\d\d)-{_MONTH}-(?P<year>\d\d) {_TIME} GMT",
        _FLAGS,
    ),
    re.compile(
        rf"(?:mon|tue|wed|thu|fri|sat|sun) {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",
        _FLAGS,
    ),
)
_LONGEST: Final = 40
_CENTURY: Final = 100
_HALF_CENTURY: Final = 50
_LEAP_SECOND: Final = 60


def parse_date(text: str, now: float) -> float | None:
    """Return a date in seconds since the epoch, or None if it is none of HTTP's.

    Args:
        text: The value of a field. Case does not matter; the day of the week is not checked.
        now: The time, in seconds since the epoch. A year of two digits that would be more than 50
            years ahead is in the past.
    """
    if len(text) > _LONGEST:
        return None
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _seconds(found, now)
    return None


def _seconds(found: re.Match[str], now: float) -> float | None:
    year, second = int(found["year"]), int(found["second"])
    if second > _LEAP_SECOND:
        return None
    if len(found["year"]) == 2:  # noqa: PLR2004 - as RFC 850 writes it
        this_year = datetime.fromtimestamp(now, UTC).year
        year += this_year - this_year % _CENTURY
        if year > this_year + _HALF_CENTURY:
            year -= _CENTURY
    try:
        minute = datetime(
            year,
            _MONTHS.index(found["month"].lower()) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            tzinfo=UTC,
        )
        return minute.timestamp() + second
    except ValueError:  # the 31st of February
        return None


def http_date(seconds: float) -> bytes:
    """Return a time in the form that HTTP prefers."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(seconds))
    day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1].capitalize()
    return f"{day}, {moment:%d} {month} {moment.year:04} {moment:%H:%M:%S} GMT".encode()

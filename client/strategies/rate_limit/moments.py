"""Reads when a limit is over, in each of the forms that servers write.

Seconds, seconds since the epoch (of some servers thousandths of them), durations as Go prints them
(`1m30.5s`), and dates (RFC 3339). What is negative, not finite, malformed or beyond a day is None.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import isfinite
from typing import Final

__all__ = ["DAY", "seconds_until", "sensible"]

DAY: Final = 86_400.0
"""A server that asks for a longer pause is not believed."""
_LONGEST: Final = 64
_NUMBER: Final = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
_FIRST_EPOCH: Final = 1_000_000_000.0
"""What is above are seconds since the epoch: as a duration it would be thirty years."""
_FIRST_IN_THOUSANDTHS: Final = 100_000_000_000.0
_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|m|s|ms|us|µs|μs|ns))+")
_PART: Final = re.compile(r"([0-9.]+)(h|ms|m|s|us|µs|μs|ns)")
_UNITS: Final = {
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ns": 1e-9,
}
_RFC3339: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def sensible(seconds: float | None) -> float | None:
    """Return a time if it is one to wait: above zero, finite, and at most a day."""
    if seconds is None or not isfinite(seconds):
        return None
    return seconds if 0 < seconds <= DAY else None


def seconds_until(value: str, now: float) -> float | None:
    """Return the seconds until a limit is over, or None where that says nothing.

    Args:
        value: The field, whatever the server sent.
        now: The time by the server's clock, in seconds since the epoch.
    """
    value = value.strip(" \t")
    if len(value) > _LONGEST:
        return None
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _FIRST_IN_THOUSANDTHS:
            number /= 1000
        return sensible(number - now if number >= _FIRST_EPOCH else number)
    if _DURATION.fullmatch(value):
        return sensible(sum(_seconds(part, unit) for part, unit in _PART.findall(value)))
    if _RFC3339.fullmatch(value):
        return sensible(_until_date(value.upper(), now))
    return None


def _seconds(part: str, unit: str) -> float:
    return float(part) * _UNITS[unit]


def _until_date(value: str, now: float) -> float | None:
    try:
        return datetime.fromisoformat(value).astimezone(UTC).timestamp() - now
    except (ValueError, OverflowError):
        return None

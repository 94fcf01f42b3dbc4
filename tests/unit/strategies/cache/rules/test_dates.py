"""Dates of HTTP, in all three forms and in none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.rules.dates import http_date, parse_date
from tests.unit.strategies.cache.rules.answers import NOW


def seconds(*parts: int) -> float:
    """A time of Greenwich in seconds since the epoch."""
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type,misc] # year to second


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
        ("Sun Nov  6 08:49:37 1994", (1994, 11, 6, 8, 49, 37)),
        ("Sun Nov 16 08:49:37 1994", (1994, 11, 16, 8, 49, 37)),
        ("SUN, 06 nov 1994 08:49:37 gmt", (1994, 11, 6, 8, 49, 37)),
        ("Mon, 06 Nov 1994 08:49:37 GMT", (1994, 11, 6, 8, 49, 37)),
        ("Thursday, 18-Aug-50 02:01:18 GMT", (2050, 8, 18, 2, 1, 18)),
        ("Thursday, 18-Aug-77 02:01:18 GMT", (2077, 8, 18, 2, 1, 18)),
        ("Thursday, 18-Aug-78 02:01:18 GMT", (1978, 8, 18, 2, 1, 18)),
        ("Sun, 21 Nov 2286 04:46:39 GMT", (2286, 11, 21, 4, 46, 39)),
        ("Sat, 31 Dec 2016 23:59:60 GMT", (2017, 1, 1, 0, 0, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_date_is_read(text: str, expected: tuple[int, ...]) -> None:
    """A year of two digits is at most 50 years ahead; now is the January of 2027."""
    assert parse_date(text, NOW) == seconds(*expected)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "",
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 +0000",
        "Thu, 18 Aug 2050 02:01:18",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
        "Thu, 31 Feb 2050 02:01:18 GMT",
        "Thu, 18 Aug 0000 02:01:18 GMT",
        "Thu, 18 Aug 2050 24:01:18 GMT",
        "Thu, 18 Aug 2050 02:60:18 GMT",
        "Thu, 18 Aug 2050 02:01:61 GMT",
        "Thu, 18 Abc 2050 02:01:18 GMT",
        "Abc, 18 Aug 2050 02:01:18 GMT",
        " Thu, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01:18 GMT, x",
        "Thu, ١٨ Aug 2050 02:01:18 GMT",
        "Thu Aug 18 02:01:18 50",
        "Thu, 18 Aug 2050 02:01:18 GMT" + " " * 50,
    ],
    ids=str,
)
def test_what_is_none_is_not_guessed(text: str) -> None:
    """What it could mean would be a guess, and the answer might be kept for years by it."""
    assert parse_date(text, NOW) is None


@given(st.integers(0, int(seconds(9999, 12, 31, 23, 59, 59))))
def test_a_date_that_is_written_is_read(moment: int) -> None:
    """In the form that HTTP prefers."""
    assert parse_date(http_date(moment).decode(), NOW) == moment


@given(st.text(max_size=60))
def test_no_text_fails(text: str) -> None:
    """Whatever a server sends."""
    found = parse_date(text, NOW)
    assert found is None or isinstance(found, float)

"""When a limit is over, in all the forms there are."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.rate_limit.moments import DAY, seconds_until, sensible

NOW = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""
GOOD: dict[str, float] = {
    "5": 5,
    " 5\t": 5,
    "0.25": 0.25,
    "86400": 86_400,
    "1800000060": 60,
    "1800000060.5": 60.5,
    "1800000060500": 60.5,
    "1s": 1,
    "20ms": 0.02,
    "500us": 0.0005,
    "500µs": 0.0005,
    "500μs": 0.0005,
    "1000ns": 0.000001,
    "6m0s": 360,
    "1m30.951595s": 90.951595,
    "1h2m3s": 3723,
    "2027-01-15T08:00:20Z": 20,
    "2027-01-15t08:00:20.5z": 20.5,
    "2027-01-15 10:00:20+02:00": 20,
}
NOTHING = [
    *(
        "",
        "0",
        "-5",
        "+5",
        "1e3",
        "1_000",
        "\u0665",
        "nan",
        "inf",
        "5 s",
        "5d",
        "1h5",
        "s",
        "0s",
        "86401",
    ),
    *("24h0m1s", "1799999999", "2027-01-15T08:00:00Z", "2027-01-15T07:00:00Z"),
    *(
        "2027-01-15T08:00:20",
        "2027-13-15T08:00:20Z",
        "2027-01-15T08:00:20+99:99",
        "0000-01-01T00:00:00Z",
    ),
    *("0001-01-01T00:00:00+23:00", "9" * 16, "5" * 65, "Fri, 15 Jan 2027 08:00:20 GMT"),
]


@pytest.mark.parametrize("value", GOOD)
def test_a_moment_is_read(value: str) -> None:
    """In seconds from now."""
    assert seconds_until(value, NOW) == pytest.approx(GOOD[value])


@pytest.mark.parametrize("value", NOTHING)
def test_what_says_nothing_is_none(value: str) -> None:
    """What is past, malformed or beyond a day."""
    assert seconds_until(value, NOW) is None


@pytest.mark.parametrize("seconds", [None, 0, -1, nan, inf, -inf, DAY + 1])
def test_only_a_time_to_wait_is_one(seconds: float | None) -> None:
    """Of all numbers."""
    assert sensible(seconds) is None


@given(st.text(alphabet="0123456789.-:TZhmsunµ +", max_size=30))
def test_nothing_makes_it_fail(value: str) -> None:
    """Whatever a server sends."""
    seconds = seconds_until(value, NOW)
    assert seconds is None or 0 < seconds <= DAY

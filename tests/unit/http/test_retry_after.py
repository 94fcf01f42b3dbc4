"""`Retry-After`: read strictly, and never failing, whatever a server sends."""

import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.http.retry_after import parse_retry_after

NOW = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)
CLOCK = NOW.timestamp()
FORMS = {
    "fixdate": "%a, %d %b %Y %H:%M:%S GMT",
    "rfc850": "%A, %d-%b-%y %H:%M:%S GMT",
    "asctime": "%a %b %e %H:%M:%S %Y",
}
MOMENTS = st.datetimes(datetime(1975, 1, 1), datetime(2073, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
CLOCKS = st.floats(0, 4e9)


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0", 0.0), ("1", 1.0), ("120", 120.0), ("007", 7.0), ("9999999999", 9_999_999_999.0)],
)
def test_digits_are_seconds(value: str, expected: float) -> None:
    """Up to ten of them."""
    assert parse_retry_after(value, CLOCK) == expected


@pytest.mark.parametrize("value", [" 5", "5 ", "\t5\t "])
def test_blanks_around_the_value_are_no_part_of_it(value: str) -> None:
    """RFC 9110, 5.5; some transports leave them there."""
    assert parse_retry_after(value, CLOCK) == 5.0


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "nan", "inf", "-inf", "-5", "+5", "1.5", "1e3", "1e400", "1_000", "0x10", "5s"),
        *("5, 10", "5;", "5\n", "\n5", "5\x00", "\xa05", "soon", "null", "true"),
        *("٣", "\uff15", "²", "5٣"),
        *("X5", "5X"),
        "9" * 11,
        "9" * 5000,
        "0" * 65,
    ],
)
def test_rubbish_in_place_of_seconds_is_ignored(value: str) -> None:
    """Python's own `float` and `int` would take half of these."""
    assert parse_retry_after(value, CLOCK) is None


def test_a_value_is_read_up_to_64_characters() -> None:
    """Longer than any that means something; what is above is not looked at."""
    assert parse_retry_after("5".ljust(64), CLOCK) == 5.0
    assert parse_retry_after("5".ljust(65), CLOCK) is None


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@given(moment=MOMENTS)
def test_all_three_forms_of_a_date_are_read(form: str, moment: datetime) -> None:
    """To the second; what is over is now."""
    moment = moment.replace(microsecond=0)
    expected = max(0.0, (moment - NOW).total_seconds())
    assert parse_retry_after(moment.strftime(form), CLOCK) == expected


@pytest.mark.parametrize("zone", ["UTC", "UT", "Z", "+0000", "+00:00"])
@pytest.mark.parametrize("form", ["fixdate", "rfc850"])
def test_gmt_may_be_written_as_what_it_is(form: str, zone: str) -> None:
    """Servers print it with the usual functions of their language."""
    text = (NOW + timedelta(seconds=30)).strftime(FORMS[form])
    assert parse_retry_after(text.replace("GMT", zone), CLOCK) == 30.0


@given(moment=MOMENTS)
def test_what_pythons_own_servers_send_is_read(moment: datetime) -> None:
    """`email.utils` writes the date of most of them."""
    text = format_datetime(moment.replace(microsecond=0), usegmt=True)
    assert parse_retry_after(text, moment.timestamp() - 60) == pytest.approx(60, abs=1)


def test_a_date_counts_from_the_clock_that_is_handed_in() -> None:
    """To its fraction of a second."""
    text = format_datetime(NOW + timedelta(seconds=30), usegmt=True)
    assert parse_retry_after(text, CLOCK + 0.25) == 29.75


@pytest.mark.parametrize("seconds", [0, 1, 86_400, 10_000_000])
def test_a_date_in_the_past_means_now(seconds: int) -> None:
    """A server's clock may be behind ours."""
    text = format_datetime(NOW - timedelta(seconds=seconds), usegmt=True)
    assert parse_retry_after(text, CLOCK) == 0.0


@pytest.mark.parametrize(
    "value",
    [
        # Of no zone, or of another.
        *("Thu, 29 Feb 2024 13:00:00", "Thu, 29 Feb 2024 13:00:00 -0000"),
        *("Thu, 29 Feb 2024 13:00:00 +0100", "Thu, 29 Feb 2024 13:00:00 CET"),
        *("2024-02-29T13:00:00Z", "2024-02-29 13:00:00"),
        # Absurd.
        *("Thu, 30 Feb 2024 13:00:00 GMT", "Thu, 00 Feb 2024 13:00:00 GMT"),
        *("Thu, 29 Foo 2024 13:00:00 GMT", "Thu, 29 Feb 0000 13:00:00 GMT"),
        *("Thu, 29 Feb 2024 24:00:00 GMT", "Thu, 29 Feb 2024 13:60:00 GMT"),
        *("Thu, 29 Feb 2024 13:00:61 GMT", "Thu, 29 Feb 99999 13:00:00 GMT"),
        # Almost.
        *("Xyz, 29 Feb 2024 13:00:00 GMT", "Thu,29 Feb 2024 13:00:00 GMT"),
        *("Thu, 9 Feb 2024 13:00:00 GMT", "thu, 29 feb 2024 13:00:00 gmt"),
        *("Thu, 29 Feb 2024 13:00 GMT", "Thu, ٢٩ Feb 2024 13:00:00 GMT"),
        *("Thu, 29-Feb-24 13:00:00 GMT", "Thu Feb 29 13:00:00 2024 GMT"),
        *("Thu, 29 Feb 2024 13:00:00 GMT, 5", "GMT"),
    ],
)
def test_rubbish_in_place_of_a_date_is_ignored(value: str) -> None:
    """Rather no wait that was asked for than a wrong one."""
    assert parse_retry_after(value, CLOCK) is None


def test_a_leap_second_is_read_as_the_second_before_it() -> None:
    """It is legal in HTTP, and unknown to Python."""
    before = datetime(2016, 12, 31, 23, 59, 0, tzinfo=UTC).timestamp()
    assert parse_retry_after("Sat, 31 Dec 2016 23:59:60 GMT", before) == 59.0


@pytest.mark.parametrize(
    ("text", "year", "expected_year"),
    [
        ("01-Jan-24", 2024, 2024),
        ("01-Jan-74", 2024, 2074),
        ("01-Jan-75", 2024, 1975),
        ("01-Jan-99", 2024, 1999),
        ("01-Jan-00", 1999, 2000),
        ("01-Jan-49", 1999, 2049),
        ("01-Jan-50", 1999, 1950),
    ],
)
def test_two_digits_of_a_year_are_the_nearest_century(
    text: str, year: int, expected_year: int
) -> None:
    """RFC 9110, 5.6.7: what seems more than fifty years ahead is of the past."""
    now = datetime(year, 1, 1, tzinfo=UTC)
    expected = (datetime(expected_year, 1, 1, tzinfo=UTC) - now).total_seconds()
    found = parse_retry_after(f"Sunday, {text} 00:00:00 GMT", now.timestamp())
    assert found == max(0.0, expected)


@pytest.fixture(params=["XXX+12", "XXX-14"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    """Put the machine into a time zone far from GMT."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_date_means_gmt_wherever_the_machine_is(form: str) -> None:
    """Which is what HTTP's dates say."""
    assert parse_retry_after((NOW + timedelta(seconds=30)).strftime(form), CLOCK) == 30.0


@pytest.mark.usefixtures("elsewhere")
def test_the_present_year_is_that_of_gmt() -> None:
    """At the turn of the year, "74" is fifty years ahead in one zone and of the past in another."""
    new_year, ahead = datetime(2024, 1, 1, tzinfo=UTC), datetime(2074, 1, 1, tzinfo=UTC)
    text = "Monday, 01-Jan-74 00:00:00 GMT"
    expected = (ahead - new_year).total_seconds()
    assert parse_retry_after(text, new_year.timestamp()) == expected
    assert parse_retry_after(text, new_year.timestamp() - 1) == 0.0


@given(value=st.text(max_size=80), clock=CLOCKS)
def test_no_text_ever_raises(value: str, clock: float) -> None:
    """It is in the hand of whoever answers."""
    found = parse_retry_after(value, clock)
    assert found is None or found >= 0


@given(value=st.from_regex(r"[A-Z][a-z]{2,8},? [0-9A-Za-z -]{1,12} [0-9:]{5,9} (GMT|[0-9]{4})"))
def test_nothing_like_a_date_ever_raises(value: str) -> None:
    """What random text would hardly hit."""
    found = parse_retry_after(value, CLOCK)
    assert found is None or found >= 0

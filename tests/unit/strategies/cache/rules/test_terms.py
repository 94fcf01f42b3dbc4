"""How long an answer is fresh, and how old it is."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.rules.directives import FOREVER
from client.strategies.cache.rules.terms import current_age
from tests.unit.strategies.cache.rules.answers import (
    MONOTONIC,
    NOW,
    TOKEN,
    answer,
    came,
    date,
    pairs,
    shown,
)

DAY = 86_400.0


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache_control": "max-age=60"}, 60),
        ({"cache_control": "max-age=60, s-maxage=30"}, 30),
        ({"cache_control": "max-age=0, s-maxage=30"}, 30),
        ({"cache_control": ["max-age=60", "s-maxage=30"]}, 30),
        ({"cache_control": "max-age=99999999999"}, FOREVER),
        ({"cache_control": "max-age=60", "expires": date(-10)}, 60),
        ({"cache_control": "max-age=60", "expires": "0"}, 60),
        ({"cache_control": "max-age=0", "expires": date(60)}, 0),
        ({"cache_control": "max-age=x", "expires": date(60)}, 0),
        ({"expires": date(60)}, 60),
        ({"expires": date(60), "date": date(-30)}, 90),
        ({"expires": date(60), "date": "x"}, 60),
        ({"expires": date(300), "date": date(400)}, -100),
        ({"expires": "0"}, 0),
        ({"expires": ""}, 0),
        ({"expires": [date(60), date(70)]}, 0),
        ({"expires": [date(60), date(60)]}, 60),
    ],
    ids=shown,
)
def test_a_lifetime_is_what_the_server_says(headers: dict[str, Any], expected: float) -> None:
    """By `s-maxage`, else by `max-age`, else by `Expires`; what cannot be read means none."""
    terms = answer(**headers).terms
    assert terms.lifetime == expected
    assert terms.is_explicit


@pytest.mark.parametrize(
    ("headers", "status", "expected"),
    [
        ({"last_modified": date(-DAY)}, 200, DAY / 10),
        ({"last_modified": date(-DAY), "date": date(-DAY / 2)}, 200, DAY / 20),
        ({"last_modified": date(-DAY)}, 203, DAY / 10),
        ({"last_modified": date(-DAY)}, 301, DAY / 10),
        ({"last_modified": date(-DAY)}, 404, DAY / 10),
        ({"last_modified": date(-DAY)}, 201, 0),
        ({"last_modified": date(-DAY)}, 302, 0),
        ({"last_modified": date(-DAY)}, 503, 0),
        ({"last_modified": date(-DAY), "cache_control": "public"}, 299, DAY / 10),
        ({"last_modified": date(DAY)}, 200, 0),
        ({"last_modified": date(-1000 * DAY)}, 200, 7 * DAY),
        ({"last_modified": "x"}, 200, 0),
        ({"etag": '"a"'}, 200, 0),
        ({}, 200, 0),
    ],
    ids=shown,
)
def test_a_lifetime_is_guessed(headers: dict[str, str], status: int, expected: float) -> None:
    """It is a tenth of the time without a change, for those statuses for which that is allowed."""
    terms = answer(status, **headers).terms
    assert terms.lifetime == pytest.approx(expected)
    assert not terms.is_explicit


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 0),
        ({"age": "30"}, 30),
        ({"age": "0030"}, 30),
        ({"age": "99999999999"}, FOREVER),
        ({"age": "30, 0"}, 30),
        ({"age": "0, 30"}, 0),
        ({"age": ["30", "0"]}, 30),
        ({"age": ["0", "30"]}, 0),
        ({"age": ["", "30"]}, 30),
        ({"age": "x"}, 0),
        ({"age": "-30"}, 0),
        ({"age": "30.0"}, 0),
        ({"age": "30;x=1"}, 0),
        ({"age": ""}, 0),
        ({"date": date(-20)}, 20),
        ({"date": date(20)}, 0),
        ({"date": date(-20), "age": "30"}, 30),
        ({"date": date(-40), "age": "30"}, 40),
        ({"date": "x"}, 0),
    ],
    ids=shown,
)
def test_an_answer_may_be_old_when_it_comes(headers: dict[str, Any], expected: float) -> None:
    """By its `Age` or by its `Date`, whichever says more."""
    assert answer(**headers).terms.first_age == expected


def test_the_way_counts_as_age() -> None:
    """An `Age` is of the moment when the request was sent, at the earliest."""
    late = came(pairs(age="30", date=date(-2)), requested=NOW - 5)
    assert late.terms.first_age == 35
    other_clock = came(pairs(age="30"), requested=NOW + 5)
    assert other_clock.terms.first_age == 30


def test_an_age_grows_by_the_monotonic_clock_in_a_process() -> None:
    """The wall clock may be set to whatever it likes meanwhile."""
    entry = answer(age="30")
    assert current_age(entry, NOW, MONOTONIC, TOKEN) == 30
    assert current_age(entry, NOW - DAY, MONOTONIC + 12, TOKEN) == 42


@pytest.mark.parametrize("stamp", [None, (b"another", MONOTONIC + DAY)], ids=["none", "another"])
def test_an_age_grows_by_wall_time_across_processes(stamp: Any) -> None:
    """Each has a monotonic clock of its own."""
    entry = came(pairs(age="30"), stamp=stamp)
    assert current_age(entry, NOW + 12, MONOTONIC, TOKEN) == 42


@pytest.mark.parametrize("stamp", [None, (TOKEN, MONOTONIC + 1)], ids=["wall", "monotonic"])
def test_an_answer_from_the_future_is_as_old_as_can_be(stamp: Any) -> None:
    """Some clock is wrong."""
    entry = came(pairs(cache_control="max-age=60"), stamp=stamp)
    assert current_age(entry, NOW - 1, MONOTONIC, TOKEN) == inf


@pytest.mark.parametrize(
    ("line", "must_validate", "forbids_stale"),
    [
        ("max-age=5", False, False),
        ("no-cache", True, True),
        ('no-cache="x"', False, False),
        ('no-cache="cache-control"', True, True),
        ("max-age=5, must-revalidate", False, True),
        ("max-age=5, proxy-revalidate", False, True),
        ("s-maxage=5", False, True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_server_may_want_to_be_asked(
    line: str, *, must_validate: bool, forbids_stale: bool
) -> None:
    """Each time, or once an answer is stale."""
    terms = answer(cache_control=line).terms
    assert terms.must_validate is must_validate
    assert terms.forbids_stale is forbids_stale


@pytest.mark.parametrize(
    ("headers", "etag", "last_modified"),
    [
        ({"etag": '"a"'}, '"a"', None),
        ({"etag": ['"a"', '"a"']}, '"a"', None),
        ({"etag": ['"a"', '"b"']}, None, None),
        ({"last_modified": date(-5)}, None, date(-5)),
        ({"last_modified": "yesterday"}, None, None),
    ],
    ids=["etag", "twice", "two", "date", "no-date"],
)
def test_a_validator_is_kept_as_it_was_sent(
    headers: dict[str, Any], etag: str | None, last_modified: str | None
) -> None:
    """One that says two things at once says nothing."""
    terms = answer(**headers).terms
    assert (terms.etag, terms.last_modified) == (etag, last_modified)
    assert terms.has_validator is (etag is not None or last_modified is not None)


HEADERS = st.dictionaries(
    st.sampled_from(["age", "date", "expires", "cache_control", "last_modified"]),
    st.sampled_from([date(-9), date(9), "9", "max-age=9", "x", "", "-1", "s-maxage=99999999999"])
    | st.text(st.characters(max_codepoint=255)),
)


@given(HEADERS, st.floats(0, 1e6), st.floats(0, 1e6))
def test_whatever_a_server_says_an_age_only_grows(
    headers: dict[str, str], earlier: float, later: float
) -> None:
    """It never begins below nothing."""
    entry = answer(**headers)
    ages = [current_age(entry, 0, MONOTONIC + each, TOKEN) for each in sorted([earlier, later])]
    assert 0 <= ages[0] <= ages[1]
    assert -inf < entry.terms.lifetime < inf

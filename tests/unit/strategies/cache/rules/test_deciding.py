"""When an answer that is kept may be used, and how."""

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.rules.deciding import (
    Use,
    age_header,
    decide,
    may_replace_an_error,
    may_stand_in,
)
from client.strategies.cache.rules.directives import NOTHING_SAID, Directives, parse
from tests.unit.strategies.cache.rules.answers import answer

FRESH, STALE, REFRESH, VALIDATE = Use.FRESH, Use.STALE, Use.REFRESH, Use.VALIDATE


@pytest.mark.parametrize(
    ("line", "age", "request_line", "use", "why"),
    [
        ("max-age=60", 0, "", FRESH, "fresh"),
        ("max-age=60", 59.9, "", FRESH, "fresh"),
        ("max-age=60", 60, "", VALIDATE, "stale"),
        ("max-age=60", inf, "", VALIDATE, "stale"),
        ("max-age=60", 0, "nothing-to-see", FRESH, "fresh"),
        ("max-age=60, no-cache", 0, "", VALIDATE, "no-cache"),
        ('max-age=60, no-cache="x"', 0, "", FRESH, "fresh"),
        ("max-age=60", 0, "no-cache", VALIDATE, "the request says no-cache"),
        ("max-age=60", 0, "max-age=0", VALIDATE, "the request says no-cache"),
        ("max-age=60", 10, "max-age=10", FRESH, "fresh"),
        ("max-age=60", 10.1, "max-age=10", VALIDATE, "older than the request wants"),
        ("max-age=60", 50, "min-fresh=10", FRESH, "fresh"),
        (
            "max-age=60",
            51,
            "min-fresh=10",
            VALIDATE,
            "not fresh for as long as the request wants",
        ),
        ("max-age=60", 70, "max-stale=10", STALE, "the request says max-stale"),
        ("max-age=60", 70, "max-stale", STALE, "the request says max-stale"),
        ("max-age=60", 71, "max-stale=10", VALIDATE, "staler than the request wants"),
        ("max-age=60", inf, "max-stale", VALIDATE, "staler than the request wants"),
        ("max-age=60", 70, "max-stale=x", VALIDATE, "staler than the request wants"),
        ("max-age=60, stale-while-revalidate=30", 90, "", REFRESH, "stale-while-revalidate"),
        ("max-age=60, stale-while-revalidate=30", 91, "", VALIDATE, "stale"),
        ("max-age=60, stale-while-revalidate=30", 90, "min-fresh=0", VALIDATE, "stale"),
        (
            "max-age=60, stale-while-revalidate=30",
            90,
            "max-stale=5",
            VALIDATE,
            "staler than the request wants",
        ),
        (
            "max-age=60, stale-while-revalidate=30",
            90,
            "max-age=80",
            VALIDATE,
            "older than the request wants",
        ),
        (
            "max-age=60, stale-while-revalidate=30",
            90,
            "only-if-cached",
            STALE,
            "stale-while-revalidate, and only-if-cached",
        ),
        ("max-age=60", 0, "only-if-cached", FRESH, "fresh"),
    ],
    ids=lambda value: value.value if isinstance(value, Use) else str(value),
)
def test_an_answer_may_be_used(
    line: str, age: float, request_line: str, use: Use, why: str
) -> None:
    """As the server and the request say."""
    assert decide(answer(cache_control=line), age, parse((request_line,))) == (use, why)


def test_an_answer_without_lifetime_is_stale() -> None:
    """From the beginning on."""
    assert decide(answer(etag='"a"'), 0) == (VALIDATE, "stale")


FORBIDDING = ["must-revalidate", "proxy-revalidate", "s-maxage=60", "no-cache"]


@pytest.mark.parametrize("forbidding", FORBIDDING)
def test_a_server_may_forbid_stale_answers(forbidding: str) -> None:
    """Whatever the request says, and whatever else the server."""
    more = "stale-while-revalidate=99, stale-if-error=99"
    entry = answer(cache_control=f"max-age=60, {more}, {forbidding}")
    for line in ("", "max-stale"):
        wanted = parse((line,))
        assert decide(entry, 61, wanted).use is VALIDATE
        assert not may_stand_in(entry, 61, wanted, 999)
        assert not may_replace_an_error(entry, 61, wanted, 999)


def test_refreshing_may_be_off() -> None:
    """Then a stale answer is validated first."""
    entry = answer(cache_control="max-age=60, stale-while-revalidate=30")
    assert decide(entry, 61, refreshes=False) == (VALIDATE, "stale")


@pytest.mark.parametrize(
    ("line", "age", "request_line", "longest", "expected"),
    [
        ("max-age=60", 70, "", 10, True),
        ("max-age=60", 71, "", 10, False),
        ("max-age=60", 60, "", 0, True),
        ("max-age=60", 61, "", 0, False),
        ("max-age=60", inf, "", 1e9, False),
        ("max-age=60", 10, "", 0, True),
        ("max-age=60, no-cache", 10, "", 99, False),
        ("max-age=60", 70, "no-cache", 99, False),
        ("max-age=60", 70, "max-age=0", 99, False),
        ("max-age=60", 70, "max-age=65", 99, False),
        ("max-age=60", 70, "max-age=75", 99, True),
        ("max-age=60", 70, "min-fresh=1", 99, False),
        ("max-age=60", 50, "min-fresh=9", 99, True),
        ("max-age=60", 50, "min-fresh=11", 99, False),
        ("max-age=60", 70, "max-stale=5", 99, False),
        ("max-age=60", 70, "max-stale=15", 99, True),
        ("max-age=60", 70, "max-stale=15", 5, False),
    ],
    ids=str,
)
def test_an_answer_may_stand_in(
    line: str, age: float, request_line: str, longest: float, *, expected: bool
) -> None:
    """For so long after it got stale, and never against what the request says."""
    entry = answer(cache_control=line)
    assert may_stand_in(entry, age, parse((request_line,)), longest) is expected


@pytest.mark.parametrize(
    ("line", "own", "expected"),
    [
        ("max-age=60", 0, False),
        ("max-age=60", 10, True),
        ("max-age=60, stale-if-error=10", 0, True),
        ("max-age=60, stale-if-error=5", 99, False),
        ("max-age=60, stale-if-error=0", 99, False),
    ],
    ids=str,
)
def test_for_errors_the_server_says_how_long(line: str, own: float, *, expected: bool) -> None:
    """Our own figure holds where it says nothing."""
    assert may_replace_an_error(answer(cache_control=line), 70, NOTHING_SAID, own) is expected


def test_an_age_is_told_in_whole_seconds() -> None:
    """Those that are over."""
    assert age_header(0.9) == b"0"
    assert age_header(61.2) == b"61"


SECONDS = st.none() | st.integers(0, 100)
OF_SERVERS = st.builds(
    lambda **said: ", ".join(f"{name.replace('_', '-')}={value}" for name, value in said.items()),
    max_age=st.integers(0, 100),
    stale_while_revalidate=st.integers(0, 100),
    stale_if_error=st.integers(0, 100),
)
OF_REQUESTS = st.builds(
    Directives, max_age=SECONDS, min_fresh=SECONDS, max_stale=SECONDS, no_cache=st.booleans()
)


@given(OF_SERVERS, OF_REQUESTS, st.integers(0, 300), st.integers(0, 300))
def test_what_is_older_is_never_used_more_freely(
    line: str, wanted: Directives, one: int, two: int
) -> None:
    """Not as fresh, not as stale, and not in an error's place."""
    entry: Any = answer(cache_control=line)
    order = [FRESH, STALE, REFRESH, VALIDATE]
    younger, older = sorted([one, two])
    first, second = (decide(entry, each, wanted).use for each in (younger, older))
    assert order.index(first) <= order.index(second)
    for may in (may_stand_in, may_replace_an_error):
        assert may(entry, younger, wanted, 50) or not may(entry, older, wanted, 50)
    if first is FRESH:
        assert younger < entry.terms.lifetime
        assert may_stand_in(entry, younger, wanted, 0)


@given(OF_SERVERS, OF_REQUESTS, st.integers(0, 300))
def test_a_request_only_ever_adds_to_what_it_wants(line: str, wanted: Directives, age: int) -> None:
    """What is not fresh for one that says nothing is fresh for none."""
    entry: Any = answer(cache_control=line)
    if decide(entry, age, wanted).use is FRESH:
        assert decide(entry, age).use is FRESH

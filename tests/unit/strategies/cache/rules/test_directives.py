"""`Cache-Control` as it is read: of servers and callers that follow the grammar, and of others."""

from dataclasses import fields as fields_of
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.fields import Fields
from client.strategies.cache.rules.directives import (
    FOREVER,
    NOTHING_SAID,
    Directives,
    of_request,
    parse,
    parse_seconds,
)
from client.strategies.cache.rules.lists import is_token, members, token_or_quoted


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a, b", ["a", "b"]),
        (" a ,\tb\t", ["a", "b"]),
        (",, a,,", ["a"]),
        ("", []),
        ('a="b, c", d', ['a="b, c"', "d"]),
        (r'a="b\", c", d', [r'a="b\", c"', "d"]),
        ('a="b, c', ['a="b', "c"]),
        (r'a="b\", c', [r'a="b\"', "c"]),
    ],
    ids=["two", "blanks", "empty", "nothing", "quoted", "escaped", "unending", "unending-escape"],
)
def test_a_list_is_split_at_its_commas(line: str, expected: list[str]) -> None:
    """But at none within a quoted string."""
    assert members(line) == expected


@given(st.lists(st.from_regex(r'[a-z]{1,3}(="[^"\\]{0,5}")?', fullmatch=True)))
def test_a_list_is_what_was_joined(parts: list[str]) -> None:
    """Whatever stands in the quoted strings."""
    assert members(", ".join(parts)) == parts


@pytest.mark.parametrize("line", ['"' * 100_001, '"\\' * 50_000, 'a"' * 50_001], ids=str.__len__)
def test_a_hostile_list_takes_no_time(line: str) -> None:
    """Nothing is read over and over."""
    assert isinstance(members(line), list)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", "abc"),
        ('"a b"', "a b"),
        (r'"a\"b"', 'a"b'),
        ("'a'", "'a'"),
        ("a b", ""),
        ('"a', ""),
        ('"a" b', ""),
        ("", ""),
    ],
    ids=["token", "quoted", "escaped", "single-quotes", "blank", "unending", "more", "nothing"],
)
def test_an_argument_is_a_token_or_a_quoted_string(text: str, expected: str) -> None:
    """Anything else is nothing."""
    assert token_or_quoted(text) == expected


def test_a_token_has_no_separators() -> None:
    """Nor is it empty."""
    assert is_token("X-Name!#$%&'*+.^_`|~0")
    assert not is_token("")
    assert not is_token("a b")
    assert not is_token("ä")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("007", 7),
        ("2147483647", 2**31 - 1),
        ("2147483649", FOREVER),
        ("9" * 5000, FOREVER),
        ("0" * 5000, 0),
        ("-1", None),
        ("1.0", None),
        ("1e3", None),
        ("1_0", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
    ids=str,
)
def test_seconds_are_digits(text: str | None, expected: int | None) -> None:
    """As many as a server likes; beyond what can be meant, they mean for ever."""
    assert parse_seconds(text) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("max-age=60", {"max_age": 60}),
        ("MaX-aGe=60", {"max_age": 60}),
        ('max-age="60"', {"max_age": 60}),
        ("max-age=0060", {"max_age": 60}),
        ("max-age=99999999999", {"max_age": FOREVER}),
        ("max-age", {"max_age": 0}),
        ("max-age=", {"max_age": 0}),
        ("max-age=-60", {"max_age": 0}),
        ("max-age='60'", {"max_age": 0}),
        ("max-age=60.0", {"max_age": 0}),
        ("max-age=60x", {"max_age": 0}),
        ("max-age =60", {"max_age": 0}),
        ("max-age= 60", {"max_age": 0}),
        ("max-age=60, max-age=30", {"max_age": 30}),
        ("max-age=30, max-age=60", {"max_age": 30}),
        ('x="max-age=60", max-age=30', {"max_age": 30}),
        ('max-age=30, x="max-age=60"', {"max_age": 30}),
        ("s-maxage=60, max-age=5", {"max_age": 5, "s_maxage": 60}),
        ("min-fresh=5, min-fresh=9", {"min_fresh": 9}),
        ("min-fresh=x", {"min_fresh": FOREVER}),
        ("max-stale", {"max_stale": FOREVER}),
        ("max-stale=5, max-stale", {"max_stale": 5}),
        ("max-stale=x", {"max_stale": 0}),
        ("max-stale=", {"max_stale": 0}),
        ("stale-while-revalidate=5", {"stale_while_revalidate": 5}),
        ("stale-while-revalidate", {"stale_while_revalidate": 0}),
        ("stale-if-error=5", {"stale_if_error": 5}),
        ("no-store", {"no_store": True}),
        ("No-StOrE", {"no_store": True}),
        ("no-store=1", {"no_store": True}),
        ("no-cache", {"no_cache": True}),
        ("no-cache=", {"no_cache": True}),
        ('no-cache=""', {"no_cache": True}),
        ('no-cache="a b"', {"no_cache": True}),
        ("no-cache=a", {"no_cache_fields": frozenset({"a"})}),
        ('no-cache="A, b"', {"no_cache_fields": frozenset({"a", "b"})}),
        ('no-cache="a", no-cache="b"', {"no_cache_fields": frozenset({"a", "b"})}),
        ('no-cache="a", no-cache', {"no_cache": True}),
        ("private", {"private": True}),
        ('private="set-cookie"', {"private_fields": frozenset({"set-cookie"})}),
        ("public", {"public": True}),
        ("public=x", {}),
        ("must-understand", {"must_understand": True}),
        ("must-understand=x", {}),
        ("must-revalidate", {"must_revalidate": True}),
        ("proxy-revalidate=x", {"proxy_revalidate": True}),
        ("only-if-cached", {"only_if_cached": True}),
        ("immutable, x=1, ,=5, nothing-to-see-here", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_said(line: str, expected: dict[str, Any]) -> None:
    """In the more restrictive sense where it is said twice or cannot be read."""
    assert parse((line,)) == Directives(**expected)


def test_lines_are_read_one_by_one() -> None:
    """A quoted string that does not end spoils its own line only."""
    assert parse(('x="', "max-age=5", "no-store")) == Directives(max_age=5, no_store=True)


def test_long_values_are_read_like_short_ones() -> None:
    """They are not remembered, that is all."""
    assert parse(("x=" + "y" * 400, "max-age=5")) == Directives(max_age=5)
    assert parse(()) is NOTHING_SAID


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], NOTHING_SAID),
        ([("Cache-Control", "max-age=5")], Directives(max_age=5)),
        ([("Pragma", "No-Cache")], Directives(no_cache=True)),
        ([("Pragma", "x, no-cache")], Directives(no_cache=True)),
        ([("Pragma", "x")], NOTHING_SAID),
        ([("Pragma", "no-cache"), ("Cache-Control", "max-age=5")], Directives(max_age=5)),
    ],
    ids=["nothing", "cache-control", "pragma", "pragma-list", "other-pragma", "both"],
)
def test_a_request_may_say_it_in_the_old_way(
    headers: list[tuple[str, str]], expected: Directives
) -> None:
    """`Pragma` counts where there is no `Cache-Control`."""
    assert of_request(Fields(headers)) == expected


WORDS = st.sampled_from(
    ["max-age", "s-maxage", "no-cache", "private", "public", "no-store", "max-stale", "min-fresh"]
)
VALUES = st.sampled_from(["", "=", "=5", "=9", "=x", '="5"', '="a, b"', '="', "=-1", " =5", "= 5"])
LINES = st.lists(st.builds(str.__add__, WORDS, VALUES), max_size=4).map(", ".join)


@given(st.lists(st.text() | LINES, max_size=4).map(tuple))
def test_nothing_that_is_said_fails(lines: tuple[str, ...]) -> None:
    """Whatever a server sends."""
    said = parse(lines)
    assert said == parse(lines)
    for name in ("max_age", "s_maxage", "min_fresh", "max_stale", "stale_if_error"):
        value = getattr(said, name)
        assert value is None or 0 <= value <= FOREVER


@given(LINES, LINES)
def test_saying_more_allows_no_more(first: str, second: str) -> None:
    """Of whatever is said twice the more restrictive holds, on one line as on two."""
    one, both = parse((first,)), parse((first, second))
    for each in ("no_store", "no_cache", "private"):
        assert getattr(both, each) >= getattr(one, each)
    for each in ("max_age", "s_maxage", "max_stale"):
        if getattr(one, each) is not None:
            assert getattr(both, each) <= getattr(one, each)
    if one.min_fresh is not None and both.min_fresh is not None:
        assert both.min_fresh >= one.min_fresh
    if '"' not in first + second:
        assert parse((f"{first}, {second}",)) == both
    assert parse((second, first)) == both
    assert {each.name for each in fields_of(both)} == set(Directives.__slots__)

"""Lists of structured fields: as RFC 9651 has them, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.rate_limit.structured import Member, parse_list

GOOD: dict[str, list[Member]] = {
    '"default";q=100;w=60': [Member("default", {"q": 100, "w": 60})],
    '"a";q=1,"b";q=2': [Member("a", {"q": 1}), Member("b", {"q": 2})],
    '  "a" \t,\t "b"  ': [Member("a", {}), Member("b", {})],
    "100;w=60": [Member(100, {"w": 60})],
    "-5": [Member(-5, {})],
    "token/1:2*;a": [Member("token/1:2*", {"a": True})],
    r'"a \"b\" \\c"': [Member(r'a "b" \c', {})],
    '"a"; q=1;  w=2': [Member("a", {"q": 1, "w": 2})],
    '"a";q=1;q=2': [Member("a", {"q": 2})],
    '"a";pk=:aGk=:;x=?1;y=1.5;z="t";d=@17;u=%"caf%c3%a9"': [
        Member(
            "a",
            {"pk": ":aGk=:", "x": "?1", "y": "1.5", "z": "t", "d": "@17", "u": '%"caf%c3%a9"'},
        )
    ],
    "": [],
    "   ": [],
}
BAD = [
    '"a',
    '"a"b',
    '"a",',
    ',"a"',
    '"a" "b"',
    '"a";',
    '"a";Q=1',
    '"a";q=',
    '"a";q=1.',
    '"a";q=1.2345',
    '"a";q=1234567890123456',
    '"a";q =1',
    '"ä"',
    '"a\\b"',
    "(1 2)",
    "a=1",
    "!",
    '"a"\n',
]


@pytest.mark.parametrize("field", GOOD)
def test_a_list_is_read(field: str) -> None:
    """Member by member."""
    assert parse_list(field) == GOOD[field]


@pytest.mark.parametrize("field", BAD)
def test_what_is_malformed_is_nothing(field: str) -> None:
    """The whole field."""
    assert parse_list(field) is None


def test_what_is_too_long_is_not_read() -> None:
    """It would take time."""
    assert parse_list('"' + "a" * 2_000 + '"') is None


@given(st.text(alphabet='";=,ab01.?:@-% \\(', max_size=40))
def test_nothing_makes_it_fail(field: str) -> None:
    """Whatever a server sends."""
    members = parse_list(field)
    assert members is None or all(isinstance(each, Member) for each in members)

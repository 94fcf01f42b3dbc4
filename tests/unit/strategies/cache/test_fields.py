"""Header fields as the rules of the cache read them."""

from __future__ import annotations

import pytest

from client.strategies.cache.fields import Fields

PAIRS: list[tuple[bytes | str, bytes | str]] = [
    (b"Accept", b"text/html"),
    ("VARY", "Accept"),
    (b"accept", b"*/*"),
]


def test_lines_of_one_name_are_one_value() -> None:
    """In their order, whatever the case of the name."""
    fields = Fields(PAIRS)
    assert (fields.get("accept"), fields.get("vary"), fields.get("date")) == (
        "text/html, */*",
        "Accept",
        None,
    )
    assert fields.lines("accept") == ("text/html", "*/*")
    assert fields.lines("date") == ()
    assert (list(fields), len(fields), "vary" in fields) == (["accept", "vary"], 2, True)


def test_they_are_equal_by_what_they_hold() -> None:
    """The order of two names says nothing, that of one name's lines does."""
    fields = Fields(PAIRS)
    assert fields == Fields([PAIRS[1], PAIRS[0], PAIRS[2]])
    assert hash(fields) == hash(Fields([PAIRS[1], PAIRS[0], PAIRS[2]]))
    assert fields != Fields([PAIRS[2], PAIRS[1], PAIRS[0]])


@pytest.mark.parametrize(
    "other", [{}, None, [("accept", "text/html")]], ids=["dict", "None", "list"]
)
def test_they_are_equal_to_nothing_else(other: object) -> None:
    """Not even to a mapping."""
    assert Fields() != other


def test_no_value_is_shown() -> None:
    """It may be a secret."""
    assert repr(Fields([("Authorization", "Bearer x")])) == "Fields(authorization)"

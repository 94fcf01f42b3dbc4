"""Headers in every form that httpx takes, brought into pairs and back."""

import httpx
import pytest

from client.http.headers import Pairs, find_header, put_header, set_default, to_httpx, to_pairs


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, []),
        ({"A": "1", "b": "2"}, [("A", "1"), ("b", "2")]),
        ({b"A": b"1"}, [(b"A", b"1")]),
        ([("A", "1"), ("A", "2")], [("A", "1"), ("A", "2")]),
        ((("A", "1"),), [("A", "1")]),
        (httpx.Headers([("A", "1"), ("a", "2")]), [("a", "1"), ("a", "2")]),
    ],
    ids=["none", "dict", "bytes", "pairs", "tuple", "httpx"],
)
def test_every_form_becomes_pairs(headers: object, expected: Pairs) -> None:
    """In their order, with their repetitions."""
    assert to_pairs(headers) == expected


def test_an_iterator_becomes_pairs() -> None:
    """Of what is like pairs, too."""
    assert to_pairs(iter([["A", "1"]])) == [("A", "1")]


@pytest.mark.parametrize("pairs", [[("X-A", "1")], [(b"x-a", "1")], [("b", "0"), ("x-A", "1")]])
def test_a_header_is_found_in_any_case(pairs: Pairs) -> None:
    """Names are the same in any case, and bytes name the same header as text."""
    assert find_header(pairs, "X-a") == "1"


def test_the_first_of_several_values_is_found() -> None:
    """As httpx does for a name without a list."""
    assert find_header([("a", "1"), ("A", "2")], "a") == "1"


def test_a_missing_header_is_none() -> None:
    """A similar name is another header."""
    assert find_header([("X-A-B", "1")], "X-A") is None


def test_a_default_is_added_where_the_header_is_missing() -> None:
    """At the end."""
    pairs: Pairs = [("b", "0")]
    set_default(pairs, "X-A", "1")
    assert pairs == [("b", "0"), ("X-A", "1")]


def test_a_default_leaves_a_given_header_alone() -> None:
    """However it is spelt."""
    pairs: Pairs = [(b"x-a", b"0")]
    set_default(pairs, "X-A", "1")
    assert pairs == [(b"x-a", b"0")]


def test_a_header_that_is_put_takes_the_place_of_all_its_values() -> None:
    """And of nothing else."""
    pairs: Pairs = [("x-a", "0"), ("b", "2"), (b"X-A", b"0")]
    put_header(pairs, "X-a", "1")
    assert pairs == [("b", "2"), ("X-a", "1")]


def test_unique_names_go_to_httpx_as_a_dict() -> None:
    """A test that patches httpx can look into it."""
    assert to_httpx([("a", "1"), ("b", "2")]) == {"a": "1", "b": "2"}


def test_repeated_names_go_to_httpx_as_pairs() -> None:
    """A dict would lose one."""
    pairs: Pairs = [("a", "1"), ("a", "2")]
    assert to_httpx(pairs) == [("a", "1"), ("a", "2")]

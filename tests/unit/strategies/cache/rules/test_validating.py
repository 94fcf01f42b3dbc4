"""Conditions of callers, and those by which the server is asked; and what answers become by it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.fields import Fields
from client.strategies.cache.rules.freshening import OfHead, freshened, is_about, of_head
from client.strategies.cache.rules.invalidating import invalidated_by
from client.strategies.cache.rules.validating import (
    conditions,
    has_conditions,
    is_answerable,
    is_not_modified,
    not_modified_headers,
)
from tests.unit.strategies.cache.rules.answers import NOW, TOKEN, answer, date, pairs, shown

ETAG, MODIFIED = {"etag": '"a"'}, {"last_modified": date(-100)}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, {}),
        (ETAG, {"If-None-Match": '"a"'}),
        ({"etag": 'W/"a"'}, {"If-None-Match": 'W/"a"'}),
        ({"etag": '"ä"'}, {"If-None-Match": '"ä"'}),
        (MODIFIED, {"If-Modified-Since": date(-100)}),
        ({**ETAG, **MODIFIED}, {"If-None-Match": '"a"', "If-Modified-Since": date(-100)}),
    ],
    ids=["none", "etag", "weak", "latin", "date", "both"],
)
def test_the_server_is_asked_by_all_validators(
    headers: dict[str, str], expected: dict[str, str]
) -> None:
    """As it has sent them."""
    sent = {name.decode(): value.decode("latin-1") for name, value in conditions(answer(**headers))}
    assert sent == expected


@pytest.mark.parametrize(
    ("headers", "has", "may_answer"),
    [
        ({}, False, True),
        ({"if-none-match": '"a"'}, True, True),
        ({"if-modified-since": date(0)}, True, True),
        ({"if-match": '"a"'}, True, False),
        ({"if-unmodified-since": date(0)}, True, False),
        ({"if-range": '"a"'}, True, False),
    ],
    ids=["none", "none-match", "modified", "match", "unmodified", "range"],
)
def test_some_conditions_are_for_the_server(
    headers: dict[str, str], *, has: bool, may_answer: bool
) -> None:
    """Those of writes and of parts."""
    fields = Fields(headers.items())
    assert has_conditions(fields) is has
    assert is_answerable(fields) is may_answer


@pytest.mark.parametrize(
    ("headers", "request_headers", "expected"),
    [
        (ETAG, {}, False),
        (ETAG, {"if_none_match": '"a"'}, True),
        (ETAG, {"if_none_match": 'W/"a"'}, True),
        ({"etag": 'W/"a"'}, {"if_none_match": '"a"'}, True),
        (ETAG, {"if_none_match": '"b"'}, False),
        (ETAG, {"if_none_match": '"b", "a"'}, True),
        (ETAG, {"if_none_match": ['"b"', '"a"']}, True),
        ({"etag": '"a,b"'}, {"if_none_match": '"x", "a,b"'}, True),
        ({"etag": '"a,b"'}, {"if_none_match": '"b"'}, False),
        (ETAG, {"if_none_match": "*"}, True),
        ({}, {"if_none_match": "*"}, True),
        ({}, {"if_none_match": '"a"'}, False),
        (ETAG, {"if_none_match": ""}, False),
        (MODIFIED, {"if_modified_since": date(-100)}, True),
        (MODIFIED, {"if_modified_since": date(-50)}, True),
        (MODIFIED, {"if_modified_since": date(-101)}, False),
        (MODIFIED, {"if_modified_since": "yesterday"}, False),
        (MODIFIED, {"if_modified_since": [date(0), date(0)]}, False),
        ({"date": date(-20)}, {"if_modified_since": date(-20)}, True),
        ({"date": date(-20)}, {"if_modified_since": date(-21)}, False),
        ({"last_modified": "x", "date": date(-20)}, {"if_modified_since": date(-20)}, True),
        ({}, {"if_modified_since": date(0)}, True),
        ({}, {"if_modified_since": date(-1)}, False),
        ({**ETAG, **MODIFIED}, {"if_none_match": '"a"', "if_modified_since": date(-999)}, True),
        ({**ETAG, **MODIFIED}, {"if_none_match": '"b"', "if_modified_since": date(0)}, False),
    ],
    ids=shown,
)
def test_a_caller_may_hold_the_answer_already(
    headers: dict[str, str], request_headers: dict[str, Any], *, expected: bool
) -> None:
    """Tags are compared weakly, and dates only where there is no tag to compare."""
    request = Fields(pairs(**request_headers))
    assert is_not_modified(answer(**headers), request) is expected
    assert not is_not_modified(answer(404, **headers), request)


def test_a_304_says_what_has_to_be_said() -> None:
    """What describes the body the caller knows."""
    entry = answer(
        Cache_Control="max-age=5",
        Content_Location="/a",
        Content_Type="text/plain",
        Content_Length="5",
        Date=date(0),
        ETag='"a"',
        Expires=date(5),
        Last_Modified=date(-5),
        Vary=["a", "b"],
        X="1",
    )
    assert [name.decode() for name, _ in not_modified_headers(entry)] == [
        "Cache-Control",
        "Content-Location",
        "Date",
        "ETag",
        "Expires",
        "Last-Modified",
        "Vary",
        "Vary",
    ]


@pytest.mark.parametrize(
    ("headers", "of_304", "expected"),
    [
        (ETAG, {}, True),
        (ETAG, ETAG, True),
        (ETAG, {"etag": '"b"'}, False),
        (ETAG, {"etag": 'W/"a"'}, True),
        (ETAG, {"etag": 'W/"b"'}, False),
        ({"etag": 'W/"a"'}, {"etag": '"a"'}, False),
        (MODIFIED, {"etag": '"b"'}, False),
        (MODIFIED, {"etag": 'W/"b"'}, True),
        (MODIFIED, MODIFIED, True),
        (MODIFIED, {"last_modified": date(-99)}, False),
        (ETAG, MODIFIED, True),
    ],
    ids=shown,
)
def test_a_304_may_be_about_another_answer(
    headers: dict[str, str], of_304: dict[str, str], *, expected: bool
) -> None:
    """Then it says nothing of the one that is kept."""
    assert is_about(answer(**headers), Fields(pairs(**of_304))) is expected


def test_a_304_freshens_an_answer() -> None:
    """What it says replaces what was said, but for what describes the body that is kept."""
    entry = replace(
        answer(
            Cache_Control="max-age=5",
            Date=date(-50),
            Age="30",
            X=["1", "2"],
            Y="3",
            Content_Type="text/plain",
            Content_Length="4",
            Vary="y",
        ),
        body=b"body",
        vary=("y",),
    )
    new = freshened(
        entry,
        pairs(
            cache_control="max-age=60",
            date=date(40),
            x=["5", "6"],
            content_type="text/html",
            content_length="9",
            content_encoding="gzip",
            connection="z",
            z="7",
            transfer_encoding="chunked",
            set_cookie="a=b",
            vary="q",
        ),
        requested=NOW + 41,
        received=NOW + 42,
        stamp=(TOKEN, 1.0),
    )
    assert new.headers == pairs(
        Y="3",
        Content_Type="text/plain",
        Content_Length="4",
        Vary="y",
        cache_control="max-age=60",
        date=date(40),
        x=["5", "6"],
    )
    assert (new.body, new.vary, new.stamp) == (b"body", ("y",), (TOKEN, 1.0))
    assert (new.requested, new.received) == (NOW + 41, NOW + 42)
    assert (new.terms.lifetime, new.terms.first_age) == (60, 2)


def test_a_304_without_a_date_is_of_now() -> None:
    """Else the answer would be as old as it was before."""
    entry = answer(cache_control="max-age=5", date=date(-50))
    new = freshened(entry, (), requested=NOW + 9, received=NOW + 10, stamp=None)
    assert new.headers == (*pairs(cache_control="max-age=5"), (b"Date", date(10).encode()))
    assert new.terms.first_age == 1


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "cache_control", "date", "connection", "age", "etag", "vary"]),
        st.sampled_from(["1", "a", date(0), "max-age=5", "private=a", ""]),
    )
)
def test_a_304_twice_is_a_304_once(of_304: dict[str, str]) -> None:
    """Nothing is added up."""
    times: Any = {"requested": NOW, "received": NOW, "stamp": None}
    once = freshened(answer(a="0", c="0", date=date(-9)), pairs(**of_304), **times)
    assert freshened(once, pairs(**of_304), **times) == once


@pytest.mark.parametrize(
    ("headers", "status", "of_answer", "expected"),
    [
        (ETAG, 200, ETAG, OfHead.FRESHENS),
        (ETAG, 200, {"etag": '"b"'}, OfHead.CONTRADICTS),
        (MODIFIED, 200, MODIFIED, OfHead.FRESHENS),
        (MODIFIED, 200, {"last_modified": date(-99)}, OfHead.CONTRADICTS),
        ({**ETAG, **MODIFIED}, 200, ETAG, OfHead.FRESHENS),
        ({**ETAG, "content_length": "5"}, 200, {**ETAG, "content_length": "5"}, OfHead.FRESHENS),
        ({**ETAG, "content_length": "5"}, 200, {**ETAG, "content_length": "6"}, OfHead.CONTRADICTS),
        ({"content_length": "5"}, 200, {"content_length": "6"}, OfHead.CONTRADICTS),
        ({"content_length": "5"}, 200, {"content_length": "5"}, OfHead.NOTHING),
        (ETAG, 200, {"content_length": "5"}, OfHead.NOTHING),
        (ETAG, 404, ETAG, OfHead.NOTHING),
        (ETAG, 200, {}, OfHead.NOTHING),
    ],
    ids=shown,
)
def test_an_answer_to_head_says_something_of_that_to_get(
    headers: dict[str, str], status: int, of_answer: dict[str, str], expected: OfHead
) -> None:
    """By its validators and by its length."""
    assert of_head(answer(**headers), status, Fields(pairs(**of_answer))) is expected


URL = "http://a/b/c"


@pytest.mark.parametrize(
    ("method", "status", "headers", "expected"),
    [
        ("GET", 200, {"location": "/x"}, ()),
        ("HEAD", 200, {}, ()),
        ("OPTIONS", 200, {}, ()),
        ("TRACE", 200, {}, ()),
        ("POST", 200, {}, (URL,)),
        ("M-SEARCH", 204, {}, (URL,)),
        ("PUT", 303, {}, (URL,)),
        ("DELETE", 199, {}, ()),
        ("DELETE", 400, {}, ()),
        ("DELETE", 500, {}, ()),
        ("POST", 201, {"location": "d"}, (URL, "http://a/b/d")),
        ("POST", 201, {"content_location": "/d"}, (URL, "http://a/d")),
        (
            "POST",
            201,
            {"location": "/d", "content_location": "/e"},
            (URL, "http://a/d", "http://a/e"),
        ),
        ("POST", 201, {"location": "HTTP://A:80/b/./c"}, (URL,)),
        ("POST", 201, {"location": "http://other/b"}, (URL,)),
        ("POST", 201, {"location": "https://a/b"}, (URL,)),
        ("POST", 201, {"location": "//[/"}, (URL,)),
        ("POST", 201, {"location": ["/d", "/e"]}, (URL, "http://a/d", "http://a/e")),
    ],
    ids=shown,
)
def test_a_write_makes_answers_old(
    method: str, status: int, headers: dict[str, Any], expected: tuple[str, ...]
) -> None:
    """Those of its URL, and of what it names of the same origin."""
    assert invalidated_by(method, status, URL, Fields(pairs(**headers))) == expected

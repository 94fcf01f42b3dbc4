"""What a shared cache keeps, and what of it."""

from typing import Any

import pytest

from client.strategies.cache.fields import Fields
from client.strategies.cache.rules.directives import NOTHING_SAID, Directives
from client.strategies.cache.rules.storing import is_for_all, kept_headers, why_not_stored
from client.strategies.cache.rules.vary import selecting_value, vary_names
from tests.unit.strategies.cache.rules.answers import answer, came, date, pairs, shown

FRESH = "max-age=60"


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {"cache_control": FRESH}),
        (200, {"cache_control": "s-maxage=60"}),
        (200, {"expires": date(60)}),
        (200, {"last_modified": date(-60)}),
        (200, {"etag": '"a"'}),
        (200, {"cache_control": "no-cache", "etag": '"a"'}),
        (200, {"cache_control": "max-age=0", "etag": '"a"'}),
        (200, {"cache_control": "max-age=0, stale-while-revalidate=9"}),
        (200, {"cache_control": "max-age=0, stale-if-error=9"}),
        (200, {"cache_control": "max-age=60", "age": "90"}),
        (200, {"cache_control": 'max-age=60, private="x-user"'}),
        (200, {"cache_control": "max-age=60, no-store, must-understand"}),
        (200, {"cache_control": FRESH, "vary": "Accept, accept-language"}),
        (204, {"cache_control": FRESH}),
        (299, {"cache_control": FRESH}),
        (301, {"etag": '"a"'}),
        (302, {"cache_control": FRESH}),
        (404, {"cache_control": FRESH}),
        (503, {"expires": date(60)}),
        (599, {"cache_control": FRESH}),
    ],
    ids=shown,
)
def test_an_answer_is_kept_that_can_be_used_again(status: int, headers: dict[str, str]) -> None:
    """As it is, or once the server has been asked."""
    assert why_not_stored(answer(status, **headers), NOTHING_SAID) is None


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (200, {}, "neither freshness nor a validator"),
        (200, {"cache_control": "max-age=0"}, "neither freshness nor a validator"),
        (200, {"expires": date(-60)}, "neither freshness nor a validator"),
        (200, {"cache_control": "no-cache, max-age=60"}, "no-cache without a validator"),
        (200, {"cache_control": "max-age=60, no-store"}, "no-store"),
        (200, {"cache_control": "max-age=60, private"}, "private"),
        (200, {"cache_control": 'max-age=60, private="vary"'}, "private"),
        (200, {"cache_control": FRESH, "set_cookie": "a=b"}, "Set-Cookie"),
        (200, {"cache_control": FRESH, "vary": "*"}, "Vary: *"),
        (200, {"cache_control": FRESH, "vary": ["", "*"]}, "Vary: *"),
        (206, {"cache_control": FRESH}, "status 206"),
        (304, {"cache_control": FRESH}, "status 304"),
        (103, {"cache_control": FRESH}, "status 103"),
        (404, {"etag": '"a"'}, "status 404 without explicit freshness"),
        (410, {"last_modified": date(-600)}, "status 410 without explicit freshness"),
        (503, {"cache_control": "public"}, "status 503 without explicit freshness"),
        (
            599,
            {"cache_control": "max-age=60, must-understand"},
            "must-understand, and status 599 is not known",
        ),
    ],
    ids=shown,
)
def test_an_answer_is_not_kept(status: int, headers: dict[str, Any], why: str) -> None:
    """It is another's, or of no use, or the server says so."""
    assert why_not_stored(answer(status, **headers), NOTHING_SAID) == why


def test_an_answer_to_another_method_is_not_kept() -> None:
    """One to HEAD has no body, and what POST does it does each time."""
    for method in ("HEAD", "POST"):
        entry = came(pairs(cache_control=FRESH), method=method)
        assert why_not_stored(entry, NOTHING_SAID) == f"an answer to {method}"


def test_a_request_may_say_no_store() -> None:
    """Then nothing of its answer stays."""
    entry = answer(cache_control=FRESH)
    assert why_not_stored(entry, Directives(no_store=True)) == "the request says no-store"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("max-age=60", False),
        ("max-age=60, must-revalidate", False),
        ("max-age=60, public", True),
        ("max-age=60, public=x", False),
        ("s-maxage=60", True),
    ],
    ids=str,
)
def test_what_credentials_got_is_kept_for_all_if_the_server_says_so(
    line: str, *, expected: bool
) -> None:
    """Or if the caller has said whose it is."""
    entry = answer(cache_control=line)
    assert is_for_all(entry) is expected
    why = why_not_stored(entry, NOTHING_SAID, has_credentials=True)
    assert (why is None) is expected
    assert expected or why == "credentials, and neither public nor s-maxage"
    apart = why_not_stored(entry, NOTHING_SAID, has_credentials=True, is_partitioned=True)
    assert apart is None


def test_what_is_private_is_kept_for_nobody() -> None:
    """Not even apart: a shared cache does not keep it."""
    entry = answer(cache_control="max-age=60, private")
    assert why_not_stored(entry, NOTHING_SAID, is_partitioned=True) == "private"


def names(headers: tuple[tuple[bytes, bytes], ...]) -> list[str]:
    """Those of header fields."""
    return [name.decode() for name, _ in headers]


def test_what_is_of_a_connection_is_not_kept() -> None:
    """Nor what `Connection` names, but for what an answer would mean something else without."""
    entry = answer(
        date=date(0),
        connection=["a, B", "vary, cache-control"],
        a="1",
        b="2",
        c="3",
        keep_alive="x",
        proxy_connection="x",
        proxy_authenticate="x",
        proxy_authentication_info="x",
        proxy_authorization="x",
        te="x",
        trailer="x",
        transfer_encoding="chunked",
        upgrade="x",
        vary="c",
        cache_control=FRESH,
    )
    assert names(kept_headers(entry)) == ["date", "c", "vary", "cache-control"]


def test_what_may_not_be_used_unasked_is_not_kept() -> None:
    """Of the rest the server has said nothing."""
    line = 'max-age=60, no-cache="a", private="B, etag"'
    entry = answer(date=date(0), cache_control=line, a="1", b="2", c="3", etag='"x"')
    assert names(kept_headers(entry)) == ["date", "cache-control", "c"]


def test_lines_stay_as_they_came() -> None:
    """In their order, each for itself, and in the case in which they were sent."""
    entry = answer(Date=date(0), X_Y=["1", "2"], a="3")
    assert kept_headers(entry) == entry.headers


def test_a_date_is_added_where_there_is_none() -> None:
    """It is when the answer came."""
    assert kept_headers(answer(a="1")) == ((b"a", b"1"), (b"Date", date(0).encode()))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], ()),
        (["Foo"], ("foo",)),
        (["foo, Bar", "FOO, ,"], ("bar", "foo")),
        (["*"], None),
        (["foo, *"], None),
        (["*, *"], None),
        (["", "*"], None),
        (["a b"], None),
        (['"a"'], None),
    ],
    ids=["none", "one", "several", "star", "with-star", "stars", "late-star", "blank", "quoted"],
)
def test_names_of_vary(lines: list[str], expected: tuple[str, ...] | None) -> None:
    """What is no name could be anything, like a star."""
    assert vary_names(Fields([("Vary", line) for line in lines])) == expected


@pytest.mark.parametrize(
    ("name", "lines", "expected"),
    [
        ("foo", [], None),
        ("foo", [""], ""),
        ("foo", ["1"], "1"),
        ("foo", [" 1 ,2 "], "1, 2"),
        ("foo", ["1", "2"], "1, 2"),
        ("foo", ["A"], "A"),
        ("foo", ['"a,b" , c'], '"a,b", c'),
        ("accept-language", ["eN,  De"], "en, de"),
        ("accept-language", ["de, en"], "de, en"),
        ("accept-encoding", ["GZIP"], "gzip"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else str(value),
)
def test_what_a_request_says_has_one_form(
    name: str, lines: list[str], expected: str | None
) -> None:
    """Blanks and lines do not matter, and case where the field says so; order may."""
    assert selecting_value(name, Fields([(name, line) for line in lines])) == expected

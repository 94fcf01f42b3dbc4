"""URLs that say the same, and such as do not."""

from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.strategies.cache.rules.urls import normalised, same_origin


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a/b", "http://a/b"),
        ("http://a/b?x=1&a=2", "http://a/b?x=1&a=2"),
        ("HTTP://A/B", "http://a/B"),
        ("http://a", "http://a/"),
        ("http://a?b", "http://a/?b"),
        ("http://a/b?", "http://a/b?"),
        ("http://a:80/", "http://a/"),
        ("http://a:/", "http://a/"),
        ("http://a:0080/", "http://a/"),
        ("http://a:0/", "http://a:0/"),
        ("https://a:443/", "https://a/"),
        ("https://a:80/", "https://a:80/"),
        ("http://a:8080/", "http://a:8080/"),
        ("http://u:p@a/", "http://a/"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://[::A]:80/", "http://[::a]/"),
        ("http://[::1]:81/", "http://[::1]:81/"),
        ("http://a/#b", "http://a/"),
        ("http://a/#b?c", "http://a/"),
        ("http://a/%7Eb", "http://a/~b"),
        ("http://a/%2fb%c3", "http://a/%2Fb%C3"),
        ("http://a/%zz", "http://a/%zz"),
        ("http://a/?%41=%2f", "http://a/?A=%2F"),
        ("http://a/b/./c/../d", "http://a/b/d"),
        ("http://a/b/..", "http://a/"),
        ("http://a/b/.", "http://a/b/"),
        ("http://a/../../b", "http://a/b"),
        ("http://a/%2e%2e/b", "http://a/b"),
        ("http://a/b/%2E", "http://a/b/"),
        ("http://a/.b/c..d/...", "http://a/.b/c..d/..."),
        ("http://a//b", "http://a//b"),
    ],
    ids=lambda value: value,
)
def test_equals_have_one_form(url: str, expected: str) -> None:
    """And that form is its own."""
    assert normalised(url) == expected
    assert normalised(expected) == expected


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("http://a/b", "http://a/b/"),
        ("http://a/b", "http://a/B"),
        ("http://a/?x=1&y=2", "http://a/?y=2&x=1"),
        ("http://a/%2F", "http://a//"),
        ("http://a/", "https://a/"),
        ("http://a/", "http://a:81/"),
        ("http://a/?", "http://a/"),
        ("http://a/%26", "http://a/&"),
    ],
    ids=["slash", "case", "order", "escape", "scheme", "port", "query", "reserved"],
)
def test_what_differs_stays_different(url: str, other: str) -> None:
    """Whoever took them for one would serve the answer of the other."""
    assert normalised(url) != normalised(other)


SEGMENTS = st.text(ascii_letters + digits + "-._~%:@!$&'()*+,;=", max_size=6)
URLS = st.builds(
    "{}://{}{}/{}{}".format,
    st.sampled_from(["http", "https", "HTTP"]),
    st.sampled_from(["a", "A.b", "[::1]", "u@a"]),
    st.sampled_from(["", ":80", ":443", ":8080"]),
    st.lists(SEGMENTS | st.sampled_from([".", "..", "%2e", "%41", "%2f"])).map("/".join),
    st.sampled_from(["", "?", "?a=b", "?%41&../."]),
)


@given(URLS)
def test_a_form_is_the_last(url: str) -> None:
    """What has been normalised stays so, and keeps its origin."""
    once = normalised(url)
    assert normalised(once) == once
    assert same_origin(url, once)


@pytest.mark.parametrize(
    ("url", "other", "expected"),
    [
        ("http://a/", "HTTP://A:80/x", True),
        ("http://a/", "http://u@a/", True),
        ("http://a/", "https://a/", False),
        ("http://a/", "http://b/", False),
        ("http://a/", "http://a:81/", False),
    ],
    ids=["equal", "user", "scheme", "host", "port"],
)
def test_an_origin_is_scheme_host_and_port(url: str, other: str, *, expected: bool) -> None:
    """In whatever way they are written."""
    assert same_origin(url, other) is expected

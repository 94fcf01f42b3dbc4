"""URLs as texts: joined as httpx joins them, shown without secrets, told apart by origin."""

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.errors.urls import flaw_of_address, is_same_origin, join, mask_url, origin_of

SEGMENTS = st.text("abcXYZ019-_~.@:", min_size=1, max_size=8).filter(lambda text: text.strip("."))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
PASSWORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#"),
    min_size=4,
    max_size=12,
)


def joined_by_httpx(base_url: str, url: str) -> str:
    """What httpx sends a relative URL to."""
    with httpx.Client(base_url=base_url, transport=httpx.BaseTransport()) as client:
        return str(client.build_request("GET", url).url)


@pytest.mark.parametrize("base_url", ["https://h", "https://h/", "https://h/api", "https://h/api/"])
@pytest.mark.parametrize("url", ["", "users", "/users", "/users/", "users?a=b", "?a=b", "a//b"])
def test_relative_urls_are_joined_as_httpx_does(base_url: str, url: str) -> None:
    """The path of the base stays in front."""
    assert join(base_url, url) == joined_by_httpx(base_url, url)


@given(path=PATHS.filter(lambda path: ":" not in path.split("/")[0]))
def test_any_plain_path_is_joined_as_httpx_does(path: str) -> None:
    """With or without a slash before it."""
    assert join("https://h/v1", path) == joined_by_httpx("https://h/v1", path)
    assert join("https://h/v1", f"/{path}") == joined_by_httpx("https://h/v1", f"/{path}")


@pytest.mark.parametrize("url", ["http://other/x", "HTTPS://other/x", "x+y.z-1://other"])
def test_an_absolute_url_stays_as_it_is(url: str) -> None:
    """The base is for relative ones."""
    assert join("https://h/api", url) == url


def test_without_a_base_every_url_stays_as_it_is() -> None:
    """Then httpx says what is wrong with a relative one."""
    assert join("", "/users") == "/users"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://host/path", "https://host/path"),
        ("https://host:8443/path", "https://host:8443/path"),
        ("https://user:secret@host/path", "https://host/path"),
        ("https://user:secret@host", "https://host"),
        ("https://token@host:1/", "https://host:1/"),
        ("https://us@er:se@cret@host/", "https://host/"),
        ("//user:secret@host/path", "//host/path"),
        ("https://a\\user:secret@host/", "https://host/"),
        ("https://host/path?key=secret", "https://host/path"),
        ("https://host/path#secret", "https://host/path"),
        ("https://host?key=secret", "https://host"),
        ("https://user:secret@[::1]:8080/path", "https://[::1]:8080/path"),
        ("https://host/@scope/name", "https://host/@scope/name"),
        ("https://host/path?to=user@host", "https://host/path"),
        ("/users/5", "/users/5"),
        ("users?key=secret", "users"),
        ("", ""),
    ],
)
def test_a_shown_url_has_no_credentials_query_or_fragment(url: str, expected: str) -> None:
    """All else is there: it is what a reader looks for."""
    assert mask_url(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "https://user:sec/ret@host/",
        "https://user:sec?ret@host/",
        "https://user:sec#ret@host/",
        "user:secret@host/path",
        " https://user:secret@host/",
        "https:/user:secret@host/",
        "https:\\\\user:secret@host",
    ],
)
def test_nothing_is_shown_of_a_malformed_url_with_credentials(url: str) -> None:
    """Where the password begins and ends is anybody's guess."""
    assert mask_url(url) == "***"


@given(password=PASSWORDS, path=PATHS)
def test_no_password_is_ever_shown(password: str, path: str) -> None:
    """Whatever it is made of."""
    assert mask_url(f"https://user:{password}@host/{path}?x=1") == f"https://host/{path}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://host/path", "http://host:80"),
        ("https://host/path?query#fragment", "https://host:443"),
        ("https://host:8443", "https://host:8443"),
        ("HTTPS://User:Secret@HOST:443/", "https://host:443"),
        ("http://[::1]/", "http://[::1]:80"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080"),
        ("ftp://host/", "ftp://host:0"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    """Two spellings of one origin are one."""
    assert origin_of(url) == expected


@pytest.mark.parametrize("url", ["http://host:port/", "http://host:99999/", "http://[::1/"])
def test_a_broken_url_has_an_empty_origin(url: str) -> None:
    """It is refused later, with a better text."""
    assert origin_of(url) == ""


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("host", None),
        ("host", 65535),
        ("host", 1),
        ("", None),
        ("a.b.", 80),
        ("::1", 80),
        (f"{'x' * 63}.b", 80),
    ],
)
def test_an_address_may_be_anybodys(host: str, port: int | None) -> None:
    """Whether somebody is there shows when it is connected to; no host at all is for httpx."""
    assert flaw_of_address(host, port) is None


@pytest.mark.parametrize(
    ("host", "port", "flaw"),
    [
        ("host", 65536, "the port 65536 is not from 1 to 65535"),
        ("host", 0, "the port 0 is not from 1 to 65535"),
        ("host", -1, "the port -1 is not from 1 to 65535"),
        (f"a.{'x' * 64}.b", 80, "a part of the host is empty or longer than 63 characters"),
        ("a..b", 80, "a part of the host is empty or longer than 63 characters"),
        (".", None, "a part of the host is empty or longer than 63 characters"),
    ],
)
def test_an_address_can_be_nobodys(host: str, port: int | None, flaw: str) -> None:
    """Nothing is sent there, or to where lower layers would bend it."""
    assert flaw_of_address(host, port) == flaw


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://h/\r\nFAKE: 1", "http://h/\\r\\nFAKE: 1"),
        ("http://h/\x1b[31mred\x7f", "http://h/\\x1b[31mred\\x7f"),
        ("http://h/\x85\u2028\u2029", "http://h/\\x85\\u2028\\u2029"),
    ],
)
def test_control_characters_are_shown_escaped(url: str, expected: str) -> None:
    """A text with a URL in it stays on its line, and paints no terminal."""
    assert mask_url(url) == expected


@pytest.mark.parametrize(
    ("url", "other", "is_same"),
    [
        ("http://a.example/x?y", "http://a.example/x", True),
        ("http://a.example/x", "http://A.example:80", True),
        ("http://a.example.evil/", "http://a.example", False),
        ("http://a.example:80@evil/", "http://a.example", False),
        ("http://a.example:8080/", "http://a.example:80/", False),
        ("https://a.example/", "http://a.example/", False),
        ("http://b.example/?http://a.example/", "http://a.example/", False),
    ],
)
def test_one_origin(url: str, other: str, *, is_same: bool) -> None:
    """Scheme, host and port decide, and not with what a URL begins."""
    assert is_same_origin(url, other) is is_same

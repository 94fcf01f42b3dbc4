"""What the configuration accepts apart from numbers, and how it refuses the rest."""

from typing import Any

import pybreaker
import pytest
import tenacity

from client.backoff import Backoff, LinearBackoff
from client.config.models import CircuitBreakerConfig, ClientConfig, RetryConfig
from client.exceptions import ServerError
from tests.unit.config.configs import DEFAULTS, config_with, refusal_of, setting_of

FLAGS = {path for path, value in DEFAULTS.items() if isinstance(value, bool)}


def test_what_cannot_even_be_shown_is_refused_by_its_type() -> None:
    """Its own bug does not hide what is wrong."""

    class Shy:
        def __repr__(self) -> str:
            raise ZeroDivisionError

    assert refusal_of("http2", Shy()) == "http2: <Shy> is not allowed: give True or False"


# Flags, words and texts.


@pytest.mark.parametrize("path", sorted(FLAGS))
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((True, True), ("true", True), ("TRUE", True), ("1", True), ("yes", True), ("On", True)),
        *((False, False), ("false", False), ("0", False), ("no", False), ("OFF", False)),
    ],
)
def test_a_flag_is_a_boolean_or_a_word_for_one(path: str, value: object, *, expected: bool) -> None:
    """As environments write them."""
    assert setting_of(config_with(path, value), path) is expected


@pytest.mark.parametrize("path", sorted(FLAGS))
@pytest.mark.parametrize("value", [0, 1, 0.0, None, "", "maybe", "2", [], b"true"])
def test_any_other_flag_is_refused(path: str, value: object) -> None:
    """What a number means by it, nobody knows."""
    assert refusal_of(path, value) == f"{path}: {value!r} is not allowed: give True or False"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("circuit_breaker.scope", ["client", "origin"]),
        ("logging.level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]),
        ("backend", ["httpx"]),
        ("retry.backoff", ["exponential", "linear", "fibonacci", "constant"]),
    ],
)
def test_a_word_is_one_of_a_few(path: str, words: list[str]) -> None:
    """Which the refusal lists."""
    assert [setting_of(config_with(path, word), path) for word in words] == words
    listed = ", ".join(repr(word) for word in words)
    for wrong in ("other", "", 5, None):
        found = refusal_of(path, wrong)
        assert found.startswith(f"{path}: {wrong!r} is not allowed: give {listed}")


@pytest.mark.parametrize("level", ["debug", "Debug", "DEBUG"])
def test_a_level_may_be_written_in_any_case(level: str) -> None:
    """As in the environment."""
    assert config_with("logging.level", level).logging.level == "DEBUG"


@pytest.mark.parametrize("path", ["circuit_breaker.scope", "backend", "retry.backoff"])
def test_other_words_may_not(path: str) -> None:
    """They are values, not names."""
    word = str(DEFAULTS[path])
    assert refusal_of(path, word.upper()).startswith(f"{path}: {word.upper()!r} is not allowed")


@pytest.mark.parametrize("path", ["user_agent", "logging.logger_name"])
def test_a_text_is_of_printable_ascii_characters(path: str) -> None:
    """It may stand in a header, or name a logger."""
    assert setting_of(config_with(path, "my app/1.0 (x; y)"), path) == "my app/1.0 (x; y)"
    for wrong in ("", "é", "a\nb", "a\x00", "a\x7f", 5, None, b"a"):
        expected = "give a text of printable ASCII characters"
        assert refusal_of(path, wrong) == f"{path}: {wrong!r} is not allowed: {expected}"


@pytest.mark.parametrize("name", ["X-Request-ID", "traceparent", "!#$%&'*+.^_`|~09az-"])
def test_a_header_s_name_is_a_token(name: str) -> None:
    """By RFC 9110, 5.6.2."""
    assert config_with("request_id_header", name).request_id_header == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("", "'...'"),
        ("X Request", "'X...'"),
        ("X:Request", "'X...'"),
        ("Größe", "'Gr...'"),
        ("a\n", "'a...'"),
        (5, "5"),
        (None, "None"),
        (b"a", "<class 'bytes'>"),
    ],
)
def test_any_other_name_is_refused(name: object, shown: str) -> None:
    """Only its beginning is quoted, should somebody have put a value there."""
    found = refusal_of("request_id_header", name)
    expected = "is not allowed: give the name of a header: letters, digits and !#$%&'*+.^_`|~-"
    assert found == f"request_id_header: {shown} {expected}"


# URLs and headers.


@pytest.mark.parametrize(
    "url",
    [
        *("", "http://host", "https://host:8443/v1/", "HTTPS://host", "https://user:pw@host/"),
        *("http://[::1]:80", "http://127.0.0.1", "https://bücher.example/"),
    ],
)
def test_a_base_url_is_http_or_https_with_a_host(url: str) -> None:
    """Or empty, for absolute URLs only."""
    assert ClientConfig(base_url=url).base_url == url


@pytest.mark.parametrize(
    "url",
    [
        *("host", "/path", "ftp://host", "http://", "http:///path", "https:/host", "//host"),
        *("http://host?a=b", "http://host/#a", "http://host:0", "http://host:99999"),
        *("http://host:port", "http://a b", "http://a\nb", "http://a\x00b", "http://a\x7fb"),
        *("http://[::1", 5, None, b"http://host"),
    ],
)
def test_any_other_base_url_is_refused(url: object) -> None:
    """Before the first request would be."""
    expected = "is not allowed: give an http:// or https:// URL with a host and without query, or"
    assert expected in refusal_of("base_url", url)


def test_headers_are_names_and_texts() -> None:
    """In their order."""
    headers = {"X-B": "1", "X-A": "two words\tand a tab", "X-Empty": ""}
    config = ClientConfig(headers=headers)
    assert list(config.headers.items()) == list(headers.items())


def test_of_headers_that_differ_in_case_the_later_stands() -> None:
    """They are one header, and httpx would send both."""
    headers = {"authorization": "old", "X-A": "1", "Authorization": "new"}
    assert ClientConfig(headers=headers).headers == {"Authorization": "new", "X-A": "1"}


@pytest.mark.parametrize("value", [5, None, b"a", "é", "a\nb", "a\rb", "a\x00b", ["a"]])
def test_a_header_of_any_other_kind_is_refused_without_its_value(value: object) -> None:
    """It may be a secret."""
    found = refusal_of("headers", {"X-A": value})
    expected = "the value of X-A is not allowed: give a text of printable ASCII characters"
    assert found == f"headers: {expected}"


@pytest.mark.parametrize("value", [5, None, "X-A: 1", [("X-A", "1")]])
def test_headers_are_a_mapping(value: object) -> None:
    """Likewise refused without the value."""
    assert refusal_of("headers", value) == "headers: give a mapping of header names to texts"


def test_a_header_with_a_bad_name_is_refused() -> None:
    """By the beginning of its name."""
    assert refusal_of("headers", {"X A": "1"}).startswith("headers: 'X...' is not allowed")


# Statuses, methods, and what is given as objects.


@pytest.mark.parametrize(
    "value", [{500, 503}, [503, 500], (500, 503, 500), "500,503", " 500 , 503, ", iter([500, 503])]
)
def test_statuses_are_any_list_of_numbers(value: object) -> None:
    """Or a text with commas, as from the environment."""
    assert config_with("retry.statuses", value).retry == RetryConfig(statuses=frozenset({500, 503}))
    assert config_with("retry.statuses", ()).retry == RetryConfig(statuses=frozenset())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (503, "retry.statuses: 503 is not allowed: give a list of statuses, each from 100 to 599"),
        (None, "retry.statuses: None is not allowed: give a list of statuses"),
        (b"500", "retry.statuses: b'500' is not allowed: give a list of statuses"),
        ({500: 1}, "retry.statuses: {500: 1} is not allowed: give a list of statuses"),
        ([500, 99], "retry.statuses.1: 99 is not allowed: give a whole number from 100 to 599"),
        ([600], "retry.statuses.0: 600 is not allowed: give a whole number from 100 to 599"),
        ([True], "retry.statuses.0: True is not allowed: give a whole number from 100 to 599"),
        ("500,5xx", "retry.statuses.1: '5xx' is not allowed: give a whole number from 100 to 599"),
    ],
    ids=str,
)
def test_other_statuses_are_refused(value: object, expected: str) -> None:
    """By their place in the list."""
    assert refusal_of("retry.statuses", value).startswith(expected)


@pytest.mark.parametrize("value", [["get", "PUT"], {"GET", "put"}, "GET, put", ("Get", "Put")])
def test_methods_are_any_list_of_names(value: object) -> None:
    """In any case."""
    assert setting_of(config_with("retry.methods", value), "retry.methods") == {"GET", "PUT"}


@pytest.mark.parametrize(
    "value", [5, True, ["GET POST"], "GET POST", [""], [5], [None], b"GET", {"GET": 1}]
)
def test_other_methods_are_refused(value: object) -> None:
    """Not turned into texts in silence."""
    expected = f"{value!r} is not allowed: give HTTP methods, or None for all"
    assert refusal_of("retry.methods", value) == f"retry.methods: {expected}"


class _Async:
    async def __call__(self, *values: object) -> bool:
        raise AssertionError("nobody awaits it")


async def _async(*values: object) -> bool:
    raise AssertionError("nobody awaits it")


@pytest.mark.parametrize("path", ["retry.retry_if", "retry.stop", "circuit_breaker.storage"])
def test_a_hook_is_none_or_a_plain_function(path: str) -> None:
    """It is kept as it is."""

    def plain(*values: object) -> bool:
        return True

    for value in (plain, tenacity.retry_always, None):
        assert setting_of(config_with(path, value), path) is value
    for wrong in (5, "x", _async, _Async()):
        expected = f"{wrong!r} is not allowed: give None or a plain function, not an async one"
        shown = expected if len(repr(wrong)) <= 80 else expected[:80]
        assert refusal_of(path, wrong).startswith(f"{path}: {shown}")


@pytest.mark.parametrize(
    "value",
    [LinearBackoff(), tenacity.wait_fixed(1), lambda _state: 1.0, tenacity.wait_none()],
    ids=["backoff", "tenacity", "function", "none"],
)
def test_a_backoff_may_be_an_object(value: object) -> None:
    """Ours, tenacity's, or the user's."""
    assert setting_of(config_with("retry.backoff", value), "retry.backoff") is value


@pytest.mark.parametrize("value", [LinearBackoff, Backoff, _async, _Async(), 5.0, None])
def test_any_other_backoff_is_refused(value: object) -> None:
    """A class is not an object of it."""
    names = "'exponential', 'linear', 'fibonacci', 'constant'"
    expected = f"is not allowed: give {names}, a Backoff, or a tenacity wait object"
    assert refusal_of("retry.backoff", value).endswith(expected)


@pytest.mark.parametrize("value", [ServerError, Exception, (ServerError, ValueError), ()])
def test_what_counts_as_a_failure_is_a_class_or_a_tuple_of_them(value: object) -> None:
    """As in an `except`, and kept as it is."""
    path = "circuit_breaker.expected_exception"
    assert setting_of(config_with(path, value), path) is value


@pytest.mark.parametrize(
    "value", [5, None, "ServerError", [ServerError], KeyboardInterrupt, (ServerError, 5), int]
)
def test_anything_else_is_no_failure(value: object) -> None:
    """A cancellation never is."""
    path = "circuit_breaker.expected_exception"
    expected = f"{value!r} is not allowed: give an exception class, or a tuple of them"
    assert refusal_of(path, value) == f"{path}: {expected}"


@pytest.mark.parametrize("kind", [list, tuple])
def test_listeners_are_pybreaker_s(kind: Any) -> None:
    """Or look like them."""
    listeners = [pybreaker.CircuitBreakerListener(), pybreaker.CircuitBreakerListener()]
    config = CircuitBreakerConfig(listeners=kind(listeners))
    assert config.listeners == tuple(listeners)


@pytest.mark.parametrize(
    "value",
    [
        pybreaker.CircuitBreakerListener(),
        [pybreaker.CircuitBreakerListener],
        [print],
        [pybreaker.CircuitBreakerListener(), None],
        None,
        "ab",
    ],
    ids=["bare", "class", "function", "none-in-it", "none", "text"],
)
def test_other_listeners_are_refused(value: object) -> None:
    """Nothing would be told to them."""
    found = refusal_of("circuit_breaker.listeners", value)
    expected = "is not allowed: give a list or tuple of pybreaker.CircuitBreakerListener objects"
    assert found.endswith(expected)

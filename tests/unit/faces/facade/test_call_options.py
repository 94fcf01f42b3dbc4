"""The keyword arguments of a call that are not httpx's own."""

from collections.abc import Callable
from types import MappingProxyType

import pytest
from pydantic import ValidationError

from client.config.models import RetryConfig
from client.exceptions import InvalidRequestError
from client.faces.facade.call_options import (
    CallOptions,
    check_deadline,
    check_method,
    check_names,
    check_retry,
)
from client.faces.strategies import STRATEGIES


def test_every_argument_of_httpx_and_those_added_are_known() -> None:
    """`httpx.Client.request` takes the first eleven."""
    httpx_s_own = {
        *("content", "data", "files", "json", "params", "headers", "cookies", "auth"),
        *("follow_redirects", "timeout", "extensions"),
    }
    added = {"request_id", "retry", "deadline", "operation", "priority", *STRATEGIES}
    assert httpx_s_own | added == CallOptions.__optional_keys__
    check_names(dict.fromkeys(CallOptions.__optional_keys__))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timout", "unexpected keyword argument 'timout'; did you mean 'timeout'?"),
        ("retries", "unexpected keyword argument 'retries'; did you mean 'retry'?"),
        ("zzz", "unexpected keyword argument 'zzz'"),
    ],
)
def test_a_misspelt_argument_is_refused(name: str, message: str) -> None:
    """With the nearest that there is."""
    with pytest.raises(TypeError) as caught:
        check_names({"json": {}, name: 1})
    assert str(caught.value) == message


def test_the_first_of_several_misspelt_arguments_is_named() -> None:
    """The same at every run."""
    with pytest.raises(TypeError, match="'first'"):
        check_names({"first": 1, "second": 2, "third": 3})


@pytest.mark.parametrize(
    ("value", "expected"), [(None, None), (5, 5.0), (0.001, 0.001), (31_536_000, 31_536_000.0)]
)
def test_a_deadline_is_a_number_of_seconds_or_none(value: object, expected: float | None) -> None:
    """None for no bound."""
    found = check_deadline(value)
    assert found == expected
    assert found is None or isinstance(found, float)


@pytest.mark.parametrize("value", [0, -1, True, "5", float("nan"), 31_536_001])
def test_any_other_deadline_is_refused(value: object) -> None:
    """Nothing can be done in no time."""
    with pytest.raises(ValueError, match="is not allowed") as caught:
        check_deadline(value)
    expected = "give a number of seconds above 0, up to 31536000, or None"
    assert str(caught.value) == f"deadline {value!r} is not allowed: {expected}"


@pytest.mark.parametrize("value", [None, RetryConfig(max_attempts=7)])
def test_a_configuration_or_none_stands_for_itself(value: RetryConfig | None) -> None:
    """In place of the client's, whose settings do not show through."""
    assert check_retry(value, RetryConfig(jitter=False)) is value


@pytest.mark.parametrize("kind", [dict, MappingProxyType])
def test_a_dict_is_laid_over_the_client_s(kind: Callable[[dict[str, int]], object]) -> None:
    """Whatever it leaves out stays."""
    found = check_retry(kind({"max_attempts": 5}), RetryConfig(jitter=False))
    assert found == RetryConfig(max_attempts=5, jitter=False)


def test_without_a_configuration_a_dict_is_laid_over_the_defaults() -> None:
    """A client that never retries can do so once."""
    assert check_retry({"max_attempts": 5}, None) == RetryConfig(max_attempts=5)


def test_a_setting_in_the_dict_is_checked() -> None:
    """As in the configuration."""
    with pytest.raises(ValidationError, match="did you mean 'max_attempts'"):
        check_retry({"max_atempts": 5}, None)


@pytest.mark.parametrize("value", [5, True, False, "exponential", [("max_attempts", 5)]])
def test_anything_else_is_refused(value: object) -> None:
    """A bare number could mean retries or attempts."""
    with pytest.raises(TypeError) as caught:
        check_retry(value, None)
    expected = f"retry {value!r} is not allowed: give a RetryConfig, a dict, or None"
    assert str(caught.value) == expected


@pytest.mark.parametrize("method", ["GET", "purge", "M-SEARCH", "!#$%&'*+.^_`|~"])
def test_a_method_is_a_token(method: str) -> None:
    """Any case, and also those that nobody has heard of."""
    check_method(method)


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("", "''"),
        ("GET /", "'GET /'"),
        ("GET\r\nX: y", "'GET\\r\\nX: y'"),
        ("G\u00c9T", "'G\u00c9T'"),
        (None, "None"),
        ("X " * 50, repr("X " * 50)[:40]),
    ],
)
def test_what_is_no_method_is_refused(method: object, shown: str) -> None:
    """Before anything is taken or sent, and on one line."""
    with pytest.raises(InvalidRequestError) as caught:
        check_method(method)
    assert str(caught.value) == f"HTTP method {shown} is not allowed: give a word such as GET"
    assert caught.value.request_sent is False

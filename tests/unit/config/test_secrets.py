"""Secrets in the configuration: used, and never shown."""

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from client.config.models import ClientConfig, RetryConfig

SECRET = "s3cret-t0ken"  # noqa: S105 - a stand-in that must not be found again
CONFIG = ClientConfig(
    base_url=f"https://user:{SECRET}@api.example/v1",
    headers={"Authorization": f"Bearer {SECRET}", "X-Plain": SECRET},
)


@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_a_configuration_shows_no_secret(show: Callable[[object], str]) -> None:
    """Names and hosts, but neither credentials nor a header's value."""
    shown = show(CONFIG)
    assert SECRET not in shown
    assert "base_url='https://api.example/v1'" in shown
    assert "headers={'Authorization': '***', 'X-Plain': '***'}" in shown
    assert "max_attempts" not in shown, "what was not given stands in the documentation"


def test_the_secrets_are_there_for_those_who_use_them() -> None:
    """Only not to be seen."""
    assert CONFIG.headers["Authorization"] == f"Bearer {SECRET}"
    assert CONFIG.base_url == f"https://user:{SECRET}@api.example/v1"


def all_that_is_said(error: BaseException) -> str:
    """The text of an error, of what it came from, and of the traceback as Python shows it."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    # Python quotes the lines of this file, and pytest's.
    return "\n".join([str(error), repr(error), *(line for line in lines if line[:1] != " ")])


REFUSED: dict[str, dict[str, Any]] = {
    "value-of-a-header": {"headers": {"Authorization": f"{SECRET}\n"}},
    "bytes-of-a-header": {"headers": {"Authorization": SECRET.encode()}},
    "headers-as-text": {"headers": f"Authorization: {SECRET}"},
    "headers-as-list": {"headers": [("Authorization", SECRET)]},
    "header-with-colon": {"headers": {f"Authorization: {SECRET}": ""}},
    "header-with-blank": {"headers": {f"Bearer {SECRET}": ""}},
    "name-as-bytes": {"headers": {f"Authorization: {SECRET}".encode(): ""}},
    "url-as-bytes": {"base_url": f"https://user:{SECRET}@api.example".encode()},
    "id-header": {"headers": {"X-Request-ID": SECRET}},
    "good-headers-and-a-fault": {"headers": {"Authorization": SECRET}, "http2": 5},
    "unknown-name": {"headers": {"Authorization": SECRET}, "timout": 5},
    "url-without-scheme": {"base_url": f"user:{SECRET}@api.example"},
    "url-of-another-scheme": {"base_url": f"ftp://user:{SECRET}@api.example"},
    "url-with-a-query": {"base_url": f"https://api.example/?key={SECRET}"},
    "url-with-a-fragment": {"base_url": f"https://api.example/#{SECRET}"},
    "url-with-a-slash-in-it": {"base_url": f"https://user:a/{SECRET}@api.example"},
    "url-with-a-question-mark": {"base_url": f"https://user:{SECRET}?x@api.example"},
    "url-with-a-line-break": {"base_url": f"https://user:{SECRET}@api.example\n"},
    "url-without-host": {"base_url": f"https://user:{SECRET}@"},
    "part-as-list": {"retry": [("Authorization", SECRET)]},
    "good-url-and-a-fault": {"base_url": f"https://u:{SECRET}@api.example", "http2": 5},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
def test_a_refusal_quotes_no_secret(settings: dict[str, Any]) -> None:
    """Neither in its text nor in what it came from."""
    with pytest.raises(ValidationError) as caught:
        ClientConfig.model_validate(settings)
    assert SECRET not in all_that_is_said(caught.value)
    with pytest.raises(ValidationError) as caught:
        CONFIG.merged(**settings)
    assert SECRET not in all_that_is_said(caught.value)


@pytest.mark.parametrize(
    "data", [[("headers", {"A": SECRET})], (SECRET.encode(),), {SECRET}, RetryConfig()]
)
def test_what_is_no_configuration_at_all_is_not_quoted(data: object) -> None:
    """It may hold anything; its type says enough."""
    with pytest.raises(ValidationError) as caught:
        ClientConfig.model_validate(data)
    expected = "is not allowed: give a ClientConfig, or a dict of its settings"
    assert f"{type(data)!r} {expected}" in str(caught.value)
    assert SECRET not in all_that_is_said(caught.value)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=6))
def test_no_password_in_a_base_url_is_ever_shown(password: str) -> None:
    """Whether it makes the URL a bad one or not."""
    # What follows a "?" or "#" is cut off, and what stands before could be a port.
    password = password.replace("?", "").replace("#", "") or "?"
    marked = f"s3c{password}"
    try:
        shown = repr(ClientConfig(base_url=f"https://user:{marked}@api.example/"))
    except ValidationError as error:
        shown = str(error)
    assert marked not in shown


VARIABLES = {
    "broken-json": ("HEADERS", f'{{"Authorization": "{SECRET}"'),
    "no-json": ("HEADERS", f"Authorization: {SECRET}"),
    "json-of-another-kind": ("HEADERS", f'["Authorization", "{SECRET}"]'),
    "number-in-json": ("HEADERS", f'{{"Authorization": ["{SECRET}"]}}'),
    "misspelt": ("HEADRES", f'{{"Authorization": "{SECRET}"}}'),
    "one-header": ("HEADERS__AUTHORIZATION", SECRET),
    "url": ("BASE_URL", f"user:{SECRET}@api.example"),
}


@pytest.mark.parametrize(("name", "value"), VARIABLES.values(), ids=VARIABLES)
def test_a_refused_variable_is_not_quoted(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the environment or from a file."""
    env_file = tmp_path / ".env"
    env_file.write_text(f"RESILIENT_CLIENT_{name}='{value}'\n")
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is what is looked at
        ClientConfig.from_env(env_file=env_file)
    assert SECRET not in all_that_is_said(caught.value)
    monkeypatch.setenv(f"RESILIENT_CLIENT_{name}", value)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its text is what is looked at
        ClientConfig.from_env()
    assert SECRET not in all_that_is_said(caught.value)

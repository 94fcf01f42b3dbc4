"""The settings of a drop-in client: checked without a pydantic model, told as by one."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from client import ConstantBackoff
from client.faces.drop_in.options import ResilienceOptions, RetrySettings


def test_the_settings_are_the_typed_options() -> None:
    """In one order, which is that of the signatures."""
    assert list(RetrySettings.defaults()) == list(ResilienceOptions.__annotations__)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    """In the order of the settings, with the place of a status in its list."""
    wrong: dict[str, Any] = {
        "status_forcelist": [500, "x", 99],
        "on_retry": 1,
        "max_retries": -1,
        "backoff_factor": 1,
    }
    with pytest.raises(ValidationError) as caught:
        RetrySettings(**wrong)
    assert [line["loc"] for line in caught.value.errors()] == [
        ("max_retries",),
        ("status_forcelist", 1),
        ("status_forcelist", 2),
        ("on_retry",),
    ]
    first = "4 validation errors for RetrySettings\nmax_retries\n  -1 is not allowed: give a whole"
    assert str(caught.value).startswith(first)


def test_a_value_that_may_be_a_secret_is_not_shown() -> None:
    """As it would be by pydantic's own texts."""
    with pytest.raises(ValidationError) as caught:
        RetrySettings(max_retries=-1)
    assert "input" not in str(caught.value)


def test_an_error_of_the_caller_s_own_is_told_with_the_others() -> None:
    """As pydantic tells it."""
    broken = (int(text) for text in ["500", "x"])
    with pytest.raises(ValidationError, match=r"status_forcelist\n  Value error, invalid literal"):
        RetrySettings(status_forcelist=broken)


@pytest.mark.parametrize("none", ["max_wait_time", "max_total_time", "status_forcelist"])
def test_none_stands_for_the_default(none: str) -> None:
    """And counts as given."""
    settings = RetrySettings(**{none: None})
    assert getattr(settings, none) is None
    assert settings.given == {none}


def test_values_are_kept_as_what_they_stand_for() -> None:
    """Texts as the numbers and lists they are in environments."""
    settings = RetrySettings(max_retries="3", status_forcelist="500, 502", retry_methods=["get"])
    assert (settings.max_retries, settings.status_forcelist) == (3, frozenset({500, 502}))
    assert settings.retry_methods == frozenset({"GET"})


def test_settings_of_a_call_are_laid_over_those_of_its_client() -> None:
    """The client's own stay as they are."""
    ours = RetrySettings(max_retries=1, backoff_strategy=ConstantBackoff(2.0))
    merged = ours.merged(backoff_factor=4, jitter_factor=1)
    assert (merged.max_retries, merged.jitter_factor) == (1, 1.0)
    assert merged.backoff.delay(1) == 4.0
    assert ours.backoff.delay(1) == 2.0
    assert ours.given == {"max_retries", "backoff_strategy"}
    with pytest.raises(ValueError, match=re.escape("max_retries\n  'x' is not allowed")):
        ours.merged(max_retries="x")


def test_a_setting_of_the_class_is_its_default() -> None:
    """As `inspect` and autospecs of mocks ask for it."""
    assert RetrySettings.max_retries == 3


@pytest.mark.parametrize("part", ["rate_limit", "hedge", "chaos"])
def test_a_part_is_a_configuration_or_a_dict(part: str) -> None:
    """It says which."""
    with pytest.raises(ValidationError, match=r"5 is not allowed: give a \w+Config, a dict of"):
        RetrySettings(**{part: 5})

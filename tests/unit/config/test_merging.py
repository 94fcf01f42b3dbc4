"""`merged`: a new configuration with some settings replaced, and the old one as it was."""

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from client.config.merging import given_settings, merge
from client.config.models import (
    BulkheadConfig,
    CircuitBreakerConfig,
    ClientConfig,
    RetryBudgetConfig,
    RetryConfig,
    TimeoutConfig,
)
from tests.unit.config.configs import nested, setting_of

BASE = ClientConfig(
    base_url="https://api.example",
    timeout=TimeoutConfig(read=7, total=30),
    retry=RetryConfig(max_attempts=5, budget=RetryBudgetConfig(ratio=0.5)),
    headers={"Authorization": "old", "X-A": "1"},
)


@pytest.mark.parametrize(
    "overrides",
    [
        {"retry.max_attempts": 9},
        {"retry": {"max_attempts": 9}},
        {"retry": MappingProxyType({"max_attempts": 9})},
    ],
    ids=["dotted", "nested", "mapping"],
)
def test_a_setting_is_replaced_and_its_neighbours_stay(overrides: dict[str, Any]) -> None:
    """In either way of writing it."""
    found = BASE.merged(**overrides)
    assert found.retry == RetryConfig(max_attempts=9, budget=RetryBudgetConfig(ratio=0.5))
    assert (found.timeout, found.base_url) == (BASE.timeout, BASE.base_url)


@pytest.mark.parametrize(
    "overrides",
    [
        {"retry.budget.ratio": 0.1},
        {"retry": {"budget": {"ratio": 0.1}}},
        {"retry": {"budget.ratio": 0.1}},
        {"retry.budget": {"ratio": 0.1}},
    ],
    ids=["dotted", "nested", "nested-dotted", "dotted-nested"],
)
def test_paths_may_be_as_deep_as_the_configuration(overrides: dict[str, Any]) -> None:
    """And written in a mixture of both."""
    found = BASE.merged(**overrides).retry
    assert found == RetryConfig(max_attempts=5, budget=RetryBudgetConfig(ratio=0.1))


def test_several_settings_are_replaced_at_once() -> None:
    """Of one part, too; a later one stands."""
    overrides: dict[str, Any] = {
        "retry.max_attempts": 2,
        "retry": {"jitter": False, "max_attempts": 4},
        "http2": True,
        "timeout.read": None,
    }
    found = BASE.merged(**overrides)
    assert found.retry == RetryConfig(
        max_attempts=4, jitter=False, budget=RetryBudgetConfig(ratio=0.5)
    )
    assert (found.http2, found.timeout) == (True, TimeoutConfig(read=None, total=30))


def test_without_overrides_it_is_the_same() -> None:
    """By value."""
    assert BASE.merged() == BASE


def test_a_part_as_an_object_replaces_the_whole_part() -> None:
    """What it leaves out is the default again."""
    assert BASE.merged(retry=RetryConfig(jitter=False)).retry == RetryConfig(jitter=False)


def test_a_setting_can_be_laid_over_an_object() -> None:
    """Given together, in this order."""
    overrides: dict[str, Any] = {"retry": RetryConfig(max_attempts=9), "retry.jitter": False}
    assert BASE.merged(**overrides).retry == RetryConfig(max_attempts=9, jitter=False)


def test_none_switches_a_layer_off() -> None:
    """At any depth."""
    assert BASE.merged(retry=None).retry is None
    off: dict[str, Any] = {"retry.budget": None}
    assert setting_of(BASE.merged(**off), "retry.budget") is None


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("retry.max_attempts", 9, RetryConfig(max_attempts=9)),
        ("bulkhead.max_concurrency", 9, BulkheadConfig(max_concurrency=9)),
        ("circuit_breaker.scope", "origin", CircuitBreakerConfig(scope="origin")),
    ],
)
def test_a_setting_of_a_layer_that_is_off_switches_it_on(
    path: str, value: object, expected: object
) -> None:
    """With the defaults for the rest."""
    off = ClientConfig(retry=None, bulkhead=None, circuit_breaker=None)
    part = path.partition(".")[0]
    for overrides in ({path: value}, nested(path, value)):
        found = off.merged(**overrides)
        assert getattr(found, part) == expected
        assert [off.retry, off.bulkhead, off.circuit_breaker] == [None, None, None]


def test_the_original_does_not_change() -> None:
    """Clients that were made of it go by it."""
    before = BASE.model_copy(deep=True)
    found = BASE.merged(headers={"X-A": "2"}, **{"retry.max_attempts": 9, "timeout.read": 1})
    assert before == BASE
    found.headers["X-B"] = "3"
    assert before == BASE


def test_headers_are_merged_by_their_names() -> None:
    """Which are the same in any case: one token, and not two of them."""
    found = BASE.merged(headers={"authorization": "new", "X-B": "2"})
    assert found.headers == {"authorization": "new", "X-A": "1", "X-B": "2"}


def test_a_dot_in_the_name_of_a_header_is_part_of_it() -> None:
    """Tokens may have them."""
    found = BASE.merged(headers={"X.Y": "1"}).headers
    assert found == {"Authorization": "old", "X-A": "1", "X.Y": "1"}
    dotted: dict[str, Any] = {"headers.X.Y": "2", "headers.X-A": "3"}
    assert BASE.merged(**dotted).headers == {"Authorization": "old", "X-A": "3", "X.Y": "2"}


def test_lists_are_replaced_whole() -> None:
    """They are values, not parts."""
    first = BASE.merged(retry={"statuses": [500, 503]})
    assert setting_of(first.merged(retry={"statuses": [502]}), "retry.statuses") == {502}


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"retry.max_atempts": 5}, "there is no setting 'max_atempts': did you mean"),
        ({"retry": {"max_atempts": 5}}, "there is no setting 'max_atempts': did you mean"),
        ({"rety.max_attempts": 5}, "there is no setting 'rety': did you mean 'retry'?"),
        ({"retry.max_attempts.x": 5}, "{'x': 5} is not allowed: give a whole number from 1 to 100"),
        ({"retry.max_attempts": 0}, "0 is not allowed: give a whole number from 1 to 100"),
        ({"retry.min_wait_seconds": 90}, "min_wait_seconds (90.0) must not be above max_wait"),
        ({"self": 1}, "there is no setting 'self'"),
        ({"retry": {5: 1}}, "there is no setting '5'"),
        ({"": 1}, "there is no setting ''"),
    ],
    ids=str,
)
def test_overrides_are_checked_like_all_else(overrides: dict[str, Any], expected: str) -> None:
    """By the same rules."""
    with pytest.raises(ValidationError) as caught:
        BASE.merged(**overrides)
    assert expected in str(caught.value)


def test_whether_a_setting_was_given_is_remembered() -> None:
    """Some mean more when they are: a threshold beside a rate, say."""
    config = CircuitBreakerConfig(failure_rate=0.5)
    assert "failure_threshold" not in config.merged(recovery_timeout=1).model_fields_set
    given_ = config.merged(failure_threshold=5).merged(recovery_timeout=1)
    assert "failure_threshold" in given_.model_fields_set


def test_every_part_can_be_merged_on_its_own() -> None:
    """A call's `retry=` is."""
    assert RetryConfig(jitter=False).merged(**{"budget.ratio": 1}) == RetryConfig(
        jitter=False, budget=RetryBudgetConfig(ratio=1)
    )


def test_what_was_given_is_known_without_the_defaults() -> None:
    """As nested dicts."""
    assert given_settings(BASE) == {
        "base_url": "https://api.example",
        "timeout": {"read": 7.0, "total": 30.0},
        "retry": {"max_attempts": 5, "budget": {"ratio": 0.5}},
        "headers": {"Authorization": "old", "X-A": "1"},
    }
    assert given_settings(ClientConfig(retry=None)) == {"retry": None}
    assert given_settings(ClientConfig()) == {}


def test_merging_leaves_both_sides_alone() -> None:
    """It makes a new dict, at every depth."""
    base: dict[str, Any] = {"a": {"b": {"c": 1}}, "d": [1]}
    overrides: dict[str, Any] = {"a.b.e": 2, "f": {"g": 3}}
    found: dict[str, Any] = dict(merge(base, overrides))
    assert found == {"a": {"b": {"c": 1, "e": 2}}, "d": [1], "f": {"g": 3}}
    found["a"]["b"]["c"] = found["f"]["g"] = 9
    assert base == {"a": {"b": {"c": 1}}, "d": [1]}
    assert overrides == {"a.b.e": 2, "f": {"g": 3}}


@given(
    attempts=st.lists(st.integers(1, 100), min_size=1, max_size=5),
    waits=st.lists(st.floats(0, 60), max_size=5),
)
def test_the_last_of_many_stands(attempts: list[int], waits: list[float]) -> None:
    """However they came to be laid over each other."""
    config = ClientConfig()
    for value in attempts:
        config = config.merged(**nested("retry.max_attempts", value))
    for wait in waits:
        config = config.merged(**{"retry.min_wait_seconds": wait})
    assert setting_of(config, "retry.max_attempts") == attempts[-1]
    assert setting_of(config, "retry.min_wait_seconds") == (waits or [1.0])[-1]

"""A limit that finds itself, and the one that it may not exceed."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from client import AdaptiveLimitConfig, BulkheadConfig, ClientConfig


def test_the_ceiling_is_higher_where_the_limit_finds_itself() -> None:
    """Unless it is given; and it goes with what it belongs to."""
    config = BulkheadConfig(adaptive=AdaptiveLimitConfig())
    assert config.max_concurrency == 200
    assert "max_concurrency" not in config.model_fields_set
    assert config.merged(adaptive=None).max_concurrency == 50
    assert config.merged(acquisition_timeout=1).max_concurrency == 200
    given = BulkheadConfig(max_concurrency=30, adaptive=AdaptiveLimitConfig())
    assert given.max_concurrency == 30
    assert BulkheadConfig().merged(adaptive={"min_limit": 2}).max_concurrency == 200
    assert BulkheadConfig().max_concurrency == 50


def test_it_can_be_given_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting by setting, as JSON, and off."""
    monkeypatch.setenv("RESILIENT_CLIENT_BULKHEAD__ADAPTIVE__MIN_LIMIT", "3")
    assert ClientConfig.from_env().bulkhead == BulkheadConfig(
        adaptive=AdaptiveLimitConfig(min_limit=3)
    )
    monkeypatch.delenv("RESILIENT_CLIENT_BULKHEAD__ADAPTIVE__MIN_LIMIT")
    monkeypatch.setenv("RESILIENT_CLIENT_BULKHEAD__ADAPTIVE", "{}")
    assert ClientConfig.from_env().bulkhead == BulkheadConfig(adaptive=AdaptiveLimitConfig())
    monkeypatch.setenv("RESILIENT_CLIENT_BULKHEAD__ADAPTIVE", "null")
    assert ClientConfig.from_env().bulkhead == BulkheadConfig(adaptive=None)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (
            {"adaptive": {"min_limit": 30, "initial_limit": 20}},
            "min_limit (30) must not be above initial_limit (20)",
        ),
        (
            {"max_concurrency": 10, "adaptive": {"initial_limit": 20}},
            "adaptive.initial_limit (20) must not be above max_concurrency (10)",
        ),
        (
            {"max_concurrency": 10, "adaptive": {"min_limit": 11}},
            "adaptive.min_limit (11) must not be above max_concurrency (10)",
        ),
        (
            {"adaptive": {"min_limit": 201}},
            "adaptive.min_limit (201) must not be above max_concurrency (200)",
        ),
    ],
    ids=["initial", "ceiling", "least", "least-of-default"],
)
def test_limits_that_contradict_each_other_are_refused(
    settings: dict[str, Any], expected: str
) -> None:
    """With both."""
    with pytest.raises(ValidationError) as caught:
        BulkheadConfig.model_validate(settings)
    assert expected in str(caught.value)


def test_a_default_gives_way_to_what_is_given() -> None:
    """To begin at 20 is no contradiction to a ceiling of 10, nor to a floor of 30."""
    config = BulkheadConfig(max_concurrency=10, adaptive=AdaptiveLimitConfig())
    assert config.adaptive == AdaptiveLimitConfig()
    assert AdaptiveLimitConfig(min_limit=30).initial_limit == 20

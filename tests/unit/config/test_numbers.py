"""The numbers of the configuration: each has its bounds, and a refusal that names them."""

import math
import re
from decimal import Decimal
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from client import AdaptiveLimitConfig, HedgeConfig
from client.config.models import ClientConfig, RetryConfig
from tests.unit.config.configs import MODELS, config_with, refusal_of, setting_of

YEAR = 31_536_000
MILLION = 1_000_000


class Bounds(NamedTuple):
    """What a number may be, and how the refusal says so."""

    low: float
    high: float
    says: str
    is_whole: bool = False
    excludes_low: bool = False


SECONDS = Bounds(0, YEAR, "a number of seconds from 0 to 31536000")
POSITIVE = Bounds(0, YEAR, "a number of seconds above 0, up to 31536000", excludes_low=True)
COUNT = Bounds(1, MILLION, "a whole number from 1 to 1000000", is_whole=True)
NUMBERS = {
    "timeout.connect": POSITIVE,
    "timeout.read": POSITIVE,
    "timeout.write": POSITIVE,
    "timeout.pool": POSITIVE,
    "timeout.total": POSITIVE,
    "retry.max_attempts": Bounds(1, 100, "a whole number from 1 to 100", is_whole=True),
    "retry.min_wait_seconds": SECONDS,
    "retry.max_wait_seconds": SECONDS,
    "retry.multiplier": SECONDS,
    "retry.max_retry_after": SECONDS,
    "retry.budget.ratio": Bounds(0, 10, "a number from 0 to 10"),
    "retry.budget.minimum_per_second": Bounds(0, MILLION, "a number from 0 to 1000000"),
    "circuit_breaker.failure_threshold": COUNT,
    "circuit_breaker.recovery_timeout": SECONDS,
    "circuit_breaker.success_threshold": COUNT,
    "circuit_breaker.half_open_max_calls": COUNT,
    "circuit_breaker.failure_rate": Bounds(0, 1, "a number above 0, up to 1", excludes_low=True),
    "circuit_breaker.window_seconds": Bounds(
        0.001, YEAR, "a number of seconds from 0.001 to 31536000"
    ),
    "circuit_breaker.minimum_calls": COUNT,
    "circuit_breaker.recovery_jitter": Bounds(0, 1, "a number from 0 to 1"),
    "circuit_breaker.recovery_multiplier": Bounds(1, 10, "a number from 1 to 10"),
    "circuit_breaker.max_recovery_timeout": SECONDS,
    "bulkhead.max_concurrency": COUNT,
    "bulkhead.acquisition_timeout": SECONDS,
    "balancing.outliers.consecutive_failures": COUNT,
    "balancing.outliers.failure_ratio": Bounds(
        0, 1, "a number above 0, up to 1", excludes_low=True
    ),
    "balancing.outliers.minimum_calls": COUNT,
    "balancing.outliers.base_ejection": POSITIVE,
    "balancing.outliers.max_ejection": POSITIVE,
    "balancing.outliers.max_ejection_share": Bounds(0, 1, "a number from 0 to 1"),
    "balancing.outliers.panic_share": Bounds(0, 1, "a number from 0 to 1"),
    "balancing.outliers.slow_start": SECONDS,
    "balancing.refresh": POSITIVE,
    "balancing.health_interval": POSITIVE,
    "balancing.max_connection_age": POSITIVE,
    "max_body_bytes": Bounds(1, 2**40, "a whole number from 1 to 1099511627776", is_whole=True),
}
OPTIONAL = {
    *("timeout.connect", "timeout.read", "timeout.write", "timeout.pool", "timeout.total"),
    *("circuit_breaker.failure_rate", "circuit_breaker.window_seconds"),
    *("circuit_breaker.minimum_calls", "max_body_bytes"),
    *("balancing.outliers.failure_ratio", "balancing.max_connection_age"),
}
# A setting that another needs, or is compared with, is given along with it.
COMPANIONS: dict[str, dict[str, object]] = {
    "retry.min_wait_seconds": {"retry": {"max_wait_seconds": YEAR}},
    "retry.max_wait_seconds": {"retry": {"min_wait_seconds": 0}},
    "circuit_breaker.window_seconds": {"circuit_breaker": {"failure_rate": 0.5}},
    "circuit_breaker.minimum_calls": {"circuit_breaker": {"failure_rate": 0.5}},
    "circuit_breaker.max_recovery_timeout": {"circuit_breaker": {"recovery_timeout": 0}},
    "balancing.outliers.minimum_calls": {"balancing": {"outliers": {"failure_ratio": 0.5}}},
    "balancing.outliers.base_ejection": {"balancing": {"outliers": {"max_ejection": YEAR}}},
}
NO_NUMBERS = [
    *(math.nan, math.inf, -math.inf, -1, -0.5, 10**400, True, False),
    *("nan", "inf", "-1", "1e400", "many", "", "9" * 5000, "true", "1,5"),
    *(b"5", Decimal(1), 1 + 0j, [1], {}, object),
]
every_number = pytest.mark.parametrize("path", NUMBERS)


def accepted(path: str, value: object) -> Any:
    """What becomes of a value that must be accepted."""
    config = ClientConfig.model_validate(COMPANIONS.get(path, {}))
    return setting_of(config.merged(**{path: value}), path)


def test_the_table_of_these_tests_is_complete() -> None:
    """A new number has its bounds tested."""
    numbers = {
        f"{path}.{name}".lstrip(".")
        for path, kind in MODELS.items()
        for name, field in kind.model_fields.items()
        if re.search(r"\b(int|float)\b", str(field.annotation))
    }
    assert numbers - {"retry.statuses"} == NUMBERS.keys()


@pytest.mark.parametrize(
    ("model", "name", "says"),
    [
        (HedgeConfig, "percentile", "give a number above 0, up to 0.9999"),
        (AdaptiveLimitConfig, "backoff_ratio", "give a number from 0.1 to 0.99"),
    ],
    ids=["percentile", "backoff-ratio"],
)
def test_a_bound_between_whole_numbers_is_named_as_it_is(
    model: type[BaseModel], name: str, says: str
) -> None:
    """And not rounded to what is refused."""
    with pytest.raises(ValidationError, match=re.escape(f"1 is not allowed: {says} ")):
        model(**{name: 1})


@every_number
@settings(max_examples=20)
@given(data=st.data())
def test_a_number_within_its_bounds_is_accepted(path: str, data: st.DataObject) -> None:
    """Both ends included, unless they are not."""
    bounds = NUMBERS[path]
    within: st.SearchStrategy[float] = (
        st.integers(int(bounds.low), int(bounds.high))
        if bounds.is_whole
        else st.floats(bounds.low, bounds.high, exclude_min=bounds.excludes_low)
    )
    value = data.draw(within)
    assert accepted(path, value) == value
    assert accepted(path, str(value)) == value


@every_number
def test_the_ends_of_the_bounds(path: str) -> None:
    """To the last digit."""
    bounds = NUMBERS[path]
    below = bounds.low - 1 if bounds.is_whole else math.nextafter(bounds.low, -math.inf)
    above = bounds.high + 1 if bounds.is_whole else math.nextafter(bounds.high, math.inf)
    outside = [below, above, bounds.low] if bounds.excludes_low else [below, above]
    for value in outside:
        assert refusal_of(path, value).endswith(f"is not allowed: give {bounds.says}")
    assert accepted(path, bounds.high) == bounds.high
    if not bounds.excludes_low:
        assert accepted(path, bounds.low) == bounds.low


@every_number
def test_anything_else_is_refused_by_path_value_and_bound(path: str) -> None:
    """In these words."""
    for value in NO_NUMBERS:
        shown = repr(value) if len(repr(value)) <= 80 else f"{repr(value)[:80]}..."
        expected = f"{path}: {shown} is not allowed: give {NUMBERS[path].says}"
        assert refusal_of(path, value) == expected


@every_number
def test_none_is_a_number_only_where_it_means_something(path: str) -> None:
    """Unbounded, or switched off."""
    if path in OPTIONAL:
        assert setting_of(config_with(path, None), path) is None
    else:
        assert refusal_of(path, None).startswith(f"{path}: None is not allowed: give ")


@pytest.mark.parametrize("path", [path for path, each in NUMBERS.items() if each.is_whole])
def test_a_whole_number_has_no_fraction(path: str) -> None:
    """It is not cut off in silence."""
    for value in (1.5, "1.5", "2.0", math.pi):
        assert "give a whole number from 1" in refusal_of(path, value)


def test_a_number_of_the_right_value_is_brought_into_its_type() -> None:
    """Whole where it counts, with a fraction where it measures."""
    retry = RetryConfig.model_validate({"max_attempts": 5.0, "multiplier": 3})
    assert (type(retry.max_attempts), type(retry.multiplier)) == (int, float)


def test_a_number_too_long_to_be_written_is_refused_by_its_type() -> None:
    """Python itself refuses to write it."""
    found = refusal_of("retry.max_attempts", 10**5000)
    expected = "<int> is not allowed: give a whole number from 1 to 100"
    assert found == f"retry.max_attempts: {expected}"

"""What counts as a time in seconds."""

import math

import pytest

from client.runtime.seconds import MAX_SECONDS, is_seconds


@pytest.mark.parametrize("value", [0, 0.0, 1, 0.001, 86_400, MAX_SECONDS, 31_536_000])
def test_numbers_from_zero_to_a_year_are_seconds(value: object) -> None:
    """Both ends belong to it."""
    assert is_seconds(value) is True


@pytest.mark.parametrize(
    "value",
    [-1, -1e-9, math.nextafter(MAX_SECONDS, math.inf), 10**400, math.nan, math.inf, -math.inf],
)
def test_other_numbers_are_not(value: object) -> None:
    """Not even those that compare strangely."""
    assert is_seconds(value) is False


@pytest.mark.parametrize("value", [True, False, None, "1", 1 + 0j, [1]])
def test_what_is_no_number_is_not(value: object) -> None:
    """Python counts booleans as integers; nobody means one second by True."""
    assert is_seconds(value) is False


def test_a_year_is_365_days() -> None:
    """The longest time that can be asked for."""
    assert MAX_SECONDS == 365 * 24 * 60 * 60

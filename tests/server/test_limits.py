"""The bounds that protect a server."""

from typing import Any

import pytest

from server.limits import Limits


def test_the_documented_limits_are_in_force() -> None:
    """Unless others are given."""
    expected = Limits(request_ids=100_000, body_bytes=1_048_576, body_seconds=60, waiting=10_000)
    assert Limits() == expected


@pytest.mark.parametrize("name", ["request_ids", "body_bytes", "body_seconds", "waiting"])
@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_a_limit_that_protects_nothing_is_refused(name: str, value: Any) -> None:
    """Every limit lies above zero."""
    with pytest.raises(ValueError, match=rf"Limits\.{name} is .*above 0"):
        Limits(**{name: value})

"""How the wait grows from one retry to the next."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.backoff import (
    Backoff,
    ConstantBackoff,
    ExponentialBackoff,
    FibonacciBackoff,
    LinearBackoff,
)

Kind = type[ExponentialBackoff | LinearBackoff | FibonacciBackoff | ConstantBackoff]
KINDS: list[Kind] = [ExponentialBackoff, LinearBackoff, FibonacciBackoff, ConstantBackoff]
SECONDS = st.floats(0, 31_536_000)


@pytest.mark.parametrize(
    ("kind", "factors"),
    [
        (ExponentialBackoff, [1, 2, 4, 8, 16, 32, 64, 128]),
        (LinearBackoff, [1, 2, 3, 4, 5, 6, 7, 8]),
        (FibonacciBackoff, [1, 1, 2, 3, 5, 8, 13, 21]),
        (ConstantBackoff, [1, 1, 1, 1, 1, 1, 1, 1]),
    ],
    ids=["exponential", "linear", "fibonacci", "constant"],
)
def test_each_grows_in_its_way(kind: Kind, factors: list[float]) -> None:
    """In units of the base delay."""
    backoff = kind(base_delay=0.5)
    assert [backoff.factor(attempt) for attempt in range(1, 9)] == factors
    assert [backoff.delay(attempt) for attempt in range(1, 9)] == [0.5 * each for each in factors]


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_wait_is_a_second_by_default(kind: Kind) -> None:
    """And nothing bounds the later ones."""
    assert kind() == kind(base_delay=1.0, max_delay=None)
    assert kind().delay(1) == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_no_wait_is_longer_than_the_longest(kind: Kind) -> None:
    """Not even the first."""
    backoff = kind(base_delay=3, max_delay=2.5)
    assert [backoff.delay(attempt) for attempt in (1, 2, 50)] == [2.5, 2.5, 2.5]


@pytest.mark.parametrize("kind", KINDS)
@given(base=SECONDS, most=st.none() | SECONDS, attempts=st.sets(st.integers(1, 100_000)))
def test_waits_never_shrink_and_never_fail(
    kind: Kind, base: float, most: float | None, attempts: set[int]
) -> None:
    """However many attempts there were: no overflow, no nan."""
    backoff = kind(base_delay=base, max_delay=most)
    waits = [backoff.delay(attempt) for attempt in sorted(attempts)]
    assert all(before <= after for before, after in pairwise(waits))
    assert all(0 <= wait <= (math.inf if most is None else most) for wait in waits)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, True, "1", 10**9])
def test_a_base_delay_must_be_seconds(kind: Kind, value: float) -> None:
    """The error says what was given and what is allowed."""
    with pytest.raises(ValueError, match="is not allowed: give a number of seconds") as caught:
        kind(base_delay=value)
    assert str(caught.value).startswith(f"base_delay {value!r} ")


def test_a_base_delay_of_none_is_refused() -> None:
    """Only the longest wait may be left open."""
    nothing: Any = None
    with pytest.raises(ValueError, match=r"^base_delay None "):
        ConstantBackoff(base_delay=nothing)


@pytest.mark.parametrize("value", [-1, math.nan, "1"])
def test_a_longest_delay_must_be_seconds(value: float) -> None:
    """Likewise."""
    with pytest.raises(ValueError, match=r"^max_delay .* is not allowed"):
        LinearBackoff(max_delay=value)


def test_a_backoff_does_not_change() -> None:
    """It is shared by every call of a client."""
    backoff = ExponentialBackoff()
    with pytest.raises(AttributeError):
        backoff.base_delay = 2.0  # type: ignore[misc] # that is the test


def test_one_s_own_needs_only_a_delay() -> None:
    """The bundled ones are no more than that."""

    class Own(Backoff):
        def delay(self, attempt: int) -> float:
            return attempt / 2

    assert Own().delay(3) == 1.5

"""How many, and how much, a storage may keep."""

from __future__ import annotations

__all__ = ["check_bound"]


def check_bound(name: str, value: object) -> int:
    """Return a bound.

    Raises:
        ValueError: It is no whole number, or below 1.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}: give a whole number from 1 on")
    return value

"""What counts as a time in seconds, wherever one is given in code."""

from __future__ import annotations

from typing import Final, TypeGuard

__all__ = ["MAX_SECONDS", "is_seconds"]

MAX_SECONDS: Final = 31_536_000.0
"""The longest time that can be asked for: a year."""


def is_seconds(value: object) -> TypeGuard[float]:
    """Tell whether a value is a number from 0 to a year; a boolean is none, nor is nan."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_SECONDS

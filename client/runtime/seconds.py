"""What counts as a time in seconds, and whether waits last: a test may switch them off."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeGuard

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["MAX_SECONDS", "is_seconds", "seconds_to_wait", "without_waiting"]

MAX_SECONDS: Final = 31_536_000.0
"""The longest time that can be asked for: a year."""
_lock = threading.Lock()
_switched_off = 0
"""How many blocks are under way that want no waiting."""


def is_seconds(value: object) -> TypeGuard[float]:
    """Return whether a value is a number from 0 to a year; a boolean is none, nor is nan."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return 0 <= value <= MAX_SECONDS


def seconds_to_wait(seconds: float) -> float:
    """Return how long a wait of so many seconds lasts here: itself, or nothing."""
    return 0.0 if _switched_off else seconds


@contextmanager
def without_waiting() -> Generator[None]:
    """Let no wait last, in any thread, until the block is left; blocks may stand in one another."""
    _switch(1)
    try:
        yield
    finally:
        _switch(-1)


def _switch(step: int) -> None:
    global _switched_off  # noqa: PLW0603 - it is the process that waits or does not
    with _lock:
        _switched_off += step

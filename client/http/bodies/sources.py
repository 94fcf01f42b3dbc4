"""What a body is read from, and whether it can be read again."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sized
from typing import TYPE_CHECKING, TypeGuard

if TYPE_CHECKING:
    from collections.abc import AsyncIterable as Asynchronous

__all__ = ["is_async", "is_closed", "is_file", "is_read_once", "is_seekable"]


def is_async(source: object) -> TypeGuard[Asynchronous[bytes]]:
    """Return whether a value is read with `async for`."""
    return isinstance(source, AsyncIterable)


def is_file(source: object) -> bool:
    """Return whether a value can be read, blocking or async."""
    return hasattr(source, "read") or hasattr(source, "aread")


def is_closed(source: object) -> bool:
    """Return whether a value is a file that somebody has closed."""
    return getattr(source, "closed", False) is True


def is_seekable(source: object) -> bool:
    """Return whether a value is a file that can be rewound without awaiting anything."""
    if is_async(source) or not all(hasattr(source, name) for name in ("read", "seek", "tell")):
        return False
    seekable = getattr(source, "seekable", None)
    return seekable is None or seekable() is True


def is_read_once(source: object) -> bool:
    """Return whether a value may be empty when it is iterated again: anything without a length.

    An object that merely has `__iter__` may hand out the same iterator each time.
    """
    return not isinstance(source, Sized)

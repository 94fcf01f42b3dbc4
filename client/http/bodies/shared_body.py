"""Whether several attempts may send the body of a request at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors.httpx_names import FIELDS, FILE

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["is_shareable"]


def is_shareable(stream: Any, module: ModuleType, most: int) -> bool:
    """Return whether a body lies in memory, and has no more than `most` bytes.

    A file has one place at which it is read, and an iterator yields what it has but once.

    Args:
        stream: The body of a built request.
        module: Of its family.
        most: The largest that is worth it.
    """
    fields = getattr(stream, FIELDS, None)
    if fields is None and not isinstance(stream, module.ByteStream):
        return False
    if not all(isinstance(getattr(field, FILE, b""), str | bytes) for field in fields or ()):
        return False
    left = most
    for chunk in stream:
        left -= len(chunk)
        if left < 0:
            return False
    return True

"""What a storage is, for those who write one of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable

__all__ = ["Storage"]


class Storage(Protocol):
    """Keeps bytes under keys, for as long as it likes.

    Each method is plain or async; async ones are for async clients alone. Plain ones run in threads
    of their own, several at once, so they may block, and must be safe between threads. A class
    whose methods never block, as a dict does not, says so by `is_blocking = False`: they are called
    right where the call is made, then.

    A key is some 50 letters and digits of ASCII. A value says what it is and carries a checksum;
    what was cut short or changed on the way is taken for absent. Both are opaque: no URL, no header
    of a request and no credential stands in a key, but a value holds the answer as it came.

    Whatever a method raises, and whatever lasts longer than `storage_timeout`, is as if nothing
    were kept.
    """

    def get(self, key: str, /) -> bytes | Awaitable[bytes | None] | None:
        """Return what was set last, or None where that is gone."""
        ...

    def set(self, key: str, value: bytes, /) -> Awaitable[None] | None:
        """Keep a value in place of what stands there."""
        ...

    def delete(self, key: str, /) -> Awaitable[None] | None:
        """Forget a value, if it is there."""
        ...

    def close(self) -> Awaitable[None] | None:
        """Release what it holds: the last client that uses it is closed. It may be used again."""
        ...

"""What became of an operation at the cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CacheReport", "CacheStatus"]

CacheStatus: TypeAlias = Literal["hit", "stale", "revalidated", "miss", "bypass"]


class CacheReport(NamedTuple):
    """What the cache did for an answer, found in `response.extensions["cache"]`.

    Its values can be read as attributes and, like the other extensions of httpx, by key.

    Attributes:
        status: "hit" (kept, and fresh), "stale" (kept, and served although it is not fresh any
            more), "revalidated" (kept, and a server has said that it still holds), "miss" (of a
            server), or "bypass" (the cache had no part in it).
        why: The reason, in a few words, for logs and for whoever looks.
        age: Seconds since a server made the answer, as the `Age` header says; None where no kept
            answer is served.
    """

    status: CacheStatus
    why: str
    age: float | None = None

    def __getitem__(self, key: Any) -> Any:
        """Return the field of that name, or at that place."""
        if not isinstance(key, str):
            return cast("Any", tuple).__getitem__(self, key)
        if key not in self._fields:
            raise KeyError(key)
        return getattr(self, key)

    def keys(self) -> Iterator[str]:
        """Return the names of the fields."""
        return iter(self._fields)

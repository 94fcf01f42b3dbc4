"""The header fields of a request or an answer, as the rules of the cache read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Fields"]


class Fields:
    """Header fields by lower-case name, each with its lines in the order in which they came.

    It never changes. Names to look up are given in lower case.

    Args:
        pairs: Names in any case, and values; bytes are read as Latin-1.
    """

    __slots__ = ("_lines",)
    _lines: dict[str, list[str]]

    def __init__(self, pairs: Iterable[tuple[bytes | str, bytes | str]] = ()) -> None:
        lines: dict[str, list[str]] = {}
        for raw_name, raw_value in pairs:
            name = raw_name.decode("latin-1") if isinstance(raw_name, bytes) else raw_name
            value = raw_value.decode("latin-1") if isinstance(raw_value, bytes) else raw_value
            lines.setdefault(name.lower(), []).append(value)
        self._lines = lines

    def get(self, name: str) -> str | None:
        """Return the lines of a field joined by commas (RFC 9110, 5.2), or None without any."""
        lines = self._lines.get(name)
        if lines is None:
            return None
        return lines[0] if len(lines) == 1 else ", ".join(lines)

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the values of a field line by line; none for a field that is not there."""
        return tuple(self._lines.get(name, ()))

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fields) and self._lines == other._lines

    def __hash__(self) -> int:
        return hash(frozenset((name, tuple(lines)) for name, lines in self._lines.items()))

    def __repr__(self) -> str:
        return f"Fields({', '.join(self._lines)})"  # a value may be a secret

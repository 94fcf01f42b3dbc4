"""Headers, and what else httpx takes as a mapping or as pairs, brought into one form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from .shapes import Headers

__all__ = [
    "Pairs",
    "find_header",
    "put_carried",
    "put_header",
    "set_default",
    "to_httpx",
    "to_pairs",
]

Pairs: TypeAlias = list[tuple[Any, Any]]


def to_pairs(headers: Any) -> Pairs:
    """Return a mapping, pairs or httpx's own headers as pairs, in order and with repetitions."""
    if headers is None:
        return []
    if hasattr(headers, "multi_items"):
        return list(headers.multi_items())
    if isinstance(headers, Mapping):
        return list(cast("Mapping[object, object]", headers).items())
    return [(name, value) for name, value in headers]


def find_header(pairs: Pairs, name: str) -> Any:
    """Return the first value of a header, or None; names are the same in any case."""
    wanted = name.lower()
    for key, value in pairs:
        if _text(key).lower() == wanted:
            return value
    return None


def set_default(pairs: Pairs, name: str, value: str) -> None:
    """Add a header unless it is there."""
    if find_header(pairs, name) is None:
        pairs.append((name, value))


def put_header(pairs: Pairs, name: str, value: str) -> None:
    """Set a header, in place of all its values so far."""
    wanted = name.lower()
    pairs[:] = [(key, text) for key, text in pairs if _text(key).lower() != wanted]
    pairs.append((name, value))


def put_carried(headers: Headers, carried: Mapping[str, str]) -> None:
    """Put what a request carries of its trace into its headers, beside the baggage of others."""
    for name, value in carried.items():
        if name == "baggage" and (there := headers.get(name)):
            headers[name] = there if value in there else f"{there},{value}"
        else:
            headers[name] = value


def to_httpx(pairs: Pairs) -> Pairs | dict[object, object]:
    """Return headers as a dict, which tests can look into, or as pairs where one is repeated."""
    as_dict = dict(pairs)
    return as_dict if len(as_dict) == len(pairs) else pairs


def _text(name: object) -> str:
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)

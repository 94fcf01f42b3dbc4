"""Which header fields of a request an answer depends on (RFC 9111, 4.1; RFC 9110, 12.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .lists import is_token, members

if TYPE_CHECKING:
    from ..fields import Fields

__all__ = ["selecting_value", "vary_names"]

_CASE_FREE: Final = frozenset({"accept-language", "accept-encoding", "accept-charset"})
"""What stands in them means the same in any case."""


def vary_names(fields: Fields) -> tuple[str, ...] | None:
    """Return the names in an answer's `Vary`, each once, in lower case and sorted.

    None means that it depends on more than header fields say: a `*`, or something that is no name.
    """
    names: set[str] = set()
    for line in fields.lines("vary"):
        for member in members(line):
            if member == "*" or not is_token(member):
                return None
            names.add(member.lower())
    return tuple(sorted(names))


def selecting_value(name: str, fields: Fields) -> str | None:
    """Return what a request says in such a field, so that equals are equal; None for nothing.

    Lines are joined and blanks around commas do not matter. The order stays: a server may take it
    for a preference, and then one would be served what is for the other.

    Args:
        name: The field's name, in lower case.
        fields: Those of the request.
    """
    lines = fields.lines(name)
    if not lines:
        return None
    value = ", ".join(member for line in lines for member in members(line))
    return value.lower() if name in _CASE_FREE else value

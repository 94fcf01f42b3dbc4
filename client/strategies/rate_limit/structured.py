"""Reads lists of structured fields (RFC 9651), as far as rate limits are told in them.

A member is a text, a token or an integer with parameters, such as `"default";q=100;w=60`. Strictly,
as the RFC asks: a field with a mistake in it is no field.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["Member", "parse_list"]

_LONGEST: Final = 2_000
_STRING: Final = r'"(?:[ !#-\[\]-~]|\\["\\])*"'
_WORD: Final = r"[A-Za-z*][!#$%&'*+.^_`|~0-9A-Za-z:/-]*"
_NUMBER: Final = r"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])"
_OTHERS: Final = r':[A-Za-z0-9+/=]*:|\?[01]|@-?[0-9]{1,15}|%"[ !#-~]*"'
"""Bytes, truths, dates and texts beyond ASCII."""
_BARE: Final = re.compile(f"{_STRING}|{_WORD}|{_NUMBER}|{_OTHERS}")
_INTEGER: Final = re.compile(r"-?[0-9]+")
_PARAMETER: Final = re.compile(r"; *([a-z*][a-z0-9_.*-]*)(=)?")
_COMMA: Final = re.compile(r"[ \t]*,[ \t]*")


class Member(NamedTuple):
    """One member of a list.

    Attributes:
        value: What it is: an integer as such, all else as it is written, a text without quotes.
        parameters: Integers and texts by name; True for one without a value.
    """

    value: str | int
    parameters: dict[str, str | int]


def parse_list(field: str) -> list[Member] | None:
    """Return the members of a list, or None where it is malformed."""
    if len(field) > _LONGEST:
        return None
    field, at = field.strip(" "), 0
    members: list[Member] = []
    while at < len(field) or members:
        found = _BARE.match(field, at)
        if found is None:
            return None
        value, at = _value(found[0]), found.end()
        parameters: dict[str, str | int] = {}
        while (named := _PARAMETER.match(field, at)) is not None:
            at = named.end()
            parameters[named[1]] = True
            if named[2]:
                found = _BARE.match(field, at)
                if found is None:
                    return None
                parameters[named[1]], at = _value(found[0]), found.end()
        members.append(Member(value, parameters))
        if at == len(field):
            break
        comma = _COMMA.match(field, at)
        if comma is None:
            return None
        at = comma.end()
    return members


def _value(text: str) -> str | int:
    if text[0] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return int(text) if _INTEGER.fullmatch(text) else text

"""Lists in header fields, and what may stand in them (RFC 9110, 5.6)."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["BLANKS", "is_token", "members", "token_or_quoted"]

BLANKS: Final = " \t"
"""Optional white space (RFC 9110, 5.6.3)."""
# Whoever sends them may choose them: none of these goes back on what it has read.
_BALANCED: Final = re.compile(r'(?>[^"]++|"(?>[^"\\]++|\\.)*+")*+', re.DOTALL)
_MEMBER: Final = re.compile(r'(?>[^",]++|"(?>[^"\\]++|\\.)*+")++', re.DOTALL)
_QUOTED: Final = re.compile(r'"((?>[^"\\]++|\\.)*+)"', re.DOTALL)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++")


def members(line: str) -> list[str]:
    """Return what stands between the commas, without blanks around it and without empty ones.

    A comma in a quoted string separates nothing. Where a quoted string does not end, quotes mean
    nothing in the whole line.
    """
    if '"' not in line or not _BALANCED.fullmatch(line):
        parts = line.split(",")
    else:
        parts = _MEMBER.findall(line)
    return [member for part in parts if (member := part.strip(BLANKS))]


def is_token(text: str) -> bool:
    """Whether it is a token (RFC 9110, 5.6.2)."""
    return _TOKEN.fullmatch(text) is not None


def token_or_quoted(text: str) -> str:
    """Return a token, or what a quoted string says; an empty text for anything else."""
    if _TOKEN.fullmatch(text):
        return text
    quoted = _QUOTED.fullmatch(text)
    return _ESCAPED.sub(r"\1", quoted[1]) if quoted else ""

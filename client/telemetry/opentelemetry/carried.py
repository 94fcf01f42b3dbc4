"""What a request carries of the trace that it is part of: what the propagators give."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from ...errors.complaints import complain
from .api import propagate

if TYPE_CHECKING:
    from .api import context

__all__ = ["carried_by"]

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING: Final = frozenset(
    {"connection", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"}
)
"""Headers that say where a request goes and where it ends."""


def carried_by(within: context.Context) -> dict[str, str]:
    """Return what the propagators want to be sent, as far as it can be."""
    given: dict[str, str] = {}
    propagate.inject(given, within)
    for name, value in given.items():
        if not _can_be_sent(name, value):
            complain("a propagator gave headers that cannot be sent")
            return {name: value for name, value in given.items() if _can_be_sent(name, value)}
    return given


def _can_be_sent(name: Any, value: Any) -> bool:
    """Whether a header is a word with printable ASCII (RFC 9110, 5.5), which harms no request."""
    if not (isinstance(name, str) and isinstance(value, str) and _is_name(name)):
        return False
    return value.isascii() and value.isprintable() and value.strip() == value != ""


@lru_cache(maxsize=256)  # the same few each time
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name.lower() not in _FRAMING

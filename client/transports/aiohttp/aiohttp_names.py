"""Every private name of aiohttp that this package leans on; `parts` imports the rest of it."""

from __future__ import annotations

from typing import Any, Final

from ...errors.private_names import PrivateName, check

__all__ = ["FACTORY", "check_aiohttp"]

FACTORY: Final = "_factory"
"""Of a connector: makes the protocol of a new connection; aiohttp's own knows no phases."""

_WORKS: Final = "aiohttp>=3.14.4,<3.15"
_LOST: Final = "nobody can tell whether a request was sent"
_NAMES: Final = tuple(
    PrivateName(kind, FACTORY, _LOST) for kind in ("TCPConnector", "UnixConnector")
)


def check_aiohttp(aiohttp: Any) -> None:
    """Check, at the first fast transport, that aiohttp has these names.

    Raises:
        RuntimeError: One is missing.
    """
    check(aiohttp, _WORKS, _NAMES)

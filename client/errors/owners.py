"""Whose a module is, or the class of an exception: by the package that it stands in."""

from __future__ import annotations

import socket
import sys
from enum import Enum
from functools import cache
from typing import Final

__all__ = ["FAMILIES", "OURS", "Owner", "is_of_a_library", "is_of_somebody", "owner_of"]

OURS: Final = __name__.rsplit(".", 2)[0]
"""This package, which may stand under another one."""
FAMILIES: Final = frozenset({"httpx", "httpx2"})
_WIRE: Final = frozenset(
    {
        "aiohappyeyeballs",
        "aiohttp",
        "aiosignal",
        "anyio",
        "brotli",
        "brotlicffi",
        "certifi",
        "h11",
        "h2",
        "hpack",
        "httpcore",
        "httpcore2",
        "hyperframe",
        "idna",
        "multidict",
        "propcache",
        "sniffio",
        "socksio",
        "trio",
        "truststore",
        "uvloop",
        "yarl",
        "zstandard",
    }
)
"""What httpx and the fast backend stand on, by package."""
_OF_LIBRARIES: Final = _WIRE | {"asyncio", "ssl", "zlib"}
"""Packages whose exceptions are about the network, wherever they are raised."""
_ABOUT_THE_NETWORK: Final = (
    TimeoutError,
    ConnectionError,
    socket.gaierror,
    socket.herror,
    UnicodeError,
    OverflowError,
)


class Owner(Enum):
    """Whom a module belongs to; a neutral one is of the standard library, and whoever calls it."""

    OWN = 0
    HTTPX = 1
    WIRE = 2
    NEUTRAL = 3
    FOREIGN = 4


@cache
def owner_of(module: str) -> Owner:
    """Return whose a module is, by its dotted name."""
    root = module.partition(".")[0]
    if module.startswith(f"{OURS}."):
        return Owner.OWN
    if root in FAMILIES:
        return Owner.HTTPX
    if root in _WIRE:
        return Owner.WIRE
    return Owner.NEUTRAL if root in sys.stdlib_module_names - {"__main__"} else Owner.FOREIGN


def is_of_a_library(error: BaseException) -> bool:
    """Whether an exception is of a class that only the libraries of the network have."""
    roots = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return not _OF_LIBRARIES.isdisjoint(roots) or isinstance(error, _ABOUT_THE_NETWORK)


def is_of_somebody(error: BaseException) -> bool:
    """Whether an exception is of a class of the caller's or ours, whose text is theirs to keep."""
    return owner_of(type(error).__module__) in {Owner.FOREIGN, Owner.OWN}

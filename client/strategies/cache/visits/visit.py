"""One read at the cache: everything that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ....engine.layer import Exchange
    from ....engine.operation import Call
    from .asking import Asked
    from .cache import Cache

__all__ = ["Visit"]


@dataclass(frozen=True, slots=True)
class Visit:
    """It.

    Attributes:
        cache: What all operations share.
        call: The operation.
        exchange: Its way to the wire.
        asked: What it asks for.
    """

    cache: Cache
    call: Call
    exchange: Exchange
    asked: Asked

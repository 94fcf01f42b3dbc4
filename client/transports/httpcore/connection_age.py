"""Closes old connections, so that a name is looked up again and new addresses are found.

httpcore itself knows how long a connection has stood idle, and not how old it is: one that is never
idle for long lives for as long as the server lets it.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors.httpcore_names import CONNECTIONS, LOCK
from ...errors.httpx_names import transports_of
from .pools import pools_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["limit_age"]


def limit_age(client: object, seconds: float | None) -> None:
    """Use no connection under a client that is older; it may be called again with another limit.

    One that is in use is closed after its exchange, and over HTTP/2 gets no new one. One that
    stands idle is closed when its pool is next asked for a connection.

    Args:
        client: Of httpx, with its transports.
        seconds: The limit, or None for none.
    """
    for pool in pools_of(client, CONNECTIONS, LOCK, "create_connection"):
        create = pool.create_connection
        if isinstance(create, _Creation):
            create.limit.seconds = seconds
        elif seconds is not None:
            limit = _Limit(seconds)
            with getattr(pool, LOCK):
                pool.create_connection = _Creation(create, limit)
                for connection in getattr(pool, CONNECTIONS):
                    _watch(connection, limit)
    for transport in transports_of(client):
        limit_own = getattr(transport, "limit_age", None)
        if limit_own is not None:
            limit_own(seconds)


class _Limit:
    """What all connections of a pool go by, also after it has changed."""

    def __init__(self, seconds: float) -> None:
        self.seconds: float | None = seconds


class _Creation:
    """What makes the connections of a pool."""

    def __init__(self, create: Callable[[object], Any], limit: _Limit) -> None:
        self.limit = limit
        self._create = create

    def __call__(self, origin: object) -> object:
        """Make a connection that knows when it is too old."""
        return _watch(self._create(origin), self.limit)


def _watch(connection: Any, limit: _Limit) -> object:
    connection.age_limit, connection.made_at = limit, time.monotonic()
    connection.__class__ = _aged(connection.__class__)
    return connection


@cache
def _aged(kind: type[object]) -> type[object]:
    """Return a class of connection that tells its pool when it is too old."""
    usual: Any = kind

    def is_old(self: Any) -> bool:
        seconds = self.age_limit.seconds
        return seconds is not None and time.monotonic() - self.made_at > seconds

    def has_expired(self: Any) -> bool:
        return bool(usual.has_expired(self) or (is_old(self) and usual.is_idle(self)))

    def is_available(self: Any) -> bool:
        return bool(usual.is_available(self) and not is_old(self))

    return type(kind.__name__, (kind,), {"has_expired": has_expired, "is_available": is_available})

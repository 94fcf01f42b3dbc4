"""Reaches the httpcore pools under an httpx client, and finds what failed requests leave in them.

A transport, or a pool, of somebody else's make is left alone.

What is left behind: an httpcore connection that is in use by no request, and yet not free. Its
socket may be open, it counts against the limits of the pool, and nobody will ever close it. A
cancellation leaves one where it arrives while httpcore takes or gives back a connection, and so
does a failed TLS handshake inside a proxy's tunnel.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from ...errors.httpcore_names import (
    ASSIGN,
    CLOSE,
    CONNECTIONS,
    HELD_CONNECTION,
    HELD_REQUEST,
    LOCK,
    MOST_IDLE,
    MOST_OPEN,
    REQUESTS,
    SPEAKS_HTTP2,
    check_pool,
)
from ...errors.httpx_names import pool_of, put_pool, transports_of
from ...runtime.forking import tell_in_child
from ...runtime.lazy_imports import require_http2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..shapes import PoolConnection, PoolRequest

__all__ = [
    "WrappedPool",
    "enlarge_pools",
    "has_pool",
    "is_done_with",
    "pools_of",
    "speaks_http2",
    "take_left_behind",
    "tells_of_dead_connections",
    "wrap_pools",
]

_NEEDED: Final = (ASSIGN, CLOSE, CONNECTIONS, LOCK, REQUESTS)
_CUT: Final = frozenset({"ReadError", "WriteError", "RemoteProtocolError"})


class _Forgiving(list[object]):
    """The requests of a pool that has begun anew; those from before are not in it when they end."""

    def remove(self, request: object) -> None:
        """Remove one, if it is there."""
        with suppress(ValueError):
            super().remove(request)


class WrappedPool:
    """Stands in front of a pool; a subclass says what for."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget every connection without closing it: this process, or loop, is not its owner."""
        pool = self.pool
        setattr(pool, CONNECTIONS, [])
        setattr(pool, REQUESTS, _Forgiving())
        setattr(pool, LOCK, type(getattr(pool, LOCK))())

    # For `isinstance` it is the pool.
    __class__: Any = property(attrgetter("pool.__class__"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pool, name)


def pools_of(client: object, *attributes: str) -> Iterator[Any]:
    """Yield the pools under a client that have certain attributes.

    Raises:
        RuntimeError: httpx, or httpcore, is built otherwise than its own pools are handled here.
    """
    for transport in transports_of(client):
        pool = pool_of(transport)
        pool = pool.pool if isinstance(pool, WrappedPool) else pool
        check_pool(pool)
        if all(hasattr(pool, name) for name in attributes):
            yield pool


def has_pool(client: object) -> bool:
    """Whether a client keeps connections of its own."""
    return any(True for _ in pools_of(client, *_NEEDED))


def wrap_pools(client: object, wrap: type[WrappedPool]) -> None:
    """Put something in front of each pool under a client, unless it is there already.

    Raises:
        ImportError: One is to speak HTTP/2, whose extra is not installed.
        RuntimeError: As in `pools_of`.
    """
    for transport in transports_of(client):
        pool = pool_of(transport)
        check_pool(pool)
        if all(hasattr(pool, name) for name in _NEEDED) and not isinstance(pool, WrappedPool):
            if speaks_http2(pool):
                require_http2()
            put_pool(transport, wrap(pool))


def enlarge_pools(client: object, most_idle: int) -> None:
    """Let the pools under a client keep more connections, and open as many as they are asked for.

    They are never made smaller: what a bulkhead bounds needs no other bound.
    """
    for pool in pools_of(client, MOST_OPEN, MOST_IDLE):
        setattr(pool, MOST_OPEN, sys.maxsize)
        setattr(pool, MOST_IDLE, max(most_idle, getattr(pool, MOST_IDLE)))
    for transport in transports_of(client):
        enlarge = getattr(transport, "enlarge", None)
        if enlarge is not None:
            enlarge(most_idle)


def speaks_http2(pool: object) -> bool:
    """Whether the connections of a pool may turn out to be HTTP/2."""
    return bool(getattr(pool, SPEAKS_HTTP2, False))


def take_left_behind(pool: object, request: PoolRequest, *, with_idle: bool = False) -> list[Any]:
    """Remove a request that has ended, and return the connections that are to be closed.

    Args:
        pool: Of httpcore.
        request: Of httpcore.
        with_idle: Whether the idle connections to the request's origin are among them.
    """
    with getattr(pool, LOCK):
        requests, connections = getattr(pool, REQUESTS), getattr(pool, CONNECTIONS)
        requests[:] = [held for held in requests if getattr(held, HELD_REQUEST) is not request]
        in_use = {id(getattr(held, HELD_CONNECTION)) for held in requests}
        left = [
            connection
            for connection in connections
            if id(connection) not in in_use
            and (
                not is_done_with(connection)
                or (with_idle and connection.can_handle_request(request.url.origin))
            )
        ]
        for connection in left:
            connections.remove(connection)
        # Whoever waits in the pool's queue may have the place.
        return [*left, *getattr(pool, ASSIGN)()]


def tells_of_dead_connections(error: BaseException, standing: list[PoolConnection]) -> bool:
    """Whether a request failed because its connection had died in the pool.

    Args:
        error: Raised in place of an answer.
        standing: The connections of the pool before the request.
    """
    return type(error).__name__ in _CUT and any(each.is_closed() for each in standing)


def is_done_with(connection: PoolConnection) -> bool:
    """Whether the last request has let go of a connection."""
    return connection.is_idle() or connection.is_closed()

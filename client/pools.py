"""Reaches the httpcore pools under an httpx client, and finds what failed requests leave in them.

httpx has no public way to its pool, nor httpcore to what its pool holds, so private attributes are
reached for; a transport that is built otherwise is left alone.

What is left behind: an httpcore connection that is in use by no request, and yet not free. Its
socket may be open, it counts against the limits of the pool, and nobody will ever close it. A
cancellation leaves one where it arrives while httpcore takes or gives back a connection, and so
does a failed TLS handshake inside a proxy's tunnel.
"""
# ruff: noqa: SLF001 - see above

from __future__ import annotations

from contextlib import suppress
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from client.forking import tell_in_child

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "WrappedPool",
    "has_pool",
    "is_done_with",
    "pools_of",
    "take_left_behind",
    "tells_of_dead_connections",
    "wrap_pools",
]

_NEEDED: Final = (
    "_assign_requests_to_connections",
    "_close_connections",
    "_connections",
    "_optional_thread_lock",
    "_requests",
)
_CUT: Final = frozenset({"ReadError", "WriteError", "RemoteProtocolError"})


class _Forgiving(list[Any]):
    """The requests of a pool that was begun anew: those from before may end, too."""

    def remove(self, request: Any) -> None:
        """Strike one out, if it is there."""
        with suppress(ValueError):
            super().remove(request)


class WrappedPool:
    """Stands in front of a pool; a subclass says for what."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        tell_in_child(self)

    def begin_anew(self) -> None:
        """Forget every connection without closing it: this process, or loop, is not its owner."""
        pool = self.pool
        pool._connections = []
        pool._requests = _Forgiving()
        pool._optional_thread_lock = type(pool._optional_thread_lock)()

    # Passes for the pool where somebody looks at the kind of it.
    __class__: Any = property(attrgetter("pool.__class__"))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.pool, name)


def pools_of(client: Any, *attributes: str) -> Iterator[Any]:
    """Yield the pools under a client that have certain attributes."""
    for transport in [client._transport, *client._mounts.values()]:
        pool = getattr(transport, "_pool", None)
        pool = pool.pool if isinstance(pool, WrappedPool) else pool
        if all(hasattr(pool, name) for name in attributes):
            yield pool


def has_pool(client: Any) -> bool:
    """Tell whether a client keeps connections of its own."""
    return any(True for _ in pools_of(client, *_NEEDED))


def wrap_pools(client: Any, wrap: type[WrappedPool]) -> None:
    """Put something in front of each pool under a client, unless it is there already."""
    for transport in [client._transport, *client._mounts.values()]:
        pool = getattr(transport, "_pool", None)
        if all(hasattr(pool, name) for name in _NEEDED) and not isinstance(pool, WrappedPool):
            transport._pool = wrap(pool)


def take_left_behind(pool: Any, request: Any, *, with_idle: bool = False) -> list[Any]:
    """Strike out a request that has ended, and return the connections that are to be closed.

    Args:
        pool: Of httpcore.
        request: Of httpcore.
        with_idle: Whether the idle connections to the request's origin are among them.
    """
    with pool._optional_thread_lock:
        pool._requests[:] = [held for held in pool._requests if held.request is not request]
        in_use = {id(held.connection) for held in pool._requests}
        left = [
            connection
            for connection in pool._connections
            if id(connection) not in in_use
            and (
                not is_done_with(connection)
                or (with_idle and connection.can_handle_request(request.url.origin))
            )
        ]
        for connection in left:
            pool._connections.remove(connection)
        # Whoever waits in the pool's queue may have the place.
        return [*left, *pool._assign_requests_to_connections()]


def tells_of_dead_connections(error: BaseException, standing: list[Any]) -> bool:
    """Tell whether a request failed because its connection had died in the pool.

    Args:
        error: Raised in place of an answer.
        standing: The connections of the pool before the request.
    """
    return type(error).__name__ in _CUT and any(each.is_closed() for each in standing)


def is_done_with(connection: Any) -> bool:
    """Tell whether the last request has let go of a connection."""
    done: bool = connection.is_idle() or connection.is_closed()
    return done

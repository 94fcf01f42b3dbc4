"""Clears up what a failed request of the blocking world leaves behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors.httpcore_names import CONNECTIONS
from ..http2.pool import put_in_place
from .pool_requests import make_fit
from .pools import (
    WrappedPool,
    speaks_http2,
    take_left_behind,
    tells_of_dead_connections,
)
from .trailing_bytes import close_after_trailing_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..shapes import PoolRequest

__all__ = ["BlockingPool"]


class BlockingPool(WrappedPool):
    """A connection pool whose failed requests leave nothing behind."""

    def __init__(self, pool: Any) -> None:
        super().__init__(pool)
        if speaks_http2(pool):
            from ..http2.blocking_face import (  # noqa: PLC0415 - only where it is spoken
                BlockingConnection,
                BlockingTurn,
            )

            put_in_place(pool, BlockingConnection, BlockingTurn)

    def handle_request(self, request: PoolRequest) -> object:
        """Send a request and return once the head of the answer is there."""
        make_fit(request)
        standing = list(getattr(self.pool, CONNECTIONS))
        try:
            response = self.pool.handle_request(request)
        except BaseException as error:
            with_idle = tells_of_dead_connections(error, standing)
            for connection in take_left_behind(self.pool, request, with_idle=with_idle):
                connection.close()
            raise
        response.stream = _Body(response.stream)
        return response


class _Body:
    """The body of an answer, whose end may be the end of its connection."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._inner)

    def close(self) -> None:
        close_after_trailing_bytes(self._inner)
        self._inner.close()

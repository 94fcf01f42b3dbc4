"""Clears up what a failed request of the blocking world leaves behind; see `pools`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.pools import WrappedPool, take_left_behind, tells_of_dead_connections
from client.surplus import close_after_surplus

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BlockingPool"]


class BlockingPool(WrappedPool):
    """A connection pool whose failed requests leave nothing behind."""

    def handle_request(self, request: Any) -> Any:
        """Send a request and return once the head of the answer is there."""
        standing = list(self.pool._connections)  # noqa: SLF001 - see `pools`
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
        close_after_surplus(self._inner)
        self._inner.close()

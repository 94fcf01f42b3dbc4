"""Clears up what a failed request of the blocking world leaves behind; see `pools`."""

from __future__ import annotations

from typing import Any

from client.pools import WrappedPool, take_left_behind

__all__ = ["BlockingPool"]


class BlockingPool(WrappedPool):
    """A connection pool whose failed requests leave nothing behind."""

    def handle_request(self, request: Any) -> Any:
        """Send a request and return once the head of the answer is there."""
        try:
            return self.pool.handle_request(request)
        except BaseException:
            for connection in take_left_behind(self.pool, request):
                connection.close()
            raise

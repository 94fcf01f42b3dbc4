"""A limit of time that leaves anyio's cancel scopes their cancellations."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Limit"]


class Limit:
    """Bounds a block as `asyncio.timeout` does, also within a cancelled scope of anyio's.

    Where both cancel in the same turn of the loop, what comes out is no cancellation that the
    scope knows. It cancels again in the next turn, so one turn is waited for.
    """

    __slots__ = ("_timeout",)

    def __init__(self, seconds: float | None) -> None:
        self._timeout = asyncio.timeout(seconds)

    async def __aenter__(self) -> asyncio.Timeout:
        return await self._timeout.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._timeout.__aexit__(kind, error, traceback)
        if isinstance(error, asyncio.CancelledError) and self._timeout.expired():
            await asyncio.sleep(0)

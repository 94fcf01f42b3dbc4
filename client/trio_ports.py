"""Time under trio, by way of anyio, which httpx itself brings along.

Only the drop-in clients and transports come here: the facade's bulkhead is asyncio's. anyio is
imported where it is used, which under asyncio is nowhere.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

__all__ = ["now", "shielded", "sleep", "within"]

T = TypeVar("T")


def now() -> float:
    """Return the time of the monotonic clock, in seconds.

    Not of trio's own, which begins elsewhere in each run: a circuit may be shared with threads
    and with other event loops, whose clock is this one.
    """
    return time.monotonic()


async def sleep(seconds: float) -> None:
    """Wait."""
    import anyio  # noqa: PLC0415 - see above

    await anyio.sleep(seconds)


async def shielded(work: Coroutine[Any, Any, None]) -> None:
    """Do some work to its end, whoever cancels; none where no loop runs that could do it."""
    import anyio  # noqa: PLC0415 - see above

    try:
        shield = anyio.CancelScope(shield=True)
    except RuntimeError:
        work.close()
        return
    with shield:
        await work


async def within(seconds: float, work: Callable[[], Awaitable[T]]) -> T:
    """Do some work, or raise `TimeoutError` once `seconds` have passed."""
    import anyio  # noqa: PLC0415 - see above

    with anyio.fail_after(seconds):
        return await work()

"""Waiting that others can cut short: what a held-back byte does.

Nothing here sleeps by `asyncio.sleep`, which many a test patches.
"""

import asyncio
from collections.abc import Sequence


class Bell:
    """Rings once, for all who wait and all who come later."""

    def __init__(self) -> None:
        self.is_rung: bool = False
        self.waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake everyone."""
        self.is_rung = True
        for waiter in self.waiting:
            wake(waiter)


async def wait_for_bell(bells: Sequence[Bell], seconds: float) -> None:
    """Wait for `seconds`, or until one of the bells has rung."""
    if any(bell.is_rung for bell in bells):
        return
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()
    alarm = loop.call_later(seconds, wake, waiter)
    for bell in bells:
        bell.waiting.add(waiter)
    try:
        await waiter
    finally:
        alarm.cancel()
        for bell in bells:
            bell.waiting.discard(waiter)


def wake(waiter: "asyncio.Future[None]") -> None:
    """End its wait, if it has not ended."""
    if not waiter.done():
        waiter.set_result(None)

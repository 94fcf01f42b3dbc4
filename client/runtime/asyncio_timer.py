"""A timer of the event loop that goes off although a test has frozen the loop's clock.

freezegun puts its own functions in the place of `time.monotonic`, by which asyncio's loops go: a
timer of zero seconds then never comes, and one of five neither, while a thread that sleeps does. So
where the clock was replaced, a thread keeps the time besides.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Generator

__all__ = ["timer"]

# In a tuple, because freezegun goes through the modules and replaces what it finds by name there.
_REAL: Final = (time.monotonic,)


@contextmanager
def timer(
    loop: asyncio.AbstractEventLoop, seconds: float, ring: Callable[[], None]
) -> Generator[None]:
    """Call `ring` in the loop once `seconds` have passed, unless the block has been left."""
    handle = loop.call_later(seconds, ring)
    keeper = None if time.monotonic is _REAL[0] else _begin(loop, seconds, ring)
    try:
        yield
    finally:
        handle.cancel()
        if keeper is not None:
            keeper.cancel()


def _begin(
    loop: asyncio.AbstractEventLoop, seconds: float, ring: Callable[[], None]
) -> threading.Timer:
    def go_off() -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(ring)

    keeper = threading.Timer(seconds, go_off)
    keeper.daemon = True
    keeper.start()
    return keeper

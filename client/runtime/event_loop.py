"""The event loop that async connections, slots and waits belong to.

asyncio binds a socket to the loop it was opened in. A client that lives on in a second loop, as
with two calls of `asyncio.run`, must forget what it had in the first; in two loops at the same time
it cannot work.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..exceptions import ClientClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Home", "asyncio_only", "has_ended", "here", "require_asyncio", "runs_asyncio"]


def runs_asyncio() -> bool:
    """Return whether asyncio runs here, and not trio."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def here() -> object:
    """Return the event loop that runs in this thread, or what stands for trio's; None without."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        trio: Any = sys.modules.get("trio")
    with suppress(RuntimeError):
        return None if trio is None else trio.lowlevel.current_trio_token()
    return None


def has_ended(place: object) -> bool:
    """Return whether what `here` returned is an event loop of asyncio's that is closed."""
    return isinstance(place, asyncio.AbstractEventLoop) and place.is_closed()


def require_asyncio() -> None:
    """Refuse to go on elsewhere.

    Raises:
        RuntimeError: No asyncio loop is running, as under trio.
    """
    if not runs_asyncio():
        raise asyncio_only()


def asyncio_only() -> RuntimeError:
    """Return the error for a facade that is used elsewhere."""
    return RuntimeError(
        "ResilientClient runs on asyncio only, and no asyncio loop is running here: "
        "under trio use AsyncClient, AsyncResilientTransport or get_async"
    )


def _runs(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether a loop is the one that runs in this thread."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


class Home:
    """Remembers a loop. Under trio there is none to remember."""

    __slots__ = ("_loop",)

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    def moved(self) -> bool:
        """Return whether the running loop is not the one of the last call, and remember it.

        Raises:
            ClientClosedError: That one is still running, in another thread.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if loop is self._loop:
            return False
        if self._loop is not None and self._loop.is_running():
            raise ClientClosedError(
                "the client is at work in another event loop: make one client for each"
            )
        before, self._loop = self._loop, loop
        return before is not None

    def do(self, work: Callable[[], object]) -> None:
        """Do some work in the loop, from any thread; here, where there is none or it is over."""
        loop = self._loop
        if loop is None or not loop.is_running() or _runs(loop):
            work()
            return
        try:
            loop.call_soon_threadsafe(work)
        except RuntimeError:  # it has ended in this moment
            work()

    def leave(self) -> None:
        """Forget it."""
        self._loop = None

"""Work that is done beside a task of asyncio, and what that waits with for it."""

from __future__ import annotations

import asyncio
from contextvars import Context
from functools import partial
from typing import TYPE_CHECKING, Final

from ..runtime.asyncio_timer import timer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["AsyncioSignal", "AsyncioTask"]

_under_way: Final[set[asyncio.Task[None]]] = set()
"""The loop itself holds tasks weakly."""


class AsyncioSignal:
    """Wakes one task from others of its loop."""

    __slots__ = ("_is_given", "_waiting")

    def __init__(self) -> None:
        self._is_given = False
        self._waiting: asyncio.Future[None] | None = None

    def give(self) -> None:
        """Wake the task that waits, or that waits next."""
        self._is_given = True
        self._end()

    async def wait(self, seconds: float | None) -> None:
        """Wait until it is given, or until so many seconds have passed."""
        if not self._is_given:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            try:
                if seconds is None:
                    await self._waiting
                else:
                    with timer(loop, seconds, self._end):
                        await self._waiting
            finally:
                self._waiting = None
        self._is_given = False

    def _end(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)


class AsyncioTask:
    """An `asyncio.Task` that may be cancelled before it has begun, too."""

    __slots__ = ("_is_cancelled", "_task", "_timer")

    def __init__(self) -> None:
        self._is_cancelled = False
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(
        self,
        work: Callable[[], Coroutine[object, None, None]],
        ended: Callable[[], object],
        *,
        is_apart: bool = False,
        is_bounded: bool = True,  # noqa: ARG002 - no task is, by another
    ) -> None:
        """Begin the work, in a copy of the context or in one of its own."""
        if self._is_cancelled:
            ended()
            return
        context = Context() if is_apart else None
        self._task = task = asyncio.get_running_loop().create_task(work(), context=context)
        _under_way.add(task)
        # A task that is cancelled before its first step never comes to its own code.
        task.add_done_callback(partial(self._end, ended))

    def cancel(self) -> None:
        """Cancel it."""
        self._is_cancelled = True
        if self._task is not None:
            self._task.cancel()

    def cancel_in(self, seconds: float) -> None:
        """Cancel it after so many seconds."""
        if self._task is not None:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.cancel)

    def _end(self, ended: Callable[[], object], task: asyncio.Task[None]) -> None:
        _under_way.discard(task)
        self._task = None
        if self._timer is not None:
            self._timer.cancel()
        ended()

"""Runs what blocks in a thread of its own, which can be left behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DetachedThread", "call_in_daemon"]

T = TypeVar("T")
OpenedT = TypeVar("OpenedT")


class DetachedThread(Generic[OpenedT]):
    """Work that opens something, and that nobody has to wait for to its end.

    Args:
        work: Opens something and returns it, which is not None.
        close: Closes what was opened when nobody waits any more.
    """

    def __init__(self, work: Callable[[], OpenedT], close: Callable[[OpenedT], object]) -> None:
        self._work = work
        self._close = close
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._is_abandoned = False
        self._opened: OpenedT | None = None
        self._error: BaseException | None = None

    def run(self, seconds: float | None) -> OpenedT | None:
        """Return what was opened, or None where it is not there in time or was abandoned.

        Raises:
            BaseException: What the work raised.
        """
        try:
            threading.Thread(target=self._run, name="resilient-client", daemon=True).start()
        except RuntimeError:
            self._run()  # there are no threads to be had once the interpreter is about to end
        try:
            self._over.wait(seconds)
        except BaseException:
            self._drop(self._take()[0])
            raise
        opened, error = self._take()
        if error is None:
            return opened
        try:
            raise error
        finally:
            # Its traceback leads back to this frame: the two would keep each other alive.
            error = None

    def abandon(self) -> None:
        """Release whoever waits; close what is opened all the same."""
        self._over.set()

    def _run(self) -> None:
        opened: OpenedT | None = None
        error: BaseException | None = None
        try:
            opened = self._work()
        except BaseException as raised:  # noqa: BLE001 - raised again in the thread that waits
            error = raised
        with self._lock:
            is_late = self._is_abandoned
            if not is_late:
                self._opened, self._error = opened, error
        error = None  # its traceback leads back to this frame, too
        self._over.set()
        if is_late:
            self._drop(opened)

    def _drop(self, opened: OpenedT | None) -> None:
        if opened is not None:
            self._close(opened)

    def _take(self) -> tuple[OpenedT | None, BaseException | None]:
        with self._lock:
            self._is_abandoned = True
            taken = self._opened, self._error
            self._opened = self._error = None
        return taken


async def call_in_daemon(function: Callable[[], T]) -> T:
    """Call a function in a thread of its own and return what it returns, or raise what it raises.

    Where whoever waits is cancelled, the thread ends by itself, and what comes of it is lost. It
    keeps neither the loop nor the interpreter from ending, as one of the loop's executor would.

    Raises:
        RuntimeError: There are no threads to be had, as at the end of the interpreter.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[None] = loop.create_future()
    outcome: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            outcome.append(function())
        except BaseException as error:  # noqa: BLE001 - raised again in the task that waits
            errors.append(error)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(_settle, over)

    threading.Thread(target=run, name="resilient-client", daemon=True).start()
    await over
    if not errors:
        return outcome[0]
    try:
        raise errors[0]
    finally:
        errors.clear()  # its traceback leads back to this frame


def _settle(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)

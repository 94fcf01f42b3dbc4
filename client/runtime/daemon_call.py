"""Calls what may block, from an event loop, in a thread that can be left behind."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call_in_daemon"]

T = TypeVar("T")


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

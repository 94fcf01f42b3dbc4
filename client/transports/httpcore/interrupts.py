"""Ends what another thread waits for on the network: threads cannot be cancelled otherwise."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Interrupt"]


class Interrupt:
    """Set from any thread; raises `CancelledError` in the one that it is for.

    That is a `BaseException`: httpcore and httpx clear up after it as after Ctrl-C, and take it for
    no failure of the network.

    Attributes:
        is_set: Whether the thread is to end.
    """

    def __init__(self) -> None:
        self.is_set: bool = False
        self._lock = threading.RLock()
        self._wake: Callable[[], object] | None = None

    def set(self) -> None:
        """Wake the thread where it waits, or have it raise where it would next."""
        with self._lock:
            self.is_set = True
            if self._wake is not None:
                self._wake()

    def check(self) -> None:
        """Raise `CancelledError` where it is set."""
        if self.is_set:
            raise asyncio.CancelledError

    @contextmanager
    def waking(self, wake: Callable[[], object]) -> Generator[None]:
        """Call `wake`, within the block, where it is set; whatever that raises then is no matter.

        Raises:
            CancelledError: It was set.
        """
        with self._lock:
            self.check()
            self._wake = wake
        try:
            yield
        except BaseException:
            self._leave()
            self.check()
            raise
        self._leave()
        self.check()

    def _leave(self) -> None:
        with self._lock:
            self._wake = None

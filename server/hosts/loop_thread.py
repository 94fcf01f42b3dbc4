"""A thread with an event loop of its own, ended from outside."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress

from ..addresses.listening import Listener
from ..errors import FailureServerError

THREAD_ENDS_SECONDS = 5.0


def do_nothing() -> None:
    """Do nothing."""


class LoopThread(ABC):
    """Serves from a daemon thread until `stop`.

    Args:
        what: What is served, for errors to say.
        listener: Where; closed in the end.
        on_end: Called from the thread when serving is over, whatever the reason.
    """

    def __init__(self, what: str, listener: Listener, on_end: Callable[[], None]) -> None:
        self._what = what
        self._listener = listener
        self._on_end = on_end
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begun = threading.Event()
        self._ending = asyncio.Event()
        name = what.replace(" ", "-")
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._listener.port

    def start(self) -> None:
        """Begin to serve, and return once it does; callers who connected before are served now."""
        self._thread.start()
        self._begun.wait()

    def stop(self) -> None:
        """End it; connections are cut off.

        Raises:
            FailureServerError: If its thread does not end, which would be a defect.
        """
        if self._loop is not None:
            with suppress(RuntimeError):  # closed: the thread has ended by itself
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(THREAD_ENDS_SECONDS)
        if self._thread.is_alive():
            raise FailureServerError(
                f"the {self._what}'s thread still runs {THREAD_ENDS_SECONDS:g} s after stop()"
            )

    def _run(self) -> None:
        try:
            # Whatever loop the application prefers, this one can stop accepting.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._begin())
        finally:
            self._begun.set()
            self._listener.socket.close()
            self._on_end()

    async def _begin(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._serve(self._begun.set)

    @abstractmethod
    async def _serve(self, begin: Callable[[], None]) -> None:
        """Call `begin` when all is ready, and serve until `_ending` is set."""

"""A wire proxy on a thread and an event loop of its own."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from server.errors import FailureServerError
from server.listening import Listener
from server.proxy.proxy import Proxy
from server.proxy.upstream import Upstream

if TYPE_CHECKING:
    from concurrent.futures import Future

THREAD_ENDS_SECONDS = 5.0
T = TypeVar("T")


class ProxyThread:
    """Runs a proxy from a daemon thread until `stop`.

    Args:
        listener: Where clients connect; closed in the end.
        upstream: Where they are passed on to.
        seed: Where all chance begins.
        on_end: Called from the thread when it is over, whatever the reason.
    """

    def __init__(
        self,
        listener: Listener,
        upstream: Upstream,
        *,
        seed: int,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        self._listener = listener
        self._upstream = upstream
        self._seed = seed
        self._on_end = on_end
        self._begun = threading.Event()
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event, Proxy] | None = None
        self._thread = threading.Thread(target=self._run, name="wire-proxy", daemon=True)

    @property
    def port(self) -> int:
        """The port that clients connect to."""
        return self._listener.port

    def start(self) -> None:
        """Begin to serve, and return once it does."""
        self._thread.start()
        self._begun.wait()

    def perform(self, task: Callable[[Proxy], Coroutine[Any, Any, T]]) -> "Future[T]":
        """Have something done with the proxy, on its event loop.

        Raises:
            FailureServerError: If it does not run.
        """
        if self._running is None:
            raise FailureServerError("the wire proxy has ended; start another one")
        loop, _, proxy = self._running
        return asyncio.run_coroutine_threadsafe(task(proxy), loop)

    def stop(self) -> None:
        """End it; connections are cut off.

        Raises:
            FailureServerError: If its thread does not end, which would be a defect.
        """
        running = self._running
        if running is not None:
            loop, ending, _ = running
            with suppress(RuntimeError):  # closed: the thread has ended by itself
                loop.call_soon_threadsafe(ending.set)
        self._thread.join(THREAD_ENDS_SECONDS)
        if self._thread.is_alive():
            raise FailureServerError(
                f"the wire proxy's thread still runs {THREAD_ENDS_SECONDS:g} s after stop()"
            )

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        finally:
            self._begun.set()
            self._listener.socket.close()
            self._on_end()

    async def _serve(self) -> None:
        ending = asyncio.Event()
        proxy = Proxy(self._listener, self._upstream, seed=self._seed)
        self._running = asyncio.get_running_loop(), ending, proxy
        self._begun.set()
        try:
            await ending.wait()
        finally:
            self._running = None
            await proxy.close()

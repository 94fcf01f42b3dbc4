"""A wire proxy on a thread and an event loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from ..addresses.listening import Listener
from ..errors import FailureServerError
from ..hosts.loop_thread import LoopThread, do_nothing
from .proxy import Proxy
from .wire.upstream import Upstream

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


class ProxyThread(LoopThread):
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
        on_end: Callable[[], None] = do_nothing,
    ) -> None:
        super().__init__("wire proxy", listener, on_end)
        self._upstream = upstream
        self._seed = seed
        self._proxy: Proxy | None = None

    def perform(self, task: Callable[[Proxy], Coroutine[Any, Any, T]]) -> "Future[T]":
        """Do something with the proxy, on its event loop.

        Raises:
            FailureServerError: If it does not run.
        """
        proxy, loop = self._proxy, self._loop
        if proxy is None or loop is None:
            raise FailureServerError("the wire proxy has ended; start another one")
        return asyncio.run_coroutine_threadsafe(task(proxy), loop)

    async def _serve(self, begin: Callable[[], None]) -> None:
        self._proxy = proxy = Proxy(self._listener, self._upstream, seed=self._seed)
        begin()
        try:
            await self._ending.wait()
        finally:
            self._proxy = None
            await proxy.close()

"""A server on a thread and an event loop of its own: uvicorn, started and ended at will."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from itertools import chain

import uvicorn
from starlette.types import ASGIApp

from ..addresses.listening import BACKLOG, Listener
from .loop_thread import LoopThread, do_nothing

KEEP_ALIVE_SECONDS = 75  # beyond any client's pool, so that no call meets a closing connection
DATE_SECONDS = 1.0  # between two readings of the clock for the `Date` header
CALLS_END_SECONDS = 1.0  # for the calls in flight to notice that their caller is gone
LIFESPAN_ENDS_SECONDS = 3.0  # for the app behind the server to clear up
TURNS_TO_CONNECT = 3  # of the event loop, from a connection's acceptance to its protocol


class AbruptServer(uvicorn.Server):
    """uvicorn that ends like a crash, in milliseconds, whatever is in flight.

    It never sleeps: a test that patches `asyncio.sleep` would have it spin, or never end.
    """

    def __init__(
        self, app: ASGIApp, *, stands_in: bool = False, ending: asyncio.Event | None = None
    ) -> None:
        super().__init__(_config(app, stands_in=stands_in))
        self.ending: asyncio.Event = ending or asyncio.Event()

    async def main_loop(self) -> None:
        """Keep the `Date` header right until the end."""
        ending = asyncio.ensure_future(self.ending.wait())
        while not ending.done():
            await self.on_tick(0)
            await asyncio.wait([ending], timeout=DATE_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - as uvicorn has it
        """Accept no more, cut every connection, and let what was in flight see it.

        asyncio leaks a connection whose acceptance is under way when its server is closed, so
        that one is only closed once there is none.
        """
        loop = asyncio.get_running_loop()
        for listening in chain.from_iterable(server.sockets for server in self.servers):
            loop.remove_reader(listening)
        for _ in range(TURNS_TO_CONNECT):
            await _next_turn()
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        if calls := set(self.server_state.tasks):
            await asyncio.wait(calls, timeout=CALLS_END_SECONDS)
        with suppress(TimeoutError):
            async with asyncio.timeout(LIFESPAN_ENDS_SECONDS):
                await self.lifespan.shutdown()


class ThreadHost(LoopThread):
    """Serves `app` from a daemon thread until `stop`.

    Args:
        app: The application.
        listener: Where it is served; closed in the end.
        on_end: Called from the thread when serving is over, whatever the reason.
        stands_in: Whether a user's app is behind it, with a lifespan and WebSockets.

    Attributes:
        has_failed_to_start: Whether the lifespan of that app has refused to begin.
    """

    def __init__(
        self,
        app: ASGIApp,
        listener: Listener,
        *,
        on_end: Callable[[], None] = do_nothing,
        stands_in: bool = False,
    ) -> None:
        super().__init__("failure server", listener, on_end)
        self._server = AbruptServer(app, stands_in=stands_in, ending=self._ending)
        self.has_failed_to_start: bool = False

    def wait_for_port(self, timeout: float) -> int:  # noqa: ARG002 - as a host has it
        """Return the port, known from the outset."""
        return self.port

    async def _serve(self, begin: Callable[[], None]) -> None:
        begin()
        with suppress(SystemExit):  # newer releases of uvicorn raise it where a lifespan refuses
            await self._server.serve([self._listener.socket])
        self.has_failed_to_start = not self._server.started


async def _next_turn() -> None:
    """Let the event loop go round once."""
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_soon(turned.set_result, None)
    await turned


def _config(app: ASGIApp, *, stands_in: bool) -> uvicorn.Config:
    """Name every choice that uvicorn would otherwise make by what else is installed."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="auto" if stands_in else "none",
        lifespan="auto" if stands_in else "off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )

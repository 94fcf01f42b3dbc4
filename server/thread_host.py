"""A server on a thread and an event loop of its own: uvicorn, started and ended at will."""

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import chain

import uvicorn
from starlette.types import ASGIApp

from server.errors import FailureServerError
from server.listening import BACKLOG, Listener

KEEP_ALIVE_SECONDS = 75  # beyond any client's pool, so that no call meets a closing connection
DATE_SECONDS = 1.0  # between two readings of the clock for the `Date` header
CALLS_END_SECONDS = 1.0  # for the calls in flight to notice that their caller is gone
THREAD_ENDS_SECONDS = 5.0
TURNS_TO_CONNECT = 3  # of the event loop, from a connection's acceptance to its protocol


def do_nothing() -> None:
    """Do nothing."""


class AbruptServer(uvicorn.Server):
    """uvicorn that ends like a crash, in milliseconds, whatever is in flight.

    It never sleeps: a test that patches `asyncio.sleep` would have it spin, or never end.
    """

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(_config(app))
        self.ending = asyncio.Event()

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


class ThreadHost:
    """Serves `app` from a daemon thread until `stop`.

    Args:
        app: The application.
        listener: Where it is served; closed in the end.
        on_end: Called from the thread when serving is over, whatever the reason.
    """

    def __init__(
        self, app: ASGIApp, listener: Listener, *, on_end: Callable[[], None] = do_nothing
    ) -> None:
        self._listener = listener
        self._on_end = on_end
        self._server = AbruptServer(app)
        self._thread = threading.Thread(target=self._run, name="failure-server", daemon=True)
        self._begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to serve; callers who connected before are served now."""
        self._thread.start()

    def wait_for_port(self, timeout: float) -> int:  # noqa: ARG002 - as a host has it
        """Return the port, known from the outset."""
        return self._listener.port

    def stop(self) -> None:
        """End the server.

        Raises:
            FailureServerError: If its thread does not end, which would be a defect.
        """
        self._begun.wait()
        if self._loop is not None:
            with suppress(RuntimeError):  # closed: the thread has ended by itself
                self._loop.call_soon_threadsafe(self._server.ending.set)
        self._thread.join(THREAD_ENDS_SECONDS)
        if self._thread.is_alive():
            raise FailureServerError(
                f"the failure server's thread still runs {THREAD_ENDS_SECONDS:g} s after stop()"
            )

    def _run(self) -> None:
        try:
            # Whatever loop the application prefers, this one can stop accepting.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        finally:
            self._begun.set()
            self._listener.socket.close()
            self._on_end()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun.set()
        await self._server.serve([self._listener.socket])


async def _next_turn() -> None:
    """Let the event loop go round once."""
    loop = asyncio.get_running_loop()
    turned = loop.create_future()
    loop.call_soon(turned.set_result, None)
    await turned


def _config(app: ASGIApp) -> uvicorn.Config:
    """Name every choice that uvicorn would otherwise make by what else is installed."""
    return uvicorn.Config(
        app,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )

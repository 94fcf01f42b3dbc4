"""A server on a thread and an event loop of its own: uvicorn, started and ended at will."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from server.errors import FailureServerError
from server.listening import BACKLOG, Listener

KEEP_ALIVE_SECONDS = 75  # beyond any client's pool, so that no call meets a closing connection
CALLS_END_SECONDS = 1.0  # for the calls in flight to notice that their caller is gone
THREAD_ENDS_SECONDS = 5.0


def do_nothing() -> None:
    """Do nothing."""


class ThreadHost:
    """Serves `app` from a daemon thread until `stop`.

    Ending is abrupt, like a crash: listening stops, open connections are cut, calls that are
    being held back end at once. It takes milliseconds, whatever is in flight.

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
        self._server = uvicorn.Server(_config(app))
        self._thread = threading.Thread(target=self._run, name="failure-server", daemon=True)
        self._begun = threading.Event()
        self._ending = asyncio.Event()
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
                self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(THREAD_ENDS_SECONDS)
        if self._thread.is_alive():
            raise FailureServerError(
                f"the failure server's thread still runs {THREAD_ENDS_SECONDS:g} s after stop()"
            )

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._begun.set()
            self._listener.socket.close()
            self._on_end()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun.set()
        serving = asyncio.create_task(self._server.serve([self._listener.socket]))
        ending = asyncio.create_task(self._ending.wait())
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        # uvicorn's own way out waits for ticks of a tenth of a second and for open calls.
        serving.cancel()
        await self._hang_up()
        with suppress(asyncio.CancelledError):
            await serving

    async def _hang_up(self) -> None:
        if self._server.started:
            for listening in self._server.servers:
                listening.close()
        await asyncio.sleep(0)  # a connection just accepted comes to be known
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        if calls := set(self._server.server_state.tasks):
            await asyncio.wait(calls, timeout=CALLS_END_SECONDS)


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

"""The port that clients connect to: open, or closed and still kept."""

import asyncio
import os
import socket
from collections.abc import Callable

from ...addresses.listening import BACKLOG, Listener
from .bells import wait_for_bell
from .sockets import make_prompt

ACCEPTED_PER_TURN = 64
PAUSE_SECONDS = 0.05  # when the system has no more descriptors


class Port:
    """Accepts connections while it is open; while closed, the system refuses them.

    Closed, the port stays bound to a socket that does not listen, so that no other program is
    given it.

    Args:
        listener: Where to listen.
        on_connection: Called with each connection, from the event loop.
    """

    def __init__(self, listener: Listener, on_connection: Callable[[socket.socket], None]) -> None:
        self._socket = listener.socket
        self._on_connection = on_connection
        self._loop = asyncio.get_running_loop()
        self._pausing: asyncio.Task[None] | None = None
        self.is_open: bool = True
        self._socket.settimeout(0)
        self._loop.add_reader(self._socket, self._accept)

    def shut(self) -> None:
        """Accept who is already in line, and have all others refused."""
        if self.is_open:
            self._accept()
            self._stop_accepting()
            self._rebind()
            self.is_open = False

    def reopen(self) -> None:
        """Accept again."""
        if not self.is_open:
            self._socket.listen(BACKLOG)
            self._loop.add_reader(self._socket, self._accept)
            self.is_open = True

    def close(self) -> None:
        """Give the port up."""
        self._stop_accepting()
        self._socket.close()

    def _stop_accepting(self) -> None:
        if self._pausing is not None:
            self._pausing.cancel()
        self._loop.remove_reader(self._socket)

    def _rebind(self) -> None:
        address = self._socket.getsockname()
        self._socket.close()
        self._socket = socket.socket(self._socket.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if os.name == "posix":
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.settimeout(0)
        self._socket.bind(address)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_PER_TURN):
            try:
                accepted, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                self._pause()
                return
            make_prompt(accepted)
            self._on_connection(accepted)

    def _pause(self) -> None:
        """Try again a little later, rather than at once and for ever."""
        self._loop.remove_reader(self._socket)
        self._pausing = asyncio.ensure_future(self._resume())

    async def _resume(self) -> None:
        await wait_for_bell([], PAUSE_SECONDS)
        self._loop.add_reader(self._socket, self._accept)

"""`state.json`: counters and absolute times, so that it changes only when something happened.

The page works out rates and ages by itself. An answer stays small by rows without names, which
stand once in `columns`.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

from ..runtime.forking import fork_safe, tell_in_child
from ..version import __version__
from . import transitions, watched
from .watched import Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["LocalState", "tag_of"]


class LocalState:
    """The state of clients of this process.

    Args:
        clients: They; none is kept alive.
        wall_clock: Returns the seconds since the epoch.

    Raises:
        TypeError: One of them is no client of this package.
    """

    def __init__(self, clients: Iterable[Any], wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._lock = fork_safe(threading.Lock())
        self._watched: list[Watched] = []
        self._made = 0
        self._process: dict[str, Any] = {}
        self.begin_anew()
        tell_in_child(self)
        for client in clients:
            self.add(client)

    def begin_anew(self) -> None:
        """Look at what process this is."""
        from multiprocessing import current_process  # noqa: PLC0415 - only a page needs it

        self._process = {
            "pid": os.getpid(),
            "worker": current_process().name,
            "host": socket.gethostname(),
            "started": round(self._wall_clock(), 3),
            "version": __version__,
        }

    def add(self, client: Any) -> None:
        """Show one more client.

        Raises:
            TypeError: It is no client of this package.
        """
        with self._lock:
            if any(each.client is client for each in self._watched):
                return
            self._made += 1
            self._watched.append(Watched(client, self._made, self._wall_clock))

    def find(self, number: object) -> Any:
        """Return the client of that number, or None where there is none any more."""
        if type(number) is not int:  # True is 1, too
            return None
        return next((each.client for each in self._watched if each.number == number), None)

    async def read(self) -> bytes:
        """Return the state as JSON."""
        with self._lock:
            shown = [(each, each.state()) for each in self._watched]
            self._watched = [each for each, state in shown if state is not None]
        state = {
            "process": self._process,
            "columns": {
                "targets": watched.COLUMNS,
                "endpoints": watched.ENDPOINT_COLUMNS,
                "transitions": transitions.COLUMNS,
            },
            "clients": [state for _, state in shown if state is not None],
        }
        return json.dumps(state, separators=(",", ":")).encode()


def tag_of(body: bytes) -> str:
    """Return the entity tag of an answer."""
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'

"""The server for those who work on it: replaced whenever its code changes."""

import multiprocessing
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn
from uvicorn.supervisors import ChangeReload

from server.listening import Listener, adopt


def serve_with_reload(listener: Listener, *, announce: Callable[[], None]) -> int:
    """Serve from a child process, a new one for each change in this package.

    Args:
        listener: Where to serve; it stays open from one child to the next.
        announce: Called before the first child starts; callers wait in line until it is up.
    """
    config = uvicorn.Config(
        "server.main:app",
        reload=True,
        reload_dirs=[str(Path(__file__).parent)],
        log_config=None,
        log_level="warning",
    )
    announce()
    ChangeReload(config, target=serve_generation, sockets=[listener.socket]).run()
    return 0


def serve_generation(sockets: list[socket.socket] | None) -> None:
    """Serve in a child of the reloader, until it is replaced or the reloader dies."""
    from server.serving import Reasons, serve  # noqa: PLC0415 - the code that changes, anew

    [listening] = sockets or []
    reasons = Reasons()
    threading.Thread(target=_wait_for_parent, args=(reasons.put,), daemon=True).start()
    sys.exit(serve(adopt(listening), reasons, announce=lambda: None))


def _wait_for_parent(tell: Callable[[str], object]) -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    tell("end of the reloader")

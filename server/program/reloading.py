"""The server for those who work on it: replaced whenever its code changes."""

import multiprocessing
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import uvicorn
from uvicorn.supervisors import ChangeReload

from ..addresses.listening import Listener, adopt
from ..hosts.loop_thread import do_nothing

PACKAGE = __name__.rpartition(".program")[0]


def serve_with_reload(
    listener: Listener,
    *,
    announce: Callable[[], None],
    allow_hosts: Sequence[str] = (),
    app: str | None = None,
) -> int:
    """Serve from a child process, a new one for each change in this package.

    Args:
        listener: Where to serve; it stays open from one child to the next.
        announce: Called before the first child starts; callers wait in line until it is up.
        allow_hosts: As for `create_app`.
        app: Where to import the app that the server stands in front of.
    """
    config = uvicorn.Config(
        f"{PACKAGE}.main:app",
        reload=True,
        reload_dirs=[str(Path(__file__).parents[1])],
        log_config=None,
        log_level="warning",
    )
    announce()
    target = partial(serve_generation, allow_hosts=allow_hosts, app=app)
    ChangeReload(config, target=target, sockets=[listener.socket]).run()
    return 0


def serve_generation(
    sockets: list[socket.socket] | None,
    allow_hosts: Sequence[str] = (),
    app: str | None = None,
) -> None:
    """Serve in a child of the reloader, until it is replaced or the reloader dies."""
    from ..hosts.app_import import import_app  # noqa: PLC0415 - the code that changes, anew
    from .serving import Reasons, serve  # noqa: PLC0415 - likewise

    [listening] = sockets or []
    reasons = Reasons()
    threading.Thread(target=_wait_for_parent, args=(reasons.put,), daemon=True).start()
    behind = None if app is None else import_app(app)
    host = adopt(listening)
    sys.exit(serve(host, reasons, announce=do_nothing, allow_hosts=allow_hosts, app=behind))


def _wait_for_parent(tell: Callable[[str], object]) -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    tell("end of the reloader")

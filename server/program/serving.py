"""A server in the foreground: it serves until a signal, the end of input, or a crash."""

import os
import signal
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from starlette.types import ASGIApp

from ..addresses.listening import Listener
from ..app import create_app
from ..hosts.thread_host import ThreadHost

TICK_SECONDS = 0.5
CRASH = "crash"

Reasons = SimpleQueue[str]  # to end; a signal handler may put one at any moment, even during `get`


class Host(Protocol):
    """What a server runs in; it puts `CRASH` among the reasons when it ends by itself."""

    def start(self) -> None:
        """Begin to serve."""
        ...

    def stop(self) -> None:
        """End the server."""
        ...


def serve(
    listener: Listener,
    reasons: Reasons,
    *,
    announce: Callable[[], None],
    allow_hosts: Sequence[str] = (),
    app: ASGIApp | None = None,
) -> int:
    """Serve until there is a reason to end, and return the exit status.

    Args:
        listener: Where to serve.
        reasons: Where others put theirs.
        announce: Called once the server runs, and signals end it in good order.
        allow_hosts: As for `create_app`.
        app: Likewise.
    """
    host = ThreadHost(
        create_app(allow_hosts=allow_hosts, app=app),
        listener,
        on_end=lambda: reasons.put(CRASH),
        stands_in=app is not None,
    )
    return run(host, reasons, announce=announce)


def run(host: Host, reasons: Reasons, *, announce: Callable[[], None]) -> int:
    """Run `host` until there is a reason to end, and return the exit status.

    Args:
        host: What to start and to stop.
        reasons: Where others put theirs.
        announce: Called once the server runs, and signals end it in good order.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda signum, _frame: reasons.put(signal.Signals(signum).name))
    host.start()
    announce()
    reason = _first(reasons)
    host.stop()
    return 1 if reason == CRASH else 0


def end_with_input(reasons: Reasons) -> None:
    """Make the end of standard input a reason: the parent that holds the other end is gone."""
    threading.Thread(target=_wait_for_eof, args=(reasons,), daemon=True).start()


def end_with_parent(reasons: Reasons, parent: int) -> None:
    """Make it a reason that this process is no longer the child of `parent`, a process id.

    Where the parent has forked, a child of its holds standard input open beyond its end.
    """
    threading.Thread(target=_wait_for_adoption, args=(reasons, parent), daemon=True).start()


def _first(reasons: Reasons) -> str:
    while True:
        try:
            return reasons.get(timeout=TICK_SECONDS)  # without one, Windows hears no Ctrl-C
        except Empty:
            continue


def _wait_for_eof(reasons: Reasons) -> None:
    while os.read(0, 1_024):  # not through `sys.stdin`, whose lock would hang the exit
        pass
    reasons.put("end of input")


def _wait_for_adoption(reasons: Reasons, parent: int) -> None:
    if os.name != "posix":
        return  # a child keeps its parent's id there, and nobody can fork
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(TICK_SECONDS)
    reasons.put("end of the parent")

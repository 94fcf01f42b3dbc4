"""Apps of a test's own, served on loopback."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from starlette.types import ASGIApp

from server.addresses.listening import LOOPBACK, listen
from server.hosts.thread_host import ThreadHost

__all__ = ["served_apps"]


@contextmanager
def served_apps() -> Iterator[Callable[[ASGIApp], str]]:
    """Lend what serves an app until the end of the block, and returns its URL."""
    with ExitStack() as hosts:

        def start(app: ASGIApp) -> str:
            listener = listen(LOOPBACK, 0)
            host = ThreadHost(app, listener)
            host.start()
            hosts.callback(host.stop)
            return listener.url

        yield start

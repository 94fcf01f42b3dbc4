"""A wire proxy and its control API, each on a thread of its own, started and ended together."""

from collections.abc import Callable

from ..addresses.listening import Listener
from ..hosts.loop_thread import do_nothing
from ..hosts.thread_host import ThreadHost
from .control_app import create_control_app
from .proxy_thread import ProxyThread
from .wire.upstream import Upstream


class ProxyHost:
    """Serves both until `stop`.

    Args:
        listener: Where clients connect; closed in the end, as is the next.
        control: Where the control API is served.
        upstream: Where clients are passed on to.
        seed: Where all chance begins.
        on_end: Called from a thread when either is over, whatever the reason.
    """

    def __init__(
        self,
        listener: Listener,
        control: Listener,
        upstream: Upstream,
        *,
        seed: int,
        on_end: Callable[[], None] = do_nothing,
    ) -> None:
        self._proxy = ProxyThread(listener, upstream, seed=seed, on_end=on_end)
        app = create_control_app(self._proxy, upstream=upstream.name)
        self._control = ThreadHost(app, control, on_end=on_end)

    def start(self) -> None:
        """Begin to serve."""
        self._proxy.start()
        self._control.start()

    def stop(self) -> None:
        """End both.

        Raises:
            FailureServerError: If a thread does not end, which would be a defect.
        """
        try:
            self._control.stop()
        finally:
            self._proxy.stop()

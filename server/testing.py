"""The failure server in one line of a test: `with FailureServer() as server: ...`.

And the wire proxy: `with WireProxy(server.url) as proxy: ...`.
"""

from typing import Protocol, Self

from server.control_channel import ControlChannel
from server.controls import Controls, RemoteServer
from server.errors import (
    FailureServerError,
    LedgerIncompleteError,
    MissingExtraError,
    require_server_extra,
)
from server.ledger import Ledger, LedgerEntry
from server.listening import listen
from server.process_host import ProcessHost
from server.proxy.armed_faults import FaultInForce
from server.proxy.controls import RemoteProxy
from server.proxy.statistics import ProxyStatistics
from server.proxy.testing import WireProxy
from server.proxy.upstream import BadUpstreamError
from server.startable import Startable

__all__ = [
    "BadUpstreamError",
    "FailureServer",
    "FailureServerError",
    "FaultInForce",
    "Ledger",
    "LedgerEntry",
    "LedgerIncompleteError",
    "MissingExtraError",
    "ProxyStatistics",
    "RemoteProxy",
    "RemoteServer",
    "WireProxy",
]

LOOPBACK = "127.0.0.1"


class Host(Protocol):
    """What a server runs in: a thread or a process."""

    def wait_for_port(self, timeout: float) -> int:
        """Return the port in use, once it is known."""
        ...

    def stop(self) -> None:
        """End the server."""
        ...


class FailureServer(Startable, Controls):
    """A failure server of the test's own, on loopback.

    Use it in a `with` or `async with` statement, or by `start` and `stop`. The code under test
    calls it at `url`; the test works its faults and reads its ledger by the methods here.

    Starting and stopping block, also in an async test: for some milliseconds, as a subprocess
    for up to a second. Stopping is abrupt, like a crash: calls in flight are cut off. A stopped
    server can be started again, at the same URL and with an empty ledger.

    Args:
        subprocess: False (default) serves from a thread of this process. True serves from a
            process of its own: slower to start, but out of reach of a test that patches clocks
            or asyncio. That process never outlives this one.
        port: The port; 0 (default) takes a free one.
        start_timeout: Seconds for the server to come up; default 30.
    """

    def __init__(
        self, *, subprocess: bool = False, port: int = 0, start_timeout: float = 30.0
    ) -> None:
        self._subprocess = subprocess
        self._port = port
        self._start_timeout = start_timeout
        self._host: Host | None = None

    @property
    def running(self) -> bool:
        """Whether the server has been started and not been stopped."""
        return self._host is not None

    @property
    def port(self) -> int:
        """The port of the running server."""
        return self._channel().port

    @property
    def url(self) -> str:
        """The base URL of the running server, `http://127.0.0.1:PORT`."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Start the server and wait until it answers.

        Raises:
            FailureServerError: If it runs already, or does not come up in time; says why.
        """
        if self._host is not None:
            raise FailureServerError(f"the failure server runs already, at {self.url}")
        self._host = self._process_host() if self._subprocess else self._thread_host()
        try:
            self._port = self._host.wait_for_port(self._start_timeout)
            self._channel().call("GET", "/health", timeout=self._start_timeout)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server, if it runs."""
        host, self._host = self._host, None
        if host is not None:
            host.stop()

    def _process_host(self) -> Host:
        return ProcessHost(self._port)

    def _thread_host(self) -> Host:
        require_server_extra()
        from server.app import create_app  # noqa: PLC0415 - the extra is needed only here
        from server.thread_host import ThreadHost  # noqa: PLC0415 - likewise

        host = ThreadHost(create_app(), listen(LOOPBACK, self._port))
        host.start()
        return host

    def _channel(self) -> ControlChannel:
        if self._host is None:
            raise FailureServerError(
                "the failure server is not running; use it inside its with statement, "
                "or between start() and stop()"
            )
        return ControlChannel(LOOPBACK, self._port)

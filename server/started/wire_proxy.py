"""The wire proxy in one line of a test: `with WireProxy("127.0.0.1:8000") as proxy: ...`."""

from typing import ClassVar

from ..addresses.listening import LOOPBACK, listen_for_two
from ..controls.channel import ControlChannel
from ..controls.wire_proxy import ProxyControls
from ..errors import require_server_extra
from ..proxy.process import proxy_process
from ..proxy.wire.upstream import Upstream
from .startable import Startable


class WireProxy(Startable, ProxyControls):
    """A wire proxy of the test's own, on loopback, in front of a service.

    Use it in a `with` or `async with` statement, or by `start` and `stop`. The code under test
    connects to `port` in place of the service's own; the test works the faults by the methods
    here.

    Starting and stopping block, also in an async test: for some milliseconds, as a subprocess
    for up to a second. Stopping is abrupt: open connections are reset. A stopped proxy can be
    started again, on the same ports and as new.

    Args:
        upstream: The service, as `HOST:PORT` or an http or https URL without a path; looked up
            at once, and fixed.
        subprocess: False (default) runs in threads of this process, True in a process of its
            own, which never outlives this one.
        port: The port for clients; 0 (default) takes a free one.
        control_port: The port of the control API; 0 (default) takes a free one.
        seed: Where all chance begins; the same seed, faults and order of connections give the
            same strikes in every run. Default 0.
        start_timeout: Seconds for the proxy to come up; default 30.

    Raises:
        BadUpstreamError: If the upstream is no such thing, or has no address.
    """

    _what: ClassVar[str] = "wire proxy"

    def __init__(  # noqa: PLR0913 - all but the first have defaults and go by name
        self,
        upstream: str,
        *,
        subprocess: bool = False,
        port: int = 0,
        control_port: int = 0,
        seed: int = 0,
        start_timeout: float = 30.0,
    ) -> None:
        super().__init__(subprocess=subprocess, port=port, start_timeout=start_timeout)
        self._upstream = Upstream.parse(upstream)
        self._control_port = control_port
        self._seed = seed

    @property
    def upstream(self) -> str:
        """The service behind it, `HOST:PORT`."""
        return self._upstream.name

    @property
    def host(self) -> str:
        """The address for clients to connect to."""
        return LOOPBACK

    @property
    def port(self) -> int:
        """The port for clients to connect to."""
        self._channel()
        return self._port

    @property
    def url(self) -> str:
        """The base URL for clients of a service that speaks plaintext HTTP."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def control_url(self) -> str:
        """The base URL of the control API."""
        return self._channel().url

    def _bring_up(self) -> None:
        if self._subprocess:
            self._start_process()
        else:
            self._start_threads()

    def _start_process(self) -> None:
        self._host = host = proxy_process(
            self.upstream, port=self._port, control_port=self._control_port, seed=self._seed
        )
        announced = host.wait_for_announcement(self._start_timeout)
        self._port, self._control_port = int(announced[1]), int(announced[2])

    def _start_threads(self) -> None:
        require_server_extra("the wire proxy")
        from ..proxy.proxy_host import ProxyHost  # noqa: PLC0415 - the extra is needed here

        listener, control = listen_for_two(LOOPBACK, self._port, self._control_port)
        host = ProxyHost(listener, control, self._upstream, seed=self._seed)
        host.start()
        self._host = host
        self._port, self._control_port = listener.port, control.port

    def _channel(self) -> ControlChannel:
        return self._channel_to(LOOPBACK, self._control_port)

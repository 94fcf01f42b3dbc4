"""The failure server of a test's own."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from ..addresses.host_names import check_host_name
from ..addresses.listening import LOOPBACK, listen
from ..controls.channel import ControlChannel
from ..controls.failure_server import Controls
from ..errors import FailureServerError, require_server_extra
from ..hosts.app_import import Asgi, check_app, import_app
from ..hosts.process_host import COMMAND, ProcessHost
from .startable import Startable

if TYPE_CHECKING:
    from ..hosts.thread_host import ThreadHost


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
        allow_hosts: Names by which it may be called besides `localhost` and its addresses. By any
            other it refuses to work, since a page in a browser may have made it lead here.
        app: An ASGI application to stand in front of, or where to import it, as
            `"module:attribute"`; a process of its own needs the latter. Its lifespan runs with
            the server's. Faults and ledger apply to all of its paths; `/fail`, `/ledger` and
            `/health` stay the server's own, and the rest, `/msg` included, is the app's.

    Raises:
        ValueError: One of the names is none, or the app (`BadAppError`).
    """

    _what: ClassVar[str] = "failure server"

    def __init__(
        self,
        *,
        subprocess: bool = False,
        port: int = 0,
        start_timeout: float = 30.0,
        allow_hosts: Iterable[str] = (),
        app: Asgi | str | None = None,
    ) -> None:
        if app is not None:
            check_app(app, subprocess=subprocess)
        super().__init__(subprocess=subprocess, port=port, start_timeout=start_timeout)
        self._app = app
        self._allow_hosts = tuple(map(check_host_name, allow_hosts))

    @property
    def port(self) -> int:
        """The port of the running server."""
        return self._channel().port

    @property
    def url(self) -> str:
        """The base URL of the running server, `http://127.0.0.1:PORT`."""
        return self._channel().url

    def _bring_up(self) -> None:
        self._host = host = self._process_host() if self._subprocess else self._thread_host()
        self._port = host.wait_for_port(self._start_timeout)

    def _process_host(self) -> ProcessHost:
        names = [f"--allow-host={name}" for name in self._allow_hosts]
        app = [] if self._app is None else [f"--app={self._app}"]
        return ProcessHost(self._port, command=(COMMAND, *names, *app))

    def _thread_host(self) -> "ThreadHost":
        require_server_extra()
        from ..app import create_app  # noqa: PLC0415 - the extra is needed only here
        from ..hosts.thread_host import ThreadHost  # noqa: PLC0415 - likewise

        behind = None if self._app is None else import_app(self._app)
        app = create_app(allow_hosts=self._allow_hosts, app=behind)
        host = ThreadHost(app, listen(LOOPBACK, self._port), stands_in=behind is not None)
        host.start()
        return host

    def _channel(self) -> ControlChannel:
        return self._channel_to(LOOPBACK, self._port)

    def _explain(self, error: BaseException) -> FailureServerError | None:
        has_refused = getattr(self._host, "has_failed_to_start", False)
        if has_refused and isinstance(error, FailureServerError):
            return FailureServerError(
                f"app {self._app!r} did not start: its lifespan failed, as the log of "
                "uvicorn.error says; run what it needs, or give an app that can do without"
            )
        return None

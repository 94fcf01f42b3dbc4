"""What is started and stopped: by name, or by a `with` or `async with` statement around its use."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol, Self

from ..controls.channel import ControlChannel
from ..errors import FailureServerError


class Host(Protocol):
    """What it runs in: threads or a process."""

    def stop(self) -> None:
        """End it."""
        ...


class Startable(ABC):
    """Runs from `start` to `stop`, or within its statement. Both block, also in async code.

    Args:
        subprocess: Whether it runs in a process of its own.
        port: The port; 0 takes a free one.
        start_timeout: Seconds for it to come up.
    """

    _what: ClassVar[str]

    def __init__(self, *, subprocess: bool, port: int, start_timeout: float) -> None:
        self._subprocess = subprocess
        self._port = port
        self._start_timeout = start_timeout
        self._host: Host | None = None

    def __repr__(self) -> str:
        state = f"at {self.url}" if self.running else "stopped"
        return f"<{type(self).__name__} {state}>"

    @property
    def running(self) -> bool:
        """Whether it has been started and not been stopped."""
        return self._host is not None

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it runs."""

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            FailureServerError: If it runs already, or does not come up in time; says why.
        """
        if self._host is not None:
            raise FailureServerError(f"the {self._what} runs already, at {self.url}")
        try:
            self._bring_up()
            self._channel().call("GET", "/health", timeout=self._start_timeout)
        except BaseException as error:
            explained = self._explain(error)
            self.stop()
            if explained is not None:
                raise explained from error
            raise
        return self

    def stop(self) -> None:
        """Stop it, if it runs."""
        host, self._host = self._host, None
        if host is not None:
            host.stop()

    @abstractmethod
    def _bring_up(self) -> None:
        """Make the host, note it and the ports."""

    @abstractmethod
    def _channel(self) -> ControlChannel:
        """Return the way to it."""

    def _explain(self, error: BaseException) -> FailureServerError | None:  # noqa: ARG002 - for those who know more
        """Return what there is to say of a start that failed, more than its error does."""
        return None

    def _channel_to(self, host: str, port: int) -> ControlChannel:
        """Return the way to a port.

        Raises:
            FailureServerError: If it is not running.
        """
        if self._host is None:
            raise FailureServerError(
                f"the {self._what} is not running; use it inside its with statement, "
                "or between start() and stop()"
            )
        return ControlChannel(host, port, server=self._what)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(self, *_: object) -> None:
        self.stop()

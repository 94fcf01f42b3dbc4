"""The controls of a running failure server, as a test works them."""

from abc import ABC, abstractmethod
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from server.control_channel import ControlChannel
from server.fault_records import FaultsInForce
from server.health import Health
from server.ledger import Ledger

Moment = Literal["before", "after"]
RetryAfter = str | float | None


class Controls(ABC):
    """The faults and the ledger of one server.

    Each method is one blocking call, answered within a millisecond or so by a server that has a
    thread or process of its own: an async test may make it too. A value out of bounds raises
    `ValueError`, a server that does not answer `FailureServerError`.

    All faults are off at first. Latency delays every call; of the failures count is asked
    first, then duration, then rate. Those share their options:

    - `status`: what a failed call is answered with, 300 to 599, default 500;
    - `retry_after`: its `Retry-After` header, sent as it is, sense or nonsense, if HTTP can carry
      it and it is no longer than 8,192 characters; by default none is sent;
    - `when`: `"before"` (default) fails a call in place of its effect, `"after"` lets it take
      effect and only then fails it, the case that idempotency keys exist for.
    """

    @abstractmethod
    def _channel(self) -> ControlChannel:
        """Return the way to the server."""

    def fail_count(
        self,
        n: int,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
    ) -> None:
        """Fail the next `n` calls of `/msg`, 0 to 1,000,000; 0 switches this fault off."""
        self._post(f"/fail/count/{n}", status=status, retry_after=retry_after, when=when)

    def fail_duration(
        self,
        seconds: float,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
    ) -> None:
        """Fail every call of `/msg` for `seconds`, 0 to 3,600; 0 switches this fault off."""
        self._post(f"/fail/duration/{seconds}", status=status, retry_after=retry_after, when=when)

    def fail_rate(
        self,
        percent: float,
        *,
        status: int = 500,
        retry_after: RetryAfter = None,
        when: Moment = "before",
        seed: int | None = None,
    ) -> None:
        """Fail `percent` of the calls of `/msg`, 0 to 100; 0 switches this fault off.

        The same `seed` fails the same calls in every run; without one, each run differs.
        """
        self._post(
            f"/fail/rate/{percent}",
            status=status,
            retry_after=retry_after,
            when=when,
            seed=seed,
        )

    def latency(self, ms: float) -> None:
        """Answer every call of `/msg` later by `ms`, 0 to 60,000; 0 switches this fault off."""
        self._post(f"/fail/latency/{ms}")

    def reset(self) -> None:
        """Switch every fault off; the ledger stays as it is."""
        self._post("/fail/reset")

    def clear(self) -> None:
        """Switch every fault off and empty the ledger: the server is as new.

        Calls still in flight stay out of the emptied ledger.
        """
        self.reset()
        self._channel().call("DELETE", "/ledger")

    def faults(self) -> FaultsInForce:
        """Return the faults in force."""
        return cast("FaultsInForce", self._get("/fail"))

    def ledger(self) -> Ledger:
        """Return what has arrived and taken effect since the ledger was last emptied."""
        return Ledger.from_json(self._get("/ledger"))

    def health(self) -> Health:
        """Return the server's status, version and uptime in seconds."""
        return cast("Health", self._get("/health"))

    def _get(self, path: str) -> dict[str, Any]:
        return self._channel().call("GET", path)

    def _post(self, path: str, **query: object) -> None:
        self._channel().call("POST", path, query)


class RemoteServer(Controls):
    """A failure server that runs elsewhere, such as one started on the command line.

    Args:
        url: Its base URL, `http://HOST:PORT`.

    Raises:
        ValueError: If the URL is another kind of thing.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/"):
            raise ValueError(f"{url!r} is not a failure server's URL; give http://HOST:PORT")
        self.url = f"http://{parts.netloc}"
        self._control_channel = ControlChannel(parts.hostname, parts.port or 80)

    def _channel(self) -> ControlChannel:
        return self._control_channel

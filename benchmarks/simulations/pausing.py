"""The pause for all over real connections: a server that takes 20 a second, asked for 40."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final

from client import ClientConfig, ResilientClient
from server.testing import FailureServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Send = Callable[[dict[str, Any]], Awaitable[None]]

__all__ = ["LIMITED", "PLAIN", "over_loopback", "rated_app"]

RATE: Final = 20
_OFFERED: Final = 40
_SERVED: Final = "benchmarks.simulations.pausing:rated_app"
_RETRY: Final[dict[str, Any]] = {"max_attempts": 100, "budget": None, "max_wait_seconds": 5}

PLAIN: Final[dict[str, Any]] = {"retry": _RETRY}
LIMITED: Final[dict[str, Any]] = {
    "retry": _RETRY,
    "rate_limit": {"rate": RATE, "acquisition_timeout": 120},
}


class RatedApp:
    """An ASGI application that takes so many requests in each second, and refuses the rest."""

    def __init__(self) -> None:
        self._window = -1
        self._taken = 0

    async def __call__(self, scope: Mapping[str, object], _receive: object, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            return
        window = int(time.monotonic())
        if window != self._window:
            self._window, self._taken = window, 0
        self._taken += 1
        is_good = self._taken <= RATE
        headers = [] if is_good else [(b"retry-after", b"1")]
        status = 200 if is_good else 429
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})


rated_app: Final = RatedApp()


def over_loopback(settings: dict[str, Any], seconds: float) -> tuple[float, float]:
    """Offer 40 calls a second for some time; return refusals and good answers a second."""

    async def story(url: str) -> float:
        config = ClientConfig(base_url=url, circuit_breaker=None, bulkhead=None)
        began = time.monotonic()
        async with ResilientClient(config.merged(**settings)) as client:
            async with asyncio.TaskGroup() as calls:
                for _ in range(int(seconds * _OFFERED)):
                    calls.create_task(client.get("/"))
                    await asyncio.sleep(1 / _OFFERED)
            return time.monotonic() - began

    with FailureServer(subprocess=True, app=_SERVED) as server:
        took = asyncio.run(story(server.url))
        arrived = sum(entry.arrived for entry in server.ledger().requests.values())
    good = int(seconds * _OFFERED)
    return (arrived - good) / took, good / took

"""Servers whose answers may be kept, and callers who ask for the same at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from tests.behaviour.wire import Arrival, Step
    from tests.behaviour.world import Caller, World

KEPT = {"Cache-Control": "max-age=3600"}
"""Headers of an answer that may be kept."""
FOR_ONE = {"Cache-Control": "no-store"}
"""Headers of one that may not."""


class Slow:
    """A server that takes a second for an answer that may be kept, if nothing else is said.

    Args:
        seconds: How long each takes.
        steps: What is answered, one after the other; the last is repeated.
    """

    def __init__(self, *steps: Step, seconds: float = 1.0) -> None:
        self.seconds = seconds
        self.steps: list[Step] = list(steps)
        self.asked = 0
        self.most = 0
        """So many requests were under way at a time."""
        self._under_way = 0

    async def __call__(self, arrival: Arrival) -> Step:
        """Answer."""
        self.asked += 1
        number = self.asked
        self._under_way += 1
        self.most = max(self.most, self._under_way)
        try:
            await arrival.takes(self.seconds)
        finally:
            self._under_way -= 1
        if self.steps:
            return self.steps[min(number, len(self.steps)) - 1]
        return Answer(200, (b"answer %d" % number,), headers=KEPT)


def cached(world: World, server: Any, **settings: Any) -> Caller:
    """A client with a cache, whose calls are tried once."""
    return world.client(
        server, **{"cache": {}, "retry": None, "timeout": {"read": 1000, "total": None}, **settings}
    )


def status_of(response: Any) -> str:
    """What the cache did for an answer."""
    status: str = response.extensions["cache"].status
    return status


def attempts_of(response: Any) -> int:
    """How many attempts an answer's own operation has made."""
    attempts: int = response.extensions["resilience"].attempts
    return attempts

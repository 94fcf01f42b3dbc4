"""What these stories are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.behaviour.wire import Answer

if TYPE_CHECKING:
    from client.events import Event
    from tests.behaviour.wire import Arrival, Handler
    from tests.behaviour.world import Caller, World

PLAIN: dict[str, Any] = {
    "retry": {"min_wait_seconds": 0.0, "max_wait_seconds": 0.0, "jitter": False},
    "circuit_breaker": None,
    "bulkhead": None,
}
"""No other strategy gets in the way, and a retry waits for nothing of its own."""


def limited(world: World, server: Any = 200, rate: float | None = 1.0, **settings: Any) -> Caller:
    """Make a client with a rate limit; its own settings are those that end in a plain name."""
    of_limit = {
        name: settings.pop(name)
        for name in list(settings)
        if name not in {"listeners", "timeout", *PLAIN}
    }
    return world.client(server, rate_limit={"rate": rate, **of_limit}, **{**PLAIN, **settings})


def says(status: int = 200, **fields: object) -> Answer:
    """An answer with these fields, written with underscores."""
    headers = {name.replace("_", "-"): str(value) for name, value in fields.items()}
    return Answer(status, headers=headers)


def later(seconds: float, answer: object) -> Handler:
    """An answer that comes after some time, so that others are under way meanwhile."""

    async def handle(arrival: Arrival) -> object:
        await arrival.takes(seconds)
        return answer

    return handle


class Told:
    """A listener that keeps what it hears of some kinds."""

    def __init__(self, *kinds: type[Event]) -> None:
        self.listens_to = kinds
        self.events: list[Any] = []

    def __call__(self, event: Event) -> None:
        """Keep an event."""
        self.events.append(event)

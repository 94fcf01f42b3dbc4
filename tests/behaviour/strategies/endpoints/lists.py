"""Functions that say which endpoints there are, and calls that ask them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from client.engine.engine import Engine
from client.engine.notifiers import Notifiers
from client.engine.operation import Call
from client.engine.plan import Plan
from client.ports.asyncio_ports import ASYNCIO
from client.ports.blocking_ports import BLOCKING
from client.strategies.endpoints.listing import Listing
from tests.behaviour.wire import drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from client import Endpoint
    from client.engine.ports import Ports
    from client.exceptions import MyAPIError
    from tests.behaviour.world import World

ONE = ["http://one.test"]
TWO = ["http://one.test", "http://two.test"]
REFRESH = 30.0


@dataclass
class Registry:
    """What a function goes by that is asked for endpoints; it answers as its script says.

    A step is a list, an exception or its class, or seconds that it takes before the next step. The
    last step stands.
    """

    world: World
    steps: list[Any]
    asked: int = 0
    at_once: int = 0
    most_at_once: int = 0

    @property
    def function(self) -> Callable[[], Any]:
        """An async one in the async world, else a plain one."""
        if self.world.is_async:
            return self.answer
        return lambda: drive(self.answer())

    async def answer(self) -> object:
        """Answer once."""
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            step = self._next()
            while isinstance(step, float):
                await self.world.sleep(step)
                step = self._next()
        finally:
            self.at_once -= 1
        if isinstance(step, type | BaseException):
            raise step
        return step

    def _next(self) -> object:
        return self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]


@dataclass
class Asking:
    """A client's list, and calls that want it."""

    world: World
    registry: Registry
    refresh: float = REFRESH
    warnings: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the list."""
        self.ports: Ports = (ASYNCIO if self.world.is_async else BLOCKING).make_ports()
        self.listing = Listing(
            self.registry.function,
            refresh=self.refresh,
            ports=self.ports,
            is_async=self.world.is_async,
            check=_check,
            warn=self.warnings.append,
        )
        self._host = Engine(self.ports)

    async def urls(self, total: float | None = None) -> list[str]:
        """Return what a call gets that begins now."""
        plan = Plan((), Notifiers(()), total)
        call = Call(method="GET", target="/", host=self._host, plan=plan, total=total)
        self._host._begin(call)
        return [endpoint.url for endpoint in await self.listing.current(call)]

    async def failure(self, total: float | None = None) -> MyAPIError:
        """Return what a call fails with that begins now."""
        task = self.world.start(self.urls(total))
        outcome = await self.world.outcome(task)
        assert isinstance(outcome, BaseException), outcome
        return outcome  # type: ignore[return-value] # the test looks at its class

    async def settled(self) -> None:
        """Let a reading that takes no time come to its end."""
        for _ in range(5):
            await self.world.sleep(0)

    async def close(self) -> None:
        """Close the list, as its client does."""
        await self.listing.close(self.ports)


def _check(endpoint: Endpoint) -> None:
    if endpoint.url.endswith(".unusable"):
        raise ValueError(f"{endpoint.url} cannot be used")


def asking(world: World, *steps: Any, refresh: float = REFRESH) -> Asking:
    """Make a list by a function that answers so."""
    return Asking(world, Registry(world, list(steps)), refresh)

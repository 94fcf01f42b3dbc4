"""The engine by itself, called as a face calls it, with an exchange that does nothing.

Everything the benchmarks know of the engine's inside is here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from client import CircuitBreakerConfig, ClientConfig
from client.asyncio_ports import ASYNCIO
from client.blocking_ports import BLOCKING
from client.breaker import Breaker
from client.budget import RetryBudget
from client.call import Call
from client.circuit import Circuit
from client.circuit_state import Outcome, Permit, Rejection
from client.engine import Engine
from client.ports import run_to_end
from client.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from client.ports import World
    from client.retry import Failure

__all__ = ["async_operation", "blocking_operation", "rejecting_circuit"]

_URL: Final = "http://target.example/item"


class _NoExchange:
    """Succeeds at once."""

    def __init__(self, send: Callable[[], Awaitable[None]]) -> None:
        self._send = send

    async def send(self, left: float | None) -> None:  # noqa: ARG002 - of the port
        """Do nothing, but await it: tenacity does no less."""
        await self._send()

    async def discard(self, response: object) -> None:
        """Do nothing."""

    async def abandon(self, response: object) -> None:
        """Do nothing."""

    async def keep(self, response: object) -> None:
        """Do nothing."""

    def can_replay(self) -> bool:
        """Tell that it can."""
        return True

    def failure_of(self, call: Call, response: object) -> Failure | None:
        """Return none: the answer is good."""

    def look_again(self, call: Call, response: object) -> Failure:
        """Never asked: no exchange of this kind fails."""
        raise NotImplementedError

    def failure_from(self, call: Call, error: Exception) -> Failure | None:
        """Return none: no exception is about this exchange."""


def async_operation(send: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Return an operation through bulkhead, circuit and retries with a budget."""
    return _operation(ASYNCIO, send)


def blocking_operation(send: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Return the same over blocking ports."""
    operation = _operation(BLOCKING, send)

    def run() -> None:
        run_to_end(operation())

    return run


def rejecting_circuit() -> Callable[[], bool]:
    """Return what asks an open circuit for leave; True where there is none."""
    circuit = Circuit(CircuitBreakerConfig(failure_threshold=1, recovery_timeout=3_600.0))
    permit = circuit.admit(monotonic())
    assert isinstance(permit, Permit)  # noqa: S101 - it is closed
    circuit.record(permit, Outcome.FAILURE, monotonic())
    return lambda: isinstance(circuit.admit(monotonic()), Rejection)


def _operation(
    world: World, send: Callable[[], Awaitable[None]]
) -> Callable[[], Coroutine[Any, Any, None]]:
    config = ClientConfig()
    assert config.circuit_breaker is not None  # noqa: S101 - the default
    assert config.retry is not None  # noqa: S101 - likewise
    assert config.retry.budget is not None  # noqa: S101 - likewise
    engine = Engine(
        world.make_ports(), bulkhead=config.bulkhead, breaker=Breaker(config.circuit_breaker)
    )
    policy = RetryPolicy(config.retry, RetryBudget(config.retry.budget))
    exchange = _NoExchange(send)

    async def operation() -> None:
        call = Call(
            method="GET",
            target=_URL,
            notify=engine.notifiers,
            retry=policy,
            total=None,
        )
        await engine.run(call, exchange)

    return operation

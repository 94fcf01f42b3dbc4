"""The engine by itself, called as a face calls it, with an exchange that does nothing.

Everything the benchmarks know of the engine's inside is here.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from client import CircuitBreakerConfig, ClientConfig
from client.engine.engine import Engine
from client.engine.notifiers import Notifiers
from client.engine.operation import Attempt, Call
from client.engine.plan import Plan
from client.pipeline import pipeline
from client.ports.asyncio_ports import ASYNCIO
from client.ports.blocking_ports import BLOCKING
from client.runtime.coroutines import run_to_end
from client.strategies.bulkhead.gate import Bulkhead
from client.strategies.circuit.audience import Member
from client.strategies.circuit.circuit import Circuit
from client.strategies.circuit.gate import CircuitGate
from client.strategies.circuit.scopes import Breaker
from client.strategies.circuit.state import CircuitOutcome, Permit, Rejection
from client.strategies.retry.budget import RetryBudget
from client.strategies.retry.policy import RetryPolicy, RetryRules

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from client.engine.layer import Failure
    from client.engine.ports import World

__all__ = ["async_operation", "blocking_operation", "rejecting_circuit"]

_URL: Final = "http://target.example/item"


class _NoExchange:
    """Succeeds at once, and has only what that takes."""

    attempt_kind: type[Attempt] = Attempt
    sees_requests = True

    def __init__(self, send: Callable[[], Awaitable[None]]) -> None:
        self._send = send

    async def send(self, attempt: Attempt, left: float | None) -> Any:  # noqa: ARG002, ANN401 - of the port; nobody looks at what it answers
        """Do nothing, but await it: tenacity does no less."""
        await self._send()

    async def discard(self, failure: Failure) -> None:
        """Do nothing."""

    async def abandon(self, failure: Failure) -> None:
        """Do nothing."""

    async def keep(self, failure: Failure) -> None:
        """Do nothing."""

    def can_replay(self) -> bool:
        """Return that it can."""
        return True

    def settle_for(self, failure: Failure) -> bool:  # noqa: ARG002 - an exchange's signature
        """Return that it can."""
        return True

    def failure_of(self, attempt: Attempt, response: object) -> Failure | None:
        """Return none: the answer is good."""

    def look_again(self, response: object) -> Failure:
        """Never asked: no exchange of this kind fails."""
        raise NotImplementedError

    def failure_from(self, attempt: Attempt, error: Exception) -> Failure | None:
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
    circuit.record(permit, CircuitOutcome.FAILURE, monotonic())
    return lambda: isinstance(circuit.admit(monotonic()), Rejection)


def _operation(
    world: World, send: Callable[[], Awaitable[None]]
) -> Callable[[], Coroutine[Any, Any, None]]:
    config = ClientConfig()
    assert config.circuit_breaker is not None  # noqa: S101 - the default
    assert config.retry is not None  # noqa: S101 - likewise
    assert config.retry.budget is not None  # noqa: S101 - likewise
    ports = world.make_ports()
    engine = Engine(ports)
    notify = Notifiers(())
    member = Member(notify, engine.metrics)
    parts = pipeline(
        bulkhead=Bulkhead(config.bulkhead, ports) if config.bulkhead is not None else None,
        circuit=CircuitGate(Breaker(config.circuit_breaker), member),
        retry=RetryPolicy(RetryRules.of(config.retry), RetryBudget(config.retry.budget)),
    )
    plan = Plan(parts, notify, None)

    exchange: Any = _NoExchange(send)  # with what a good call without strategies asks for

    async def operation() -> None:
        call = Call(method="GET", target=_URL, host=engine, plan=plan, total=None)
        await engine.run(call, exchange)

    return operation

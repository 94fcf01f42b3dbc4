"""What a contender is: a name, what it has switched on, and a way to make a `get` of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager, AbstractContextManager

    from benchmarks.speed.null_transport import NullTransport

    AsyncGet = Callable[[str], Awaitable[httpx.Response]]
    BlockingGet = Callable[[str], httpx.Response]
    OpenAsync = Callable[["Setup"], AbstractAsyncContextManager[AsyncGet]]
    OpenBlocking = Callable[["Setup"], AbstractContextManager[BlockingGet]]

__all__ = ["ATTEMPTS", "FAILURES_TO_OPEN", "Contender", "Setup", "async_client", "blocking_client"]

ATTEMPTS: Final = 3
FAILURES_TO_OPEN: Final = 5
PATIENCE: Final = 30.0
"""Seconds. With httpx's own 5, a pool with a thousand callers before it would give up in turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What all contenders are given alike.

    No contender waits between its attempts: else the run would measure how long it sleeps.

    Attributes:
        slots: How many calls may be under way at once, where a contender bounds that.
        transport: Where calls go instead of the wire.
        has_circuit: Whether those that have a circuit breaker switch it on.
        has_budget: Whether those that have a retry budget switch it on.
    """

    slots: int = 50
    transport: NullTransport | None = None
    has_circuit: bool = True
    has_budget: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to make a call.

    Attributes:
        name: As it is shown.
        about: What it has switched on.
        distribution: Whose version is shown; None for this library.
        open_async: Makes an async `get` for as long as a block lasts, or None.
        open_blocking: Likewise a blocking one.
        has_circuit: Whether it has a circuit breaker to switch on.
        has_queue: Whether callers queue for a slot where there are more of them than slots.
        failures: What its `get` raises when a call fails for good.
        is_null_capable: Whether it can call a null transport in place of the wire.
    """

    name: str
    about: str
    distribution: str | None = None
    open_async: OpenAsync | None = None
    open_blocking: OpenBlocking | None = None
    has_circuit: bool = False
    has_queue: bool = False
    failures: tuple[type[Exception], ...] = (httpx.HTTPError,)
    is_null_capable: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is this library."""
        return self.distribution is None

    def for_tasks(self, setup: Setup) -> AbstractAsyncContextManager[AsyncGet]:
        """Make an async `get`; only where `open_async` is not None."""
        if self.open_async is None:
            raise TypeError(f"{self.name} is for blocking code only")
        return self.open_async(setup)

    def for_threads(self, setup: Setup) -> AbstractContextManager[BlockingGet]:
        """Make a blocking `get`; only where `open_blocking` is not None."""
        if self.open_blocking is None:
            raise TypeError(f"{self.name} is for async code only")
        return self.open_blocking(setup)


def async_client(setup: Setup, **options: object) -> httpx.AsyncClient:
    """Make the httpx client that others protect, and that unprotected calls are made with."""
    return httpx.AsyncClient(**_common(setup, options))


def blocking_client(setup: Setup, **options: object) -> httpx.Client:
    """Make the blocking one."""
    return httpx.Client(**_common(setup, options))


def _common(setup: Setup, options: dict[str, object]) -> dict[str, Any]:
    # It follows redirects as the facade does, which is not httpx's default. Nothing redirects here.
    common: dict[str, Any] = {
        "transport": setup.transport,
        "follow_redirects": True,
        "timeout": PATIENCE,
    }
    return {**common, **options}

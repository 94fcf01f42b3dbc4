"""`CircuitBreaker`: one circuit as an object, to be shared between clients and threads."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ...config.checks import is_plain_function, is_shown_name
from ...exceptions import APIConnectionError
from .state import CircuitState

if TYPE_CHECKING:
    from collections.abc import Callable

    from .circuit import Circuit
    from .control import CircuitControl
    from .scopes import Breaker

__all__ = ["CircuitBreaker"]


class CircuitBreaker:
    """A circuit that any number of clients, tasks and threads may share.

    Args:
        failure_threshold: Consecutive failed calls that open it; 1 to 1,000,000, default 5.
        recovery_timeout: Seconds it stays open before it lets a probe through; default 60.0.
        expected_exception: What counts as a failure: an exception class or a tuple of them, of
            httpx or of `client.exceptions`; default `APIConnectionError`, which stands for
            timeouts, network failures and the statuses 408, 429 and 5xx.
        on_state_change: `(old, new) -> None`, given two `CircuitState`. What it raises is logged.
        name: Told in errors, logs, events and metrics: 1 to 128 printable characters; default
            "circuit".
        **settings: Further settings of `CircuitBreakerConfig`, such as `success_threshold`,
            `half_open_max_calls` or `failure_rate`; not `scope`, for this is one circuit.

    Raises:
        ValueError: A setting is unknown or out of bounds.
    """

    def __init__(
        self,
        failure_threshold: int = 5,
        recovery_timeout: float = 60.0,
        expected_exception: type[Exception] | tuple[type[Exception], ...] = APIConnectionError,
        on_state_change: Callable[[CircuitState, CircuitState], object] | None = None,
        *,
        name: str = "circuit",
        **settings: Any,
    ) -> None:
        # Here, because the classes of a drop-in client know of this one, and most of their users
        # make no circuit: it takes pybreaker and pydantic.
        from ...config.models import CircuitBreakerConfig  # noqa: PLC0415 - see above
        from .circuit import Circuit  # noqa: PLC0415 - see above
        from .control import CircuitControl  # noqa: PLC0415 - see above
        from .scopes import Breaker  # noqa: PLC0415 - see above

        if "scope" in settings:
            raise ValueError("a CircuitBreaker is one circuit: make one for each origin instead")
        if not is_shown_name(name):
            raise ValueError(f"name is {name!r}: give a text of 1 to 128 printable characters")
        if not is_plain_function(on_state_change):
            wanted = "give a plain function or None"
            raise ValueError(f"on_state_change is {on_state_change!r}: {wanted}")
        given = {
            "failure_threshold": failure_threshold,
            "recovery_timeout": recovery_timeout,
            "expected_exception": expected_exception,
        }
        config = CircuitBreakerConfig.model_validate(settings | given)
        self.circuit: Circuit = Circuit(config, name, on_state_change=on_state_change)
        self.breaker: Breaker = Breaker(config, single=self.circuit)
        self.control: CircuitControl = CircuitControl(self.breaker, _Clock(), name)
        """What `client.circuit` of each client is that is given this breaker."""

    @property
    def state(self) -> CircuitState:
        """The state now, as a call would find it. To read it moves nothing."""
        return self.control.states.get(self.circuit.scope, CircuitState.CLOSED)  # where it is off

    @property
    def failure_count(self) -> int:
        """Consecutive failed calls so far."""
        return self.circuit.failures

    def isolate(self, reason: str, scope: str | None = None, seconds: float | None = None) -> None:
        """Turn calls of all clients away, with `CircuitIsolatedError`.

        Args:
            reason: Why, for errors, logs and events: 1 to 200 characters.
            scope: An origin such as "https://api.example", to turn away calls to that alone.
            seconds: How long; then the circuit goes on half open. None: until it is released.

        Raises:
            ValueError: An argument is not allowed.
            RuntimeError: 1,000 origins are isolated already.
        """
        self.control.isolate(reason, scope, seconds)

    def release(self, scope: str | None = None) -> None:
        """End what was isolated and close the circuit; nothing happens where nothing was.

        Args:
            scope: An origin; None for everything, single origins included.

        Raises:
            ValueError: There is no such scope, or it is isolated together with everything else.
        """
        self.control.release(scope)

    def reset(self, scope: str | None = None) -> None:
        """Close it, isolated or not, and forget what was counted.

        Outcomes of calls in flight no longer count.

        Args:
            scope: As in `release`.

        Raises:
            ValueError: As `release` does.
        """
        self.control.reset(scope)

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.circuit.scope!r} {self.state} failures={self.failure_count}>"


class _Clock:
    """The clock of all clients, in whatever world they are."""

    def now(self) -> float:
        return time.monotonic()

    def wall_clock(self) -> float:
        return time.time()

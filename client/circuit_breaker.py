"""`CircuitBreaker`: one circuit as an object, to be shared between clients and threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from client.exceptions import APIConnectionError
from client.validation import is_plain_function, is_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from client.circuit_state import CircuitState

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
        name: Told in errors, logs and events; default "circuit".
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
        from client.circuit import Circuit  # noqa: PLC0415 - see above
        from client.config import CircuitBreakerConfig  # noqa: PLC0415 - see above

        if "scope" in settings:
            raise ValueError("a CircuitBreaker is one circuit: make one for each origin instead")
        if not is_text(name):
            raise ValueError(f"name is {name!r}: give a text")
        if not is_plain_function(on_state_change):
            wanted = "give a plain function or None"
            raise ValueError(f"on_state_change is {on_state_change!r}: {wanted}")
        given = {
            "failure_threshold": failure_threshold,
            "recovery_timeout": recovery_timeout,
            "expected_exception": expected_exception,
        }
        config = CircuitBreakerConfig.model_validate(settings | given)
        self.circuit = Circuit(config, name, on_state_change=on_state_change)

    @property
    def state(self) -> CircuitState:
        """The state now."""
        return self.circuit.state

    @property
    def failure_count(self) -> int:
        """Consecutive failed calls so far."""
        return self.circuit.failures

    def reset(self) -> None:
        """Close it and forget what was counted; outcomes of calls in flight no longer count."""
        self.circuit.reset()

    def __repr__(self) -> str:
        return f"<CircuitBreaker {self.circuit.scope!r} {self.state} failures={self.failure_count}>"

"""The errors of operations: each carries what the operation was, and how far it had come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from client.exceptions import (
    CircuitOpenError,
    ClientClosedError,
    DeadlineExceededError,
    MyAPIError,
    PoolTimeoutError,
)

if TYPE_CHECKING:
    from client.call import Call
    from client.circuit_state import Rejection
    from client.ports import Ports
    from client.rejections import Rejections

__all__ = ["CallErrors"]

_OPEN: Final = "Circuit breaker is OPEN"
_CLOSED: Final = "the client is closed; make a new one"

ErrorT = TypeVar("ErrorT", bound=MyAPIError)


class CallErrors:
    """Makes them, for one client.

    Args:
        ports: For the clock.
        rejections: The classes for calls that are turned away.
    """

    def __init__(self, ports: Ports, rejections: Rejections) -> None:
        self.rejections = rejections
        self._ports = ports

    def make(self, kind: type[ErrorT], call: Call, reason: str, **more: Any) -> ErrorT:
        """Make an error of the tree that carries the operation's context."""
        elapsed = self._ports.now() - call.started
        named = f" (request id {call.request_id})" if call.request_id else ""
        made = f" after {call.attempts} attempts" if call.attempts > 1 else ""
        text = f"{call.method} {call.shown_url} failed{made}: {reason}{named}"
        if call.was_sent:
            more["request_sent"] = True
        error = kind(
            text,
            method=call.method,
            url=call.shown_url,
            request_id=call.request_id,
            attempts=call.attempts,
            elapsed=elapsed,
            **more,
        )
        self.rejections.complete(error, call.target)
        return error

    def circuit_open(self, call: Call, rejection: Rejection) -> CircuitOpenError:
        """Make the error for an operation that the circuit turns away."""
        seconds, last = rejection.retry_after, rejection.last_error
        when = f"a probe may go in {seconds:.3g} s" if seconds > 0 else "a probe is out"
        why = f"; it opened on {type(last).__name__}" if last is not None else ""
        kind, reason = self.rejections.circuit_open, f"{_OPEN}: {when}{why}"
        error = self.make(kind, call, reason, retry_after=seconds, request_sent=False)
        error.last_error = last
        return error

    def no_slot(self, call: Call, limit: int, patience: float) -> PoolTimeoutError:
        """Make the error for an operation that queued in vain."""
        reason = f"none of the bulkhead's {limit} slots came free within {patience:g} s"
        return self.make(self.rejections.pool_timeout, call, reason, request_sent=False)

    def late(self, call: Call, *, request_sent: bool | None = False) -> DeadlineExceededError:
        """Make the error for an operation whose time is used up."""
        reason = f"the {call.total:g} s that the whole operation may take are used up"
        kind = self.rejections.deadline_exceeded
        return self.make(kind, call, reason, request_sent=request_sent)

    def closed(self, call: Call, *, request_sent: bool = False) -> ClientClosedError:
        """Make the error for an operation of a client that was closed."""
        return self.make(ClientClosedError, call, _CLOSED, request_sent=request_sent)

"""What happens to circuits."""

from __future__ import annotations

from dataclasses import dataclass

from .operations import OfOperation

__all__ = [
    "CircuitClosed",
    "CircuitHalfOpened",
    "CircuitIsolated",
    "CircuitOpened",
    "CircuitRejected",
    "CircuitReleased",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitRejected(OfOperation):
    """The circuit turned the operation away; it may admit one in `retry_after` seconds.

    None where it is isolated until somebody releases it.
    """

    retry_after: float | None
    """Seconds until it may admit one, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfCircuit:
    client: str = "default"
    """The name of the client that is told: each that shares the circuit is."""
    operation_id: str | None = None
    """The operation of this client that moved the circuit; None where that was none of its own."""
    scope: str
    """ "client", the origin the circuit stands for, or the name of a `CircuitBreaker`."""
    request_id: str | None
    """The operation of this client that moved the circuit; None where that was none of its own."""
    method: str | None
    """The HTTP method of that operation, or None."""
    url: str | None
    """Its URL, without credentials, query and fragment, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved(_OfCircuit):
    cause: str = "local"
    """ "local" (operations), "manual" (isolated, released or reset by hand) or "storage" (moved by
    whoever shares the storage, or by a listener of pybreaker's)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitOpened(_Moved):
    """The circuit opened after `failures` failures and stays so for `recovery_timeout` seconds."""

    failures: int
    """Failed operations in a row, or of the window where it goes by a rate and these are more."""
    recovery_timeout: float
    """Seconds until it admits a probe."""
    last_error: BaseException | None
    """What the last of them failed with; None where the circuit was opened from elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitHalfOpened(_Moved):
    """The break is over: the circuit lets probes through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitClosed(_Moved):
    """The circuit closed after it was open for `open_seconds`."""

    open_seconds: float
    """Seconds since it opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitIsolated(_OfCircuit):
    """Somebody isolated the circuit, for `seconds` or, where that is None, until it is released."""

    reason: str
    """Why, as it was given."""
    seconds: float | None
    """For how long; None until it is released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitReleased(_OfCircuit):
    """The circuit is no longer isolated, after `seconds`.

    `CircuitClosed` or `CircuitHalfOpened` follows, for each circuit that goes on by that.
    """

    reason: str
    """Why it was isolated, as it was given then."""
    seconds: float
    """For how long it was isolated."""

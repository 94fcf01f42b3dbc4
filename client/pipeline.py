"""The order of an operation, outermost first. A new strategy is a file and a line here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .strategies.retry.retry import Retry

if TYPE_CHECKING:
    from .engine.layer import Gate, Layer
    from .strategies.bulkhead.gate import Bulkhead
    from .strategies.circuit.gate import CircuitGate
    from .strategies.retry.policy import RetryPolicy

__all__ = ["pipeline"]


def pipeline(
    *, bulkhead: Bulkhead | None, circuit: CircuitGate | None, retry: RetryPolicy | None
) -> tuple[Gate | Layer, ...]:
    """Return what an operation passes on its way to its attempts; None is switched off."""
    order = (
        bulkhead,  # a slot, or a place in the queue for one
        circuit,  # leave of the circuit, which hears how the operation ends
        Retry(retry) if retry is not None else None,  # attempts, until one succeeds
    )
    return tuple(part for part in order if part is not None)

"""The order of an operation, outermost first. A new strategy is a file and a line here.

Outside of all this is the deadline, and what comes after an operation that failed: the fallback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .strategies.retry.retry import Retry

if TYPE_CHECKING:
    from .engine.layer import Gate, Layer, Outer, Sending
    from .strategies.retry.policy import RetryPolicy

__all__ = ["pipeline"]


def pipeline(  # noqa: PLR0913 - one for each strategy, each named by the caller
    *,
    bulkhead: Gate | None,
    circuit: Gate | None,
    retry: RetryPolicy | None,
    plugins: Layer | None = None,
    middleware: Layer | None = None,
    cache: Outer | None = None,
    rate_limit: Gate | None = None,
    adaptive_limit: Gate | None = None,
    hedging: Layer | None = None,
    endpoints: Sending | None = None,
    attempt_middleware: Sending | None = None,
    chaos: Sending | None = None,
) -> tuple[Gate | Layer | Sending, ...]:
    """Return what an operation passes on its way to its attempts; None is switched off."""
    order = (
        plugins,  # those that live as long as the client: the first call starts them
        middleware,  # of the caller's: once a call, however often it is tried
        cache,  # an answer that is there already, and asks nothing of what is further in
        rate_limit,  # a moment at which its first attempt may be sent
        bulkhead,  # a slot, or a place in the queue for one
        adaptive_limit,  # nothing: it watches the attempts, and sets how many slots there are
        circuit,  # leave of the circuit, which hears how the operation ends
        Retry(retry) if retry is not None else None,  # attempts, until one succeeds
        hedging,  # attempts beside one that is late
        endpoints,  # the address that each attempt goes to
        attempt_middleware,  # of the caller's: each attempt
        chaos,  # faults, on purpose
    )
    return tuple(part for part in order if part is not None)

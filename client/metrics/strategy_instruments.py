"""The metrics of the strategies around the core; see `instruments`."""

from __future__ import annotations

from typing import Final

from .instruments import Instrument

__all__ = ["CHAOS_INJECTED", "FALLBACKS", "LIMIT_CHANGES", "WOULD_REJECT"]

FALLBACKS: Final = Instrument(
    name="fallbacks",
    kind="counter",
    help="Operations that failed and that a fallback answered",
    unit="{operation}",
    labels=("target", "outcome"),
)
CHAOS_INJECTED: Final = Instrument(
    name="chaos.injected",
    kind="counter",
    help="Faults that were injected on purpose",
    unit="{fault}",
    labels=("target", "fault"),
)
LIMIT_CHANGES: Final = Instrument(
    name="bulkhead.limit.changes",
    kind="counter",
    help="Changes of a limit that finds itself, by what brought them about",
    unit="{change}",
    labels=("reason",),
)
WOULD_REJECT: Final = Instrument(
    name="would_reject",
    kind="counter",
    help="Operations that a strategy that only observes would have turned away or let wait",
    unit="{operation}",
    labels=("target", "by"),
)

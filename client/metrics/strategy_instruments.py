"""The metrics of the strategies around the core; see `instruments`."""

from __future__ import annotations

from typing import Final

from .instruments import SECONDS, Instrument

__all__ = [
    "CACHE_BYTES",
    "CACHE_ENTRIES",
    "CACHE_LOOKUPS",
    "CHAOS_INJECTED",
    "ENDPOINTS",
    "ENDPOINT_EJECTIONS",
    "ENDPOINT_OUTSTANDING",
    "FALLBACKS",
    "HEDGES",
    "LIMIT_CHANGES",
    "RATE_LIMIT_PAUSED",
    "RATE_LIMIT_PAUSES",
    "RATE_LIMIT_WAIT",
    "RATE_LIMIT_WAITING",
    "WOULD_REJECT",
]

CACHE_LOOKUPS: Final = Instrument(
    name="cache.lookups",
    kind="counter",
    help="Operations that passed the cache, by what it did for them",
    unit="{operation}",
    labels=("target", "status"),
)
CACHE_ENTRIES: Final = Instrument(
    name="cache.entries",
    kind="gauge",
    help="What is kept in the cache, answers and what leads to them",
    unit="{entry}",
)
CACHE_BYTES: Final = Instrument(
    name="cache.size",
    kind="gauge",
    help="Bytes that are kept in the cache",
    unit="By",
)
FALLBACKS: Final = Instrument(
    name="fallbacks",
    kind="counter",
    help="Operations that failed and that a fallback answered",
    unit="{operation}",
    labels=("target", "outcome"),
)
RATE_LIMIT_WAITING: Final = Instrument(
    name="rate_limit.waiting",
    kind="gauge",
    help="Attempts that wait until it is their turn to be sent",
    unit="{attempt}",
)
RATE_LIMIT_WAIT: Final = Instrument(
    name="rate_limit.wait",
    kind="histogram",
    help="How long operations waited until it was the turn of their first attempt",
    unit="s",
    bounds=SECONDS,
)
RATE_LIMIT_PAUSES: Final = Instrument(
    name="rate_limit.pauses",
    kind="counter",
    help="Pauses that a server asked everybody for",
    unit="{pause}",
    labels=("target", "by"),
)
RATE_LIMIT_PAUSED: Final = Instrument(
    name="rate_limit.paused",
    kind="gauge",
    help="Keys of the rate limit whose callers pause now",
    unit="{key}",
)
CHAOS_INJECTED: Final = Instrument(
    name="chaos.injected",
    kind="counter",
    help="Faults that were injected on purpose",
    unit="{fault}",
    labels=("target", "fault"),
)
HEDGES: Final = Instrument(
    name="hedges",
    kind="counter",
    help="Attempts beside one that was late: those sent, won and lost, and why others were not",
    unit="{decision}",
    labels=("target", "decision"),
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
ENDPOINTS: Final = Instrument(
    name="endpoints",
    kind="gauge",
    help="Endpoints by the state that they are in",
    unit="{endpoint}",
    labels=("state",),
    of_several="max",
)
ENDPOINT_OUTSTANDING: Final = Instrument(
    name="endpoint.outstanding",
    kind="gauge",
    help="Attempts that are out to an endpoint, open streams included",
    unit="{attempt}",
    labels=("target",),
)
ENDPOINT_EJECTIONS: Final = Instrument(
    name="endpoint.ejections",
    kind="counter",
    help="Ejections of endpoints that failed, by what for",
    unit="{ejection}",
    labels=("target", "reason"),
)

"""The metrics by name, kind, unit and labels; a strategy brings its own in the same form.

Every metric has the label `client` besides those that are named here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = [
    "AGAIN",
    "ATTEMPTS_PER_OPERATION",
    "ATTEMPT_DURATION",
    "BUDGET_AVAILABLE",
    "BULKHEAD_IN_USE",
    "BULKHEAD_LIMIT",
    "BULKHEAD_WAIT",
    "BULKHEAD_WAITING",
    "CIRCUIT_STATE",
    "CIRCUIT_TRANSITIONS",
    "FIRST",
    "HEDGE",
    "LISTENER_ERRORS",
    "OPERATIONS_ACTIVE",
    "OPERATION_DURATION",
    "OPERATION_TIMEOUT",
    "REJECTIONS",
    "RETRIES",
    "RETRY_WAIT",
    "SECONDS",
    "SERIES_OVERFLOW",
    "Instrument",
    "Kind",
]

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]

SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Those of OpenTelemetry's `http.client.request.duration`."""

FIRST: Final = "first"
AGAIN: Final = "again"
HEDGE: Final = "hedge"
"""Whether an attempt was an operation's first, followed one that had failed, or was sent beside one
that was late: the label `resend`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Instrument:
    """One metric of which each combination of label values has a value of its own.

    Attributes:
        name: By OpenTelemetry's rules, without the prefix `resilient_http.`.
        kind: "counter" only grows, "gauge" is what stands now, "histogram" counts values by size.
        help: What it tells, in one sentence without a full stop.
        unit: "s" for seconds, or what is counted, in braces as OpenTelemetry writes it.
        labels: The names of those beyond `client`, in the order of their values.
        bounds: Of a histogram: upper bounds, each inclusive, in ascending order.
        of_several: How the gauges of several clients with one name come together.
    """

    name: str
    kind: Kind
    help: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    of_several: Literal["sum", "max"] = "sum"


OPERATION_DURATION: Final = Instrument(
    name="operation.duration",
    kind="histogram",
    help="How long operations took, with waits and all attempts",
    unit="s",
    labels=("target", "method", "outcome"),
    bounds=SECONDS,
)
ATTEMPT_DURATION: Final = Instrument(
    name="attempt.duration",
    kind="histogram",
    help="How long attempts took from their sending to the head of the answer",
    unit="s",
    labels=("target", "method", "outcome", "resend"),
    bounds=SECONDS,
)
ATTEMPTS_PER_OPERATION: Final = Instrument(
    name="attempts_per_operation",
    kind="histogram",
    help="How many attempts operations made",
    unit="{attempt}",
    labels=("target",),
    bounds=(1.0, 2.0, 3.0, 5.0, 10.0),
)
RETRIES: Final = Instrument(
    name="retries",
    kind="counter",
    help="Decisions about another attempt, by the outcome of the one that had failed",
    unit="{decision}",
    labels=("target", "reason", "decision"),
)
RETRY_WAIT: Final = Instrument(
    name="retry.wait",
    kind="counter",
    help="Seconds that operations were told to wait for another attempt",
    unit="s",
    labels=("target",),
)
BUDGET_AVAILABLE: Final = Instrument(
    name="retry.budget.available",
    kind="gauge",
    help="Retries that the budget would pay for now",
    unit="{retry}",
)
REJECTIONS: Final = Instrument(
    name="rejections",
    kind="counter",
    help="Operations that were turned away without an attempt",
    unit="{operation}",
    labels=("target", "by"),
)
CIRCUIT_STATE: Final = Instrument(
    name="circuit.state",
    kind="gauge",
    help="1 for the state that a circuit is in, 0 for the others",
    unit="{circuit}",
    labels=("target", "state"),
    of_several="max",
)
CIRCUIT_TRANSITIONS: Final = Instrument(
    name="circuit.transitions",
    kind="counter",
    help="Changes of a circuit's state",
    unit="{transition}",
    labels=("target", "to", "cause"),
)
BULKHEAD_IN_USE: Final = Instrument(
    name="bulkhead.in_use",
    kind="gauge",
    help="Slots of the bulkhead that are taken",
    unit="{slot}",
)
BULKHEAD_WAITING: Final = Instrument(
    name="bulkhead.waiting",
    kind="gauge",
    help="Operations that queue for a slot of the bulkhead",
    unit="{operation}",
)
BULKHEAD_LIMIT: Final = Instrument(
    name="bulkhead.limit",
    kind="gauge",
    help="Slots that the bulkhead has",
    unit="{slot}",
)
BULKHEAD_WAIT: Final = Instrument(
    name="bulkhead.wait",
    kind="histogram",
    help="How long operations queued that got a slot",
    unit="s",
    bounds=SECONDS,
)
OPERATION_TIMEOUT: Final = Instrument(
    name="operation.timeout",
    kind="gauge",
    help="Seconds that a whole operation may take, where the client bounds them",
    unit="s",
    of_several="max",
)
OPERATIONS_ACTIVE: Final = Instrument(
    name="operations.active",
    kind="gauge",
    help="Operations under way, those that queue included",
    unit="{operation}",
    labels=("target",),
)
LISTENER_ERRORS: Final = Instrument(
    name="listener.errors",
    kind="counter",
    help="Events on which a listener raised",
    unit="{error}",
    labels=("listener",),
)
SERIES_OVERFLOW: Final = Instrument(
    name="telemetry.series_overflow",
    kind="counter",
    help="Operations that were counted under the target _OTHER",
    unit="{operation}",
)

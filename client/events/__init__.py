"""What happens, as frozen records handed to listeners; no listener, no record, no cost.

A listener is any callable that takes one event. It runs in the middle of a call, so it must be
quick and must not block; what it raises is logged and never harms the call.
"""

from __future__ import annotations

from typing import TypeAlias

from .circuits import (
    CircuitClosed,
    CircuitHalfOpened,
    CircuitIsolated,
    CircuitOpened,
    CircuitRejected,
    CircuitReleased,
)
from .endpoints import EndpointEjected, EndpointReturned, EndpointsChanged, EndpointsPanicked
from .notifying import Listener
from .operations import (
    AttemptEnded,
    AttemptStarted,
    BulkheadAcquired,
    BulkheadRejected,
    BulkheadWaiting,
    OperationFailed,
    OperationSucceeded,
    RequestIdMade,
    RetryRefused,
    RetryScheduled,
    SlotWaited,
)
from .strategies import (
    CacheUsed,
    ChaosInjected,
    FallbackUsed,
    HedgeLost,
    HedgeSent,
    LimitChanged,
    RateLimitPaused,
    RateLimitRejected,
    RateLimitWaited,
    Reconfigured,
    WouldReject,
)

__all__ = [
    "AttemptEnded",
    "AttemptStarted",
    "BulkheadAcquired",
    "BulkheadRejected",
    "BulkheadWaiting",
    "CacheUsed",
    "ChaosInjected",
    "CircuitClosed",
    "CircuitHalfOpened",
    "CircuitIsolated",
    "CircuitOpened",
    "CircuitRejected",
    "CircuitReleased",
    "EndpointEjected",
    "EndpointReturned",
    "EndpointsChanged",
    "EndpointsPanicked",
    "Event",
    "FallbackUsed",
    "HedgeLost",
    "HedgeSent",
    "LimitChanged",
    "Listener",
    "OperationFailed",
    "OperationSucceeded",
    "RateLimitPaused",
    "RateLimitRejected",
    "RateLimitWaited",
    "Reconfigured",
    "RequestIdMade",
    "RetryRefused",
    "RetryScheduled",
    "SlotWaited",
    "WouldReject",
]

Event: TypeAlias = (
    RequestIdMade
    | BulkheadWaiting
    | SlotWaited
    | BulkheadAcquired
    | BulkheadRejected
    | CircuitRejected
    | CircuitOpened
    | CircuitHalfOpened
    | CircuitClosed
    | CircuitIsolated
    | CircuitReleased
    | AttemptStarted
    | AttemptEnded
    | RetryScheduled
    | RetryRefused
    | OperationSucceeded
    | OperationFailed
    | CacheUsed
    | ChaosInjected
    | FallbackUsed
    | HedgeLost
    | HedgeSent
    | RateLimitPaused
    | RateLimitRejected
    | RateLimitWaited
    | LimitChanged
    | EndpointEjected
    | EndpointReturned
    | EndpointsChanged
    | EndpointsPanicked
    | Reconfigured
    | WouldReject
)


def __dir__() -> list[str]:
    return sorted(__all__)

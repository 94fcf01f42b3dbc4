"""What happens to the endpoints of a client."""

from __future__ import annotations

from dataclasses import dataclass

from .operations import OfClient

__all__ = ["EndpointEjected", "EndpointReturned", "EndpointsChanged", "EndpointsPanicked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointEjected(OfClient):
    """Calls go elsewhere from now on.

    Attributes:
        endpoint: Its URL, without credentials.
        reason: "consecutive_failures", "failure_ratio", "probe" (one that should find out whether
            it is well again failed) or "check" (an active one failed).
        seconds: For how long at least.
        ejected: How many of the endpoints are ejected now.
        total: How many there are that are not drained.
    """

    endpoint: str
    reason: str
    seconds: float
    ejected: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointReturned(OfClient):
    """An ejected endpoint is well again, and is led up to its full share.

    Attributes:
        endpoint: Its URL, without credentials.
        seconds: For how long it was ejected.
        ejected: How many of the endpoints are ejected now.
        total: How many there are that are not drained.
    """

    endpoint: str
    seconds: float
    ejected: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsChanged(OfClient):
    """The list of endpoints is another one.

    Attributes:
        added: The URLs that are new, without credentials.
        removed: Those that are gone.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsPanicked(OfClient):
    """So many endpoints are ejected that ejections are ignored; or that is over.

    Attributes:
        is_on: Whether they are ignored from now on.
        ejected: How many of the endpoints are ejected.
        total: How many there are that are not drained.
    """

    is_on: bool
    ejected: int
    total: int

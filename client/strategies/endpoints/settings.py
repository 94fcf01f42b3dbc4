"""What this folder needs to know of the settings; `client.config` has the models themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BalancingRules", "EndpointSettings", "OutlierRules", "PolicyName"]

PolicyName: TypeAlias = Literal["p2c", "round_robin", "least_outstanding", "ordered", "hash"]


class EndpointSettings(Protocol):
    """One endpoint."""

    @property
    def url(self) -> str:
        """By which it is known, whatever else of it changes."""
        ...

    @property
    def weight(self) -> float:
        """Its share beside the others' weights; 0 drains it."""
        ...


class OutlierRules(Protocol):
    """When an endpoint is ejected, and how it comes back."""

    @property
    def consecutive_failures(self) -> int | None:
        """So many, one after the other, eject it; None: they do not."""
        ...

    @property
    def failure_ratio(self) -> float | None:
        """This share of failures in the last ten seconds ejects it; None: it does not."""
        ...

    @property
    def minimum_calls(self) -> int:
        """So many attempts make a share."""
        ...

    @property
    def base_ejection(self) -> float:
        """Seconds of a first ejection; each further one takes twice as long."""
        ...

    @property
    def max_ejection(self) -> float:
        """Seconds of an ejection, at most."""
        ...

    @property
    def max_ejection_share(self) -> float:
        """The share of the endpoints that may be gone, the one in question included."""
        ...

    @property
    def panic_share(self) -> float:
        """With more than this share gone, ejections are ignored."""
        ...

    @property
    def slow_start(self) -> float:
        """Seconds in which an endpoint that came back is led up to its full share."""
        ...

    @property
    def mode(self) -> Literal["enforce", "observe", "off"]:
        """Observing tells what would be ejected, and leaves it in."""
        ...


class BalancingRules(Protocol):
    """How endpoints are chosen."""

    @property
    def policy(self) -> PolicyName:
        """By what."""
        ...

    @property
    def outliers(self) -> OutlierRules | None:
        """None: nothing is ejected."""
        ...


if TYPE_CHECKING:
    Chance: TypeAlias = Callable[[], float]
    """`random` of a `random.Random`: from 0 to below 1."""

"""The ledger as it is read: frozen records, and the proofs a test draws from them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Self

from ..errors import LedgerIncompleteError


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """All that one request id did to the server.

    Attributes:
        request_id: The id, from `X-Request-ID` or `Idempotency-Key`, or made by the server.
        message_id: The message made for it; None until it took effect.
        arrived: How often it arrived.
        took_effect: How often it changed something; more than 1 is a doubled call.
        abandoned: How often the caller left before it was answered.
        methods: The distinct methods it came with, in order of arrival.
        statuses: The statuses it was answered with, in the order of the answers.
        bodies: The SHA-256 of each distinct body, in order of arrival: attempts that all sent
            identical bytes leave exactly one.
        truncated: Whether more was seen than `methods`, `statuses` and `bodies` have room for.
    """

    request_id: str
    message_id: str | None
    arrived: int
    took_effect: int
    abandoned: int
    methods: tuple[str, ...]
    statuses: tuple[int, ...]
    bodies: tuple[str, ...]
    truncated: bool

    def to_json(self) -> dict[str, Any]:
        """Return what the server sends for this entry."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Self:
        """Read what `to_json` made, once it has been over the wire."""
        read = cls(**entry)
        return replace(
            read,
            methods=tuple(read.methods),
            statuses=tuple(read.statuses),
            bodies=tuple(read.bodies),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What reached the server since the ledger was last emptied.

    Attributes:
        requests: The entry of every request id still remembered.
        arrived: Calls that arrived, those of evicted ids included.
        took_effect: Effects, those of evicted ids included.
        evicted: Request ids forgotten for want of room.
    """

    requests: Mapping[str, LedgerEntry]
    arrived: int
    took_effect: int
    evicted: int

    def __post_init__(self) -> None:
        """Guard the mapping against change, like the fields."""
        object.__setattr__(self, "requests", MappingProxyType(dict(self.requests)))

    def lost(self, request_ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of `request_ids` that had no effect; none, if nothing was lost.

        Raises:
            LedgerIncompleteError: If ids were evicted: what is missing may only be forgotten.
        """
        self._check_complete()
        return tuple(
            request_id
            for request_id in request_ids
            if (entry := self.requests.get(request_id)) is None or not entry.took_effect
        )

    def doubled(self) -> tuple[str, ...]:
        """Return the request ids with more than one effect; none, if nothing was doubled.

        Raises:
            LedgerIncompleteError: If ids were evicted: the doubled one may be among them.
        """
        self._check_complete()
        return tuple(
            request_id for request_id, entry in self.requests.items() if entry.took_effect > 1
        )

    def _check_complete(self) -> None:
        if self.evicted:
            raise LedgerIncompleteError(
                f"{self.evicted} request ids were evicted from the ledger, which still holds "
                f"{len(self.requests)}: it proves nothing; "
                "clear it before the run, or send fewer distinct request ids"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what `GET /ledger` sends."""
        return {
            "requests": {key: entry.to_json() for key, entry in self.requests.items()},
            "totals": {
                "arrived": self.arrived,
                "took_effect": self.took_effect,
                "requests": len(self.requests),
                "evicted": self.evicted,
            },
        }

    @classmethod
    def from_json(cls, ledger: Mapping[str, Any]) -> Self:
        """Read what `to_json` made, once it has been over the wire."""
        totals = ledger["totals"]
        return cls(
            requests={k: LedgerEntry.from_json(entry) for k, entry in ledger["requests"].items()},
            arrived=totals["arrived"],
            took_effect=totals["took_effect"],
            evicted=totals["evicted"],
        )

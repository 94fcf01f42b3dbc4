"""An answer as it is kept, and as bytes."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from itertools import chain
from math import isfinite
from typing import Final, TypeAlias

from .fields import Fields
from .keeping.records import ENTRY, opened, sealed
from .rules.terms import Terms, terms_of

__all__ = ["Entry", "Headers", "Stamp"]

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""Names and values, as the server sent them and in its order."""
Stamp: TypeAlias = tuple[bytes, float]
"""A process, as random bytes of its own, and the seconds of its monotonic clock."""

_FIXED: Final = struct.Struct("!H?ddd?HHHHHHQ")
_OBJECTS: Final = 500
"""Bytes of memory that an entry takes without header fields and body."""
_FIELD: Final = 360
"""Bytes of memory that a header field takes besides its text, which is there twice."""
_DAMAGED: Final = "not an entry of the cache, or a damaged one"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An answer that is kept.

    Attributes:
        status: Its status.
        headers: Its header fields.
        body: Its body as it came from the wire, so still content-coded; see `is_decoded`.
        method: The method of the request that it answers, in capitals.
        requested: When that request was sent, in seconds since the epoch.
        received: When the answer came, in seconds since the epoch.
        is_decoded: Whether the body has been unpacked. Its headers name no content coding then.
        stamp: The process that received it, and when by its monotonic clock.
        vary: The request's header fields that it depends on, in lower case.
        http_version: As in `HTTP/1.1`.
        reason: The phrase behind the status; None where the protocol has none.
        fields: The headers once more, to be looked up.
        terms: What the headers say of its use.
    """

    status: int
    headers: Headers
    body: bytes = field(repr=False)
    method: str = "GET"
    requested: float = 0.0
    received: float = 0.0
    is_decoded: bool = False
    stamp: Stamp | None = None
    vary: tuple[str, ...] = ()
    http_version: bytes = b"HTTP/1.1"
    reason: bytes | None = None
    fields: Fields = field(init=False, repr=False, compare=False)
    terms: Terms = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = Fields(self.headers)
        object.__setattr__(self, "fields", fields)
        terms = terms_of(self.status, fields, self.requested, self.received)
        object.__setattr__(self, "terms", terms)

    @property
    def footprint(self) -> int:
        """The bytes of memory that it takes, roughly."""
        texts = sum(len(name) + len(value) for name, value in self.headers)
        return _OBJECTS + _FIELD * len(self.headers) + 2 * texts + len(self.body)

    def to_bytes(self) -> bytes:
        """Return it as a record for a storage.

        Raises:
            ValueError: A part of it is too long for one: a header field above 4 GiB, say.
        """
        token, moment = self.stamp or (b"", 0.0)
        short = (
            self.method.encode("latin-1"),
            self.http_version,
            self.reason or b"",
            token,
            ",".join(self.vary).encode("latin-1"),
        )
        texts = tuple(chain.from_iterable(self.headers))
        try:
            fixed = _FIXED.pack(
                self.status,
                self.is_decoded,
                self.requested,
                self.received,
                moment,
                self.reason is not None,
                *map(len, short),
                len(self.headers),
                len(self.body),
            )
            lengths = struct.pack(f"!{len(texts)}I", *map(len, texts))
        except struct.error as error:
            raise ValueError(f"too long to be kept: {error}") from None
        return sealed(ENTRY, b"".join((fixed, lengths, *short, *texts, self.body)))

    @classmethod
    def from_bytes(cls, record: bytes) -> Entry:
        """Return what `to_bytes` has made a record of.

        Raises:
            ValueError: It is damaged, cut short, or something else.
        """
        kind, payload = opened(record)
        if kind != ENTRY:
            raise ValueError(_DAMAGED)
        return cls.from_payload(payload)

    @classmethod
    def from_payload(cls, payload: memoryview) -> Entry:
        """Return what stands in a record of this kind.

        Raises:
            ValueError: It is damaged.
        """
        try:
            status, is_decoded, requested, received, moment, has_reason, *lengths = (
                _FIXED.unpack_from(payload)
            )
            *short, pairs, of_body = lengths
            offset = _FIXED.size
            long = struct.unpack_from(f"!{2 * pairs}I", payload, offset)
        except struct.error:
            raise ValueError(_DAMAGED) from None
        parts: list[bytes] = []
        offset += 8 * pairs
        for length in (*short, *long, of_body):
            parts.append(bytes(payload[offset : offset + length]))
            offset += length
        if offset != len(payload) or not all(map(isfinite, (requested, received, moment))):
            raise ValueError(_DAMAGED)
        method, http_version, reason, token, vary, *texts, body = parts
        return cls(
            status=status,
            headers=tuple(zip(texts[::2], texts[1::2], strict=True)),
            body=body,
            method=method.decode("latin-1"),
            requested=requested,
            received=received,
            is_decoded=is_decoded,
            stamp=(token, moment) if token else None,
            vary=tuple(vary.decode("latin-1").split(",")) if vary else (),
            http_version=http_version,
            reason=reason if has_reason else None,
        )

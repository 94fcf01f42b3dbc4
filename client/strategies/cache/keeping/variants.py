"""The answers of one resource that differ by header fields of the request, side by side."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ..rules.vary import selecting_value
from .records import INDEX, sealed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..fields import Fields
    from .keys import Keys

__all__ = ["Index", "Variant", "variant_key"]

_LENGTHS: Final = struct.Struct("!HH")
_DAMAGED: Final = "a damaged index of variants"


@dataclass(frozen=True, slots=True)
class Variant:
    """One of them.

    Attributes:
        key: Where it is kept.
        names: The header fields of the request that it depends on, in lower case.
    """

    key: str
    names: tuple[str, ...]


def variant_key(keys: Keys, whole: str, names: tuple[str, ...], request: Fields) -> str:
    """Return the key of the answer to a request, where that depends on such fields of it."""
    return keys.variant(whole, ((name, selecting_value(name, request)) for name in names))


@dataclass(frozen=True, slots=True)
class Index:
    """They, the newest last; and, of a whole resource, what those parts go by that are somebody's.

    Attributes:
        variants: What is everybody's, or in the index of a part that somebody's.
        generation: Random bytes that are in the keys of all parts.
    """

    variants: tuple[Variant, ...] = ()
    generation: bytes = b""

    def matching(self, keys: Keys, whole: str, request: Fields) -> Iterator[Variant]:
        """Yield those that answer a request, the best first.

        That is the newest; those without a `Vary` come last (RFC 9111, 4.1), for a server may have
        forgotten it there.
        """
        computed: dict[tuple[str, ...], str] = {}
        best = [each for each in reversed(self.variants) if each.names]
        best += [each for each in reversed(self.variants) if not each.names]
        for variant in best:
            key = computed.get(variant.names)
            if key is None:
                key = variant_key(keys, whole, variant.names, request)
                computed[variant.names] = key
            if key == variant.key:
                yield variant

    def with_one(self, new: Variant, most: int) -> tuple[Index, tuple[Variant, ...]]:
        """Return it with one more, or one anew, and those that there is no room for any more."""
        variants = (*(each for each in self.variants if each.key != new.key), new)
        return replace(self, variants=variants[-most:]), variants[:-most]

    @property
    def footprint(self) -> int:
        """The bytes of memory that it takes, roughly."""
        return 100 + sum(300 + 80 * len(each.names) for each in self.variants)

    def to_bytes(self) -> bytes:
        """Return it as a record for a storage.

        Raises:
            ValueError: The names of header fields are too long for one.
        """
        parts = [bytes([len(self.generation)]), self.generation]
        for variant in self.variants:
            key, names = variant.key.encode(), ",".join(variant.names).encode("latin-1")
            try:
                parts += (_LENGTHS.pack(len(key), len(names)), key, names)
            except struct.error as error:
                raise ValueError(f"too long to be kept: {error}") from None
        return sealed(INDEX, b"".join(parts))

    @classmethod
    def from_payload(cls, payload: memoryview) -> Index:
        """Return what stands in a record of this kind.

        Raises:
            ValueError: It is damaged.
        """
        variants: list[Variant] = []
        if not payload:
            raise ValueError(_DAMAGED)
        offset = 1 + payload[0]
        generation = bytes(payload[1:offset])
        while offset < len(payload):
            try:
                of_key, of_names = _LENGTHS.unpack_from(payload, offset)
            except struct.error:
                raise ValueError(_DAMAGED) from None
            begin = offset + _LENGTHS.size
            middle, offset = begin + of_key, begin + of_key + of_names
            key = bytes(payload[begin:middle]).decode("latin-1")
            names = bytes(payload[middle:offset]).decode("latin-1")
            variants.append(Variant(key, tuple(names.split(",")) if names else ()))
        if offset != len(payload):
            raise ValueError(_DAMAGED)
        return cls(tuple(variants), generation)

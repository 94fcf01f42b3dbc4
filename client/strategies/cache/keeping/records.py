"""What stands under a key of a storage: bytes that say their kind and version, with a checksum.

Nothing is unpickled: whoever can write to a storage can put answers there, but no code.
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

__all__ = ["ENTRY", "INDEX", "TOMBSTONE", "kept_under", "opened", "sealed", "taken_from"]

ENTRY: Final = b"E"
"""An answer."""
INDEX: Final = b"V"
"""The variants of a resource."""
TOMBSTONE: Final = b"T"
"""When a resource was changed."""

_MAGIC: Final = b"RHC\x01"
"""Its last byte is the version of all formats here."""
_HEAD: Final = len(_MAGIC) + 4
_OF_KEY: Final = 4
_DAMAGED: Final = "not a record of this version of the cache, or a damaged one"


def sealed(kind: bytes, payload: bytes) -> bytes:
    """Return a payload with its kind, a version and a checksum before it."""
    checksum = crc32(payload, crc32(kind)).to_bytes(4, "big")
    return b"".join((_MAGIC, checksum, kind, payload))


def opened(record: bytes) -> tuple[bytes, memoryview]:
    """Return the kind and the payload of a record.

    Raises:
        ValueError: It is damaged, cut short, of another version, or none at all.
    """
    if record[: len(_MAGIC)] != _MAGIC or len(record) <= _HEAD:
        raise ValueError(_DAMAGED)
    view = memoryview(record)
    if crc32(view[_HEAD:]) != int.from_bytes(record[len(_MAGIC) : _HEAD], "big"):
        raise ValueError(_DAMAGED)
    return record[_HEAD : _HEAD + 1], view[_HEAD + 1 :]


def kept_under(key: str, record: bytes) -> bytes:
    """Return a record as it stands in a storage: what its key is stands before it."""
    return _sign_of(key) + record


def taken_from(key: str, value: bytes) -> bytes:
    """Return the record that was kept under a key.

    Raises:
        ValueError: It was kept under another one: a storage that mixes up its keys would have
            somebody served what is another's.
    """
    if value[:_OF_KEY] != _sign_of(key):
        raise ValueError(_DAMAGED)
    return value[_OF_KEY:]


def _sign_of(key: str) -> bytes:
    return crc32(key.encode()).to_bytes(_OF_KEY, "big")

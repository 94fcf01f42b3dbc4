"""Keys under which answers are kept: hashes, so that a storage holds no URL and no credential.

Without a secret of the caller's, what is nobody's in particular is hashed with a fixed one: other
processes find it, and so does this one after a restart. Partitions and the values of header fields
are hashed with a secret of this process's then, which its forked children share.
"""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PROCESS", "Keys"]

PROCESS: Final = secrets.token_bytes(16)
"""Says whose monotonic clock a stamp was read from. Forked children share it, and the clock."""

_SECRET: Final = secrets.token_bytes(32)
_DIGEST: Final = 20
"""Bytes of a key: two of 160 bits are not found to be equal, not even by who looks for them."""


class Keys:
    """Makes keys. It shows nothing of its secret.

    Args:
        secret: What keys are hashed with.
    """

    __slots__ = ("_part", "_resource", "_variant")

    def __init__(self, secret: bytes | str | None = None) -> None:
        own = _SECRET if secret is None else secret
        own = own.encode("utf-8", "surrogatepass") if isinstance(own, str) else own
        key = blake2b(own, digest_size=32, person=b"cache secret").digest()
        shared = b"" if secret is None else key
        self._resource = blake2b(digest_size=_DIGEST, key=shared, person=b"cache resource")
        self._part = blake2b(digest_size=_DIGEST, key=key, person=b"cache part")
        self._variant = blake2b(digest_size=_DIGEST, key=key, person=b"cache variant")

    def resource(self, method: str, url: str) -> str:
        """Return the key of all answers to such requests, whoever makes them.

        Args:
            method: In capitals.
            url: In the form that all its equals have, without a user and a fragment.
        """
        return "r" + _digest(self._resource, f"{method} {url}")

    def part(self, resource: str, generation: bytes, partition: str) -> str:
        """Return the key of those that are somebody's.

        Args:
            resource: The key of all of them.
            generation: Of what is kept of that; with another one, all parts are as if forgotten.
            partition: Whose they are.
        """
        return "p" + _digest(self._part, f"{resource} {generation.hex()} {partition}")

    def variant(self, whole: str, values: Iterable[tuple[str, str | None]]) -> str:
        """Return the key of one answer among those that differ by header fields of the request.

        Args:
            whole: The key of all of them.
            values: The names of those fields, in lower case, and what the request says in each;
                None where it has none.
        """
        texts = [
            f" {name} -" if value is None else f" {name} {len(value)} {value}"
            for name, value in values
        ]
        return "v" + _digest(self._variant, whole + "".join(texts))


def _digest(begun: blake2b, text: str) -> str:
    state = begun.copy()
    state.update(text.encode("utf-8", "surrogatepass"))
    return state.hexdigest()

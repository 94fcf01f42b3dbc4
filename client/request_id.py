"""Request ids: made, or taken from the caller and checked, once per operation."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Final

__all__ = ["check_request_id", "new_request_id"]

_ALLOWED: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}", re.ASCII)
_SHOWN: Final = 40
_IDS_AT_ONCE: Final = 64


class _Entropy:
    """Sixteen random bytes at a time, asked of the system for many ids at once: that is dear."""

    def __init__(self) -> None:
        # Both ends of a deque are safe to use from many threads.
        self._pieces: deque[bytes] = deque()
        self._process = os.getpid()

    def take(self) -> bytes:
        """Return bytes that nobody else has."""
        if os.getpid() != self._process:  # a child, however it was forked
            self._pieces = deque()
            self._process = os.getpid()
        try:
            return self._pieces.pop()
        except IndexError:
            block = os.urandom(_IDS_AT_ONCE * 16)
            first, *others = (block[at : at + 16] for at in range(0, len(block), 16))
            self._pieces.extend(others)
            return first


_entropy: Final = _Entropy()


def new_request_id() -> str:
    """Return a fresh random id: a version 4 UUID (RFC 9562, 5.4), 36 characters.

    Written out here because `uuid.UUID` takes four times as long.
    """
    bits = _entropy.take()
    digits = bits.hex()
    variant = "89ab"[bits[8] & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def check_request_id(value: object) -> str:
    """Return the caller's request id, or raise ValueError saying what is wrong with it."""
    if isinstance(value, str) and _ALLOWED.fullmatch(value):
        return value
    shown = repr(value)
    if len(shown) > _SHOWN:
        shown = (
            f"{shown[:_SHOWN]}... ({len(value)} characters)"
            if isinstance(value, str)
            else shown[:_SHOWN]
        )
    message = f"request id {shown} is not allowed: give 1-128 characters of A-Z a-z 0-9 . _ ~ -"
    raise ValueError(message)

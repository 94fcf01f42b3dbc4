"""Request ids: made, or taken from the caller and checked, once per operation."""

from __future__ import annotations

import re
from typing import Final
from uuid import uuid4

__all__ = ["check_request_id", "new_request_id"]

_ALLOWED: Final = re.compile(r"[A-Za-z0-9._~-]{1,128}", re.ASCII)
_SHOWN: Final = 40


def new_request_id() -> str:
    """Return a fresh random id: a version 4 UUID (RFC 9562, 5.4), 36 characters."""
    return str(uuid4())


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

"""What tells a service with several endpoints from another one."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

from ...errors.urls import name_of_endpoint

if TYPE_CHECKING:
    from ...config.parts.endpoints import Endpoint

__all__ = ["identity_of"]

_told_apart: Final[WeakKeyDictionary[Any, str]] = WeakKeyDictionary()
"""Functions that say which the endpoints are."""


def identity_of(endpoints: object) -> str:
    """Return what tells a service from others: which endpoints it has, or who says which.

    What is kept of its answers goes by that, so that clients of two services that share a storage
    share no answers.
    """
    if not callable(endpoints):
        urls = sorted(
            name_of_endpoint(each.url) for each in cast("tuple[Endpoint, ...]", endpoints)
        )
        return blake2b("\n".join(urls).encode(), digest_size=16).hexdigest()
    own = secrets.token_hex(16)
    try:
        return _told_apart.setdefault(endpoints, own)
    except TypeError:  # it can be neither hashed nor let go of
        return own

"""Which header fields say whose a request is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["is_credential", "name_credential"]

_NAMED: Final = frozenset({"authorization", "proxy-authorization", "cookie", "cookie2"})
_LOOKS_LIKE_ONE: Final = re.compile(
    r"(api|access|app|client|account|auth|private|user|subscription)[-_]?(key|id|name)\b"
    r"|token|secret|session|signature|credential|password|passwd|passphrase"
    r"|(^|[-_])(auth|authentication|assertion|jwt|sid|sig|user|userid|username|login|account|tenant)"
    r"([-_]|$)"
    r"|authoriz|authoris|impersonat|forwarded-email|remote-user"
)
"""Made for names of several vendors: it errs on the side of calling something a credential."""
_HARMLESS: Final = frozenset({"user-agent", "sec-ch-ua", "idempotency-key"})


def is_credential(name: str) -> bool:
    """Return whether a header field, by its lower-case name, may say whose a request is."""
    return name in _NAMED or (name not in _HARMLESS and bool(_LOOKS_LIKE_ONE.search(name)))


def name_credential(names: Iterable[str]) -> str | None:
    """Return the first of some header fields that may say whose a request is, or None."""
    return next(filter(is_credential, names), None)

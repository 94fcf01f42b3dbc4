"""Every name of h2 that this package leans on beyond its documentation."""

from __future__ import annotations

import sys
from functools import cache
from typing import Final

from ...errors.private_names import PrivateName, check

__all__ = ["LENGTH_CHECKS", "check_h2"]

LENGTH_CHECKS: Final = ("_initialize_content_length", "_track_content_length")
"""Of a stream: switched off, because a wrong length is found here, and ends that stream alone."""

_WORKS: Final = "h2>=4.4.1,<4.5"
_LOST: Final = "an answer of a wrong length ends the connection for all its calls"
_NAMES: Final = tuple(PrivateName("stream.H2Stream", name, _LOST) for name in LENGTH_CHECKS)


@cache
def check_h2() -> None:
    """Check, at the first client that speaks HTTP/2, that h2 has these names.

    Raises:
        RuntimeError: One is missing.
    """
    check(sys.modules["h2"], _WORKS, _NAMES)

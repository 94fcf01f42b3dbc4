"""What a terminal can show."""

from __future__ import annotations

import codecs
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

__all__ = ["can_draw"]


def can_draw(out: TextIO) -> bool:
    """Return whether a live display would be readable there."""
    is_dumb = os.environ.get("TERM", "") in {"dumb", "unknown"}
    return out.isatty() and not is_dumb and codecs.lookup(out.encoding).name == "utf-8"

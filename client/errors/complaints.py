"""Says in the log that something of the user's raised where nobody would see it."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Final

from .safe_texts import alone

__all__ = ["complain"]

_logger: Final = logging.getLogger("resilient_client")


def complain(text: str, *values: object) -> None:
    """Log the exception that is being handled; what a handler of the log raises is lost.

    Those that it came from are left out: they may be a call's, and quote what it sent.
    """
    error = sys.exception()
    with suppress(Exception):  # there is nowhere left to tell it
        shown = None if error is None else (type(error), alone(error), error.__traceback__)
        _logger.error(text, *values, exc_info=shown)

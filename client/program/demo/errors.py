"""What keeps the demo from running, and the exit status it calls for."""

from typing import Final

__all__ = ["FAILED", "MISUSED", "CannotRunError", "missing"]

FAILED: Final = 1
MISUSED: Final = 2


class CannotRunError(Exception):
    """The demo cannot begin, or cannot go on.

    Args:
        message: What is wrong, and what to do.
        status: The exit status.
    """

    def __init__(self, message: str, status: int = FAILED) -> None:
        super().__init__(message)
        self.status = status


def missing(package: str) -> CannotRunError:
    """Make the error for a package of the extra that is not installed."""
    return CannotRunError(
        f"the demo needs {package!r}, which cannot be imported; "
        "run: pip install 'resilient-http-client[demo]'"
    )

"""What follows an operation and its attempts from within, as a tracer does: supplied from outside.

A listener hears of what happened; this goes along, so that what is done meanwhile (a hook, a log
line, the request itself) is seen as part of it. What it raises harms no call: it keeps that itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..http.shapes import Response
    from .operation import Attempt, Call

__all__ = ["Trace", "Tracing"]


class Trace(Protocol):
    """Follows one operation."""

    is_recording: bool
    """Whether anybody will see how its attempts end."""

    def enter(self) -> None:
        """Make what this task, or thread, does from now on a part of the operation again."""
        ...

    def leave(self) -> None:
        """End that."""
        ...

    def begin_attempt(self, attempt: Attempt, *, sees_requests: bool) -> None:
        """Make that a part of an attempt; leave in `attempt.carried` what that shall carry.

        Args:
            attempt: The attempt.
            sees_requests: Whether `begin_request` will be called for each of its requests.
        """
        ...

    def leave_attempt(self, attempt: Attempt) -> None:
        """End that; may be called again, and from where the attempt never was."""
        ...

    def end_attempt(
        self,
        attempt: Attempt,
        outcome: str,
        error: BaseException | None,
        response: Response | None,
    ) -> None:
        """Take note of how an attempt ended; only where it is recording."""
        ...

    def begin_request(self, attempt: Attempt) -> None:
        """Take note that a request goes to the wire, of which an attempt may send several."""
        ...

    def end_request(self, attempt: Attempt) -> None:
        """Take note that its answer's head has come, or that it failed, where that is seen."""
        ...

    def end(self, call: Call, error: BaseException | None, response: object = None) -> None:
        """Take note of how the operation ended."""
        ...


class Tracing(Protocol):
    """Follows the operations of clients."""

    def begin_operation(self, call: Call) -> Trace | None:
        """Begin to follow an operation, and make what comes a part of it, or return None."""
        ...

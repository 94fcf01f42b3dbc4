"""What an attempt says about the endpoint that it went to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ....exceptions import APIConnectionError, DeadlineExceededError, MyAPIError, RateLimitError
from ..nodes import Outcome

if TYPE_CHECKING:
    from ....engine.operation import Attempt, Call

__all__ = ["outcome_of"]

_TOO_MANY_REQUESTS: Final = 429
_NOT_THE_SERVERS: Final = frozenset({"pool_timeout"})
"""What an attempt ended in that never came to the server."""


def outcome_of(call: Call, attempt: Attempt, error: BaseException | None) -> Outcome | None:
    """Return what an attempt says about its endpoint, which is over; None for nothing at all.

    Args:
        call: The operation.
        attempt: The attempt.
        error: What it ended in, or None.
    """
    if attempt.status == _TOO_MANY_REQUESTS or isinstance(error, RateLimitError):
        return Outcome.LIMITED
    if error is None:
        return Outcome.SUCCESS
    if not isinstance(error, MyAPIError) or not call.is_own(error):
        return Outcome.CANCELLED  # by whoever waited, or by what goes around the sending
    if isinstance(error, DeadlineExceededError):
        # It may have had but the rest of a deadline that others used up.
        had_its_time = call.total is None or attempt.seconds >= call.total / 2
        return Outcome.FAILURE if had_its_time else Outcome.CANCELLED
    if isinstance(error, APIConnectionError):
        is_ours = attempt.outcome(error) in _NOT_THE_SERVERS
        return Outcome.CANCELLED if is_ours else Outcome.FAILURE
    # A 4xx is an answer; and what was refused before it was sent says nothing.
    return None if attempt.status is None else Outcome.SUCCESS

"""What hedges may add to the load: a share of the calls of late, and no more."""

from __future__ import annotations

from typing import Final

__all__ = ["ExtraLoad"]

_CALLS: Final = 100
"""It holds what so many calls have paid in, at most."""
_ONE_HEDGE: Final = 1 - 1e-9
"""What a hedge costs, less what adding up shares may have lost: 10 * 0.1 is below 1."""


class ExtraLoad:
    """A small bucket that calls fill and hedges empty. Whoever uses it holds a lock.

    It begins empty and nothing in it is free, so that where every answer is late the extra load is
    the share, and hedges do not become the outage.
    """

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = 0.0

    def deposit(self, share: float) -> None:
        """Count a call, by the share of calls that may be hedged."""
        self._held = min(self._held + share, max(1.0, _CALLS * share))

    def withdraw(self) -> bool:
        """Pay for a hedge, or return False and leave it as it was."""
        if self._held < _ONE_HEDGE:
            return False
        self._held -= 1
        return True

    def refund(self) -> None:
        """Return what was paid for a hedge that was not sent."""
        self._held += 1

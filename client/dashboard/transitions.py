"""What circuits have gone through lately, and other strategies last, remembered for the page."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from .. import events
from ..metrics.targets import shown_origin

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COLUMNS", "Transitions"]

COLUMNS: Final = ("at", "circuit", "to", "cause", "detail")
_MOST: Final = 50
_LONGEST: Final = 120
"""Characters of a scope or a detail that are kept."""


_RECONFIGURED: Final = "reconfigured"


class Transitions:
    """A listener that keeps the last fifty transitions of a client's circuits, and of its settings.

    And the last change of the limit of its bulkhead, and the longest pause of its rate limit: they
    come too often to be kept all. Of changes of the settings that follow each other the last is
    kept, so that a file which is watched leaves room for circuits.

    Args:
        wall_clock: Returns the seconds since the epoch.
    """

    listens_to: frozenset[type[object]] = frozenset(
        {
            events.CircuitOpened,
            events.CircuitHalfOpened,
            events.CircuitClosed,
            events.CircuitIsolated,
            events.CircuitReleased,
            events.LimitChanged,
            events.RateLimitPaused,
            events.Reconfigured,
        }
    )

    def __init__(self, wall_clock: Callable[[], float] = time.time) -> None:
        self._wall_clock = wall_clock
        self._rows: deque[tuple[float, str, str, str, str]] = deque(maxlen=_MOST)
        self.limit: tuple[float, int, str] | None = None
        """When the bulkhead's limit last changed by itself, what it was before, and why."""
        self.paused_until: float | None = None
        """When the last pause of the rate limit is over, or was."""

    def __call__(self, event: Any) -> None:
        """Remember a transition, a limit that changed, or a pause."""
        at = round(self._wall_clock(), 3)
        if isinstance(event, events.LimitChanged):
            self.limit = at, event.before, event.reason
            return
        if isinstance(event, events.RateLimitPaused):
            self.paused_until = max(self.paused_until or 0.0, round(at + event.seconds, 3))
            return
        if isinstance(event, events.Reconfigured):
            if self._rows and self._rows[-1][2] == _RECONFIGURED:
                self._rows.pop()
            detail = ", ".join(event.changed)[:_LONGEST]
            self._rows.append((at, "", _RECONFIGURED, "manual", detail))
            return
        to, detail = _told(event)
        cause = str(getattr(event, "cause", "manual"))
        self._rows.append((at, shown_origin(event.scope)[:_LONGEST], to, cause, detail[:_LONGEST]))

    def rows(self) -> list[tuple[float, str, str, str, str]]:
        """Return them, the newest first, in the order of `COLUMNS`."""
        return list(self._rows)[::-1]


def _told(event: Any) -> tuple[str, str]:
    """Return the state that a circuit went to, and what else there is to say of it."""
    match event:
        case events.CircuitOpened(failures=failures, last_error=error, recovery_timeout=seconds):
            last = f", last {type(error).__name__}" if error is not None else ""
            return "open", f"{failures} failures{last}; for {seconds:.3g} s"
        case events.CircuitHalfOpened():
            return "half-open", "probes go through"
        case events.CircuitIsolated(reason=reason, seconds=seconds):
            until = "until it is released" if seconds is None else f"for {seconds:.3g} s"
            return "isolated", f"{until}: {reason}"
        case events.CircuitReleased(reason=reason, seconds=seconds):
            return "released", f"after {seconds:.3g} s: {reason}"
        case _:
            return "closed", f"after {event.open_seconds:.3g} s"

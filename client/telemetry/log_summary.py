"""Sums up lines that would flood: at most one a second for each event and cause.

The first comes out at once. Those that follow within a second are counted, and come out as one
line, the last of them with how many it stands for: with the next event that is logged once the
second is over, or with `flush`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ..runtime.forking import fork_safe
from ..runtime.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from .log_output import Line

__all__ = ["Summary"]

_SECONDS: Final = 1.0
_MOST_CAUSES: Final = 256
"""Causes told apart at the same time; of more, the one that has waited longest comes out early."""


@dataclass(slots=True)
class _Held:
    since: float
    count: int = 0
    line: Line | None = None


class Summary:
    """Lines on their way to where they are written. Safe to share between threads.

    Args:
        now: The time on a monotonic clock, in seconds.
        write: Given a line.
    """

    def __init__(self, now: Callable[[], float], write: Callable[[Line], None]) -> None:
        self._now = now
        self._write = write
        self._time = Steady()
        self._lock = fork_safe(threading.RLock())
        # By the moment of the last line, the oldest first.
        self._causes: OrderedDict[Hashable, _Held] = OrderedDict()

    def add(self, cause: Hashable, line: Line) -> bool:
        """Write a line, or hold it back and return True; write what is due besides."""
        with self._lock:
            now = self._time.at(self._now())
            held = self._causes.get(cause)
            is_early = held is not None and now - held.since < _SECONDS
            if held is not None and is_early:
                held.count += 1
                held.line = line
                lines = self._due(now)
            else:
                count = 1 + (held.count if held is not None else 0)
                self._begin(cause, now)
                lines = [*self._due(now), _counted(line, count)]
        self._write_all(lines)
        return is_early

    def flush(self) -> None:
        """Write all that is held back."""
        with self._lock:
            causes, self._causes = self._causes, OrderedDict()
            lines = [_counted(held.line, held.count) for held in causes.values() if held.line]
        self._write_all(lines)

    def _begin(self, cause: Hashable, now: float) -> None:
        self._causes[cause] = _Held(now)
        self._causes.move_to_end(cause)

    def _due(self, now: float) -> list[Line]:
        """Remove what has been held back for a second, or is one too many."""
        lines: list[Line] = []
        while True:
            cause, held = next(iter(self._causes.items()))
            is_over = now - held.since >= _SECONDS
            if not is_over and len(self._causes) <= _MOST_CAUSES:
                return lines
            del self._causes[cause]
            if held.line is not None:
                lines.append(_counted(held.line, held.count))
                if is_over:  # the next line of this cause is a second away again
                    self._begin(cause, now)

    def _write_all(self, lines: list[Line]) -> None:
        for line in lines:
            self._write(line)


def _counted(line: Line, count: int) -> Line:
    return line if count == 1 else line._replace(fields={**line.fields, "count": count})

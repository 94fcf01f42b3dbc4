"""Measures attempts, window by window, for a limit that finds itself."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from ...engine.layer import Gate, Observer
from ...runtime.forking import fork_safe
from .gradient import Gradient, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...config.parts.bulkhead import AdaptiveLimitConfig
    from ...engine.operation import Attempt, Call
    from ...exceptions import MyAPIError
    from ...http.shapes import Response
    from .gradient import Change

__all__ = ["AdaptiveLimit"]

_DROPS: Final = frozenset(
    {
        "connect_error",
        "connect_timeout",
        "read_timeout",
        "write_timeout",
        "network_error",
        "protocol_error",
    }
)
_OVERLOADED: Final = (502, 503, 504)
_LONG_OUT: Final = 2.0
"""An attempt that was cancelled says something where it had been out for so many times the
long-term latency."""


class AdaptiveLimit(Gate, Observer):
    """A limit that follows what attempts say of the server. Safe between threads.

    A gate that lets everybody in: so it hears of the end of each operation, whatever broke off its
    attempts.

    Args:
        config: How it is found.
        ceiling: The highest it may become.
        on_change: Told in the middle of a call that the limit is another now, and why.
        is_full: Whether anybody queues now; asked from the first attempt on.
    """

    def __init__(
        self,
        config: AdaptiveLimitConfig,
        ceiling: int,
        on_change: Callable[[Call, Change], None],
        is_full: Callable[[], bool],
    ) -> None:
        self._config = config
        self._gradient = Gradient(config, ceiling)
        self._on_change = on_change
        self._is_full = is_full
        self._lock = fork_safe(threading.RLock())
        self._out: dict[Call, int] = {}
        """The operations that have attempts under way, and how many."""
        self._began: float | None = None
        self._answered = 0
        self._seconds = 0.0
        self._drops = 0
        self._most = 0
        self._was_full = False

    @property
    def limit(self) -> int:
        """The limit in force."""
        return self._gradient.limit

    @property
    def long_term(self) -> float | None:
        """What an attempt takes in healthy times, in seconds; None where none was seen yet."""
        return self._gradient.long_term

    @property
    def on_the_wire(self) -> int:
        """How many operations have an attempt under way."""
        return len(self._out)

    def reconfigure(self, config: AdaptiveLimitConfig, ceiling: int) -> None:
        """Go on from what was learnt, by other settings."""
        with self._lock:
            self._config = config
            self._gradient.reconfigure(config, ceiling)

    def begin_anew(self) -> None:
        """Forget the attempts that are under way: they are of a loop, or a process, that ended."""
        with self._lock:
            self._out.clear()
            self._began = None

    def _begin_window(self, now: float) -> None:
        self._began = now
        self._answered = 0
        self._seconds = 0.0
        self._drops = 0
        self._most = len(self._out)
        self._was_full = self._is_full()

    def enter(self, call: Call) -> MyAPIError | None:
        """Let an operation in."""
        call.grants.append((self, None))
        return None

    def leave(self, call: Call, grant: None, error: BaseException | None) -> None:  # noqa: ARG002 - a gate's signature
        """Forget an operation that has ended, whatever an interrupt left behind."""
        self._out.pop(call, None)

    def note_full(self) -> None:
        """Remember that somebody got no slot at once."""
        self._was_full = True

    def begin_attempt(self, call: Call, attempt: Attempt) -> None:
        """Count an operation as one that uses its slot."""
        with self._lock:
            self._out[call] = self._out.get(call, 0) + 1
            self._most = max(self._most, len(self._out))
            if self._began is None:
                self._begin_window(attempt.started)

    def end_attempt(
        self,
        call: Call,
        attempt: Attempt,
        response: Response | None,  # noqa: ARG002 - an observer's signature
        error: BaseException | None,
    ) -> None:
        """Take in what an attempt says, and look at the window where it has ended."""
        now = call.host.ports.now()
        with self._lock:
            left = self._out.pop(call, 0) - 1
            if left > 0:
                self._out[call] = left
            self._take_in(attempt, error)
            if self._began is None or 0 <= now - self._began < self._config.window:
                return
            if self._answered + self._drops < self._config.minimum_samples:
                return
            was_full = self._was_full or self._is_full() or self._most >= self.limit
            window = Window(self._answered, self._seconds, self._drops, self._most, was_full)
            self._begin_window(now)
            change = self._gradient.learn(window)
        if change is not None:
            self._on_change(call, change)

    def _take_in(self, attempt: Attempt, error: BaseException | None) -> None:
        if attempt.is_lost:
            return
        if self._is_drop(attempt, outcome := attempt.outcome(error)):
            self._drops += 1
        elif outcome == "success":
            self._answered += 1
            self._seconds += attempt.seconds

    def _is_drop(self, attempt: Attempt, outcome: str) -> bool:
        """Return whether an attempt failed by overload.

        One that the caller cut short, or his deadline, is such where a healthy one would have been
        answered in the time that it had.
        """
        usual = self._gradient.long_term
        if outcome == "cancelled":
            return usual is not None and attempt.seconds > _LONG_OUT * usual
        if outcome == "deadline":
            return usual is None or attempt.seconds >= usual
        return outcome in _DROPS or attempt.status in _OVERLOADED

"""The callers of one key, first come, first served.

Rule 1  Who came later goes only where that takes nothing from those before him. A retry keeps the
        place that it took when it began to wait.
Rule 2  Whoever waits looks again when he planned to. The first of the queue is woken where he may
        go sooner than that; nobody is woken to hear that it takes longer.
Rule 3  Who gives up leaves the queue, and all behind him move up.
"""

from __future__ import annotations

from bisect import insort
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from .bucket import SAME_TIME
from .limits import Limits
from .ticket import Stage

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Generator, Iterable

    from .learning import Limit
    from .limits import Rate
    from .ticket import Ticket

__all__ = ["Lane"]


class Lane:
    """Decides who of one key may send, and when.

    Args:
        rate: What was configured, or None where nothing was.
        lock: Held for each step; that of all lanes of a client.
        now: The time.
    """

    def __init__(self, rate: Rate | None, lock: threading.RLock, now: float) -> None:
        self._lock = lock
        self._limits = Limits(rate, now)
        self._queue: list[Ticket] = []
        self._resting: list[Ticket] = []
        self._queued_cost = 0.0
        self._out: set[object] = set()
        """Attempts under way."""

    @property
    def waiting(self) -> int:
        """How many callers wait for a token."""
        return len(self._queue) + len(self._resting)

    def is_idle(self, now: float) -> bool:
        """Whether nobody waits, there is no pause and nothing is under way."""
        return not (self._queue or self._resting or self._out or self.pause_left(now))

    def is_as_new(self, now: float) -> bool:
        """Whether whoever comes next would find it as if nobody had come yet."""
        return self.is_idle(now) and self._limits.is_full(now)

    def pause_left(self, now: float) -> float:
        """Return the seconds until the pause is over, 0.0 where there is none."""
        return self._limits.pause_left(now)

    def ask(self, ticket: Ticket, now: float) -> float:
        """Ask for a token, which is taken where that is possible: then return 0.0.

        Returns:
            Seconds after which to ask again: as far as is known, then it is there.
        """
        with self._lock:
            if ticket.stage is Stage.HELD:
                return 0.0
            ticket.is_called = False
            if self._may_go_at_once(ticket, now):
                self._take(ticket, now)
                return 0.0
            self._rouse(now)
            self._enqueue(ticket, now)
            wait = self._wait_of(ticket, now)
            if wait > SAME_TIME or ticket.stage is Stage.RESTING:
                ticket.planned = now + wait
            else:
                wait = 0.0
                self._leave_queue(ticket)
                self._take(ticket, now)
        self._call_next(now)  # who has rested until now may be the first
        return wait

    def take_spare(self, ticket: Ticket, now: float) -> bool:
        """Take a token that nobody waits for; return False where there is none."""
        with self._lock:
            self._rouse(now)
            if self._queue or self._limits.seconds(0, 0.0, ticket.cost, now) > SAME_TIME:
                return False
            self._take(ticket, now)
            return True

    def exchange(self, ticket: Ticket, now: float) -> float:
        """Give back a token that is out of date, and ask for the next, as the first of all."""
        with self._lock:
            if ticket.stage is Stage.HELD and now - ticket.taken_at > SAME_TIME:
                self._put_back(ticket, now)
        return self.ask(ticket, now)

    def admit(self, ticket: Ticket) -> None:
        """Let somebody go who waits, without a token: where waits do not last, none is missing."""
        with self._lock:
            self._leave_queue(ticket)
            ticket.is_charged = False
            ticket.stage = Stage.HELD

    def send(self, ticket: Ticket, attempt: object, now: float) -> None:
        """Note that an attempt goes out with its token, which it takes now where it has none."""
        with self._lock:
            if ticket.stage is Stage.NEW:
                self._take(ticket, now)
            elif ticket.stage is not Stage.HELD:
                self.admit(ticket)
            ticket.stage = Stage.SENT
            self._out.add(attempt)

    def end(self, ticket: Ticket, attempt: object, now: float, *, is_unsent: bool) -> None:
        """Note that an attempt has ended; where it never went out, its token is put back."""
        with self._lock:
            self._out.discard(attempt)
            if is_unsent and ticket.stage is Stage.SENT:
                self._put_back(ticket, now)
        self._call_next(now)

    def forget(self, attempts: Iterable[object]) -> None:
        """Note that nobody hears of the end of these attempts."""
        with self._lock:
            self._out.difference_update(attempts)

    def withdraw(self, ticket: Ticket, now: float) -> None:
        """Leave the queue, or give a token back that was not used."""
        with self._lock:
            if ticket.stage is Stage.HELD:
                self._put_back(ticket, now)
            self._leave_queue(ticket)
        self._call_next(now)

    def settle(self, ticket: Ticket, cost: float, now: float) -> None:
        """Correct what an attempt took, once it is known."""
        with self._lock:
            if not ticket.is_charged:
                return
            self._limits.correct(ticket.cost, cost, ticket.taken_at, now)
            ticket.cost = cost
        self._call_next(now)

    def book(self, cost: float, now: float, most: float) -> float:
        """Take a token as if somebody waited for it; return for how long that would be.

        Nothing is taken where it is longer than `most` seconds.
        """
        with self._lock:
            wait = self._limits.seconds(0, 0.0, cost, now)
            if wait <= most:
                self._limits.take(cost, now, is_last=True)
            return wait

    def pause(self, seconds: float, now: float, rate: float | None = None) -> bool:
        """Let nobody go for so long; see `Limits.pause`."""
        with self._lock:
            is_news = self._limits.pause(seconds, now, rate)
        self._call_next(now)  # what the server says now may be more than it said before
        return is_news

    def note_good(self, now: float) -> None:
        """Count an answer that was good."""
        with self._lock:
            self._limits.note_good(now)

    def learn(self, limits: Iterable[Limit], now: float) -> None:
        """Take over what the server says of its limits."""
        with self._lock:
            self._limits.learn(limits, len(self._out), now)
        self._call_next(now)

    def reconfigure(self, rate: Rate | None, now: float) -> None:
        """Take over other settings: what was taken stays so, and who waits keeps his place."""
        with self._lock:
            self._limits.set_rate(rate, now)
            waiting = [*self._queue, *self._resting]
        for ticket in waiting:
            _call(ticket)

    @contextmanager
    def waking(self, ticket: Ticket, wake: Callable[[], object]) -> Generator[None]:
        """Call `wake`, within the block, where it would be sooner a ticket's turn than planned."""
        ticket.wake = wake
        try:
            if ticket.is_called:
                wake()
            yield
        finally:
            ticket.wake = None

    def begin_anew(self) -> None:
        """Forget whoever waits and what is under way: they are of another process, or loop."""
        for ticket in (*self._queue, *self._resting):
            ticket.stage = Stage.NEW
        self._queue.clear()
        self._resting.clear()
        self._out.clear()
        self._queued_cost = 0.0

    def _may_go_at_once(self, ticket: Ticket, now: float) -> bool:
        """Whether nobody waits, and there is a token: so it is mostly."""
        if self._queue or self._resting or ticket.not_before > now:
            return False
        return self._limits.seconds(0, 0.0, ticket.cost, now) <= SAME_TIME

    def _wait_of(self, ticket: Ticket, now: float) -> float:
        queue = self._queue
        ahead, cost_ahead, rest = len(queue), self._queued_cost, 0.0
        if ticket.stage is Stage.RESTING:
            rest = ticket.not_before - now
        elif queue[-1] is ticket:
            ahead, cost_ahead = ahead - 1, cost_ahead - ticket.cost
        else:
            ahead = queue.index(ticket)
            cost_ahead = sum(each.cost for each in queue[:ahead])
        return max(rest, self._limits.seconds(ahead, cost_ahead, ticket.cost, now))

    def _enqueue(self, ticket: Ticket, now: float) -> None:
        if ticket.stage is Stage.QUEUED or ticket.stage is Stage.RESTING:
            return
        if ticket.not_before > now + SAME_TIME:
            ticket.stage = Stage.RESTING
            insort(self._resting, ticket, key=_not_before)
        else:
            self._line_up(ticket)

    def _line_up(self, ticket: Ticket) -> None:
        ticket.stage = Stage.QUEUED
        insort(self._queue, ticket)
        self._queued_cost += ticket.cost

    def _leave_queue(self, ticket: Ticket) -> None:
        # It is in neither where an interrupt broke its coming or going off.
        if ticket.stage is Stage.QUEUED:
            with suppress(ValueError):
                self._queue.remove(ticket)
            self._queued_cost = self._queued_cost - ticket.cost if self._queue else 0.0
        elif ticket.stage is Stage.RESTING:
            with suppress(ValueError):
                self._resting.remove(ticket)
        else:
            return
        ticket.stage = Stage.NEW

    def _rouse(self, now: float) -> None:
        """Let those line up who wanted no token until now."""
        resting = self._resting
        while resting and resting[0].not_before <= now + SAME_TIME:
            self._line_up(resting.pop(0))

    def _take(self, ticket: Ticket, now: float) -> None:
        # In this order: an interrupt in between may lose a token, but never give one for nothing.
        self._limits.take(ticket.cost, now, is_last=not self.waiting)
        ticket.taken_at = now
        ticket.is_charged = True
        ticket.stage = Stage.HELD

    def _put_back(self, ticket: Ticket, now: float) -> None:
        ticket.stage = Stage.NEW
        if ticket.is_charged:
            ticket.is_charged = False
            self._limits.put_back(ticket.cost, ticket.taken_at, now)

    def _call_next(self, now: float) -> None:
        """Wake the first of the queue where he may go sooner than he thinks."""
        with self._lock:
            self._rouse(now)
            first = self._queue[0] if self._queue else self._resting[0] if self._resting else None
            if first is None:
                return
            due = now + self._wait_of(first, now)
            if due >= first.planned - SAME_TIME:
                return
            first.planned = due
        _call(first)


def _not_before(ticket: Ticket) -> float:
    return ticket.not_before


def _call(ticket: Ticket) -> None:
    ticket.is_called = True
    wake = ticket.wake
    if wake is not None:
        with suppress(RuntimeError):  # its loop has ended
            wake()

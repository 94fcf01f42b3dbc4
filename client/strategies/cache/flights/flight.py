"""One request that goes out for many callers, and those who wait for it.

Rule 1  It goes on for as long as anybody has a seat, whoever asked for it first; with the last it
        is cancelled. Who has lost patience leaves, and the others stay.
Rule 2  What the gates grant is granted to its own call, and is given back before anybody hears
        that it is over. Those who wait hold nothing.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from ....engine.deadline import Deadline
from ....engine.layer import Failure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from ....engine.layer import Exchange
    from ....engine.operation import Call
    from ....engine.ports import Signal, Task
    from ....http.shapes import Response

    Fly = Callable[[Call, Exchange], Awaitable["Landing[CargoT]"]]
    Key = tuple[str, Hashable]
    """A URL, and what else makes calls equal, so that one answer is good for all."""

__all__ = ["Flight", "Landing", "Seat"]

CargoT = TypeVar("CargoT")


class Landing(NamedTuple, Generic[CargoT]):
    """What a flight has brought.

    Attributes:
        result: The answer, or the failure, of the caller whose request it was.
        cargo: What else it has brought for him, and for everybody if that may be.
        is_for_all: Whether it may.
    """

    result: Response | Failure
    cargo: CargoT
    is_for_all: bool


class _Longest(Deadline):
    """The longest deadline of those who wait.

    What waits for its turn keeps to it. What is on the wire does not: who comes later may have more
    time, and with the last who waits it is cancelled anyway.
    """

    __slots__ = ()

    def bound(self, now: float) -> None:  # noqa: ARG002 - a deadline's signature
        """Return None."""
        return


class Seat:
    """One who waits.

    Args:
        call: Its operation.

    Attributes:
        signal: Wakes it.
        flight: What it waits for; None where that is nothing yet.
    """

    def __init__(self, call: Call) -> None:
        self.call = call
        self.signal: Signal = call.host.ports.signal()
        self.flight: Flight[Any] | None = None

    async def wait(self) -> Failure | None:
        """Wait until the flight is over; return what ends the wait before, or None."""
        flight, host, deadline = self.flight, self.call.host, self.call.deadline
        while flight is not None and not (flight.is_over or flight.is_cancelled):
            now = host.ports.now()
            if host.is_closed or (deadline is not None and deadline.passed(now)):
                return self._failure()
            await self.signal.wait(None if deadline is None else deadline.left(now))
        has_come_to_nothing = flight is None or (flight.landing is None and flight.error is None)
        return self._failure() if host.is_closed and has_come_to_nothing else None

    def _failure(self) -> Failure:
        """Return what the operation ends with where it waits no longer."""
        call, flight = self.call, self.flight
        sent = False
        if flight is not None and flight.is_of(self):
            sent = flight.call.attempts > call.attempts
            call.note_way(flight.call)
        errors = call.host.errors
        make = errors.closed if call.host.is_closed else errors.late
        return Failure(make(call, request_sent=sent))


class Flight(Generic[CargoT]):
    """One request, in a task or a thread of its own. Its table has the lock that all here needs.

    Args:
        key: What those who wait have in common.
        seat: Of the one whose request it is.
        exchange: The way of that to the wire.
        place: The event loop that it runs in; None in the blocking world.

    Attributes:
        call: An operation of its own, with grants of its own.
        seats: Those who wait.
        told: Whoever else is told when it is over.
        landing: What it has brought; None before, and where it has brought nothing.
        error: What was raised in it, and is no cancellation by those who waited.
        is_started: Whether it is on its way.
        is_cancelled: Whether nobody waits for it any more.
        is_over: Whether all is given back, and nothing more comes of it.
        is_diverted: Whether what it brings is out of date, so that nobody else may wait for it.
    """

    def __init__(self, key: Key, seat: Seat, exchange: Exchange, place: object = None) -> None:
        self.key: Key = key
        self.place: object = place
        self.call: Call = seat.call.twin()
        self.task: Task = seat.call.host.ports.task()
        self.seats: dict[Seat, None] = {}
        self.told: list[Signal] = []
        self.landing: Landing[CargoT] | None = None
        self.error: BaseException | None = None
        self.is_started: bool = False
        self.is_cancelled: bool = False
        self.is_over: bool = False
        self.is_diverted: bool = False
        self._first = seat
        self._exchange = exchange.twin_for(self.call, is_first=True)
        if (of_first := self.call.deadline) is not None:
            self.call.deadline = _Longest(of_first.at, of_first.total)

    def board(self, seat: Seat) -> None:
        """Take on one who waits."""
        seat.flight, self.seats[seat] = self, None
        call, own = seat.call, self.call
        own.priority = min(own.priority, call.priority)
        if call.deadline is None:
            own.deadline = None
        elif own.deadline is not None and own.deadline.at < call.deadline.at:
            own.deadline = _Longest(call.deadline.at, call.deadline.total)

    def is_of(self, seat: Seat) -> bool:
        """Whether it is the request of the one who has this seat."""
        return seat is self._first

    def start(self, fly: Fly[CargoT], ended: Callable[[], object]) -> None:
        """Begin."""
        self.task.start(partial(self._run, fly), ended, is_bounded=False)
        self.is_started = True

    def cancel(self) -> None:
        """End it."""
        self.is_cancelled = True
        self.task.cancel()

    @property
    def is_for_one(self) -> bool:
        """Whether its answer turned out to be for one caller alone."""
        landing = self.landing
        if landing is None or self.is_diverted:
            return False
        return not landing.is_for_all and not isinstance(landing.result, Failure)

    async def _run(self, fly: Fly[CargoT]) -> None:
        call, exchange = self.call, self._exchange
        landing: Landing[CargoT] | None = None
        try:
            landing = await fly(call, exchange)
            if isinstance(landing.result, Failure):
                await exchange.keep(landing.result)
            call.plan.leave(call)
            self.landing = landing
        except BaseException as error:  # noqa: BLE001 - raised again by the one whose request it was
            if not self.is_cancelled:
                self.error = error
            await self._abandon(landing)
        finally:
            self._give_back()

    async def _abandon(self, landing: Landing[CargoT] | None) -> None:
        """Close the answer that was being read."""
        if landing is not None and isinstance(landing.result, Failure):
            await self._exchange.abandon(landing.result)

    def _give_back(self) -> None:
        """Return what it holds, where an interrupt has kept it from that, and be counted."""
        call = self.call
        call.leave_gates(KeyboardInterrupt())
        call.grants.clear()
        call.failure = None  # the two would keep each other alive
        if call.uncounted is not None:
            call.uncounted.count(None)
        call.is_over = True

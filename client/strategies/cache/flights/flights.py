"""Single flight: of many equal calls one goes out, and answers all of them.

Nothing is sent twice, and nobody queues for long: what turns out to be for one caller alone is
remembered for a while, and its callers go out side by side.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from ....engine.layer import Failure
from ....runtime.forking import fork_safe, tell_in_child
from .flight import Flight, Landing, Seat

if TYPE_CHECKING:
    from ....engine.layer import Exchange
    from ....engine.operation import Call
    from ....engine.ports import Ports
    from ....http.shapes import Request
    from .flight import Fly, Key

__all__ = ["Arrival", "Flights", "Landing"]

_SETTLING: Final = 1.0
"""Seconds that a cancelled call waits for what it had under way, and a client that closes."""
_SETTLING_LATE: Final = 0.05
"""The same of a call whose time is over: what a thread needs to let go of its connection."""
_ALONE_SECONDS: Final = 60.0
"""How long it is remembered that an answer is for one caller alone."""
_MOST_ALONE: Final = 1000
"""Of how many keys; beyond, the oldest is forgotten."""

CargoT = TypeVar("CargoT")


class Arrival(NamedTuple, Generic[CargoT]):
    """What one who has waited gets.

    Attributes:
        failure: What he has failed with, an exception of his own; None where the cargo is for him.
        cargo: What was brought; None where nothing was.
        is_own: Whether it was his request that went out.
    """

    failure: Failure | None
    cargo: CargoT | None
    is_own: bool


class Flights(Generic[CargoT]):
    """Those of one client. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = fork_safe(threading.RLock())
        self._open: dict[Key, Flight[CargoT]] = {}
        """Those that take somebody on, by key."""
        self._under_way: set[Flight[CargoT]] = set()
        self._alone: OrderedDict[Key, float] = OrderedDict()
        """Keys whose answers are for one caller alone, and until when that is believed."""
        tell_in_child(self)

    def __len__(self) -> int:
        return len(self._under_way)

    async def join(
        self, key: Key, call: Call, exchange: Exchange, request: Request, fly: Fly[CargoT]
    ) -> Arrival[CargoT] | None:
        """Wait for a request that is under way with this key, or have this one sent for everybody.

        A streamed call waits for others, and none waits for it: its caller may read slowly.

        Args:
            key: What makes calls equal, so that one answer is good for all: a URL, and what else.
            call: The operation.
            exchange: Its way to the wire.
            request: What it would send.
            fly: Sends it, by another call and exchange, and keeps the answer.

        Returns:
            What came of it. None where this call has to send a request of its own.

        Raises:
            BaseException: What cancelled the call, or what was raised in its own request.
        """
        seat = Seat(call)
        try:
            flight = self._board(key, seat, exchange)
            if flight is None:
                return None
            if flight.is_of(seat):
                flight.start(fly, partial(self._end, flight))
            failure = await seat.wait()
            if failure is None:
                return _arrival(flight, seat, exchange, request)
            await self._leave(seat, _SETTLING_LATE)
            return Arrival(failure, None, flight.is_of(seat))
        except BaseException:
            await self._leave(seat, _SETTLING)
            raise

    def divert(self, url: str) -> None:
        """Let nobody else wait for what is under way from there: it will be out of date."""
        with self._lock:
            for key in [key for key in self._open if key[0] == url]:
                self._open.pop(key).is_diverted = True

    def note_storable(self, key: Key) -> None:
        """Take note that an answer is for everybody after all."""
        if key in self._alone:
            with self._lock:
                self._alone.pop(key, None)

    def hang_up(self) -> None:
        """End them all, and let go of those who wait."""
        with self._lock:
            flights = list(self._under_way)
            seats = [seat for flight in flights for seat in flight.seats]
        for flight in flights:
            flight.cancel()
        for seat in seats:
            seat.signal.give()

    async def close(self, ports: Ports) -> None:
        """End them all, and wait until they have ended, but not for long."""
        emptied = ports.signal()
        with self._lock:
            for flight in self._under_way:
                flight.told.append(emptied)
        self.hang_up()
        until = ports.now() + _SETTLING
        while len(self) and (left := until - ports.now()) > 0:
            await emptied.wait(left)

    def begin_anew(self) -> None:
        """Forget what was under way in an event loop that has ended, or in the parent process."""
        self._open.clear()
        self._under_way.clear()
        self._alone.clear()

    def _board(self, key: Key, seat: Seat, exchange: Exchange) -> Flight[CargoT] | None:
        """Give somebody a seat in what is under way, or in what he is to begin."""
        with self._lock:
            flight = self._open.get(key)
            if flight is None:
                if exchange.is_streamed or self._is_alone(key, seat.call):
                    return None
                flight = Flight[CargoT](key, seat, exchange)
                flight.board(seat)
                self._under_way.add(flight)
                self._open[key] = flight
            else:
                flight.board(seat)
            return flight

    def _is_alone(self, key: Key, call: Call) -> bool:
        until = self._alone.get(key)
        if until is None:
            return False
        if call.host.ports.now() < until:
            return True
        del self._alone[key]
        return False

    async def _leave(self, seat: Seat, seconds: float) -> None:
        """Give up a seat; where it was the last, cancel the flight and wait for its end a while."""
        flight = seat.flight
        if flight is None or flight.is_over:
            return
        with self._lock:
            if flight.is_of(seat):
                seat.call.note_way(flight.call)
            flight.seats.pop(seat, None)
            if flight.seats and flight.is_started:
                return
            self._close(flight)
            flight.told.append(seat.signal)
        if not flight.is_started:  # an interrupt came before
            self._end(flight)
        flight.cancel()
        ports = seat.call.host.ports
        until = ports.now() + seconds
        while (left := until - ports.now()) > 0 and flight in self._under_way:
            await seat.signal.wait(left)

    def _close(self, flight: Flight[CargoT]) -> None:
        """Take nobody else on."""
        if self._open.get(flight.key) is flight:
            del self._open[flight.key]

    def _end(self, flight: Flight[CargoT]) -> None:
        """Tell everybody that a flight is over."""
        with self._lock:
            self._close(flight)
            self._under_way.discard(flight)
            flight.is_over = True
            if flight.is_for_one:
                self._note_alone(flight)
            told = [*(seat.signal for seat in flight.seats), *flight.told]
        for signal in told:
            signal.give()

    def _note_alone(self, flight: Flight[CargoT]) -> None:
        self._alone[flight.key] = flight.call.host.ports.now() + _ALONE_SECONDS
        self._alone.move_to_end(flight.key)
        if len(self._alone) > _MOST_ALONE:
            self._alone.popitem(last=False)


def _arrival(
    flight: Flight[CargoT], seat: Seat, exchange: Exchange, request: Request
) -> Arrival[CargoT] | None:
    """Return what a flight that is over has brought to one who waited."""
    if flight.is_of(seat):
        return _own_arrival(flight, seat.call)
    landing = flight.landing
    if landing is None:
        return None
    if landing.is_for_all:
        return Arrival(None, landing.cargo, is_own=False)
    if not isinstance(landing.result, Failure):
        return None
    failure = exchange.likewise(landing.result, request)
    return None if failure is None else Arrival(failure, None, is_own=False)


def _own_arrival(flight: Flight[CargoT], call: Call) -> Arrival[CargoT] | None:
    call.note_way(flight.call)
    error, flight.error = flight.error, None
    if error is not None:
        try:
            raise error
        finally:
            del error  # its traceback leads back to this frame
    landing = flight.landing
    if landing is None:
        return None
    if isinstance(landing.result, Failure) and landing.result.error is not None:
        call.note_error(landing.result.error)
    return Arrival(None, landing.cargo, is_own=True)

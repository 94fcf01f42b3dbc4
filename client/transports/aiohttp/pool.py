"""The connections of one fast transport: how many there may be, who waits, and which serve again.

Nothing here awaits between taking a connection and handing it on, so that no cancellation can
lose one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from ...runtime.event_loop import Home
from ...runtime.forking import tell_in_child
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable
    from types import ModuleType

    from .shapes import ReadHead

    Dial = Callable[[], Awaitable[Wire]]

__all__ = ["Bounds", "WirePool"]

_FULL: Final = "no connection came free in time"
_CLOSED: Final = "the transport was closed"


class Bounds(NamedTuple):
    """The limits of httpx, of which None is no limit.

    Attributes:
        open: Connections at once.
        idle: Of these, how many may stand idle.
        idle_seconds: How long one may.
        age_seconds: How old one may be that a request is sent over.
    """

    open: int | None
    idle: int | None
    idle_seconds: float | None
    age_seconds: float | None = None

    @property
    def look_every(self) -> float | None:
        """After how many seconds to look for idle connections that may stand no longer."""
        return min(filter(None, (self.idle_seconds, self.age_seconds)), default=None)


class WirePool:
    """Connections by origin, in one event loop at a time.

    Args:
        bounds: See `Bounds`.
        errors: The httpx module whose exceptions are raised.
        read_head: See `parts.read_head`.
    """

    def __init__(self, bounds: Bounds, errors: ModuleType, read_head: ReadHead) -> None:
        self._bounds: Bounds = bounds
        self._errors = errors
        self._read_head = read_head
        self._home = Home()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._start_over()
        tell_in_child(self)

    def enlarge(self, most_idle: int) -> None:
        """Keep more connections, and open as many as are asked for."""
        idle = self._bounds.idle
        self._bounds = self._bounds._replace(
            open=None, idle=None if idle is None else max(idle, most_idle)
        )

    def limit_age(self, seconds: float | None) -> None:
        """Send no request over a connection that is older; None for no limit."""
        self._bounds = self._bounds._replace(age_seconds=seconds)

    @property
    def connections(self) -> list[Wire]:
        """All that are open."""
        return list(self._wires)

    def settle(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; in another than before nothing of the first is kept.

        Raises:
            ClientClosedError: That one is still running, in another thread.
            RuntimeError: No asyncio loop is running.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "AiohttpTransport runs on asyncio only: under trio use httpx's own transport"
            ) from None
        if loop is not self._loop:
            if self._home.moved():
                self._start_over()
            self._loop = loop
        return loop

    def begin_anew(self) -> None:
        """Forget every connection without closing it: this process is not its owner."""
        self._home.leave()
        self._loop = None
        self._start_over()

    def make_wire(self, loop: asyncio.AbstractEventLoop) -> Wire:
        """Return the protocol of a new connection."""
        return Wire(loop, self._errors, self.forget, self._read_head)

    def take(self, key: Hashable) -> Wire | None:
        """Return an idle connection to an origin, None where none can serve."""
        while standing := self._idle.get(key):
            wire = standing[-1]  # the last one used has the best prospects
            self._take_out(wire)
            if not self._has_expired(wire) and wire.is_fresh():
                return wire
            wire.drop()
        return None

    async def open(self, key: Hashable, dial: Dial, patience: float | None) -> Wire:
        """Open a connection, or wait for one that comes free.

        Raises:
            PoolTimeout: None did within `patience` seconds.
        """
        era = self._era
        if self._has_room() or self._make_room():
            self._opening += 1
        else:
            wire = await self._queue(key, patience)
            if wire is not None and wire.is_fresh():
                return wire
            if wire is not None:
                # The server closed it, or sent something, after the answer before.
                if wire not in self._wires:  # somebody else has its place already
                    return await self.open(key, dial, patience)
                self._opening += 1
                wire.drop()
        return await self._dial(key, dial, era)

    def give_back(self, wire: Wire) -> None:
        """Keep a connection for the next request, hand it on, or close it."""
        if not wire.is_reusable or wire not in self._wires or self._is_old(wire):
            wire.drop()
            return
        while self._queued and self._queued[0][1].done():
            self._queued.popleft()
        if self._queued:
            self._hand_on(wire)
            return
        wire.idle_since = wire.now()
        wire.is_pooled = True
        self._idle.setdefault(wire.key, []).append(wire)
        if self._bounds.idle is not None and self._count_idle() > self._bounds.idle:
            self._make_room()
        elif self._sweep is None and self._bounds.look_every is not None:
            self._sweep_later(self._bounds.look_every)

    def forget(self, wire: Wire) -> None:
        """Remove a connection that is closed; its place goes to the one who has waited longest."""
        self._wires.discard(wire)
        if wire.is_pooled:
            self._take_out(wire)
        self._let_in()

    def drop_idle(self, key: Hashable) -> None:
        """Close the idle connections to an origin."""
        for wire in list(self._idle.get(key, ())):
            wire.drop()

    async def close(self) -> None:
        """Close every connection, in use or not, and turn away whoever waits."""
        self.settle()
        wires, queued = self._wires, self._queued
        self._start_over()
        for _, place in queued:
            if not place.done():
                place.set_exception(self._errors.PoolTimeout(_CLOSED))
        for wire in wires:
            wire.drop()
        if wires:
            await asyncio.wait([wire.lost for wire in wires])
        await asyncio.sleep(0)  # those that were being closed already

    def _start_over(self) -> None:
        self._wires: set[Wire] = set()
        self._idle: dict[Hashable, list[Wire]] = {}
        self._queued: deque[tuple[Hashable, asyncio.Future[Wire | None]]] = deque()
        self._opening = 0
        self._era = object()
        self._sweep: asyncio.TimerHandle | None = None

    def _take_out(self, wire: Wire) -> None:
        wire.is_pooled = False
        standing = self._idle.get(wire.key, [])
        if wire in standing:  # not where all was forgotten
            standing.remove(wire)
            if not standing:
                del self._idle[wire.key]

    def _has_room(self) -> bool:
        most = self._bounds.open
        return most is None or len(self._wires) + self._opening < most

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest; return whether there was one."""
        oldest = min((wires[0] for wires in self._idle.values()), key=_idle_since, default=None)
        if oldest is None:
            return False
        oldest.drop()
        return True

    def _count_idle(self) -> int:
        return sum(map(len, self._idle.values()))

    def _hand_on(self, wire: Wire) -> None:
        """Give a connection to whoever has waited longest, or its place if it leads elsewhere."""
        key, place = self._queued[0]
        if key == wire.key:
            self._queued.popleft()
            place.set_result(wire)
        else:
            wire.drop()

    def _let_in(self) -> None:
        """Give free places to those who have waited longest."""
        while self._queued and self._has_room():
            _, place = self._queued.popleft()
            if not place.done():
                self._opening += 1
                place.set_result(None)

    async def _queue(self, key: Hashable, patience: float | None) -> Wire | None:
        """Wait for a connection, or None for the place of one."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[Wire | None] = loop.create_future()
        era = self._era
        entry = (key, place)
        self._queued.append(entry)
        late = self._errors.PoolTimeout(_FULL)
        timer = None if patience is None else loop.call_later(patience, _turn_away, place, late)
        try:
            return await place
        except BaseException:
            if era is self._era:
                self._leave_queue(place)
            raise
        finally:
            if timer is not None:
                timer.cancel()
            with suppress(ValueError):
                # Left there it would keep its exception, and so the request, alive.
                self._queued.remove(entry)

    def _leave_queue(self, place: asyncio.Future[Wire | None]) -> None:
        """Give back what was handed to a call that has been cancelled meanwhile."""
        if place.cancelled() or place.exception() is not None:
            return
        wire = place.result()
        if wire is not None:
            self.give_back(wire)
        else:
            self._opening -= 1
            self._let_in()

    async def _dial(self, key: Hashable, dial: Dial, era: object) -> Wire:
        """Open a connection in a place that is counted as taken already."""
        if era is not self._era:
            raise self._errors.ConnectError(_CLOSED)
        try:
            wire = await dial()
        except BaseException:
            if era is self._era:
                self._opening -= 1
                self._let_in()
            raise
        if era is self._era:
            self._opening -= 1
        else:
            wire.drop()
            raise self._errors.ConnectError(_CLOSED)
        wire.key = key
        self._wires.add(wire)
        return wire

    def _has_expired(self, wire: Wire) -> bool:
        longest = self._bounds.idle_seconds
        stood_long = longest is not None and wire.now() - wire.idle_since > longest
        return stood_long or self._is_old(wire)

    def _is_old(self, wire: Wire) -> bool:
        oldest = self._bounds.age_seconds
        return oldest is not None and wire.now() - wire.made_at > oldest

    def _sweep_later(self, seconds: float) -> None:
        self._sweep = asyncio.get_running_loop().call_later(seconds, self._sweep_now, self._era)

    def _sweep_now(self, era: object) -> None:
        """Close what has been idle too long, and look again as long as anything is idle."""
        if era is not self._era:
            return
        self._sweep = None
        idle = [wire for wires in self._idle.values() for wire in wires]
        for wire in filter(self._has_expired, idle):
            wire.drop()
        if self._idle and self._bounds.look_every is not None:
            self._sweep_later(self._bounds.look_every)


def _idle_since(wire: Wire) -> float:
    return wire.idle_since


def _turn_away(place: asyncio.Future[Wire | None], late: Exception) -> None:
    if not place.done():
        place.set_exception(late)

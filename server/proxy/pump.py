"""One direction of one connection: bytes in, faults applied, bytes out.

It reads no further before all it has read is passed on, so a slow receiver slows its sender.
"""

import asyncio
import random
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from .armed_faults import ArmedFault
from .fault_models import (
    AnyFault,
    Bandwidth,
    CloseIdle,
    Cut,
    Drip,
    Ending,
    Garbage,
    InjectingFault,
    Latency,
    Refuse,
    Reset,
    Stall,
    Surplus,
)
from .statistics import Tally
from .triggers import Trigger
from .wire import sockets
from .wire.bells import Bell, wait_for_bell
from .wire.messages import MessageReader, Part, Piece

SLICES_PER_SECOND = 20  # of a limited bandwidth


class Ends(ABC):
    """What a pump may ask of its connection."""

    @abstractmethod
    def end(self, by: Ending) -> None:
        """End the connection, for the client by FIN or RST."""

    @abstractmethod
    def tear(self) -> None:
        """Note that one side takes no more bytes, and let the other direction come to its end."""

    @abstractmethod
    def pass_turn(self, pump: "Pump") -> None:
        """Note that this side has spoken."""

    @abstractmethod
    def settle(self) -> None:
        """Note that all that was read has been passed on."""


class ConnectionOverError(Exception):
    """A fault has ended the connection."""


@dataclass(slots=True)
class Strike:
    """One fault on one direction of one connection."""

    fault: ArmedFault
    trigger: Trigger
    chance: random.Random
    is_skipped: bool = False


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly bytes may pass: so many at most, and so long before them."""

    fault: ArmedFault
    size: int
    seconds: float
    to_end_of_message: bool


class Pump:
    """Passes on what one side sends to the other.

    Args:
        connection: Both directions.
        reader: Follows the messages.
        tally: Where strikes are counted.
        count_bytes: Counts what is passed on.
    """

    def __init__(
        self,
        connection: Ends,
        reader: MessageReader,
        tally: Tally,
        count_bytes: Callable[[int], None],
    ) -> None:
        self.reader = reader
        self.is_busy: bool = False
        self.has_ended: Bell = Bell()
        self.strikes: list[Strike] = []
        self.opposite: Pump | None = None
        self._connection = connection
        self._tally = tally
        self._count_bytes = count_bytes
        self._paces: dict[int, Pace] = {}
        self._sink: socket.socket | None = None

    async def run(self, source: socket.socket, sink: socket.socket) -> None:
        """Pass on all there is, and the end of it."""
        self._sink = sink
        try:
            while data := await self._receive(source):
                self.is_busy = True
                self._connection.pass_turn(self)
                for piece in self.reader.feed(data):
                    await self._pass_on(piece)
                self.is_busy = False
                self._connection.settle()
            self.has_ended.ring()
            await self._finish()
        except ConnectionOverError:
            return
        except OSError:
            self._connection.tear()
            return
        sockets.send_fin(sink)

    async def _receive(self, source: socket.socket) -> bytes:
        loop = asyncio.get_running_loop()
        try:
            return await loop.sock_recv(source, sockets.RECEIVE_BYTES)
        except OSError:
            self._end("rst")
        return b""

    async def _pass_on(self, piece: Piece) -> None:
        passed = 0
        for offset, strike in self._due(piece):
            await self._send(piece.data[passed:offset])
            passed = offset
            await self._strike(strike)
        await self._send(piece.data[passed:])
        if piece.ends:
            self._paces = {
                key: pace for key, pace in self._paces.items() if not pace.to_end_of_message
            }

    async def _finish(self) -> None:
        if self.reader.ends_with_connection:
            for strike in list(self.strikes):
                if strike.trigger.strikes_at_end:
                    await self._strike(strike)

    def _due(self, piece: Piece) -> list[tuple[int, Strike]]:
        self.strikes = [strike for strike in self.strikes if not strike.fault.lifted.is_rung]
        due: list[tuple[int, Strike]] = []
        for strike in self.strikes:
            if piece.part is Part.OPAQUE and strike.trigger.needs_plaintext:
                self._skip(strike)
            elif (offset := strike.trigger.offset(piece)) is not None:
                due.append((offset, strike))
        return sorted(due, key=lambda one: one[0])

    def _skip(self, strike: Strike) -> None:
        if not strike.is_skipped:
            strike.is_skipped = True
            self._tally.skipped[strike.fault.model.kind] += 1

    async def _send(self, data: bytes) -> None:
        while data:
            paces = [pace for pace in self._paces.values() if not pace.fault.lifted.is_rung]
            if not paces:
                return await self._deliver(data)
            size = min(pace.size for pace in paces)
            await self._hold(max(_seconds(pace, len(data[:size])) for pace in paces), *paces)
            await self._deliver(data[:size])
            data = data[size:]
        return None

    async def _deliver(self, data: bytes) -> None:
        assert self._sink is not None  # noqa: S101 - set before anything is passed on
        self._count_bytes(len(data))
        await asyncio.get_running_loop().sock_sendall(self._sink, data)

    async def _hold(self, seconds: float, *by: Strike | Pace) -> None:
        """Wait; no longer than until a fault is lifted, or the receiver has said its last word.

        One who had said it before does not cut the wait short.
        """
        bells = [one.fault.lifted for one in by]
        if self.opposite is not None and not self.opposite.has_ended.is_rung:
            bells.append(self.opposite.has_ended)
        await wait_for_bell(bells, seconds)

    async def _strike(self, strike: Strike) -> None:
        if strike.fault.lifted.is_rung:  # while an earlier one held on
            return
        fault = strike.fault.model
        self._tally.applied[fault.kind] += 1
        match fault:
            case Stall():
                await self._hold(fault.seconds, strike)
            case Latency():
                jitter = strike.chance.uniform(-fault.jitter_ms, fault.jitter_ms)
                await self._hold(max(0.0, fault.ms + jitter) / 1_000, strike)
            case Drip() | Bandwidth():
                self._paces[strike.fault.number] = _pace(strike.fault, fault)
            case Surplus():
                await self._deliver(_payload(fault, strike.chance))
            case _:
                await self._strike_dead(fault, strike.chance)

    async def _strike_dead(self, fault: AnyFault, chance: random.Random) -> None:
        if isinstance(fault, Garbage):
            await self._deliver(_payload(fault, chance))
        if isinstance(fault, Cut | Garbage | CloseIdle):
            self._end(fault.by)
        if isinstance(fault, Reset | Refuse):
            self._end("rst")

    def _end(self, by: Ending) -> None:
        self._connection.end(by)
        raise ConnectionOverError


def _pace(armed: ArmedFault, fault: Drip | Bandwidth) -> Pace:
    if isinstance(fault, Drip):
        return Pace(armed, fault.size, fault.interval_ms / 1_000, to_end_of_message=True)
    size = max(1, fault.bytes_per_second // SLICES_PER_SECOND)
    return Pace(armed, size, size / fault.bytes_per_second, to_end_of_message=False)


def _seconds(pace: Pace, size: int) -> float:
    """Return how long these bytes wait: a full pause for a drop, their share of a bandwidth."""
    return pace.seconds if pace.to_end_of_message else pace.seconds * size / pace.size


def _payload(fault: InjectingFault, chance: random.Random) -> bytes:
    return chance.randbytes(fault.size) if fault.text is None else fault.text.encode()

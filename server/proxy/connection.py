"""One client's connection and its counterpart to the upstream, from accepting to closing."""

import asyncio
import random
import socket
from collections import deque

from .armed_faults import ArmedFault
from .fault_models import (
    Bandwidth,
    CloseIdle,
    Ending,
    Garbage,
    Latency,
    PlacedFault,
    Refuse,
    Surplus,
)
from .pump import Ends, Pump, Strike
from .statistics import Tally
from .triggers import AfterMessage, AtOffset, BeforeMessage, OnReuse, Trigger, at_place
from .wire import sockets
from .wire.bells import Bell
from .wire.messages import MAX_PIPELINED, MessageReader
from .wire.upstream import Upstream

TORN_SECONDS = 2.0  # for what is under way from a side that takes no more itself


class Connection(Ends):
    """Passes bytes both ways until both sides have ended, or a fault ends it.

    Args:
        client: The accepted socket; closed in the end.
        upstream: Where to connect.
        tally: Where everything is counted.
    """

    def __init__(self, client: socket.socket, upstream: Upstream, tally: Tally) -> None:
        self.has_told_client: Bell = Bell()
        """Rings once the client has been sent the end of a connection that was ended."""
        self._client = client
        self._upstream = upstream
        self._tally = tally
        self._loop = asyncio.get_running_loop()
        self._ending: asyncio.Future[Ending | None] = self._loop.create_future()
        self._is_torn = False
        self._is_answered = False
        self._last: Pump | None = None
        self._idle_faults: list[ArmedFault] = []
        self._alarms: list[asyncio.TimerHandle] = []
        self._torn_alarm: asyncio.TimerHandle | None = None
        methods: deque[bytes] = deque(maxlen=MAX_PIPELINED)
        requests = MessageReader(methods, of_requests=True)
        answers = MessageReader(methods, of_requests=False)
        self._up = Pump(self, requests, tally, self._count_up)
        self._down = Pump(self, answers, tally, self._count_down)
        self._up.opposite, self._down.opposite = self._down, self._up

    @property
    def is_ending(self) -> bool:
        """Whether it passes no more bytes."""
        return self._ending.done()

    @property
    def is_idle(self) -> bool:
        """Whether the last request has been answered and no other has begun."""
        at_rest = not (self._down.is_busy or self._up.is_busy or self._down.reader.in_message)
        return at_rest and self._last is self._down and not self.is_ending

    def attach(self, fault: ArmedFault) -> None:
        """Have a fault strike this connection from now on."""
        chance = fault.meet()
        model = fault.model
        match model:
            case PlacedFault():
                trigger = at_place(model.at, model.after_bytes)
                self._watch(fault, trigger, chance, upstream=model.stream == "upstream")
            case Bandwidth():
                self._watch(fault, AtOffset(0), chance, upstream=model.stream == "upstream")
            case Latency():
                self._watch(fault, BeforeMessage(), chance, upstream=model.stream == "upstream")
            case Garbage():
                self._watch(fault, BeforeMessage(), chance)
            case Surplus():
                after_bytes = model.after_bytes
                trigger = AfterMessage() if after_bytes is None else AtOffset(after_bytes)
                self._watch(fault, trigger, chance)
            case CloseIdle(on="reuse"):
                self._watch(fault, OnReuse(is_used=self._is_answered), chance, upstream=True)
            case CloseIdle():
                self._idle_faults.append(fault)
                self.settle()
            case Refuse():
                pass

    async def run(self) -> None:
        """Connect, pass bytes, and close in good order; `discard` has to follow."""
        try:
            upstream = await self._upstream.connect()
        except OSError:
            self._tally.unreachable += 1
            return
        try:
            await self._close(upstream, await self._pass_bytes(upstream))
        finally:
            sockets.close_by_rst(upstream)

    def discard(self) -> None:
        """Let go of everything, once `run` has ended or will not begin."""
        self._stop_waiting()
        sockets.close_by_rst(self._client)
        self.has_told_client.ring()

    def end(self, by: Ending) -> None:
        """End the connection."""
        if not self._ending.done():
            self._ending.set_result(by)

    def tear(self) -> None:
        """Let the other direction come to its end, within a bounded time."""
        self._is_torn = True
        self._torn_alarm = self._loop.call_later(TORN_SECONDS, self.end, "rst")

    def pass_turn(self, pump: Pump) -> None:
        """Note who spoke last."""
        self._last = pump
        self._is_answered = self._is_answered or pump is self._down
        if pump.opposite is not None:
            pump.opposite.reader.was_answered = True

    def settle(self) -> None:
        """Start counting the silence, if there is reason to."""
        if self._idle_faults and self.is_idle:
            self._idle_faults = [one for one in self._idle_faults if not one.lifted.is_rung]
            self._set_alarms()

    def _stop_waiting(self) -> None:
        if self._torn_alarm is not None:
            self._torn_alarm.cancel()
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms.clear()

    def _set_alarms(self) -> None:
        for alarm in self._alarms:
            alarm.cancel()
        self._alarms.clear()
        for fault in self._idle_faults:
            if isinstance(fault.model, CloseIdle):
                seconds = fault.model.after_ms / 1_000
                self._alarms.append(self._loop.call_later(seconds, self._close_idle, fault))

    def _close_idle(self, fault: ArmedFault) -> None:
        model = fault.model
        if isinstance(model, CloseIdle) and self.is_idle and not fault.lifted.is_rung:
            self._tally.applied[model.kind] += 1
            self.end(model.by)

    def _watch(
        self,
        fault: ArmedFault,
        trigger: Trigger,
        chance: random.Random,
        *,
        upstream: bool = False,
    ) -> None:
        pump = self._up if upstream else self._down
        pump.strikes.append(Strike(fault, trigger, chance))

    async def _pass_bytes(self, upstream: socket.socket) -> Ending | None:
        """Return how a fault or a failure ended it, or None if both sides did."""
        pumps = [
            asyncio.create_task(self._up.run(self._client, upstream)),
            asyncio.create_task(self._down.run(upstream, self._client)),
        ]
        for pump in pumps:
            pump.add_done_callback(lambda _: self._end_after(pumps))
        try:
            by = await self._ending
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.wait(pumps)
        for pump in pumps:
            if not pump.cancelled():
                pump.result()
        return by

    def _end_after(self, pumps: list[asyncio.Task[None]]) -> None:
        if all(pump.done() for pump in pumps) and not self._ending.done():
            self._ending.set_result("rst" if self._is_torn else None)

    async def _close(self, upstream: socket.socket, by: Ending | None) -> None:
        if by == "rst":
            async with asyncio.TaskGroup() as closing:
                closing.create_task(sockets.close(upstream, "rst"))
                closing.create_task(sockets.close(self._client, "rst"))
            return
        upstream.close()
        if by == "fin":
            sockets.send_fin(self._client)
            self.has_told_client.ring()
            await sockets.close(self._client, "fin")
        self._client.close()

    def _count_up(self, size: int) -> None:
        self._tally.bytes_up += size

    def _count_down(self, size: int) -> None:
        self._tally.bytes_down += size

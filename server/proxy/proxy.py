"""The proxy itself, on one event loop: it accepts, hands out faults, and counts."""

import asyncio
import socket

from ..addresses.listening import Listener
from ..limits import MAX_PROXY_CONNECTIONS
from .armed_faults import ArmedFault, FaultBook
from .connection import Connection
from .fault_models import AnyFault, Ending, Refuse
from .statistics import ProxyStatistics, Tally
from .wire import sockets
from .wire.bells import wait_for_bell
from .wire.port import Port
from .wire.upstream import Upstream

MAX_SECONDS_TO_END = 2.0
TURNS_TO_SETTLE = 3  # of the event loop, for what has been read to be passed on


class Proxy:
    """Stands between clients and one upstream. Used from the event loop that it is made on.

    Args:
        listener: Where clients connect; closed in the end.
        upstream: Where they are passed on to.
        seed: Where all chance begins.
    """

    def __init__(self, listener: Listener, upstream: Upstream, *, seed: int) -> None:
        self._upstream = upstream
        self._book = FaultBook(seed)
        self._tally = Tally()
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._port = Port(listener, self._serve)

    def add_fault(self, model: AnyFault) -> ArmedFault:
        """Put a fault in force.

        Raises:
            TooManyFaultsError: If there are too many.
        """
        fault = self._book.add(model)
        if fault.strikes_all:
            for connection in self._connections.values():
                connection.attach(fault)
        self._open_or_shut()
        return fault

    def remove_fault(self, number: int) -> None:
        """Lift one fault.

        Raises:
            NoSuchFaultError: If it is not in force.
        """
        self._book.remove(number)
        self._open_or_shut()

    def reset(self) -> None:
        """Lift all faults."""
        self._book.reset()
        self._open_or_shut()

    def faults(self) -> list[ArmedFault]:
        """Return the faults in force."""
        return self._book.in_force()

    def statistics(self) -> ProxyStatistics:
        """Return what has been counted."""
        return self._tally.snapshot(open_connections=len(self._connections))

    async def clear(self) -> None:
        """Lift all faults, cut all connections and begin to count anew."""
        self.reset()
        await self._cut_all()
        self._tally = Tally()

    async def close_connections(self, by: Ending, *, idle_only: bool) -> int:
        """Close open connections, and return how many, once their clients have been told."""
        for _ in range(TURNS_TO_SETTLE):
            await wait_for_bell([], 0)
        closed = [
            connection
            for connection in self._connections.values()
            if connection.is_idle or not (idle_only or connection.is_ending)
        ]
        for connection in closed:
            connection.end(by)
        for connection in closed:
            await wait_for_bell([connection.has_told_client], MAX_SECONDS_TO_END)
        return len(closed)

    async def close(self) -> None:
        """Accept no more, and cut all connections."""
        self._port.close()
        await self._cut_all()

    async def _cut_all(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _open_or_shut(self) -> None:
        faults = self._book.in_force()
        shut = [one for one in faults if one.strikes_all and isinstance(one.model, Refuse)]
        if not shut:
            self._port.reopen()
        elif self._port.is_open:
            self._tally.applied[shut[0].model.kind] += 1
            self._port.shut()

    def _serve(self, client: socket.socket) -> None:
        self._tally.accepted += 1
        if len(self._connections) >= MAX_PROXY_CONNECTIONS:
            self._tally.turned_away += 1
            sockets.close_by_rst(client)
            return
        chosen = [fault for fault in self._book.in_force() if fault.chooses()]
        if any(self._refuses(fault) for fault in chosen):
            self._tally.refused += 1
            sockets.close_by_rst(client)
            return
        connection = Connection(client, self._upstream, self._tally)
        for fault in chosen:
            connection.attach(fault)
        task = asyncio.get_running_loop().create_task(connection.run())
        self._connections[task] = connection
        task.add_done_callback(self._forget)

    def _refuses(self, fault: ArmedFault) -> bool:
        if fault.strikes_all or not isinstance(fault.model, Refuse):
            return False
        fault.meet()
        self._tally.applied[fault.model.kind] += 1
        return True

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._connections.pop(task).discard()

"""The bulkhead: at most so many operations at once, and a queue that is not waited in for ever."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..engine.layer import WAIT, Gate
from ..events import BulkheadAcquired, BulkheadRejected, BulkheadWaiting, SlotWaited
from ..exceptions import PoolTimeoutError
from ..metrics.instruments import (
    BULKHEAD_IN_USE,
    BULKHEAD_LIMIT,
    BULKHEAD_WAIT,
    BULKHEAD_WAITING,
    REJECTIONS,
)
from ..runtime.forking import tell_in_child

if TYPE_CHECKING:
    from ..config.models import BulkheadConfig
    from ..engine.layer import Wait
    from ..engine.operation import Call
    from ..engine.ports import Ports, Slots
    from ..exceptions import MyAPIError
    from ..metrics.aggregator import Gauge

__all__ = ["Bulkhead"]


class Bulkhead(Gate):
    """A slot for each operation, first come, first served.

    Args:
        config: How many slots, and how long somebody waits for one.
        ports: The world whose slots they are.
    """

    def __init__(self, config: BulkheadConfig, ports: Ports) -> None:
        self._config = config
        self._ports = ports
        self.slots: Slots = ports.slots(config.max_concurrency)
        tell_in_child(self)

    def enter(self, call: Call) -> MyAPIError | Wait | None:
        """Acquire a free slot, or answer `WAIT`."""
        slots = self.slots
        call.grants.append((self, slots))
        if not slots.take(call):
            return WAIT
        if call.notify[BulkheadAcquired] is not None or call.host.is_closed:
            return _let_in(call, slots)
        return None

    async def wait(self, call: Call) -> MyAPIError | None:
        """Queue for a slot, until the patience or the deadline ends, or somebody stops the call."""
        slots, host = self.slots, call.host
        if (notify := call.notify[BulkheadWaiting]) is not None:
            notify(BulkheadWaiting(waiting=slots.waiting, limit=slots.limit, **call.about()))
        began = host.ports.now()
        patience = self._config.acquisition_timeout
        if call.deadline is not None:
            patience = min(patience, call.deadline.left(began))
        left, stop = patience, partial(call.plan.stop.waking, call)
        while not await slots.queue(call, left, stop):
            if host.is_closed:
                return host.errors.closed(call)
            if (stopped := call.plan.stopped(call)) is not None:
                return stopped
            left = began + patience - host.ports.now()
            if left <= 0:
                return self._rejected(call, slots)
        _tell_waited(call, max(0.0, host.ports.now() - began))
        return _let_in(call, slots)

    def leave(self, call: Call, grant: Slots, error: BaseException | None) -> None:  # noqa: ARG002 - a gate's signature
        """Give the slot back, to whoever has queued longest."""
        grant.release(call)

    def gauges(self, now: float) -> tuple[Gauge, ...]:  # noqa: ARG002 - a part's signature
        """Return how the slots stand."""
        slots = self.slots
        return (
            (BULKHEAD_IN_USE, (), slots.in_use),
            (BULKHEAD_WAITING, (), slots.waiting),
            (BULKHEAD_LIMIT, (), slots.limit),
        )

    def begin_anew(self) -> None:
        """Make new slots, all of them free."""
        self.slots = self._ports.slots(self._config.max_concurrency)

    def close(self) -> None:
        """Turn away those who queue."""
        self.slots.close()

    def _rejected(self, call: Call, slots: Slots) -> MyAPIError:
        errors, patience = call.host.errors, self._config.acquisition_timeout
        if call.deadline is not None and call.deadline.passed(call.host.ports.now()):
            return errors.late(call)
        call.host.metrics.add(REJECTIONS, (call.counted_as, "bulkhead"))
        if (notify := call.notify[BulkheadRejected]) is not None:
            notify(BulkheadRejected(timeout=patience, **call.about()))
        reason = f"none of the bulkhead's {slots.limit} slots came free within {patience:g} s"
        return errors.make(PoolTimeoutError, call, reason, request_sent=False)


def _tell_waited(call: Call, seconds: float) -> None:
    """Count and announce how long an operation queued that has its slot now."""
    call.host.metrics.observe(BULKHEAD_WAIT, (), seconds)
    if (notify := call.notify[SlotWaited]) is not None:
        notify(SlotWaited(seconds=seconds, **call.about()))


def _let_in(call: Call, slots: Slots) -> MyAPIError | None:
    """Announce that a call has its slot, unless its client was closed in that moment."""
    if (notify := call.notify[BulkheadAcquired]) is not None:
        notify(BulkheadAcquired(slots_left=slots.limit - slots.in_use, **call.about()))
    return call.host.errors.closed(call) if call.host.is_closed else None

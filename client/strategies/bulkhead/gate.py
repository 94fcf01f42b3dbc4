"""The bulkhead: at most so many operations at once, and a queue that nobody waits in in vain."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Final

from ...engine.layer import WAIT, Gate
from ...engine.telling import tell_would_reject
from ...events import (
    BulkheadAcquired,
    BulkheadRejected,
    BulkheadWaiting,
    LimitChanged,
    SlotWaited,
)
from ...exceptions import PoolTimeoutError
from ...metrics.instruments import (
    BULKHEAD_IN_USE,
    BULKHEAD_LIMIT,
    BULKHEAD_WAIT,
    BULKHEAD_WAITING,
    REJECTIONS,
)
from ...metrics.strategy_instruments import LIMIT_CHANGES
from ...runtime.forking import tell_in_child
from .adaptive import AdaptiveLimit
from .pace import Pace
from .slots import Slots

if TYPE_CHECKING:
    from ...config.parts.bulkhead import BulkheadConfig
    from ...engine.layer import Wait
    from ...engine.operation import Call
    from ...engine.ports import Ports
    from ...exceptions import MyAPIError
    from ...metrics.aggregator import Gauge
    from .gradient import Change
    from .slots import TurnedAway

__all__ = ["Bulkhead"]

_ENOUGH: Final = 4
"""Mean attempts that a call must have time for once it has its slot: where answers are spread as
widely as an exponential's, 98 in a hundred come within four means."""
_TICK: Final = 0.001
"""Clocks and timers tick in milliseconds: what is this close has come."""
_UNBOUNDED: Final = sys.maxsize


class Bulkhead(Gate):
    """A slot for each operation: the more important first, and of those who came first.

    Args:
        config: How many slots, and how long somebody waits for one.
        ports: The world whose slots they are.
    """

    def __init__(self, config: BulkheadConfig, ports: Ports) -> None:
        self._config = config
        self._ports = ports
        self._pace = Pace()
        self._is_retired = False
        self.adaptive: AdaptiveLimit | None = self._adaptive_by(config, None)
        """What finds the limit, a part of the pipeline; None where that is fixed."""
        self.slots: Slots = self._make_slots()
        tell_in_child(self)

    def _make_slots(self) -> Slots:
        return Slots(self._limit, self._ports.bell, self._is_too_late)

    @property
    def _limit(self) -> int:
        return self._config.max_concurrency if self.adaptive is None else self.adaptive.limit

    def _adaptive_by(
        self, config: BulkheadConfig, before: AdaptiveLimit | None
    ) -> AdaptiveLimit | None:
        if config.adaptive is None:
            return None
        if before is not None:
            before.reconfigure(config.adaptive, config.max_concurrency)
            return before
        return AdaptiveLimit(
            config.adaptive, config.max_concurrency, self._follow, lambda: self.slots.waiting > 0
        )

    def reconfigure(self, config: BulkheadConfig) -> None:
        """Go by other settings from now on; who has a slot, or queues for one, keeps it.

        The pipeline is to be made anew with `adaptive`, which may be another part now, or None.
        """
        self._config = config
        self.adaptive = self._adaptive_by(config, self.adaptive)
        if config.mode != "enforce":
            self.slots.set_limit(_UNBOUNDED)  # nobody queues any more
        self.slots.set_limit(self._limit)

    def retire(self) -> None:
        """Let in who queues: no call comes here any more."""
        self._is_retired = True
        self.slots.set_limit(_UNBOUNDED)

    def _follow(self, call: Call, change: Change) -> None:
        """Have as many slots as the adaptive limit says, and tell it."""
        before, limit = self.slots.limit, self._limit
        if self._is_retired or limit == before:
            return
        self.slots.set_limit(limit)
        call.host.metrics.add(LIMIT_CHANGES, (change,))
        if (notify := call.notify[LimitChanged]) is not None:
            notify(LimitChanged(limit=limit, before=before, reason=change, **call.about()))

    def enter(self, call: Call) -> MyAPIError | Wait | None:
        """Acquire a free slot, or answer `WAIT`."""
        slots = self.slots
        call.grants.append((self, slots))
        if not slots.take(call) and self._has_to_wait(call, slots):
            return WAIT
        if call.notify[BulkheadAcquired] is not None or call.host.is_closed:
            return _let_in(call, slots)
        return None

    def _has_to_wait(self, call: Call, slots: Slots) -> bool:
        """Return whether a call that found no slot queues for one; who observes lets it in."""
        if self.adaptive is not None:
            self.adaptive.note_full()
        if self._config.mode == "enforce":
            return True
        wait = self._wait_beyond(call, slots)
        slots.take_beyond(call)
        tell_would_reject(call, "bulkhead", wait)
        return False

    def _wait_beyond(self, call: Call, slots: Slots) -> float | None:
        """Return how long a call would have queued; None where it would have been turned away.

        Those beyond the limit stand for the queue.
        """
        now, patience = call.host.ports.now(), self._config.acquisition_timeout
        mean = self._pace.mean(call.host.metrics, now)
        if mean is None or patience == 0:
            return None
        wait = (slots.in_use - slots.limit) * mean / slots.limit
        return None if wait > patience or self._has_too_little(call, now, wait, mean) else wait

    async def wait(self, call: Call) -> MyAPIError | None:
        """Queue for a slot, until the patience or the deadline ends, or somebody stops the call."""
        slots, host = self.slots, call.host
        began = now = host.ports.now()
        if self._would_come_too_late(call, slots, now):
            return self._rejected(call, slots, "deadline")
        if (notify := call.notify[BulkheadWaiting]) is not None:
            notify(BulkheadWaiting(waiting=slots.waiting, limit=slots.limit, **call.about()))
        patience, stop = self._config.acquisition_timeout, partial(call.plan.stop.waking, call)
        place = slots.join(call, call.priority)
        while not slots.holds(call):
            if host.is_closed:
                return host.errors.closed(call)
            if (stopped := call.plan.stopped(call)) is not None:
                return stopped
            left, spare = began + patience - now, self._spare(call, now)
            if (why := place.refusal or _ended(left, spare)) is not None:
                if slots.withdraw(call):
                    break  # it was handed over in this very moment
                return self._rejected(call, slots, why)
            await place.bell.wait(min(left, spare), stop)
            now = host.ports.now()
        _tell_waited(call, max(0.0, host.ports.now() - began))
        return _let_in(call, slots)

    def leave(self, call: Call, grant: Slots, error: BaseException | None) -> None:  # noqa: ARG002 - a gate's signature
        """Give the slot back, to whoever is next."""
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
        self._pace = Pace()
        if self.adaptive is not None:
            self.adaptive.begin_anew()
        self.slots = self._make_slots()

    def close(self) -> None:
        """Turn away those who queue."""
        self.slots.close()

    def _would_come_too_late(self, call: Call, slots: Slots, now: float) -> bool:
        """Return whether a call that comes now would have too little time once it is served.

        By Little's law, where each slot is held for one attempt. Who makes several holds it longer,
        so this turns away too few rather than too many: the others go when their time has come.
        """
        if call.deadline is None or (mean := self._pace.mean(call.host.metrics, now)) is None:
            return False
        wait = slots.ahead_of(call.priority) * mean / slots.limit
        return self._has_too_little(call, now, wait, mean)

    def _has_too_little(self, call: Call, now: float, wait: float, mean: float) -> bool:
        return call.deadline is not None and call.deadline.left(now) - wait < _ENOUGH * mean

    def _is_too_late(self, call: Call) -> bool:
        """Return whether a call that queues has too little time left, now that a slot is free."""
        if self._is_retired or self._config.mode != "enforce":
            return False
        return self._spare(call, call.host.ports.now()) <= _TICK

    def _spare(self, call: Call, now: float) -> float:
        """Return the seconds that a call can wait yet and have enough time left."""
        if call.deadline is None:
            return math.inf
        mean = self._pace.mean(call.host.metrics, now) or 0.0
        return call.deadline.left(now) - _ENOUGH * mean

    def _rejected(self, call: Call, slots: Slots, why: TurnedAway) -> MyAPIError:
        errors, now = call.host.errors, call.host.ports.now()
        if call.deadline is not None and call.deadline.passed(now):
            return errors.late(call)
        patience = self._config.acquisition_timeout
        call.host.metrics.add(REJECTIONS, (call.counted_as, "bulkhead"))
        if (notify := call.notify[BulkheadRejected]) is not None:
            notify(BulkheadRejected(timeout=patience, reason=why, **call.about()))
        if why == "timeout":
            text = f"none of the bulkhead's {slots.limit} slots came free within {patience:g} s"
        elif why == "deadline":
            mean = self._pace.mean(call.host.metrics, now) or 0.0
            text = (
                f"the bulkhead's {slots.limit} slots are taken, and once one is free the deadline "
                f"would leave less than {_ENOUGH} mean attempts take ({_ENOUGH * mean:.3g} s)"
            )
        else:
            text = (
                f"more than {slots.limit} operations queue for the bulkhead's {slots.limit} slots, "
                f"and of the least important, with priority {call.priority}, this came last"
            )
        return errors.make(PoolTimeoutError, call, text, request_sent=False)


def _ended(left: float, spare: float) -> TurnedAway | None:
    """Return why nobody waits longer, if so: patience, or what the deadline can spare, is gone."""
    if spare <= _TICK:
        return "deadline"
    return "timeout" if left <= 0 else None


def _tell_waited(call: Call, seconds: float) -> None:
    """Count and announce how long an operation queued that has its slot now."""
    call.host.metrics.observe(BULKHEAD_WAIT, (), seconds)
    if (notify := call.notify[SlotWaited]) is not None:
        notify(SlotWaited(seconds=seconds, **call.about()))


def _let_in(call: Call, slots: Slots) -> MyAPIError | None:
    """Announce that a call has its slot, unless its client was closed in that moment."""
    if (notify := call.notify[BulkheadAcquired]) is not None:
        notify(BulkheadAcquired(slots_left=max(0, slots.limit - slots.in_use), **call.about()))
    return call.host.errors.closed(call) if call.host.is_closed else None

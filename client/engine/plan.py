"""What is fixed for all calls of a client: the pipeline, who is told, how long a call may take."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from ..metrics.instruments import OPERATION_TIMEOUT
from .attempts import make_attempt
from .layer import NO_STOP, WAIT, Failure, Gate, Observer, Outer, Sending

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable

    from ..exceptions import MyAPIError
    from ..http.shapes import Response
    from ..metrics.aggregator import Gauge, Measured
    from ..runtime.coroutines import Waking
    from .layer import Exchange, Inner, Layer, Rescue, Send, Stop
    from .notifiers import Notifiers
    from .operation import Attempt, Call

__all__ = ["Plan"]


class Plan:
    """An immutable plan; to change a client's settings is to swap it for another.

    Args:
        pipeline: Gates, layers and what goes around a sending, outermost first. The gates stand
            side by side.
        notify: Told what happens.
        total: Seconds a whole operation may take, or None.
        stop: What turns calls away by hand.
        rescue: Comes after an operation that failed, or None.

    Attributes:
        run: Takes a call through the pipeline; returns its answer, or a `Failure`.
    """

    __slots__ = (
        "_inside",
        "early",
        "early_stop",
        "gates",
        "measured",
        "notify",
        "observers",
        "rescue",
        "run",
        "sendings",
        "sends_requests",
        "stop",
        "total",
    )

    def __init__(
        self,
        pipeline: Iterable[Gate | Layer | Sending],
        notify: Notifiers,
        total: float | None,
        stop: Stop = NO_STOP,
        rescue: Rescue | None = None,
    ) -> None:
        every = tuple(pipeline)
        self.sendings: tuple[Sending, ...] = tuple(
            part for part in every if isinstance(part, Sending)
        )
        """In the order in which a request passes them."""
        parts = tuple(part for part in every if not isinstance(part, Sending))
        self.observers: tuple[Observer, ...] = tuple(
            part for part in every if isinstance(part, Observer)
        )
        """Those that hear of each attempt."""
        self.rescue: Rescue | None = rescue
        self.stop: Stop = stop
        self.gates: tuple[Gate, ...] = tuple(part for part in parts if isinstance(part, Gate))
        """In the order in which they are entered."""
        outside = tuple(takewhile(_is_layer if self.gates else _is_outer, parts))
        self.sends_requests: bool = bool(self.sendings) or any(map(_changes_requests, outside))
        """Whether each attempt sends a request that was built before, by way of `send`."""
        is_mended = bool(outside) or rescue is not None
        early = () if is_mended else tuple(gate for gate in self.gates if gate.is_early)
        self.early: tuple[Gate, ...] = early
        """Those that may know before a call is prepared that it would be turned away; none where a
        layer outside of them may mend that."""
        self.early_stop: Stop = NO_STOP if is_mended else stop
        """Likewise."""
        measured: list[Any] = [part for part in every if hasattr(part, "gauges")]
        self.measured: tuple[Measured, ...] = tuple(measured)
        """Those that can tell what stands now."""
        self.notify: Notifiers = notify
        self.total: float | None = total
        self._inside = _around(make_attempt, parts[len(outside) + len(self.gates) :])
        entry: Inner = self._enter if self.gates else self._go_in
        if outside:
            entry = self._enter_anew
        reading: tuple[Gate | Sending, ...] = (*self.gates, *self.sendings)
        if any(part.reads_request for part in reading):
            entry = partial(_reading, entry)
        self.run: Inner = _around(entry, outside)

    def gauges(self, now: float) -> tuple[Gauge, ...]:  # noqa: ARG002 - a part's signature
        """Return what a whole operation may take, if that is bounded."""
        return () if self.total is None else ((OPERATION_TIMEOUT, (), self.total),)

    async def send(self, exchange: Exchange, attempt: Attempt) -> Response:
        """Send the request of an attempt through what goes around that."""
        send: Send = exchange.send_request
        for each in reversed(self.sendings):
            send = partial(each.send, send, exchange)
        return await send(attempt, exchange.request_for(attempt))

    def _go_in(self, call: Call, exchange: Exchange) -> Awaitable[Response | Failure]:
        """Go on, where there is no gate, with what they would stand before."""
        return self._enter(call, exchange) if self.stop.is_on else self._inside(call, exchange)

    async def _enter(self, call: Call, exchange: Exchange) -> Response | Failure:
        """Pass the gates, and go on with what they stand before."""
        if self.stop.is_on and (make := self.stop.refusal(call)) is not None:
            return Failure(make())
        for gate in self.gates:
            refused = gate.enter(call)
            if refused is WAIT:
                if call.is_spare:
                    return Failure(None)
                refused = self.peek(call) or await gate.wait(call) or self.stopped(call)
                refused = refused or await _renewed(call)
                call.entered = call.host.ports.now()
            if refused is not None:
                return Failure(refused)
        return await self._inside(call, exchange)

    async def _enter_anew(self, call: Call, exchange: Exchange) -> Response | Failure:
        """Do so for a layer outside, which may come again: the time before is over then.

        What came of this time is noted for the gates, whatever the layer makes of it.
        """
        self.leave(call)
        call.passed = call.attempts
        call.entered = call.host.ports.now()
        try:
            result = await self._enter(call, exchange)
        except BaseException as error:
            call.failure = call.failure or error
            self.leave(call)
            raise
        if isinstance(result, Failure):
            call.failure = result.error
        return result

    def leave(self, call: Call) -> None:
        """Give back what the gates have granted, before the operation is over.

        Raises:
            Exception: A bug in one of them.
        """
        bug = call.leave_gates(call.failure)
        call.grants.clear()
        call.failure = None
        if bug is not None:
            raise bug

    def stopped(self, call: Call) -> MyAPIError | None:
        """Return the error of a call that was stopped by hand while it waited, or None."""
        make = self.stop.refusal(call) if self.stop.is_on else None
        return None if make is None else make()

    def peek(self, call: Call) -> MyAPIError | None:
        """Return the error of a gate that would turn a call away after the wait for another."""
        for gate in self.gates:
            if (make := gate.peek(call)) is not None:
                return make()
        return None

    def refuses(self, call: Call) -> bool:
        """Whether somebody, or a gate, would turn a call away for sure; nobody is told."""
        if self.stop.is_on and self.stop.refusal(call) is not None:
            return True
        return any(gate.peek(call) is not None for gate in self.gates)

    def watching(self, call: Call) -> Waking:
        """Return what wakes a call that waits, where a gate or somebody would turn it away."""
        watches = [watch for gate in self.gates if (watch := gate.watch(call)) is not None]
        return partial(_all_waking, [partial(self.stop.waking, call), *watches])


def _is_layer(part: Gate | Layer) -> bool:
    return not isinstance(part, Gate)


def _is_outer(part: Gate | Layer) -> bool:
    return isinstance(part, Outer)


def _changes_requests(part: Gate | Layer) -> bool:
    return isinstance(part, Outer) and part.changes_requests


async def _renewed(call: Call) -> MyAPIError | None:
    """Have the gates before the one that was waited for look again at what they granted."""
    for gate, grant in call.grants[:-1]:
        if (refused := await gate.renew(call, grant)) is not None:
            return refused
    return None


async def _reading(inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
    """Let gates see what the caller asked for."""
    call.request = exchange.request_for(None)
    return await inner(call, exchange)


@contextmanager
def _all_waking(ways: Iterable[Waking], wake: Callable[[], object]) -> Generator[None]:
    with ExitStack() as all_of_them:
        for waking in ways:
            all_of_them.enter_context(waking(wake))
        yield


def _around(inner: Inner, layers: Iterable[Gate | Layer]) -> Inner:
    for layer in reversed(tuple(layers)):
        if isinstance(layer, Gate):
            raise TypeError(f"{layer!r} stands behind a layer: gates stand side by side")
        inner = partial(layer.run, inner)
    return inner

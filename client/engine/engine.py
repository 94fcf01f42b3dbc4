"""Runs operations: begins them, takes them through their plan, raises what failed, ends them.

No I/O and no clock of its own: all that differs between the async and the blocking world comes
in through the ports. It knows no strategy by name: what an operation passes is its plan's affair
(see `pipeline`). What happens is told to listeners.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..events import OperationFailed, OperationSucceeded, RequestIdMade
from ..http.outcomes import outcome_of
from ..metrics.aggregator import Aggregator, Standing
from ..metrics.instruments import REJECTIONS
from .deadline import Deadline
from .errors import CallErrors
from .layer import Failure
from .operation import CallReport
from .rejections import PLAIN, Rejections
from .telling import tell_failed, tell_id_made, tell_succeeded

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Never

    from ..exceptions import MyAPIError
    from ..http.shapes import Response
    from .layer import Exchange, Inner
    from .operation import Call
    from .ports import Ports

__all__ = ["Engine"]


class Engine:
    """Runs the operations of one client, which find their clock and their errors in it.

    Args:
        ports: The world to run in.
        rejections: The errors for calls that are turned away.
        name: The client's.
    """

    def __init__(
        self, ports: Ports, *, rejections: Rejections = PLAIN, name: str = "default"
    ) -> None:
        self.ports = ports
        self.errors: CallErrors = CallErrors(ports, rejections, name)
        self.standing: Standing = Standing()
        self.metrics: Aggregator = Aggregator(name, ports, self.standing)
        self.is_closed = False

    def turn_away(self, call: Call) -> None:
        """Refuse an operation before anything is prepared, where it would be refused for sure.

        Raises:
            MyAPIError: The client is closed, or a gate lets nobody in.
        """
        if self.is_closed:
            call.started = self.ports.now()
            raise self.errors.closed(call)
        stop = call.plan.early_stop
        if stop.is_on and (refused := stop.refusal(call)) is not None:
            self._turn_away(call, refused)
        for gate in call.plan.early:
            refused = gate.peek(call)
            if refused is not None:
                self._turn_away(call, refused)

    def _turn_away(self, call: Call, refused: Callable[[], MyAPIError]) -> Never:
        try:
            self._begin(call)
            error = refused()
        finally:
            if call.trace is not None:
                call.trace.leave()
        self.finish(call, error)
        try:
            raise error
        finally:
            # Its traceback leads back to this frame: the two would keep each other alive.
            del error

    async def run(self, call: Call, exchange: Exchange) -> Response:
        """Run an operation from its admission to its end; return its answer.

        Raises:
            MyAPIError: The operation failed or was turned away.
            BaseException: What cancelled the call, or a bug in what it was given: untouched.
        """
        try:
            response = await self.open(call, exchange)
            self.finish(call, None, response)
        except BaseException as error:
            self.finish(call, error)
            rescue = call.plan.rescue
            if rescue is None or not rescue.wants(error, call):
                raise
            response = await rescue.run(call, exchange, error)
        finally:
            if not call.is_over:
                self.give_back(call)
        return response

    async def run_aside(self, call: Call, exchange: Exchange, work: Inner) -> None:
        """Run an operation that nobody waits for: what it ends in is counted and told.

        One that has sent nothing has not been at all.

        Args:
            call: The operation.
            exchange: Its way to the wire.
            work: What it does, in place of going the whole way of its plan.
        """
        error: BaseException | None = None
        response: Response | None = None
        try:
            self._begin(call)
            result = await work(call, exchange)
            if isinstance(result, Failure):
                error = result.error
                await exchange.keep(result)
            else:
                response = result
        except BaseException as raised:  # noqa: BLE001 - told like that of any operation
            error = raised
        try:
            if call.trace is not None:
                call.trace.leave()
            if call.attempts:
                self.finish(call, error, response)
        finally:
            self.give_back(call)
            del error  # its traceback leads back to this frame

    async def open(self, call: Call, exchange: Exchange) -> Response:
        """Run an operation up to its answer; `finish` must follow, whatever this does."""
        try:
            self._begin(call)
            result = await call.plan.run(call, exchange)
        finally:
            if call.trace is not None:
                call.trace.leave()
        if not isinstance(result, Failure):
            return result
        try:
            await exchange.keep(result)
            raise cast("MyAPIError", result.error)  # noqa: TRY301 - a function of its own would hold on to it
        except BaseException:
            await exchange.abandon(result)
            raise
        finally:
            # An exception whose traceback leads back to it would keep the request alive.
            del result

    def finish(self, call: Call, error: BaseException | None, response: Any = None) -> None:
        """Give back what the operation was granted and tell how it ended; only the first time."""
        if call.is_over:
            return
        bug = call.leave_gates(call.failure or error)
        call.failure = None  # the two would keep each other alive
        call.is_over = True
        call.ended = now = self.ports.now()
        is_told = call.notify[OperationSucceeded if error is None else OperationFailed] is not None
        trace = call.trace
        is_within = trace is not None and (is_told or bool(self.metrics.recorders))
        if trace is not None and is_within:
            trace.enter()
        try:
            self._count(call, error, response, now)
            if is_told:
                self._tell_end(call, error, response, now)
        finally:
            if trace is not None:
                if is_within:
                    trace.leave()
                trace.end(call, error, response)
        if bug is not None:
            raise bug

    def _tell_end(self, call: Call, error: BaseException | None, response: Any, now: float) -> None:
        if error is None:
            tell_succeeded(call, response, now)
        else:
            tell_failed(call, error, now)

    def give_back(self, call: Call) -> None:
        """Return what an operation holds yet, where an interrupt ended `finish` before its end."""
        if call.is_over:
            return
        self.standing.active.pop(call, None)
        if call.trace is not None:
            call.trace.end(call, KeyboardInterrupt())
        if call.uncounted is not None:
            call.uncounted.count(None)
        call.leave_gates(KeyboardInterrupt())
        call.failure = None  # as above
        call.is_over = True

    def report(self, call: Call) -> CallReport:
        """Return how the operation has gone so far."""
        elapsed = (self.ports.now() if call.ended is None else call.ended) - call.started
        if (failed := call.rescued) is not None:
            return CallReport(call.attempts, call.waits, elapsed, call.request_id, True, failed)  # noqa: FBT003 - a tuple's
        if call.endpoint is None:
            return CallReport(call.attempts, call.waits, elapsed, call.request_id)
        return CallReport(
            call.attempts, call.waits, elapsed, call.request_id, endpoint=call.endpoint
        )

    def _count(self, call: Call, error: BaseException | None, response: Any, now: float) -> None:
        self.standing.active.pop(call, None)
        seconds = now - call.started if now > call.started else 0.0
        only = call.uncounted
        if only is not None and error is None:
            call.uncounted = None  # the two would keep each other alive
            where = call.base_url, call.address, call.method
            self.metrics.note((*where, only.status, seconds, only.seconds, now))
            return
        status = getattr(response if error is None else error, "status_code", None)
        outcome = outcome_of(error, status)
        if only is not None:
            only.count(None)
        self.metrics.end_operation(call.labels(outcome), call.attempts, seconds, error)
        if call.attempts == 0 and outcome == "deadline":
            self.metrics.add(REJECTIONS, (call.counted_as, "deadline"))

    def _begin(self, call: Call) -> None:
        """Start the clock of an operation."""
        call.started = call.entered = now = self.ports.now()
        self.standing.active[call] = None
        if call.notify.tracing is not None and not call.is_part:
            call.trace = call.notify.tracing.begin_operation(call)
        if call.total is not None:
            call.deadline = Deadline.after(call.total, now)
        if call.id_was_made and call.notify[RequestIdMade] is not None:
            tell_id_made(call)

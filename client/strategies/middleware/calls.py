"""Middleware around whole calls: outside of the gates, once a call, however often it is tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from ...engine.attempts import explain
from ...engine.layer import Failure, Outer
from ...exceptions import InvalidRequestError, MyAPIError
from .chain import LEFT, NOTHING, Walk

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Call
    from ...http.shapes import Request, Response
    from ...runtime.coroutines import Pausing
    from .chain import Chain

__all__ = ["CallMiddleware"]

_AT_ONCE: Final = "call_next is under way: await it before you call it again"
_BODY: Final = "the request's body cannot be sent a second time"


class CallMiddleware(Outer):
    """The layer that takes calls through a chain.

    Args:
        chain: The chain.
    """

    changes_requests: bool = True

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Return what the chain answers, or the failure that it lets through."""
        try:
            request = exchange.request_for(None)
        except Exception as error:
            failure = explain(call, exchange, exchange.attempt_kind(call), error)
            if failure is None:
                raise
            return failure
        passes = _Passes(self._chain, call, exchange, request)
        passes.inner = inner
        try:
            result = await passes.run(request)
        except BaseException as error:
            failure = passes.failure_of(error)
            await passes.end(failure)
            if failure is None:
                raise
            return failure
        if passes.is_plain(result):
            passes.is_over = True
        else:
            await passes.end(result)
        return result


class _Passes(Walk):
    """A call on its way through a chain; each `call_next` of the last is a pass of its own."""

    inner: Inner
    result: Response | Failure | None = None
    """Of the last pass, where that has an answer."""
    _failures: list[Failure] | None = None
    """What passes ended in that had none."""
    _is_passing: bool = False
    _method: str | None = None
    """Of the last request that went on."""
    _pausing: Pausing | None = None

    async def run(self, request: Request) -> Response | Failure:
        """Return what comes of the chain, in the time that is left."""
        deadline, ports = self.call.deadline, self.call.host.ports
        if deadline is None:
            return self._outcome(await self.step(0, request))
        left = deadline.left(ports.now())
        return await ports.within_own_time(left, lambda pausing: self._within(pausing, request))

    async def _within(self, pausing: Pausing, request: Request) -> Response | Failure:
        self._pausing = pausing
        return self._outcome(await self.step(0, request))

    def _outcome(self, response: Response) -> Response | Failure:
        """Return what the answer of the chain amounts to."""
        if self._is_passing:
            raise RuntimeError(LEFT)
        if response is self.answer and self.result is not None:
            return self.result
        exchange = self.exchange
        failure = exchange.failure_of(exchange.attempt_kind(self.call), response)
        return response if failure is None else failure

    def is_plain(self, result: Response | Failure) -> bool:
        """Whether a call ends with what its last pass brought, and there is nothing else."""
        return result is self.result and self._own is None and self._failures is None

    def failure_of(self, error: BaseException) -> Failure | None:
        """Return what an exception that has come out of the chain means, or None."""
        call = self.call
        for failure in self._failures or ():
            if failure.error is error:
                call.note_error(error)  # it may be of an earlier pass
                error.__traceback__ = None
                return failure
        deadline = call.deadline
        is_late = deadline is not None and deadline.passed(call.host.ports.now())
        if isinstance(error, TimeoutError) and is_late:
            return Failure(call.host.errors.late(call))
        return None

    async def end(self, kept: Response | Failure | None) -> None:
        """Let go of all that the call does not end with."""
        self.is_over = True
        result, self.result = self.result, None
        self._failures = None  # their errors lead back here
        try:
            if self.exchange.is_streamed:
                await self.close_all_but(_answer_in(kept), _answer_in(result))
        finally:
            if result is None or result is not kept:
                self.call.plan.leave(self.call)

    async def go_in(self, request: Request) -> Response:
        """Make a pass; raise its error where no answer of a server stands behind that."""
        if self._is_passing:
            raise RuntimeError(_AT_ONCE)
        self._is_passing = True
        try:
            if self._pausing is None:
                return self._passed(await self._next_pass(request))
            with self._pausing():
                return self._passed(await self._next_pass(request))
        finally:
            self._is_passing = False
            if self.is_over:  # nobody has waited for it
                await self.end(None)

    def _passed(self, result: Response | Failure) -> Response:
        call, answer, failure = self.call, _answer_in(result), None
        try:
            call.was_sent |= not isinstance(result, Failure) or result.may_have_been_sent
            if answer is not None:
                self.answer, self.result = answer, result
                return answer
            failure = cast("Failure", result)
            self._failures = [*(self._failures or ()), failure]
            raise cast("MyAPIError", failure.error)
        finally:
            if answer is None or not self.exchange.is_streamed:
                call.plan.leave(call)
            # An exception whose traceback leads back to it would keep the request alive.
            del failure, result

    async def _next_pass(self, request: Request) -> Response | Failure:
        call, exchange, url = self.call, self.exchange, self.url
        self.make_ready(request)
        if self._method is not None:
            await self._make_room()
            if not exchange.can_replay():
                errors, sent = call.host.errors, call.was_sent
                return Failure(errors.make(InvalidRequestError, call, _BODY, request_sent=sent))
        exchange.take(request)
        if request.url is not url or request.method != (self._method or self.given.method):
            call.retarget(request)
        self._method = request.method
        result = await self.inner(call, exchange)
        if isinstance(result, Failure) and _answer_in(result) is not None:
            try:
                await exchange.complete(result)
            except MyAPIError as error:
                return Failure(error, attempt=result.attempt)
        return result

    async def _make_room(self) -> None:
        """Let go of what the pass before has brought, so that its connection is free."""
        before, self.result, self.answer = _answer_in(self.result), None, NOTHING
        if before is not None:
            await self.exchange.discard(Failure(None, before))


def _answer_in(result: Response | Failure | None) -> Response | None:
    """Return the answer that something has ended in; None where an exception stands for it."""
    if not isinstance(result, Failure):
        return result
    error = cast("MyAPIError", result.error)
    if error.__cause__ is not None:
        return None
    answer: Response | None = error.response if result.response is None else result.response
    return answer

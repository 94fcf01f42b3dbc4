"""Middleware around whole calls: outside of the gates, once a call, however often it is tried."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Final, cast

from ...engine.attempts import explain
from ...engine.layer import Failure, Outer
from ...exceptions import InvalidRequestError, MyAPIError
from .chain import Walk

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Inner
    from ...engine.operation import Call
    from ...http.shapes import Request, Response
    from ...runtime.coroutines import Pausing
    from .chain import Chain

__all__ = ["CallMiddleware"]

_ENDED: Final = "call_next was called when its call was over: await it before you return"
_AT_ONCE: Final = "call_next is under way: await it before you call it again"
_LEFT: Final = "a middleware returned while its call_next was under way: await that first"
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
        passes = _Passes(self._chain, inner, call, exchange, request)
        try:
            result = await passes.run(request)
        except BaseException as error:
            failure = passes.failure_of(error)
            await passes.end(failure)
            if failure is None:
                raise
            return failure
        await passes.end(result)
        return result


class _Passes(Walk):
    """A call on its way through a chain; each `call_next` of the last is a pass of its own."""

    def __init__(
        self, chain: Chain, inner: Inner, call: Call, exchange: Exchange, given: Request
    ) -> None:
        super().__init__(chain, call, exchange, given)
        self._inner = inner
        self._method = given.method
        self._pausing: Pausing = nullcontext
        self._result: Response | Failure | None = None
        """Of the last pass, where that has an answer."""
        self._failures: list[Failure] = []
        """What passes ended in that had none."""
        self._is_passing = False

    async def run(self, request: Request) -> Response | Failure:
        """Return what comes of the chain, in the time that is left."""
        deadline, ports = self._call.deadline, self._call.host.ports
        if deadline is None:
            return await self._through(nullcontext, request)
        left = deadline.left(ports.now())
        return await ports.within_own_time(left, lambda pausing: self._through(pausing, request))

    async def _through(self, pausing: Pausing, request: Request) -> Response | Failure:
        self._pausing = pausing
        response = await self.step(0, request)
        if self._is_passing:
            raise RuntimeError(_LEFT)
        if response is self._answer and self._result is not None:
            return self._result
        exchange = self._exchange
        failure = exchange.failure_of(exchange.attempt_kind(self._call), response)
        answer: Response = response
        return answer if failure is None else failure

    def failure_of(self, error: BaseException) -> Failure | None:
        """Return what an exception that has come out of the chain means, or None."""
        call = self._call
        known = next((each for each in self._failures if each.error is error), None)
        if known is not None:
            call.note_error(error)  # of an earlier pass, perhaps
            error.__traceback__ = None
            return known
        deadline = call.deadline
        is_late = deadline is not None and deadline.passed(call.host.ports.now())
        if isinstance(error, TimeoutError) and is_late:
            return Failure(call.host.errors.late(call))
        return None

    async def end(self, kept: Response | Failure | None) -> None:
        """Let go of all that the call does not end with."""
        self._is_over = True
        result, self._result = self._result, None
        answer = _answer_in(kept)
        try:
            if self._exchange.is_streamed:
                every = [*self._own, _answer_in(result)]
                await self._close([each for each in every if each is not answer])
        except BaseException:
            await self._let_go(answer)
            raise
        finally:
            if result is None or result is not kept:
                self._call.plan.leave(self._call)
            # Errors lead back here by their tracebacks: they would keep each other alive.
            self._failures.clear()
            self._own.clear()
            self._answer = self

    async def _go_in(self, request: Request) -> Response:
        if self._is_over or self._is_passing:
            raise RuntimeError(_ENDED if self._is_over else _AT_ONCE)
        self._is_passing = True
        try:
            with self._pausing():
                return await self._pass(request)
        finally:
            self._is_passing = False
            if self._is_over:  # nobody has waited for it
                await self.end(None)

    async def _pass(self, request: Request) -> Response:
        call = self._call
        result = await self._next_pass(request)
        answer = _answer_in(result)
        failure: Failure | None = None
        try:
            call.was_sent |= not isinstance(result, Failure) or result.may_have_been_sent
            if answer is not None:
                self._answer, self._result = answer, result
                return answer
            failure = cast("Failure", result)
            self._failures.append(failure)
            raise cast("MyAPIError", failure.error)
        finally:
            if answer is None or not self._exchange.is_streamed:
                call.plan.leave(call)
            # An exception whose traceback leads back to it would keep the request alive.
            del failure, result

    async def _next_pass(self, request: Request) -> Response | Failure:
        call, exchange = self._call, self._exchange
        is_another = request.url is not self._url or request.method != self._method
        self._make_ready(request)
        if call.attempts:
            await self._make_room()
            if not exchange.can_replay():
                errors, sent = call.host.errors, call.was_sent
                return Failure(errors.make(InvalidRequestError, call, _BODY, request_sent=sent))
        exchange.take(request)
        if is_another:
            self._method = request.method
            call.retarget(request)
        result = await self._inner(call, exchange)
        if isinstance(result, Failure):
            try:
                await exchange.complete(result)
            except MyAPIError as error:
                return Failure(error, attempt=result.attempt)
        return result

    async def _make_room(self) -> None:
        """Let go of what the pass before has brought, so that its connection is free."""
        before, self._result, self._answer = _answer_in(self._result), None, self
        if before is not None:
            await self._exchange.discard(Failure(None, before))


def _answer_in(result: Response | Failure | None) -> Response | None:
    """Return the answer that something has ended in; None where an exception stands for it."""
    if not isinstance(result, Failure):
        return result
    error = result.error
    if error is None:
        return result.response
    if error.__cause__ is not None:
        return None
    answer: Response | None = error.response if result.response is None else result.response
    return answer

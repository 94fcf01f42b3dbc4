"""Middleware around attempts: inside the retries, around each sending of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from ...engine.attempts import explain
from ...engine.layer import Failure, Sending
from .chain import Walk

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Send
    from ...engine.operation import Attempt
    from ...exceptions import MyAPIError
    from ...http.shapes import Request, Response
    from .chain import Chain

__all__ = ["AttemptMiddleware"]

_TWICE: Final = (
    "call_next was called a second time: an attempt is sent once, and what is to be sent again "
    "belongs into middleware="
)
_ENDED: Final = "call_next was called when its attempt was over: await it before you return"
_LEFT: Final = "a middleware returned while its call_next was under way: await that first"


class AttemptMiddleware(Sending):
    """What takes the request of each attempt through a chain; the outermost of its kind.

    Args:
        chain: The chain.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def send(
        self, send: Send, exchange: Exchange, attempt: Attempt, request: Request
    ) -> Response:
        """Return what the chain answers, or raise what it lets through."""
        sending = _OneSending(self._chain, send, exchange, attempt, request)
        try:
            response = await sending.run(request)
        except BaseException as error:
            if isinstance(error, Exception):
                attempt.left_with = id(error), sending.failure_of(error)
            await sending.end(None)
            raise
        await sending.end(response)
        return response


class _OneSending(Walk):
    """The request of one attempt on its way through a chain."""

    def __init__(
        self, chain: Chain, send: Send, exchange: Exchange, attempt: Attempt, given: Request
    ) -> None:
        super().__init__(chain, attempt.call, exchange, given)
        self._send = send
        self._attempt = attempt
        self._reached = -1
        """The place in the chain up to which the request has come."""
        self._is_under_way = False
        self._failure: Failure | None = None
        """What the sending ended in, where that was an exception."""

    async def run(self, request: Request) -> Response:
        """Return the answer of the chain."""
        response: Response = await self.step(0, request)
        if self._is_under_way:
            raise RuntimeError(_LEFT)
        return response

    async def step(self, number: int, request: Request) -> Any:
        """Hand the request on, once."""
        if self._is_over or number <= self._reached:
            raise RuntimeError(_ENDED if self._is_over else _TWICE)
        self._reached = number
        return await super().step(number, request)

    def failure_of(self, error: Exception) -> Failure | None:
        """Return the failure that an exception stands for, or None."""
        failure = self._failure
        return failure if failure is not None and failure.error is error else None

    async def end(self, kept: Response | None) -> None:
        """Let go of all that the attempt does not end with."""
        self._is_over = True
        came, self._answer, self._failure = self._answer, self, None
        answers = [each for each in (*self._own, came) if each is not kept and each is not self]
        self._own.clear()
        try:
            await self._close(cast("list[Response | None]", answers))
        except BaseException:
            await self._let_go(kept)
            raise

    async def _go_in(self, request: Request) -> Response:
        self._is_under_way = True
        try:
            self._make_ready(request)
            return await self._sent(request)
        finally:
            self._is_under_way = False
            if self._is_over:  # nobody has waited for it
                await self.end(None)

    async def _sent(self, request: Request) -> Response:
        attempt, failure = self._attempt, None
        try:
            self._answer = response = await self._send(attempt, request)
        except Exception as error:
            self._failure = failure = explain(attempt.call, self._exchange, attempt, error)
            if failure is None:
                raise
        else:
            return response
        try:
            raise cast("MyAPIError", failure.error)
        finally:
            # This frame is in the error's traceback, and must not lead back to the error.
            failure = None

    async def _let_go(self, answer: Response | None) -> None:
        await self._exchange.abandon(Failure(None, answer, attempt=self._attempt))

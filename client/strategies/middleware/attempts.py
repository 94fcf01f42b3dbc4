"""Middleware around attempts: inside the retries, around each sending of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from ...engine.attempts import explain
from ...engine.layer import Failure, Sending
from .chain import LEFT, Walk

if TYPE_CHECKING:
    from ...engine.layer import Exchange, Send
    from ...engine.operation import Attempt
    from ...exceptions import MyAPIError
    from ...http.shapes import Request, Response
    from .chain import Chain

__all__ = ["AttemptMiddleware"]


class AttemptMiddleware(Sending):
    """What takes the request of each attempt through a chain; the outermost of its kind.

    Args:
        chain: The chain.
    """

    adds_credentials: bool = True

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def send(
        self, send: Send, exchange: Exchange, attempt: Attempt, request: Request
    ) -> Response:
        """Return what the chain answers, or raise what it lets through."""
        sending = _OneSending(self._chain, attempt.call, exchange, request)
        sending.attempt, sending.send = attempt, send
        try:
            response: Response = await sending.step(0, request)
            if sending.is_under_way:
                raise RuntimeError(LEFT)  # noqa: TRY301 - as if the middleware had raised it
        except BaseException as error:
            if isinstance(error, Exception):
                attempt.left_with = id(error), sending.failure_of(error)
            await sending.end(None)
            raise
        if response is sending.answer:
            sending.is_over = True
        else:
            await sending.end(response)
        return response


class _OneSending(Walk):
    """The request of one attempt on its way through a chain."""

    again: ClassVar[str | None] = (
        "call_next was called a second time: an attempt is sent once, and what shall be sent again "
        "belongs into middleware="
    )
    attempt: Attempt
    send: Send
    is_under_way: bool = False
    _failure: Failure | None = None
    """What the sending ended in, where that was an exception."""

    def failure_of(self, error: Exception) -> Failure | None:
        """Return the failure that an exception stands for, or None."""
        failure = self._failure
        return failure if failure is not None and failure.error is error else None

    async def end(self, kept: Response | None) -> None:
        """Let go of all that the attempt does not end with."""
        self.is_over = True
        self._failure = None  # its error leads back here
        await self.close_all_but(kept, self.answer)

    async def go_in(self, request: Request) -> Response:
        """Send the request; raise an error of the tree for what is about the exchange."""
        self.make_ready(request)
        attempt, failure = self.attempt, None
        self.is_under_way = True
        try:
            # Plain middleware may have gone on for longer than the operation may last.
            failure = _too_late(attempt)
            if failure is None:
                self.answer = response = await self.send(attempt, request)
                return response
        except Exception as error:
            failure = explain(attempt.call, self.exchange, attempt, error)
            if failure is None:
                raise
        finally:
            self.is_under_way = False
            if self.is_over:  # nobody has waited for it
                await self.end(None)
        self._failure = failure
        try:
            raise cast("MyAPIError", failure.error)
        finally:
            # This frame is in the error's traceback, and must not lead back to the error.
            failure = None

    async def let_go(self, answer: Any) -> None:
        """Close an answer, which may be half read."""
        await self.exchange.abandon(Failure(None, answer, attempt=self.attempt))


def _too_late(attempt: Attempt) -> Failure | None:
    """Return the failure of an attempt whose time was over before it was sent, or None."""
    call = attempt.call
    if call.deadline is None or not call.deadline.passed(call.host.ports.now()):
        return None
    return Failure(call.host.errors.late(call, request_sent=call.was_sent), attempt=attempt)

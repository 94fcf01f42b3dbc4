"""A call whose answer is handed over before its body has been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from client.call import Call
    from client.exchange import StreamExchange
    from client.session import Session

__all__ = ["Stream"]


class Stream:
    """The operation, from its admission until its answer is let go of.

    `close` must follow, whatever `open` did.
    """

    def __init__(self, session: Session, call: Call, exchange: StreamExchange) -> None:
        self._session = session
        self._call = call
        self._exchange = exchange
        self._response: Any = None

    async def open(self) -> Any:
        """Run the operation up to the head of its answer, and return that."""
        call, exchange, engine = self._call, self._exchange, self._session.engine
        try:
            await engine.admit(call)
            self._response = response = await engine.attempt(call, exchange)
        except BaseException as error:
            engine.finish(call, error)
            raise
        self._session.attach_report(call, response)
        exchange.guard(response)
        return response

    async def close(self, raised: BaseException | None) -> None:
        """Let go of the answer and end the operation.

        What the caller raised while he read says nothing about the server, unless it is what
        broke the body.
        """
        call, exchange, engine = self._call, self._exchange, self._session.engine
        is_cancelled = raised is not None and not isinstance(raised, Exception)
        try:
            await exchange.abandon(self._response)
        finally:
            error = raised if is_cancelled else exchange.body_error
            try:
                engine.finish(call, error, self._response)
            finally:
                # Its traceback leads back to the exchange: together they would outlive the call.
                error = exchange.body_error = None
                self.give_back()

    def give_back(self) -> None:
        """Return what the operation holds yet, where an interrupt broke `close` off."""
        self._session.engine.give_back(self._call)

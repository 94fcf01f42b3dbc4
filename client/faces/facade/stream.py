"""A call whose answer is handed over before its body has been read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...exceptions import MyAPIError

if TYPE_CHECKING:
    from ...engine.operation import Call
    from ...http.shapes import Response
    from .exchange import StreamExchange
    from .session import Session

__all__ = ["Stream"]


class Stream:
    """The operation, from its admission until its answer is let go of.

    `close` must follow, whatever `open` did.
    """

    def __init__(self, session: Session, call: Call, exchange: StreamExchange) -> None:
        self._session = session
        self._call = call
        self._exchange = exchange
        self._response: Response | None = None

    async def open(self) -> Any:
        """Run the operation up to the head of its answer, and return that."""
        call, exchange, engine = self._call, self._exchange, self._session.engine
        try:
            self._response = response = await engine.open(call, exchange)
        except BaseException as error:
            engine.finish(call, error)
            if isinstance(error, MyAPIError):
                self._session.show(error)
            rescue = call.plan.rescue
            if rescue is None or not rescue.wants(error, call):
                raise
            self._response = response = await rescue.run(call, exchange, error)
        if call.uncounted is not None:  # the operation may last for hours yet
            call.uncounted.count(None)
        self._session.attach_report(call, response)
        if call.rescued is None:  # by what the caller made, whose body is his own
            exchange.guard(response)
        return response

    async def close(self, raised: BaseException | None) -> None:
        """Close the answer and end the operation.

        What the caller raised while he read says nothing about the server, unless it is what
        broke the body. To leave a generator early is no failure at all.
        """
        call, exchange, engine = self._call, self._exchange, self._session.engine
        is_cancelled = not (raised is None or isinstance(raised, Exception | GeneratorExit))
        try:
            await exchange.close(self._response)
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

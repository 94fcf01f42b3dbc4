"""Chaos: faults that are injected on purpose, so that everything around them reacts for real."""

from __future__ import annotations

import copy
import inspect
import random
import socket
import ssl
from typing import TYPE_CHECKING, Final, Protocol, cast

from ..config.parts.chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
from ..engine.layer import Failure, Observer, Sending
from ..events import ChaosInjected
from ..http.bodies.made_response import handed_over
from ..metrics.strategy_instruments import CHAOS_INJECTED

if TYPE_CHECKING:
    from ..config.parts.chaos import Fault
    from ..engine.layer import Exchange, Send
    from ..engine.operation import Attempt, Call
    from ..http.family import Family
    from ..http.shapes import Request, Response

    class _OfRequest(Protocol):
        request: Request


__all__ = ["NOTE", "Chaos"]

NOTE: Final = "injected by chaos"
"""The note on an error that comes of it."""
_ASYNC: Final = "a CallFault is async, and this client is not: give a plain function"
_NAMES: Final[dict[type[object], str]] = {
    RaiseFault: "raise",
    DelayFault: "delay",
    AnswerFault: "answer",
    CallFault: "call",
}


class Chaos(Sending, Observer):
    """Injects faults into a share of the attempts; the innermost of what goes around them.

    Args:
        config: Which, and into how many.
        family: Whose answers it makes.
        is_async: Whether a function of a `CallFault` may be awaited.

    Raises:
        TypeError: An exception is one of the other family, or a function is async where nothing is
            awaited.
    """

    def __init__(self, config: ChaosConfig, family: Family, *, is_async: bool) -> None:
        self._config = config
        self._family = family
        self._is_async = is_async
        self._random = random.Random(config.seed)  # noqa: S311 - no secret comes of it
        for fault in config.faults:
            self._check(fault)

    async def send(
        self,
        send: Send,
        exchange: Exchange,
        attempt: Attempt,
        request: Request,
    ) -> Response:
        """Send the request, or what a fault makes of that."""
        if self._random.random() >= self._config.injection_rate:
            return await send(attempt, request)
        fault = self._random.choice(self._config.faults)
        attempt.injected = _NAMES[type(fault)]
        _tell(attempt, fault)
        try:
            response = await self._inject(fault, attempt, request)
            if response is not None:
                is_streamed = exchange.is_streamed
                response = handed_over(response, request, self._family, is_streamed=is_streamed)
                await exchange.complete(Failure(None, response, attempt=attempt))
        except Exception as error:
            _mark(error)  # itself: it is what a drop-in client raises
            raise
        if response is None:
            response = await send(attempt, request)
        if self._family.is_response(response):  # and no stand-in of a test
            response.extensions["chaos"] = attempt.injected
        return response

    def end_attempt(
        self,
        call: Call,  # noqa: ARG002 - an observer's signature
        attempt: Attempt,
        response: Response | None,  # noqa: ARG002 - likewise
        error: BaseException | None,
    ) -> None:
        """Say on an error that it came of a fault that was injected."""
        if attempt.injected is not None and isinstance(error, Exception):
            _mark(error)

    def _check(self, fault: Fault) -> None:
        if isinstance(fault, RaiseFault):
            self._family.check({"exception": _some(fault.exception)})
        if isinstance(fault, CallFault) and not self._is_async:
            function = fault.callable
            call = getattr(function, "__call__", None)  # noqa: B004 - the method itself is asked for
            if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call):
                raise TypeError(f"{_ASYNC}: {function!r}")

    async def _inject(self, fault: Fault, attempt: Attempt, request: Request) -> Response | None:
        """Return the answer that a fault gives, or None where the request is to be sent.

        Raises:
            Exception: That of the fault.
        """
        if isinstance(fault, DelayFault):
            await _wait(attempt.call, fault.seconds)
            return None
        if isinstance(fault, AnswerFault):
            return self._answer(fault)
        if isinstance(fault, RaiseFault):
            raise self._as_raised(fault.exception, request)
        return await self._called(fault, request)

    def _answer(self, fault: AnswerFault) -> Response:
        kind = self._family.module.Response
        response: Response = kind(fault.status, headers=fault.headers, content=fault.body)
        return response

    def _as_raised(self, exception: Exception | type[Exception], request: Request) -> Exception:
        """Return the exception as the network would have raised it: each time another one."""
        module = self._family.module
        fresh = _fresh(exception)
        if isinstance(fresh, OSError):  # which httpx puts its own in the place of
            made: Exception = getattr(module, _name_of(fresh))(str(fresh))
            made.__cause__, fresh = fresh, made
        if isinstance(fresh, module.RequestError):
            cast("_OfRequest", fresh).request = request
        return fresh

    async def _called(self, fault: CallFault, request: Request) -> Response | None:
        answer: object = fault.callable(request)
        if inspect.isawaitable(answer):
            if not self._is_async:
                if inspect.iscoroutine(answer):
                    answer.close()
                raise TypeError(_ASYNC)
            answer = await answer
        if answer is None:
            return None
        if self._family.is_response(answer):
            return cast("Response", answer)
        kind = type(answer)
        raise TypeError(
            f"a CallFault returned a {kind.__module__}.{kind.__qualname__}: "
            f"return None or a {self._family.name}.Response"
        )


async def _wait(call: Call, seconds: float) -> None:
    """Wait, but no longer than the operation lasts.

    Raises:
        TimeoutError: Its time is over.
    """
    ports, deadline = call.host.ports, call.deadline
    if deadline is None:
        await ports.sleep(seconds)
        return
    left = deadline.left(ports.now())
    await ports.sleep(min(seconds, left))
    if seconds >= left:
        raise TimeoutError


def _some(exception: Exception | type[Exception]) -> Exception:
    return exception(NOTE) if isinstance(exception, type) else exception


def _fresh(exception: Exception | type[Exception]) -> Exception:
    """Return an exception to raise, each time another one."""
    if isinstance(exception, type):
        return exception(NOTE)
    try:
        again = copy.copy(exception)
    except Exception:  # noqa: BLE001 - a foreign class may refuse to be copied
        return exception.with_traceback(None)
    again.__cause__ = exception.__cause__
    if hasattr(again, "__notes__"):
        again.__notes__ = [*again.__notes__]  # those of the next one are its own
    return again


def _name_of(error: OSError) -> str:
    """Return the class of httpx that stands for an error of the operating system."""
    if isinstance(error, TimeoutError):
        return "ReadTimeout"
    is_early = isinstance(error, ConnectionRefusedError | socket.gaierror | ssl.SSLError)
    return "ConnectError" if is_early else "ReadError"


def _mark(error: Exception) -> None:
    """Say on an exception where it comes from, once."""
    if NOTE not in getattr(error, "__notes__", ()):
        error.add_note(NOTE)


def _tell(attempt: Attempt, fault: Fault) -> None:
    call, name = attempt.call, _NAMES[type(fault)]
    call.host.metrics.add(CHAOS_INJECTED, (call.counted_as, name))
    if (notify := call.notify[ChaosInjected]) is not None:
        notify(
            ChaosInjected(
                attempt=attempt.number,
                fault=name,
                seconds=fault.seconds if isinstance(fault, DelayFault) else None,
                status_code=fault.status if isinstance(fault, AnswerFault) else None,
                **call.about(),
            )
        )

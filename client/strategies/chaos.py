"""Chaos: faults that are injected on purpose, so that everything around them reacts for real."""

from __future__ import annotations

import copy
import inspect
import random
from typing import TYPE_CHECKING, Any, Final

from ..config.chaos import AnswerFault, CallFault, ChaosConfig, DelayFault, RaiseFault
from ..engine.layer import Observer, Sending
from ..events import ChaosInjected
from ..metrics.strategy_instruments import CHAOS_INJECTED

if TYPE_CHECKING:
    from ..config.chaos import Fault
    from ..engine.layer import Exchange, Send
    from ..engine.operation import Attempt, Call
    from ..http.family import Family
    from ..http.shapes import Request, Response

__all__ = ["NOTE", "Chaos"]

NOTE: Final = "injected by chaos"
"""The note on an error that comes of it."""
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
    """

    def __init__(self, config: ChaosConfig, family: Family, *, is_async: bool) -> None:
        self._config = config
        self._family = family
        self._is_async = is_async
        self._random = random.Random(config.seed)  # noqa: S311 - no secret comes of it

    async def send(
        self,
        send: Send,
        exchange: Exchange,  # noqa: ARG002 - a sending's signature
        attempt: Attempt,
        request: Request,
    ) -> Response:
        """Send the request, or what a fault makes of that."""
        if self._random.random() >= self._config.injection_rate:
            return await send(attempt, request)
        fault = self._random.choice(self._config.faults)
        attempt.injected = _NAMES[type(fault)]
        _tell(attempt, fault)
        response = await self._inject(fault, attempt, request)
        if response is None:
            response = await send(attempt, request)
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
            error.add_note(NOTE)

    async def _inject(self, fault: Fault, attempt: Attempt, request: Request) -> Response | None:
        """Return the answer that a fault gives, or None where the request is to be sent.

        Raises:
            Exception: That of the fault.
        """
        if isinstance(fault, DelayFault):
            await _wait(attempt.call, fault.seconds)
            return None
        if isinstance(fault, AnswerFault):
            return self._answer(fault, request)
        if isinstance(fault, RaiseFault):
            raise _fresh(fault.exception)
        return await self._called(fault, request)

    def _answer(self, fault: AnswerFault, request: Request) -> Response:
        kind = self._family.module.Response
        response: Response = kind(
            fault.status, headers=fault.headers, content=fault.body, request=request
        )
        return response

    async def _called(self, fault: CallFault, request: Request) -> Response | None:
        answer = fault.callable(request)
        if inspect.isawaitable(answer):
            if not self._is_async:
                if inspect.iscoroutine(answer):
                    answer.close()
                raise TypeError("a CallFault is async, and this client is not: give a plain one")
            answer = await answer
        if answer is None or self._family.is_response(answer):
            made: Response | None = answer
            return made
        raise TypeError(
            f"a CallFault returned a {type(answer).__qualname__}: "
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


def _fresh(exception: Any) -> Exception:
    """Return an exception to raise, each time another one."""
    if isinstance(exception, type):
        made: Exception = exception(NOTE)
        return made
    try:
        again: Exception = copy.copy(exception)
    except Exception:  # noqa: BLE001 - a foreign class may refuse to be copied
        again = exception
    return again.with_traceback(None)


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

"""The fallback: what answers in place of an operation that failed, when all that is told."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final, TypeGuard, cast

from ..engine.layer import Failure
from ..engine.rejections import is_rejection
from ..events import FallbackUsed
from ..exceptions import (
    APIConnectionError,
    ClientClosedError,
    MyAPIError,
    RateLimitError,
    TLSVerificationError,
)
from ..http.bodies.made_response import handed_over
from ..http.family import request_of
from ..http.outcomes import outcome_of
from ..metrics.strategy_instruments import FALLBACKS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..engine.layer import Exchange
    from ..engine.operation import Call
    from ..http.family import Family
    from ..http.shapes import Request, Response

    Kinds = type[MyAPIError] | tuple[type[MyAPIError], ...]

__all__ = ["Fallback", "FallbackRescue"]

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""What asks for nothing to be done (RFC 9110, 9.2.1)."""
_NEVER: Final = (ClientClosedError, TLSVerificationError)
_OF_CLIENT: Final = range(400, 500)


class Fallback:
    """What a client answers with when an operation has failed.

    Args:
        handle: A response, of which each call gets a copy; or a function
            `(error, request) -> response`, which may be async in an async client. The error is one
            of the tree in `client.exceptions`.
        on: The errors it answers for: a class of that tree, or several. By default
            `APIConnectionError`, 429 included and 408 not, and everything that turns a call
            away, but only for GET, HEAD, OPTIONS and TRACE. With `on` it answers for every method.
            Never for `ClientClosedError`, `TLSVerificationError`, cancellations and bugs.

    Raises:
        TypeError: `handle` is neither, or `on` holds something else.
        ValueError: `on` is empty, or names an error that is never answered for.
    """

    def __init__(self, handle: object, *, on: Kinds | list[type[MyAPIError]] | None = None) -> None:
        self.handle = handle
        self.on: tuple[type[MyAPIError], ...] | None = None if on is None else _checked(on)

    def __repr__(self) -> str:
        on = "" if self.on is None else f", on=({', '.join(kind.__name__ for kind in self.on)})"
        return f"Fallback({type(self.handle).__name__}{on})"

    def answers_for(self, method: str, error: MyAPIError) -> bool:
        """Return whether it answers for an operation with this method that ended so."""
        if isinstance(error, _NEVER):
            return False
        if self.on is not None:
            return isinstance(error, self.on)
        if method.upper() not in SAFE:
            return False
        if error.status_code in _OF_CLIENT and not isinstance(error, RateLimitError):
            return False
        return is_rejection(error) or isinstance(error, APIConnectionError)


class FallbackRescue:
    """A fallback in one client, of one family and one world.

    Args:
        fallback: A `Fallback`, or what one is made of.
        family: Whose responses it answers with.
        is_async: Whether it may be awaited.

    Raises:
        TypeError: It answers with something else, or can only be awaited where nothing is.
        ValueError: The body of its response has not been read.
    """

    def __init__(self, fallback: object, family: Family, *, is_async: bool) -> None:
        given = fallback if isinstance(fallback, Fallback) else Fallback(fallback)
        self._fallback = given
        self._family = family
        self._is_async = is_async
        self._check(given.handle)

    def wants(self, error: BaseException, call: Call) -> TypeGuard[Exception]:
        """Whether it answers for an operation that ended so."""
        if not isinstance(error, MyAPIError) or not call.is_own(error):
            return False
        return self._fallback.answers_for(call.method, error)

    async def run(self, call: Call, exchange: Exchange, error: Exception) -> Response:
        """Return the answer; tell that there is one."""
        before = error.__traceback__
        failure = Failure(cast("MyAPIError", error), getattr(error, "response", None))
        try:
            request = _request_for(exchange, error)
            response = await self._answer(call, exchange, request, error)
            _tell(call, error)
            await exchange.discard(failure)  # a drop-in client's may be open yet
            call.rescued = _without_tracebacks(error)
        except BaseException as raised:
            if raised is error:  # without the frames that it has come through since: they hold it
                raise error.with_traceback(before) from error.__cause__
            await exchange.abandon(failure)
            if isinstance(raised, Exception) and raised.__cause__ is None:
                raise raised from error
            raise
        else:
            return response
        finally:
            # Its traceback leads back to this frame: the two would keep each other alive.
            del error, before, failure

    async def _answer(
        self, call: Call, exchange: Exchange, request: Request, error: Exception
    ) -> Response:
        family, answer = self._family, self._fallback.handle
        if not family.is_response(answer):
            answer = cast("Callable[..., object]", answer)(error, request)
            if inspect.isawaitable(answer):
                answer = await self._awaited(call, answer, error)
        if not family.is_response(answer):
            kind = type(answer)
            raise TypeError(
                f"the fallback returned a {kind.__module__}.{kind.__qualname__}: "
                f"return a {family.name}.Response"
            )
        made = cast("Response", answer)
        response = handed_over(made, request, family, is_streamed=exchange.is_streamed)
        await exchange.complete(Failure(None, response))
        return response

    async def _awaited(self, call: Call, answer: Awaitable[object], error: Exception) -> object:
        """Await an answer in what the deadline leaves, or raise what the operation failed with."""
        if not self._is_async:
            if inspect.iscoroutine(answer):
                answer.close()
            raise TypeError("the fallback is async, and this client is not: give a plain function")
        deadline, ports = call.deadline, call.host.ports
        if deadline is None:
            return await answer

        async def work() -> object:
            return await answer

        try:
            return await ports.within(deadline.left(ports.now()), work)
        except TimeoutError:
            if not deadline.passed(ports.now()):
                raise
        finally:
            if inspect.iscoroutine(answer):
                answer.close()  # where the time was over before it began
        raise error  # not above, where the other would become its context

    def _check(self, handle: object) -> None:
        if self._family.is_response(handle):
            _check_read(handle)
            return
        self._family.check({"fallback": handle})
        if not callable(handle) or isinstance(handle, type):
            raise TypeError(
                f"fallback is {handle!r}: give a {self._family.name}.Response, a function "
                "(error, request) -> response, or a Fallback of one of them"
            )
        call = getattr(handle, "__call__", None)  # noqa: B004 - the method itself is asked for
        is_async = inspect.iscoroutinefunction(handle) or inspect.iscoroutinefunction(call)
        if is_async and not self._is_async:
            raise TypeError(f"fallback {handle!r} is async: give a blocking client a plain one")


def _check_read(response: Any) -> None:
    try:
        _ = response.content
    except RuntimeError:  # httpx says so
        text = "the body of the fallback's response has not been read: read it first"
        raise ValueError(text) from None


def _checked(on: object) -> tuple[type[MyAPIError], ...]:
    kinds: tuple[Any, ...] = (
        tuple(cast("Any", on)) if isinstance(on, tuple | list | set | frozenset) else (on,)
    )
    for kind in kinds:
        if not (isinstance(kind, type) and issubclass(kind, MyAPIError)):
            raise TypeError(f"on has {kind!r}: give classes of client.exceptions")
    never = [kind.__name__ for kind in kinds if issubclass(kind, _NEVER)]
    if never:
        raise ValueError(f"on has {never[0]}, for which no fallback ever answers")
    if not kinds:
        raise ValueError("on is empty: give a class of client.exceptions, or leave it out")
    return kinds


def _tell(call: Call, error: Exception) -> None:
    outcome = outcome_of(error, getattr(error, "status_code", None))
    call.host.metrics.add(FALLBACKS, (call.counted_as, outcome))
    if (notify := call.notify[FallbackUsed]) is not None:
        notify(FallbackUsed(error=error, outcome=outcome, **call.about()))


def _request_for(exchange: Exchange, error: Exception) -> Request:
    """Return what the caller asked for.

    Raises:
        Exception: The error, where that cannot be built, and no attempt has built it.
    """
    try:
        return exchange.request_for(None)
    except Exception:  # noqa: BLE001 - as a malformed URL, or a file that was closed meanwhile
        found = request_of(getattr(error, "response", None)) or request_of(error.__cause__)
    if found is None:
        raise error
    request: Request = found
    return request


def _without_tracebacks(error: Exception) -> Exception:
    """Return an error that is kept with an answer, and must not keep the frames of its call.

    What its causes were raised in the middle of is left out: that may be the caller's.
    """
    seen: BaseException | None = error
    met: set[int] = set()
    while seen is not None and id(seen) not in met:
        met.add(id(seen))
        seen.__traceback__ = seen.__context__ = None
        seen = seen.__cause__
    return error

"""A chain of middleware, and one request on its way through it.

Rule 1  What `call_next` returned is closed, unless it is what the caller, or the retry, gets.
Rule 2  What is raised here, and is no failure of the call or the attempt, passes untouched.
Rule 3  What is left to run by itself, and not awaited, gives back what it has taken when it ends.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ...engine.layer import Failure
from ...http.extensions import OF_ITS_WAY, WORN
from ...http.family import completed
from ...runtime.coroutines import run_to_end
from .handlers import handlers_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...engine.layer import Exchange
    from ...engine.operation import Call
    from ...http.family import Family
    from ...http.shapes import URL, Request, Response

__all__ = ["LEFT", "NOTHING", "Chain", "Walk"]

NOTHING: Final = object()
"""In the place of an answer where there is none, and which nobody can return."""
LEFT: Final = "a middleware returned while its call_next was under way: await that first"
_ENDED: Final = "call_next was called when all was over: await it before you return"


@dataclass(frozen=True, slots=True)
class Chain:
    """Middleware of one client, made ready once.

    Attributes:
        name: Of the argument that they were given as.
        handlers: What is called of each, the outermost first.
        family: Whose requests and responses they are handed.
        is_async: Whether they are awaited.
        id_header: Where a request carries the id of its operation.
        id_bytes: The same, as httpx keeps it.
    """

    name: str
    handlers: tuple[Any, ...]
    family: Family
    is_async: bool
    id_header: str
    id_bytes: bytes

    @classmethod
    def of(
        cls, name: str, given: Iterable[object], family: Family, *, is_async: bool, id_header: str
    ) -> Chain:
        """Return the chain of what was given.

        Raises:
            TypeError: Something is no middleware for such a client.
        """
        handlers = handlers_of(name, given, is_async=is_async)
        return cls(name, handlers, family, is_async, id_header, id_header.encode("ascii"))


class Walk(ABC):
    """One request on its way through a chain; what is innermost its classes say.

    Args:
        chain: The chain.
        call: The operation.
        exchange: Its way to the wire.
        given: The request that the outermost is handed.
    """

    again: ClassVar[str | None] = None
    """Why a middleware may not call `call_next` a second time; None where it may."""
    is_over: bool = False
    _reached: int = -1
    """The place in the chain that cannot be come to again."""
    _own: list[Response] | None = None
    """Answers that middleware made."""

    def __init__(self, chain: Chain, call: Call, exchange: Exchange, given: Request) -> None:
        self.chain = chain
        self.call = call
        self.exchange = exchange
        self.given = given
        self.url: URL = given.url
        self.answer: object = NOTHING
        """What came from within."""

    async def step(self, number: int, request: Request) -> Any:
        """Hand a request to a middleware, by its place in the chain, and return its answer.

        Raises:
            TypeError: The request, or the answer, is none.
            RuntimeError: It is too late for that, or once too often.
            Exception: What is raised within.
        """
        if self.is_over or number <= self._reached:
            raise RuntimeError(_ENDED if self.is_over else self.again)
        if self.again is not None:
            self._reached = number
        chain = self.chain
        if not isinstance(request, chain.family.module.Request):
            raise TypeError(
                f"call_next was given a {type(request).__qualname__}: "
                f"give a {chain.family.name}.Request"
            )
        if number == len(chain.handlers):
            return await self.go_in(request)
        handle = chain.handlers[number]
        if chain.is_async:
            response = await handle(request, partial(self.step, number + 1))
        else:
            response = handle(request, partial(self._step_now, number + 1))
        if response is not self.answer:
            await self._take_own(response, handle, request)
        return response

    def _step_now(self, number: int, request: Request) -> Any:
        return run_to_end(self.step(number, request))

    @abstractmethod
    async def go_in(self, request: Request) -> Response:
        """Go on with what the chain is around."""

    def make_ready(self, request: Request) -> None:
        """Give a request that goes on what it must have, whatever has been done to it."""
        request_id = self.call.request_id
        if request_id is not None:
            # httpx's own way looks first at every header, for the encoding they are in.
            wanted = self.chain.id_bytes, request_id.encode("latin-1", "replace")
            if wanted not in request.headers.raw:
                request.headers[self.chain.id_header] = request_id
        if request is not self.given:
            self._complete(request)
        if request.url is not self.url:
            self.follow(request)

    def _complete(self, request: Request) -> None:
        """Give a request that a middleware made what the one that it replaces has."""
        for name in OF_ITS_WAY:
            request.extensions.pop(name, None)
        for name in ("timeout", WORN):
            value = self.given.extensions.get(name)
            if value is not None:
                request.extensions.setdefault(name, value)

    def follow(self, request: Request) -> None:
        """Let the `Host` header follow the URL, where httpx had made it of that.

        Raises:
            TypeError: The URL is none.
        """
        family = self.chain.family
        if not isinstance(request.url, family.module.URL):
            text = f"the URL of a request is {request.url!r}: give an {family.name}.URL"
            raise TypeError(text)
        before, now = self.url.netloc, request.url.netloc
        if before != now and request.headers.get("Host") == before.decode("ascii"):
            request.headers["Host"] = now.decode("ascii")
        self.url = request.url

    async def _take_own(self, response: object, handle: object, request: Request) -> None:
        """Take an answer that a middleware has made, or has kept from before."""
        family = self.chain.family
        if not family.is_response(response):
            if inspect.iscoroutine(response):
                response.close()  # or Python would complain that it was never awaited
            raise TypeError(
                f"the {self.chain.name} {name_of(handle)} returned a "
                f"{type(response).__qualname__}: return the response of call_next, or a "
                f"{family.name}.Response"
            )
        answer = completed(response, request)
        own = self._own = self._own or []
        if not any(answer is each for each in own):
            own.append(answer)
            await self.exchange.complete(Failure(None, answer))

    async def close_all_but(self, kept: object, *others: object) -> None:
        """Close the answers that nobody gets, each of them, whatever comes between.

        Args:
            kept: What somebody gets, where no answer fails to be closed.
            *others: What may have to be closed besides those of middleware.
        """
        answers: list[Any] = [*(self._own or ()), *others]
        self._own, self.answer = None, NOTHING
        answers = [each for each in answers if each is not kept and each is not NOTHING]
        try:
            while answers:
                await self.let_go(answers.pop())
        except BaseException:
            for each in (*answers, kept):
                await self.let_go(each)
            raise

    async def let_go(self, answer: Any) -> None:
        """Close an answer, or None."""
        await self.exchange.abandon(Failure(None, answer))

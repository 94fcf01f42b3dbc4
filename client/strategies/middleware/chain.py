"""A chain of middleware, and one request on its way through it.

Rule 1  What `call_next` returned is closed, unless it is what the caller, or the retry, gets.
Rule 2  What is raised here, and is no failure of the call or the attempt, passes untouched.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ...engine.layer import Failure
from ...http.extensions import OF_ITS_WAY
from ...http.family import completed
from ...runtime.coroutines import run_to_end
from .handlers import handlers_of, name_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...engine.layer import Exchange
    from ...engine.operation import Call
    from ...http.family import Family
    from ...http.shapes import Request, Response

__all__ = ["Chain", "Walk"]


@dataclass(frozen=True, slots=True)
class Chain:
    """Middleware of one client, made ready once.

    Attributes:
        name: Of the argument that they were given as.
        handlers: What is called of each, the outermost first.
        family: Whose requests and responses they are handed.
        is_async: Whether they are awaited.
        id_header: Where a request carries the id of its operation.
    """

    name: str
    handlers: tuple[Any, ...]
    family: Family
    is_async: bool
    id_header: str

    @classmethod
    def of(
        cls, name: str, given: Iterable[object], family: Family, *, is_async: bool, id_header: str
    ) -> Chain:
        """Return the chain of what was given.

        Raises:
            TypeError: Something is no middleware for such a client.
        """
        handlers = handlers_of(name, given, is_async=is_async)
        return cls(name, handlers, family, is_async, id_header)


class Walk:
    """One request on its way through a chain; what is innermost its classes say.

    Args:
        chain: The chain.
        call: The operation.
        exchange: Its way to the wire.
        given: The request that the outermost is handed.
    """

    def __init__(self, chain: Chain, call: Call, exchange: Exchange, given: Request) -> None:
        self._chain = chain
        self._call = call
        self._exchange = exchange
        self._given = given
        self._url = given.url
        self._answer: object = self
        """What came from within; at first nothing that anybody could return."""
        self._own: list[Response] = []
        """Answers that middleware made."""
        self._is_over = False

    async def step(self, number: int, request: Request) -> Any:
        """Hand a request to a middleware, by its place in the chain, and return its answer.

        Raises:
            TypeError: The request, or the answer, is none.
            Exception: What is raised within.
        """
        chain = self._chain
        if not isinstance(request, chain.family.module.Request):
            raise TypeError(
                f"call_next was given a {type(request).__qualname__}: "
                f"give a {chain.family.name}.Request"
            )
        if number == len(chain.handlers):
            return await self._go_in(request)
        handle = chain.handlers[number]
        if chain.is_async:
            response = await handle(request, partial(self.step, number + 1))
        else:
            response = handle(request, partial(self._step_now, number + 1))
        if response is not self._answer:
            await self._take_own(response, handle, request)
        return response

    def _step_now(self, number: int, request: Request) -> Any:
        return run_to_end(self.step(number, request))

    async def _go_in(self, request: Request) -> Response:
        """Go on with what the chain is around."""
        raise NotImplementedError

    def _make_ready(self, request: Request) -> None:
        """Give a request that goes on what it must have, whatever has been done to it."""
        given, id_header, request_id = self._given, self._chain.id_header, self._call.request_id
        headers = request.headers
        if request_id is not None and headers.get(id_header) != request_id:
            headers[id_header] = request_id
        if request is not given:
            for name in OF_ITS_WAY:
                request.extensions.pop(name, None)
            if "timeout" in given.extensions:
                request.extensions.setdefault("timeout", given.extensions["timeout"])
        if request.url is not self._url:
            self._follow(request)

    def _follow(self, request: Request) -> None:
        """Let the `Host` header follow the URL, where httpx had made it of that."""
        if not isinstance(request.url, self._chain.family.module.URL):
            name = self._chain.family.name
            raise TypeError(f"the URL of a request is {request.url!r}: give an {name}.URL")
        before, now = self._url.netloc, request.url.netloc
        if before != now and request.headers.get("Host") == before.decode("ascii"):
            request.headers["Host"] = now.decode("ascii")
        self._url = request.url

    async def _take_own(self, response: object, handle: object, request: Request) -> None:
        """Take an answer that a middleware has made, or has kept from before."""
        family = self._chain.family
        if not family.is_response(response):
            if inspect.iscoroutine(response):
                response.close()  # or Python would complain that it was never awaited
            raise TypeError(
                f"the {self._chain.name} {name_of(handle)} returned a "
                f"{type(response).__qualname__}: return the response of call_next, or a "
                f"{family.name}.Response"
            )
        answer = completed(response, request)
        if not any(answer is each for each in self._own):
            self._own.append(answer)
            await self._exchange.complete(Failure(None, answer))

    async def _close(self, answers: list[Response | None]) -> None:
        """Close answers that nobody gets, each of them, whatever comes between."""
        while answers:
            try:
                await self._let_go(answers.pop())
            except BaseException:
                await self._close(answers)
                raise

    async def _let_go(self, answer: Response | None) -> None:
        await self._exchange.abandon(Failure(None, answer))

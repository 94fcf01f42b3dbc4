"""A transport to a server of a few lines, for either family and in either world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.drop_in.kits import Clock


@dataclass(frozen=True)
class Reply:
    """An answer in detail.

    Attributes:
        status: Its status.
        chunks: Its body; an exception, or the name of one of httpx, breaks it there.
        headers: Its headers.
        takes: Virtual seconds until its head is there.
        drips: Virtual seconds before each chunk.
    """

    status: int = 200
    chunks: tuple[bytes | str | Exception, ...] = (b"ok",)
    headers: dict[str, str] | list[tuple[bytes, bytes]] = field(default_factory=dict)
    takes: float = 0.0
    drips: float = 0.0


@dataclass(frozen=True)
class Arrival:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    timeouts: dict[str, float | None]
    """As they were when it came."""
    request: Any


Answer: TypeAlias = int | str | Exception | Reply | Callable[[Any], Any]
"""A status, the name of an exception of the family, an exception, a reply, or what makes one of
them, or a response, from a request."""


class Wire:
    """Answers request number n with answer number n, and all further ones with the last.

    A class of its own for each family: httpx looks at the types of what it is given.
    """

    tells_unsent = True
    is_closed: bool
    arrivals: list[Arrival]
    bodies: list[Any]

    def __new__(cls, module: Any, *_args: Any, **_options: Any) -> Any:
        """Make one that is a transport of the family."""
        base = type("Wire", (cls, module.BaseTransport, module.AsyncBaseTransport), {})
        return object.__new__(base)

    def __init__(
        self, module: Any, clock: Clock, *answers: Answer, tells_unsent: bool = True
    ) -> None:
        self.module = module
        self.tells_unsent = tells_unsent
        self.clock = clock
        self.answers = answers
        self.arrivals = []
        self.bodies = []
        self.is_closed = False
        self.entered = 0
        self.left: list[tuple[object, ...]] = []

    @property
    def methods(self) -> list[str]:
        """The methods of the requests that came."""
        return [arrival.method for arrival in self.arrivals]

    @property
    def left_open(self) -> int:
        """How many answers were not closed."""
        return sum(not body.is_closed for body in self.bodies)

    def handle_request(self, request: Any) -> Any:
        """Answer a request of a blocking client."""
        return self._answer(request, b"".join(request.stream))

    async def handle_async_request(self, request: Any) -> Any:
        """Answer a request of an async client."""
        return self._answer(request, b"".join([chunk async for chunk in request.stream]))

    def close(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    async def aclose(self) -> None:
        """Remember that it was closed."""
        self.is_closed = True

    def __enter__(self) -> Any:
        self.entered += 1
        return self

    def __exit__(self, *raised: object) -> None:
        self.left.append(raised)

    async def __aenter__(self) -> Any:
        self.entered += 1
        return self

    async def __aexit__(self, *raised: object) -> None:
        self.left.append(raised)

    def _answer(self, request: Any, body: bytes) -> Any:
        number = len(self.arrivals)
        timeouts = dict(request.extensions.get("timeout", {}))
        headers = dict(request.headers)
        self.arrivals.append(
            Arrival(request.method, request.url.path, headers, body, timeouts, request)
        )
        answer: Any = self.answers[min(number, len(self.answers) - 1)]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, str):
            raise getattr(self.module, answer)(f"{answer} number {number + 1}")
        if isinstance(answer, Exception):
            raise answer.with_traceback(None)  # it may be raised again
        return self._response(Reply(answer) if isinstance(answer, int) else answer)

    def _response(self, answer: Any) -> Any:
        if not isinstance(answer, Reply):
            return answer
        self.clock.now += answer.takes
        body = _body_of(self.module)(self.module, self.clock, answer)
        self.bodies.append(body)
        headers = answer.headers or _length_of(answer)
        return self.module.Response(answer.status, headers=headers, stream=body)


class _Body:
    """The body of an answer, which knows whether it was closed."""

    def __init__(self, module: Any, clock: Clock, reply: Reply) -> None:
        self._module = module
        self._clock = clock
        self._reply = reply
        self.is_closed = False
        self.was_read = False

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._reply.chunks:
            self._clock.now += self._reply.drips
            if isinstance(chunk, str):
                raise getattr(self._module, chunk)(f"{chunk} in the body")
            if isinstance(chunk, Exception):
                raise chunk.with_traceback(None)  # likewise
            yield chunk
        self.was_read = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def _body_of(module: Any) -> Any:
    return type("Body", (_Body, module.SyncByteStream, module.AsyncByteStream), {})


def _length_of(reply: Reply) -> dict[str, str]:
    sizes = [len(chunk) for chunk in reply.chunks if isinstance(chunk, bytes)]
    return {"Content-Length": str(sum(sizes))} if len(sizes) == len(reply.chunks) else {}

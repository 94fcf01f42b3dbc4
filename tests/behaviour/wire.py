"""What a client is connected to: servers scripted in a few words, and what reached them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator

    from tests.behaviour.world import World

T = TypeVar("T")

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""What httpx raises before it has looked at the body of a request."""


@dataclass(frozen=True)
class Answer:
    """An answer whose body comes in pieces: bytes, seconds of silence, or what breaks it."""

    status: int = 200
    pieces: tuple[bytes | float | BaseException, ...] = ()
    headers: Any = None
    closing: BaseException | None = None
    """What closing it raises."""
    extensions: Any = None


Step: TypeAlias = object
"""A status, an `Answer`, a response, an exception or its class, or a `Handler`."""
Server: TypeAlias = object
"""A step, or a sequence of them."""
Handler: TypeAlias = "Callable[[Arrival], Awaitable[Step]]"


@dataclass
class Arrival:
    """One attempt, as the server saw it."""

    world: World
    request: httpx.Request
    at: float
    """When it began, on the virtual clock."""
    body: bytes | None = None
    """What was sent, or None where the connection never came about."""
    timeouts: dict[str, float | None] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The request id it carried."""
        return self.request.headers["X-Request-ID"]

    async def takes(self, seconds: float) -> None:
        """Let the server stay silent, as long as the client has the patience."""
        await self.world.silence(self.request, seconds)


class Wire(httpx.AsyncBaseTransport, httpx.BaseTransport):
    """A transport to one server.

    A number or an exception is its answer to everything; a sequence is played once, step by
    step; a function is asked each time.
    """

    def __init__(self, world: World, server: Server) -> None:
        self.arrivals: list[Arrival] = []
        self.closings = 0
        self._world = world
        self._server = server
        self._bodies: list[Body] = []

    @property
    def times(self) -> list[float]:
        """When each attempt began, counted from the first."""
        return [arrival.at - self.arrivals[0].at for arrival in self.arrivals]

    @property
    def ids(self) -> list[str]:
        """The request ids, attempt by attempt."""
        return [arrival.id for arrival in self.arrivals]

    @property
    def bodies(self) -> list[bytes | None]:
        """What was sent, attempt by attempt."""
        return [arrival.body for arrival in self.arrivals]

    @property
    def last(self) -> httpx.Request:
        """The last request."""
        return self.arrivals[-1].request

    def unclosed(self) -> list[Body]:
        """Return the answers that nobody has closed: each would hold its connection."""
        return [body for body in self._bodies if not body.is_closed]

    def forget(self) -> None:
        """Keep nothing of what was asked and answered."""
        self.arrivals.clear()
        self._bodies.clear()

    def taken(self, number: int) -> int:
        """Return how many pieces of an answer's body were read."""
        return self._bodies[number].taken

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange for an async client."""

        async def read() -> bytes:
            assert isinstance(request.stream, httpx.AsyncByteStream)
            return b"".join([chunk async for chunk in request.stream])

        return await self._exchange(request, read)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make one exchange for a blocking client."""

        async def read() -> bytes:
            assert isinstance(request.stream, httpx.SyncByteStream)
            return b"".join(request.stream)

        return drive(self._exchange(request, read))

    async def aclose(self) -> None:
        """Take note that the client was closed."""
        self.closings += 1

    def close(self) -> None:
        """Take note that the client was closed."""
        self.closings += 1

    async def _exchange(
        self, request: httpx.Request, read: Callable[[], Awaitable[bytes]]
    ) -> httpx.Response:
        arrival = Arrival(self._world, request, self._world.now())
        arrival.timeouts = request.extensions.get("timeout", {})
        self.arrivals.append(arrival)
        step = self._scripted()
        if not _is_one_of(step, NEVER_SENT):
            arrival.body = await read()
        if callable(step) and not isinstance(step, type):
            step = await cast("Handler", step)(arrival)
        return self._play(arrival, step)

    def _scripted(self) -> Step:
        server = self._server
        if not isinstance(server, Sequence):
            return server
        played = len(self.arrivals)
        assert played <= len(server), "the server was asked more often than its script foresees"
        return server[played - 1]

    def _play(self, arrival: Arrival, step: Step) -> httpx.Response:
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, type):
            raise _made(step, arrival.request)
        if isinstance(step, int):
            step = Answer(step)
        if isinstance(step, httpx.Response):
            step = Answer(step.status_code, (step.content,), step.headers)
        assert isinstance(step, Answer)
        body = Body(arrival, step)
        self._bodies.append(body)
        return httpx.Response(
            step.status, headers=step.headers, stream=body, extensions=step.extensions
        )


class Body(httpx.AsyncByteStream, httpx.SyncByteStream):
    """The body of an answer as it arrives."""

    def __init__(self, arrival: Arrival, answer: Answer) -> None:
        self.is_closed = False
        self.taken = 0
        self._arrival = arrival
        self._pieces = answer.pieces
        self._closing = answer.closing

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield drive(self._next(piece))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield await self._next(piece)

    async def _next(self, piece: bytes | float | BaseException) -> bytes:
        self.taken += 1
        if isinstance(piece, BaseException):
            raise piece
        if isinstance(piece, bytes):
            return piece
        await self._arrival.takes(piece)
        return b""

    def close(self) -> None:
        """Take note, and raise what there is to raise."""
        self.is_closed = True
        if self._closing is not None:
            raise self._closing

    async def aclose(self) -> None:
        """Take note, and raise what there is to raise."""
        self.close()


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to its end a coroutine whose every `await` blocks."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        outcome: T = end.value
        return outcome
    coroutine.close()
    raise AssertionError("something suspended in the blocking world")


def _is_one_of(step: object, kinds: tuple[type[BaseException], ...]) -> bool:
    return isinstance(step, kinds) or (isinstance(step, type) and issubclass(step, kinds))


def _made(kind: type[BaseException], request: httpx.Request) -> BaseException:
    return kind("boom", request=request) if issubclass(kind, httpx.RequestError) else kind("boom")

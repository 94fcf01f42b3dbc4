"""A world to tell a story in: one of the twins, virtual time, and servers made of a few lines.

A story is an `async def` that takes a `World`. In the async world it is a task of a real event
loop; in the blocking world every `await` in it blocks and none suspends, so the very same lines
run on `SyncResilientClient` and threads. Time passes only while everybody waits.
"""

from __future__ import annotations

import gc
from abc import ABC, abstractmethod
from contextlib import ExitStack, asynccontextmanager, contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar
from unittest.mock import patch

from client import ClientConfig, ResilientClient, SyncResilientClient
from tests.behaviour.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
    from contextlib import AbstractContextManager
    from unittest.mock import Mock

    import httpx

    from client import CircuitState, ClientStats, Listener
    from client.events import Event
    from tests.behaviour.wire import Server

IN_CODE = frozenset({"fallback", "middleware", "attempt_middleware", "plugins", "allow_chaos"})
"""What a client takes beside its configuration."""
BASE_URL = "http://server.test"
BEGINNING = 1_000.0
"""What the monotonic clock shows when a story begins."""
WALL_BEGINNING = 1_800_000_000.0
"""What the wall clock shows then, in seconds since the epoch."""

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
ListenerT = TypeVar("ListenerT", bound="Listener")


class Task(ABC, Generic[T_co]):
    """Some work that runs beside the story."""

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether it has ended."""

    @abstractmethod
    def cancel(self) -> None:
        """Interrupt it where it waits: as asyncio does, or as Ctrl-C does to a thread."""

    @abstractmethod
    async def result(self) -> T_co:
        """Wait for it, and return or raise what it did."""


class Gate(Protocol):
    """Keeps whoever waits until it is opened."""

    async def wait(self) -> None:
        """Wait until it is open."""
        ...

    def open(self) -> None:
        """Let everybody through, from now on."""
        ...


def listens_to(*kinds: type[Event]) -> Callable[[ListenerT], ListenerT]:
    """Have a listener told of these events alone."""

    def choose(listener: ListenerT) -> ListenerT:
        vars(listener)["listens_to"] = kinds
        return listener

    return choose


class World(ABC):
    """What the two worlds have in common."""

    is_async: ClassVar[bool]
    cancellation: ClassVar[type[BaseException]]
    """What cancelled work raises."""
    patches: ClassVar[tuple[str, ...]]
    """The names under which the code sees the modules that are replaced by virtual ones."""

    def __init__(self) -> None:
        self.debug = True
        """Whether asyncio looks for mistakes, at some cost."""
        self._callers: list[Caller] = []
        self._wires: list[Wire] = []
        self.tasks: list[Task[object]] = []

    def tell(self, story: Coroutine[Any, Any, None]) -> None:
        """Run a story to its end, then look for what it may not leave behind."""
        with self.entered():
            self.run(self._with_an_end(story))

    @contextmanager
    def entered(self) -> Generator[None]:
        """Put virtual modules in the place of those that the code sees."""
        with ExitStack() as patches:
            for name in self.patches:
                patches.enter_context(patch(name, self.replacement(name)))
            yield

    async def _with_an_end(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            await story
            assert [task for task in self.tasks if not task.done] == [], "a task was left running"
            for caller in self._callers:
                stats = caller.stats()
                assert (stats.slots_in_use, stats.slots_waiting) == (0, 0), "a slot was lost"
        finally:
            for task in self.tasks:
                task.cancel()
                await self.outcome(task)
            for caller in self._callers:
                await caller.close()
            for _ in range(10):  # what a closed client ends may take a few turns
                await self.sleep(0)
            assert self.left_behind() == 0, "work of the client's own goes on"
            gc.collect()  # what was never awaited or retrieved complains now
        for wire in self._wires:
            assert wire.unclosed() == [], "an answer was dropped without being closed"

    def client(
        self,
        server: Server = 200,
        *,
        listeners: Iterable[Listener] = (),
        telemetry: Iterable[Any] = (),
        http_client: Any = None,
        **settings: Any,
    ) -> Caller:
        """Make a client of `server`, configured by `settings` and by what is given in code."""
        in_code = {name: settings.pop(name) for name in IN_CODE & settings.keys()}
        wire = self.wire(server)
        config = ClientConfig(**{"base_url": BASE_URL, **settings})
        kind = ResilientClient if self.is_async else SyncResilientClient
        raw = kind(
            config,
            transport=None if http_client else wire,
            http_client=http_client,
            listeners=listeners,
            telemetry=telemetry,
            **in_code,
        )
        return self.caller(raw, wire)

    def caller(self, raw: ResilientClient | SyncResilientClient, wire: Wire) -> Caller:
        """Make the calls of a client awaitable."""
        caller = Caller(self, raw, wire)
        self._callers.append(caller)
        return caller

    def wire(self, server: Server = 200) -> Wire:
        """Make a transport to a server."""
        wire = Wire(self, server)
        self._wires.append(wire)
        return wire

    async def gather(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run works side by side; return what each returned or raised."""
        tasks = [self.start(work) for work in works]
        return [await self.outcome(task) for task in tasks]

    async def outcome(self, task: Task[object]) -> Any:
        """Wait for a task; return what it returned or raised."""
        try:
            return await task.result()
        except (Exception, self.cancellation) as error:  # noqa: BLE001 - the test looks at it
            return error

    def wall_clock(self) -> float:
        """Return the virtual seconds since the epoch."""
        return WALL_BEGINNING + self.now() - BEGINNING

    def http_date(self, seconds: float) -> str:
        """Return the date that is some seconds from now, as HTTP writes it."""
        return formatdate(self.wall_clock() + seconds, usegmt=True)

    @abstractmethod
    def left_behind(self) -> int:
        """Return how much of the client's own work goes on beside its callers."""

    @abstractmethod
    def replacement(self, name: str) -> object:
        """Return what stands in for a module."""

    @abstractmethod
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, on virtual time. May be called again within `entered`."""

    @abstractmethod
    def now(self) -> float:
        """Return the virtual seconds of the monotonic clock."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Let time pass; what else is ready runs first."""

    @abstractmethod
    def stall(self, seconds: float) -> None:
        """Let time pass in which nothing runs, as on a machine that is too busy."""

    @abstractmethod
    async def silence(self, request: httpx.Request, seconds: float) -> None:
        """Let a server stay silent; raise `httpx.ReadTimeout` where the client loses patience."""

    @abstractmethod
    def start(self, work: Coroutine[Any, Any, T]) -> Task[T]:
        """Begin some work beside the story; it runs once the story waits."""

    @abstractmethod
    def gate(self) -> Gate:
        """Make a gate, closed."""

    @abstractmethod
    def patch_request(self) -> AbstractContextManager[Mock]:
        """Replace the `request` method of the httpx client, as a user's test would."""

    @abstractmethod
    def close_now(self, close: Callable[[], Any]) -> None:
        """Call what closes a client, and does not suspend, from where nothing can be awaited."""

    @property
    @abstractmethod
    def httpx_client(self) -> type[Any]:
        """The httpx client class underneath."""


class Caller:
    """A client of either kind; every call of it is awaited."""

    def __init__(self, world: World, raw: Any, wire: Wire) -> None:
        self.world = world
        self.raw = raw
        self.wire = wire

    async def request(self, method: str, url: Any = "/", **options: Any) -> httpx.Response:
        """Send a request."""
        response: httpx.Response = await self._awaited(self.raw.request, method, url, **options)
        return response

    async def get(self, url: Any = "/", **options: Any) -> httpx.Response:
        """Send a GET request."""
        response: httpx.Response = await self._awaited(self.raw.get, url, **options)
        return response

    async def post(self, url: Any = "/", **options: Any) -> httpx.Response:
        """Send a POST request."""
        response: httpx.Response = await self._awaited(self.raw.post, url, **options)
        return response

    async def call(self, method: str, *args: Any, **options: Any) -> Any:
        """Call any method of the client."""
        return await self._awaited(getattr(self.raw, method), *args, **options)

    async def close(self) -> None:
        """Close the client."""
        await self._awaited(self.raw.close)

    def close_now(self) -> None:
        """Close the client from where nothing can be awaited, as from a listener."""
        self.world.close_now(self.raw.close)

    async def initialize(self) -> Any:
        """Call the method behind a lifetime held by hand."""
        return await self._awaited(self.raw._ensure_initialized)

    @asynccontextmanager
    async def stream(
        self, method: str = "GET", url: Any = "/", **options: Any
    ) -> AsyncGenerator[httpx.Response]:
        """Send a request and yield the answer before its body was read."""
        if self.world.is_async:
            async with self.raw.stream(method, url, **options) as response:
                yield response
        else:
            with self.raw.stream(method, url, **options) as response:
                yield response

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[Any]:
        """Enter the client's own `with` statement."""
        if self.world.is_async:
            async with self.raw as entered:
                yield entered
        else:
            with self.raw as entered:
                yield entered

    async def streamed(self, *args: Any, **options: Any) -> list[Any]:
        """Stream an answer and return its pieces."""
        async with self.stream(*args, **options) as response:
            return [chunk async for chunk in self.chunks(response)]

    async def read(self, response: httpx.Response) -> bytes:
        """Read the body of a streamed answer."""
        return await response.aread() if self.world.is_async else response.read()

    async def chunks(
        self, response: httpx.Response, how: str = "bytes", *size: int
    ) -> AsyncGenerator[Any]:
        """Iterate over the body of a streamed answer, by the method `iter_<how>`."""
        if self.world.is_async:
            async for chunk in getattr(response, f"aiter_{how}")(*size):
                yield chunk
        else:
            for chunk in getattr(response, f"iter_{how}")(*size):
                yield chunk

    def stats(self) -> ClientStats:
        """Return the client's snapshot."""
        stats: ClientStats = self.raw.stats()
        return stats

    @property
    def circuit_state(self) -> CircuitState | None:
        """The state of the client's circuit."""
        state: CircuitState | None = self.raw.circuit_state
        return state

    async def _awaited(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        made = method(*args, **options)
        return await made if self.world.is_async else made

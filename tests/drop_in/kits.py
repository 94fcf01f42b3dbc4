"""Four kits, so that a behaviour is written once: httpx and httpx2, each blocking and async.

A test is an `async def` that takes a `Kit`. For the async clients it runs on an event loop; for
the blocking ones every `await` in it blocks and none suspends, so the very same lines serve both.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

import pytest

from client.engine.errors import CallErrors
from client.ports.asyncio_ports import AsyncioPorts
from client.ports.blocking_ports import BlockingPorts
from client.runtime.coroutines import run_to_end
from client.runtime.event_loop import runs_asyncio
from tests.drop_in.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine

    from client.runtime.coroutines import Pausing, Waking
    from tests.drop_in.wire import Answer

URL: Final = "http://server.test/"
WALL_CLOCK: Final = 1_800_000_000.0
"""What the virtual wall clock shows at first, in seconds since the epoch."""
AWAITED: Final = frozenset(
    {"delete", "get", "head", "options", "patch", "post", "put", "query", "request", "send"}
)


class Clock:
    """Virtual time, and every wait there was."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waits: list[float] = []


class VirtualPorts:
    """The ports of an engine on virtual time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Return the virtual seconds."""
        return self._clock.now

    def wall_clock(self) -> float:
        """Return the virtual seconds since the epoch."""
        return WALL_CLOCK

    async def sleep(self, seconds: float, waking: Waking = nullcontext) -> None:
        """Let time pass."""
        self._clock.waits.append(seconds)
        self._clock.now += seconds

    async def within(self, seconds: float, work: Callable[[], Awaitable[Any]]) -> Any:
        """Do some work, and end as a timeout does where it took too long."""
        end = self._clock.now + seconds
        done = await work()
        if self._clock.now >= end:
            raise TimeoutError
        return done

    async def within_own_time(
        self, seconds: float, work: Callable[[Pausing], Awaitable[Any]]
    ) -> Any:
        """Do some work, and end as a timeout does where it took too long."""
        return await self.within(seconds, lambda: work(nullcontext))

    def moved(self) -> bool:
        """Tell that this is the only place."""
        return False

    def wake_sleepers(self) -> None:
        """Do nothing: nobody sleeps."""

    def signal(self) -> Any:
        """Make a real signal: who waits for others does so on real time."""
        return _real_ports().signal()

    def task(self) -> Any:
        """Make a real task, or a thread."""
        return _real_ports().task()


def _real_ports() -> Any:
    return AsyncioPorts() if runs_asyncio() else BlockingPorts()


class Face:
    """A client of either kind; every call of it is awaited."""

    def __init__(self, kit: Kit, real: Any) -> None:
        self.kit = kit
        self.real = real

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.real, name)
        return self.kit.awaited(attribute) if name in AWAITED else attribute

    @asynccontextmanager
    async def stream(
        self, method: str = "GET", url: Any = URL, **options: Any
    ) -> AsyncGenerator[Any]:
        """Send a request and yield the answer unread."""
        if self.kit.is_async:
            async with self.real.stream(method, url, **options) as response:
                yield response
        else:
            with self.real.stream(method, url, **options) as response:
                yield response

    async def close(self) -> None:
        """Close the client."""
        await self.kit.awaited(self.real.aclose if self.kit.is_async else self.real.close)()

    async def __aenter__(self) -> Any:
        enter = self.real.__aenter__ if self.kit.is_async else self.real.__enter__
        return await self.kit.awaited(enter)()

    async def __aexit__(self, *raised: object) -> None:
        leave = self.real.__aexit__ if self.kit.is_async else self.real.__exit__
        await self.kit.awaited(leave)(*raised)


class Kit:
    """One family in one world.

    Args:
        family: "httpx" or "httpx2".
        is_async: Whether its clients are the async ones.
    """

    def __init__(self, family: str, *, is_async: bool) -> None:
        self.family = family
        self.is_async = is_async
        self.module = import_module(family)
        self.ours = import_module(
            "client.faces.drop_in.httpx_clients" if family == "httpx" else "client.httpx2"
        )
        self.clock = Clock()
        self._faces: list[Face] = []

    @property
    def name(self) -> str:
        """The name of the client class."""
        return "AsyncClient" if self.is_async else "Client"

    @property
    def theirs_of(self) -> type[Any]:
        """The client class of httpx."""
        kind: type[Any] = getattr(self.module, self.name)
        return kind

    @property
    def ours_of(self) -> type[Any]:
        """The client class of this library."""
        kind: type[Any] = getattr(self.ours, self.name)
        return kind

    def tell(self, story: Coroutine[Any, Any, None]) -> None:
        """Run a test."""
        if not self.is_async:
            run_to_end(self._to_the_end(story))
            return
        complaints: list[dict[str, Any]] = []
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            loop.set_exception_handler(lambda _loop, context: complaints.append(context))
            runner.run(self._to_the_end(story))
        assert complaints == [], complaints

    def wire(self, *answers: Answer, **options: Any) -> Any:
        """Make a transport that answers request number n with answer number n."""
        return Wire(self.module, self.clock, *answers, **options)

    def client(self, *answers: Answer, **options: Any) -> Face:
        """Make a client of ours, on virtual time, of a server made of answers."""
        if answers:
            options["transport"] = self.wire(*answers)
        return self.on_virtual_time(self._quick(**options))

    def real_client(self, **options: Any) -> Face:
        """Make a client of ours, on real time, that does not wait between attempts."""
        return self.face(self._quick(**options))

    def on_virtual_time(self, real: Any) -> Face:
        """Give a client of ours this kit's clock; it is closed when the test is over."""
        engine = real._drop_in._engine
        ports: Any = VirtualPorts(self.clock)
        engine.ports = ports
        engine.errors = CallErrors(ports, engine.errors.rejections, real._drop_in.name)
        real._drop_in.control.isolations.clock = ports
        return self.face(real)

    def _quick(self, **options: Any) -> Any:
        # Certificates take long to load, and nothing here speaks TLS.
        quick = {"backoff_factor": 0, "verify": False}
        if "backoff_strategy" in options:
            del quick["backoff_factor"]
        return self.ours_of(**quick | options)

    def plain(self, *answers: Answer, **options: Any) -> Face:
        """Make a client of httpx."""
        if answers:
            options["transport"] = self.wire(*answers)
        return self.face(self.theirs_of(**{"verify": False} | options))

    def face(self, real: Any) -> Face:
        """Make the calls of a client awaitable; it is closed when the test is over."""
        self._faces.append(Face(self, real))
        return self._faces[-1]

    def request(self, method: str = "GET", url: Any = URL, **options: Any) -> Any:
        """Build a request without a client."""
        return self.module.Request(method, url, **options)

    def error(self, name: str) -> Any:
        """Return an exception class of the family."""
        return getattr(self.module, name)

    def awaited(self, function: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Make a function of either kind one to await."""

        async def call(*args: Any, **options: Any) -> Any:
            made = function(*args, **options)
            return await made if self.is_async else made

        return call

    def awaited_if_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Make of a plain function one of the kind that clients of this world call back."""

        async def call(*args: Any, **options: Any) -> Any:
            return function(*args, **options)

        return call if self.is_async else function

    async def read(self, response: Any) -> bytes:
        """Read the body of a streamed answer."""
        body: bytes = await self.awaited(response.aread if self.is_async else response.read)()
        return body

    async def chunks(self, response: Any) -> AsyncGenerator[bytes]:
        """Read the body of a streamed answer bit by bit."""
        if self.is_async:
            async for chunk in response.aiter_bytes():
                yield chunk
        else:
            for chunk in response.iter_bytes():
                yield chunk

    def body(self, *chunks: bytes) -> Any:
        """Return a body that can be read once, of the kind this world sends."""
        return _later(chunks) if self.is_async else (chunk for chunk in chunks)

    async def outcome(self, call: Coroutine[Any, Any, Any]) -> Any:
        """Return what a call returns or raises."""
        try:
            return await call
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error

    async def _to_the_end(self, story: Coroutine[Any, Any, None]) -> None:
        try:
            await story
        finally:
            for face in self._faces:
                await face.close()


async def _later(chunks: tuple[bytes, ...]) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


KITS: Final = {
    "httpx-blocking": ("httpx", False),
    "httpx-async": ("httpx", True),
    "httpx2-blocking": ("httpx2", False),
    "httpx2-async": ("httpx2", True),
}
ON_EACH_KIT: Final = pytest.mark.parametrize("kit", KITS, indirect=True)
"""For tests of what a family's classes of one world are, have or are put on.

Other tests run on two: what they test is written once for both families and once for both worlds.
"""

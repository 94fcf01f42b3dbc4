"""The async world: a real event loop, except that it jumps through time instead of sleeping."""

from __future__ import annotations

import asyncio
import selectors
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar
from unittest.mock import AsyncMock, patch

import httpx

from client.ports import asyncio_tasks
from tests.behaviour.wire import drive
from tests.behaviour.world import BEGINNING, T, Task, World

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Generator
    from contextlib import AbstractContextManager


class JumpingSelector(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, it moves the clock instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = BEGINNING

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once, having moved the clock by the time there was to wait."""
        assert timeout is not None, "deadlock: everybody waits, and for nothing that could come"
        self.now += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop with a clock of its own."""

    def __init__(self) -> None:
        self.clock = JumpingSelector()
        self.complaints: list[dict[str, Any]] = []
        super().__init__(self.clock)
        self._clock_resolution = 1e-6  # after a year, a float of seconds is no finer
        self.set_exception_handler(lambda _loop, context: self.complaints.append(context))

    def time(self) -> float:
        """Return the virtual seconds."""
        return self.clock.now


class AsyncTask(Task[T]):
    """An `asyncio.Task`."""

    def __init__(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self._task.done()

    def cancel(self) -> None:
        """Cancel it, as asyncio does."""
        self._task.cancel()

    async def result(self) -> T:
        """Wait for it, and return or raise what it did."""
        return await self._task


class AsyncGate:
    """A gate for tasks."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Wait until it is open."""
        await self._event.wait()

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._event.set()


class AsyncioWorld(World):
    """`ResilientClient` on a loop in debug mode, whose complaints fail the test."""

    is_async = True
    cancellation = asyncio.CancelledError
    patches: ClassVar = ("client.ports.asyncio_ports.time",)

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None
        self._runner: asyncio.Runner | None = None

    def left_behind(self) -> int:
        """Return how many tasks of the client's own there are."""
        return len(asyncio_tasks._under_way)

    def replacement(self, name: str) -> object:
        """Return a wall clock that keeps pace with the loop."""
        return SimpleNamespace(time=self.wall_clock)

    @contextmanager
    def entered(self) -> Generator[None]:
        """Have a loop."""
        # In debug mode asyncio notes where each task was made: one line of it is enough.
        making = asyncio.Runner(debug=self.debug, loop_factory=VirtualLoop)
        shallow = patch("asyncio.constants.DEBUG_STACK_DEPTH", 1)
        with super().entered(), shallow, making as runner:
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
            self._runner, self.loop = runner, loop
            yield
        assert loop.complaints == []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine as the main task of the loop."""
        assert self._runner is not None
        return self._runner.run(work)

    def now(self) -> float:
        """Return the virtual seconds of the loop."""
        return BEGINNING if self.loop is None else self.loop.time()

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await asyncio.sleep(seconds)  # virtual ones: the loop's clock leaps

    def stall(self, seconds: float) -> None:
        """Move the clock of the loop."""
        assert self.loop is not None
        self.loop.clock.now += seconds

    async def silence(self, request: httpx.Request, seconds: float) -> None:
        """Stay silent until the read timeout."""
        patience = request.extensions["timeout"]["read"]
        if patience is None or seconds < patience:
            await self.sleep(seconds)
            return
        await self.sleep(patience)
        raise httpx.ReadTimeout("", request=request)

    def start(self, work: Coroutine[Any, Any, T]) -> AsyncTask[T]:
        """Begin a task."""
        task = AsyncTask(work)
        self.tasks.append(task)
        return task

    def gate(self) -> AsyncGate:
        """Make a gate, closed."""
        return AsyncGate()

    def patch_request(self) -> AbstractContextManager[AsyncMock]:
        """Replace `httpx.AsyncClient.request`."""
        return patch("httpx.AsyncClient.request", new_callable=AsyncMock)

    def close_now(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run the coroutine to its end."""
        drive(close())

    @property
    def httpx_client(self) -> type[httpx.AsyncClient]:
        """The async one."""
        return httpx.AsyncClient

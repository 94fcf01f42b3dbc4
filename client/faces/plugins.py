"""Plugins: what they bring to a client, and how they live as long as it does.

They are started in order, by whoever uses the client first, and closed in reverse with it. Who
comes meanwhile waits. A start that was cancelled is made up for by the next call.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from ..config.checks import to_tuple
from ..engine.layer import Failure, Outer
from ..runtime.forking import tell_in_child
from ..runtime.seconds import MAX_SECONDS
from ..strategies.middleware.handlers import check_colour, name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from ..engine.deadline import Deadline
    from ..engine.layer import Exchange, Inner
    from ..engine.operation import Call
    from ..engine.ports import Ports, World
    from ..http.shapes import Response

__all__ = ["Plugins", "Started"]

_BRINGS: Final = ("middleware", "attempt_middleware", "listeners", "telemetry")
_LASTS: Final = {"start": (1, "(client)"), "close": (0, "()")}
"""What it may have to be called, with how many arguments, and how they are written."""
_CLOSE_SECONDS: Final = 5.0
_starting: Final[ContextVar[object]] = ContextVar("starting", default=None)
"""The plugins that this task, or thread, is starting: what they call meanwhile goes on."""


class Plugins:
    """The plugins of one client.

    Args:
        given: What was given as `plugins=`.
        world: The async or the blocking one.
        warn: Logs a warning about the client.

    Raises:
        TypeError: Something is no plugin, or only one for clients of the other world.

    Attributes:
        middleware: What they bring, in their order; likewise the three that follow.
        attempt_middleware: Around attempts.
        listeners: For events.
        telemetry: For metrics and traces.
        are_lasting: Whether any of them wants to be started or closed.
    """

    def __init__(
        self, given: Iterable[object], world: World, warn: Callable[[str], object]
    ) -> None:
        plugins = to_tuple("plugins", given)
        for plugin in plugins:
            _check(plugin, is_async=world.is_async)
        brought: dict[str, tuple[Any, ...]] = {
            name: tuple(each for plugin in plugins for each in _brought_by(plugin, name))
            for name in _BRINGS
        }
        self.middleware: tuple[Any, ...] = brought["middleware"]
        self.attempt_middleware: tuple[Any, ...] = brought["attempt_middleware"]
        self.listeners: tuple[Any, ...] = brought["listeners"]
        self.telemetry: tuple[Any, ...] = brought["telemetry"]
        self._lasting = [each for each in plugins if any(hasattr(each, name) for name in _LASTS)]
        self.are_lasting: bool = bool(self._lasting)
        self._awaitable = world.awaitable
        self._warn = warn
        self._owner: Callable[[], Any] = _nobody
        self._started: list[object] = []
        self._to_close: list[object] = []
        self._is_ready = False
        self._is_over = False
        self._stops = 0
        """How often they were stopped: a transport may be used again after that."""
        self._starters: dict[None, object] = {}
        """Who is starting them: one at most, who came first."""
        self._waiting: set[Callable[[], object]] = set()
        if self.are_lasting:
            tell_in_child(self)

    def belong_to(self, client: object) -> None:
        """Remember, without keeping it alive, the client that they are handed."""
        self._owner = ref(client)

    def begin_anew(self) -> None:
        """Forget that they were started: in a parent process, or an event loop that has ended."""
        self._started.clear()
        self._starters.clear()
        self._waiting.clear()
        self._is_ready = False

    async def start(self, ports: Ports, deadline: Deadline | None = None) -> bool:
        """Start those that are not, or wait until somebody has; False where the client was closed.

        Raises:
            TimeoutError: The deadline has passed meanwhile.
            Exception: One could not be started; the client is closed by then.
        """
        stops, mine = self._stops, object()
        while not self._is_ready and not self._is_over and _starting.get() is not self:
            try:
                if self._starters.setdefault(None, mine) is mine:
                    await self._start_each()
                else:
                    await self._wait(ports, deadline)
            finally:
                if self._starters.get(None) is mine:
                    del self._starters[None]
                    self._wake()
            if self._stops != stops:
                return False
        return True

    def stop(self, *, for_good: bool) -> None:
        """Let nobody start them, or wait for that, any more; `close` must follow."""
        self._stops += 1
        self._is_ready, self._is_over = False, for_good
        self._to_close, self._started = [*self._to_close, *self._started], []
        self._wake()

    async def close(self, ports: Ports) -> None:
        """Close those that were started before they were stopped, in reverse.

        Raises:
            Exception: What one of them raised, when all are closed.
        """
        while self._to_close:
            plugin = self._to_close.pop()
            try:
                await ports.within(_CLOSE_SECONDS, partial(self._close_one, plugin))
            except TimeoutError:
                self._warn(f"closing the plugin {name_of(plugin)} took too long")
            except BaseException:
                await self.close(ports)
                raise

    async def _start_each(self) -> None:
        client, stops, outer = self._owner(), self._stops, _starting.get()
        _starting.set(self)
        try:
            for plugin in self._lasting[len(self._started) :]:
                if (start := getattr(plugin, "start", None)) is not None:
                    await self._awaitable(start)(client)
                if self._stops != stops:  # meanwhile: it was not among those then
                    await self._close_one(plugin)
                    return
                self._started.append(plugin)
        except Exception as error:
            _starting.set(outer)
            await self._stop_client(client, error)
            raise
        finally:
            _starting.set(outer)
        self._is_ready = True

    async def _stop_client(self, client: Any, error: Exception) -> None:
        """Close the client of a plugin that could not be started."""
        close = getattr(client, "aclose", None) or client.close
        try:
            await self._awaitable(close)()
        except Exception as another:  # noqa: BLE001 - the first is told to the caller
            error.add_note(f"closing the client failed too: {type(another).__name__}")

    async def _wait(self, ports: Ports, deadline: Deadline | None) -> None:
        left = MAX_SECONDS if deadline is None else deadline.left(ports.now())
        await ports.sleep(left, self._waking)
        if deadline is not None and deadline.passed(ports.now()):
            raise TimeoutError

    @contextmanager
    def _waking(self, wake: Callable[[], object]) -> Generator[None]:
        self._waiting.add(wake)
        try:
            if not self._starters:
                wake()
            yield
        finally:
            self._waiting.discard(wake)

    def _wake(self) -> None:
        for wake in list(self._waiting):
            wake()

    async def _close_one(self, plugin: object) -> None:
        if (close := getattr(plugin, "close", None)) is not None:
            await self._awaitable(close)()


class Started(Outer):
    """The layer before all others where plugins want to be started: the first call does that."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins

    async def run(self, inner: Inner, call: Call, exchange: Exchange) -> Response | Failure:
        """Start the plugins, in the time of the call, and go on."""
        deadline, host, start = call.deadline, call.host, self._plugins.start
        if deadline is None:
            is_open = await start(host.ports)
        else:
            left = deadline.left(host.ports.now())
            try:
                is_open = await host.ports.within(left, lambda: start(host.ports, deadline))
            except TimeoutError:
                if deadline.passed(host.ports.now()):
                    return Failure(host.errors.late(call))
                raise
        return await inner(call, exchange) if is_open else Failure(host.errors.closed(call))


def _nobody() -> None:
    """Stand in for the client of plugins that were never told of one."""


def _check(plugin: object, *, is_async: bool) -> None:
    what = f"plugins has {name_of(plugin)}"
    if isinstance(plugin, type):
        raise TypeError(f"{what}, a class: give an instance of it")
    if not any(hasattr(plugin, name) for name in (*_BRINGS, *_LASTS)):
        names = ", ".join((*_BRINGS, *_LASTS))
        raise TypeError(f"{what}, which has none of {names}: give an object with any of them")
    for name, (arguments, signature) in _LASTS.items():
        if hasattr(plugin, name):
            method: object = getattr(plugin, name)
            check_colour(f"{what}, whose {name}", method, arguments, signature, is_async=is_async)


def _brought_by(plugin: object, name: str) -> tuple[Any, ...]:
    return to_tuple(f"{name} of the plugin {name_of(plugin)}", getattr(plugin, name, ()))

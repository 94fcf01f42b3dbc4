"""What differs between the async and the blocking world, as the engine and the faces see it.

The engine is one `async def`. The blocking ports block inside these methods and never suspend,
so that `run_to_end` can drive the very same coroutine in a single step.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator

    from ..http.family import Family
    from ..http.shapes import Request, Response
    from ..runtime.coroutines import Pausing, Waking

__all__ = ["Bell", "HttpPort", "Ports", "Signal", "Task", "World", "wait_for"]

T = TypeVar("T")


class Bell(Protocol):
    """What wakes one waiter: a coroutine in its loop, or a thread."""

    def ring(self) -> None:
        """Wake whoever waits, or whoever waits next; from any thread."""
        ...

    async def wait(self, seconds: float, waking: Waking = ...) -> None:
        """Wait until it is rung, but not longer than so many seconds.

        Args:
            seconds: How long.
            waking: Given, for the time of the wait, what ends it from any thread.
        """
        ...


class Signal(Protocol):
    """Wakes one task, or thread, that waits for others."""

    def give(self) -> None:
        """Wake whoever waits, or who waits next; until then it is given but once."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait until it is given, or until so many seconds have passed."""
        ...


class Task(Protocol):
    """Work that is done beside whoever starts it: a task, or a thread."""

    def start(
        self,
        work: Callable[[], Coroutine[object, None, None]],
        ended: Callable[[], object],
        *,
        is_apart: bool = False,
        is_bounded: bool = True,
    ) -> None:
        """Begin the work, in a copy of the context.

        Args:
            work: Never raises.
            ended: Called once, when the work is over, however it ended or if it never began.
            is_apart: Whether it is nobody's in particular: its context is empty, no deadline
                bounds it, and it is left undone where there is no thread to be had.
            is_bounded: Whether it must end at the deadline of the thread that starts it.
        """
        ...

    def cancel(self) -> None:
        """End the work; once it is over, or a second time, this does nothing.

        A thread ends where it next waits, for its turn or for a connection of ours.
        """
        ...

    def cancel_in(self, seconds: float) -> None:
        """End it after so many seconds, unless it is over by then."""
        ...


class HttpPort(Protocol):
    """An httpx client of either kind, its calls made awaitable."""

    client: Any

    async def request(self, method: str, url: object, **options: object) -> Response:
        """Send a request and read the answer."""
        ...

    async def send(self, request: Request, **options: object) -> Response:
        """Send a built request and read the answer."""
        ...

    async def open(self, request: Request, **options: object) -> Response:
        """Send a built request and return once the head of the answer is there."""
        ...

    async def read(self, response: Response) -> None:
        """Read the body of an open answer."""
        ...

    async def close_response(self, response: Response) -> None:
        """Close an answer, whether it was read or not."""
        ...

    def hang_up(self) -> None:
        """End the exchanges that are under way, as far as they are within reach."""
        ...

    async def close(self) -> None:
        """Close the client and its connections."""
        ...


class Ports(Protocol):
    """Everything else the engine needs of the world it runs in."""

    def moved(self) -> bool:
        """Return whether this is another event loop than at the last call, which has ended.

        Raises:
            ClientClosedError: That one is at work yet.
        """
        ...

    def now(self) -> float:
        """Return the time on a monotonic clock, in seconds."""
        ...

    def wall_clock(self) -> float:
        """Return the seconds since the epoch, for dates that servers send."""
        ...

    def bell(self) -> Bell:
        """Make what the one who asks for it will wait at."""
        ...

    async def sleep(self, seconds: float, waking: Waking = ...) -> None:
        """Wait; return early where the client is closed meanwhile, or somebody wakes.

        Args:
            seconds: How long.
            waking: Given, for the time of the wait, what ends it from any thread.
        """
        ...

    async def within(self, seconds: float, work: Callable[[], Awaitable[T]]) -> T:
        """Do some work, or raise `TimeoutError` once `seconds` have passed."""
        ...

    def at_home(self, work: Callable[[], object]) -> None:
        """Do some work where calls are made, in the event loop if there is one, from any thread."""
        ...

    async def within_own_time(self, seconds: float, work: Callable[[Pausing], Awaitable[T]]) -> T:
        """Do some work, or raise `TimeoutError` once `seconds` have passed.

        Args:
            seconds: How long.
            work: Is handed what makes a block within which it is not ended: what is done there
                knows when to end.
        """
        ...

    def wake_sleepers(self) -> None:
        """End every `sleep` now, and every later one at once."""
        ...

    def signal(self) -> Signal:
        """Make a signal for whoever calls this."""
        ...

    def task(self) -> Task:
        """Make a task that has not begun."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One of the two worlds: makes its ports, and prepares the httpx clients built for it."""

    is_async: bool
    make_ports: Callable[[], Ports]
    make_http: Callable[[Any], HttpPort]
    adopt: Callable[[Any, Family], None]
    awaitable: Callable[[Callable[..., Any]], Callable[..., Awaitable[Any]]]
    pause: Callable[[], Coroutine[object, None, None]]
    """Lets others run in the middle of long work, or raises `TimeoutError` at the deadline."""


async def wait_for(ports: Ports, seconds: float, waking: Waking) -> bool:
    """Wait for so long, or until somebody wakes.

    Returns:
        False where it was cut short and nobody has said why: waits do not last here, because a test
        has switched them off, or the client is closed. Whoever waits again would do so for ever.
    """
    began, is_woken = ports.now(), False

    @contextmanager
    def listening(wake: Callable[[], object]) -> Generator[None]:
        def ring() -> None:
            nonlocal is_woken
            is_woken = True
            wake()

        with waking(ring):
            yield

    await ports.sleep(seconds, listening)
    return is_woken or ports.now() - began >= seconds / 2

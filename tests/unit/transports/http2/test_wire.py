"""How calls share the reading and writing of a connection, with I/O that a test plays by hand."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from client.transports.http2.asyncio_face import _Bell
from client.transports.http2.headers import Outgoing
from client.transports.http2.protocol import Protocol
from client.transports.http2.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

HEAD = [(b":method", b"GET"), (b":authority", b"x"), (b":scheme", b"https"), (b":path", b"/")]
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
PING = b"\0\0\x08\6\0\0\0\0\0" + b"12345678"


class Wiring:
    """I/O that comes from lists."""

    start: Callable[[Callable[[], Coroutine[Any, Any, None]]], None] | None = None

    def __init__(self) -> None:
        self.lock: Any = nullcontext()
        self.incoming: asyncio.Queue[bytes | BaseException] = asyncio.Queue()
        self.readers = 0
        self.takes: list[int] = []
        """How many bytes each write takes; then it takes all."""
        self.written = b""
        self.error: BaseException | None = None
        self.is_waiting = True

    def make_bell(self) -> _Bell:
        """Make something to wait for."""
        return _Bell()

    def ends_at(self, seconds: float | None, expired: type[Exception]) -> float | None:
        """Never, or at once."""
        assert issubclass(expired, TimeoutError)
        return seconds

    async def receive(self, seconds: float | None) -> bytes | None:
        """Return what a test has put in."""
        self.readers += 1
        try:
            with anyio.move_on_after(seconds):
                found = await self.incoming.get()
                if isinstance(found, BaseException):
                    raise found
                return found
        finally:
            self.readers -= 1
        return None

    async def send(self, data: bytes, seconds: float | None) -> int:
        """Take some bytes."""
        assert seconds is None or seconds >= 0.0
        if self.error is not None:
            raise self.error
        size = self.takes.pop(0) if self.takes else len(data)
        self.written += data[:size]
        return size

    def was_waiting(self) -> bool:
        """Whether an interrupt came at a good time."""
        return self.is_waiting


class Parts:
    """A wire, and what is on both sides of it."""

    def __init__(self) -> None:
        self.wiring = Wiring()
        self.protocol = Protocol()
        self.wire = Wire(self.protocol, self.wiring)


async def ticks(count: int = 10) -> None:
    """Let other tasks go on."""
    for _ in range(count):
        await asyncio.sleep(0)


def tell(story: Callable[[Parts], Coroutine[Any, Any, None]]) -> None:
    """Run a story on a loop of its own."""

    async def told() -> None:
        await story(Parts())

    asyncio.run(told())


def test_one_reads_for_all_and_another_takes_over() -> None:
    """Where the one that reads is cancelled, and where the one that should follow it is."""

    async def story(parts: Parts) -> None:
        said: list[bool] = []
        tasks = [
            asyncio.create_task(parts.wire.until(lambda: said, None, TimeoutError))
            for _ in range(4)
        ]
        await ticks()
        assert parts.wiring.readers == 1
        tasks[0].cancel()
        tasks[1].cancel()
        await ticks()
        assert [task.cancelled() for task in tasks] == [True, True, False, False]
        assert parts.wiring.readers == 1
        said.append(True)
        parts.wiring.incoming.put_nowait(SETTINGS)
        await asyncio.gather(*tasks[2:])
        assert parts.protocol.limit is not None

    tell(story)


def test_a_write_goes_on_where_it_stopped() -> None:
    """Whoever goes on with it; what no call has time for is left to the next."""

    async def story(parts: Parts) -> None:
        expected = Protocol().output()
        parts.wiring.takes = [3, 0]
        with pytest.raises(TimeoutError):
            await parts.wire.flush(0.0, TimeoutError)
        assert parts.wiring.written == expected[:3]
        assert not parts.wire.is_stuck  # not for long enough
        parts.wiring.takes = [0]
        await parts.wire.flush_some()
        assert parts.wiring.written == expected[:3]
        await parts.wire.flush(None, TimeoutError)
        assert parts.wiring.written == expected

    tell(story)


def test_a_broken_write_is_left_to_the_reader() -> None:
    """An answer that came before it is still an answer; nothing new is sent."""

    async def story(parts: Parts) -> None:
        parts.wiring.error = BrokenPipeError()
        await parts.wire.flush(None, TimeoutError)
        assert parts.wire.is_stuck
        parts.wiring.error = None
        await parts.wire.flush(None, TimeoutError)
        assert parts.wiring.written == b""
        parts.wiring.incoming.put_nowait(SETTINGS)
        await parts.wire.until(lambda: parts.protocol.limit, None, TimeoutError)

    tell(story)


def test_nothing_is_read_before_the_answers_are_sent() -> None:
    """A flood of PINGs meets the patience of whoever reads, and no memory."""

    async def story(parts: Parts) -> None:
        await parts.wire.flush(None, TimeoutError)
        parts.wiring.incoming.put_nowait(SETTINGS)
        for _ in range(40):
            parts.wiring.incoming.put_nowait(PING * 1000)
        parts.wiring.takes = [0] * 1000
        with pytest.raises(TimeoutError):
            await parts.wire.until(parts.wiring.incoming.empty, 0.0, TimeoutError)
        for _ in range(40):
            with pytest.raises(TimeoutError):
                await parts.wire.until(lambda: False, 0.0, TimeoutError)
        left = parts.wiring.incoming.qsize()
        assert 0 < left < 30
        parts.wiring.takes = []
        await parts.wire.until(parts.wiring.incoming.empty, None, TimeoutError)
        assert parts.wiring.written.count(b"12345678") == 40_000

    tell(story)


def test_a_read_that_fails_ends_the_connection() -> None:
    """For all that wait."""

    async def story(parts: Parts) -> None:
        head = Outgoing(HEAD, has_body=False, length=None)
        stream = parts.protocol.begin(head, is_to_head=False)
        parts.wiring.incoming.put_nowait(ConnectionResetError())
        await parts.wire.until(lambda: stream.failure, None, TimeoutError)
        assert stream.failure is not None
        assert stream.failure.kind == "ReadError"

    tell(story)


def test_looking_what_is_there_waits_for_nothing() -> None:
    """Neither for what does not come, nor for another that reads."""

    async def story(parts: Parts) -> None:
        await parts.wire.read_what_is_there()
        parts.wiring.incoming.put_nowait(SETTINGS)
        await parts.wire.read_what_is_there()
        assert parts.protocol.limit is not None

    tell(story)


class Interrupt(BaseException):
    """Ctrl-C, which asyncio would take for itself."""


@pytest.mark.parametrize("is_waiting", [True, False])
@pytest.mark.parametrize("in_reading", [True, False])
def test_an_interrupt_breaks_what_it_may_have_torn(*, in_reading: bool, is_waiting: bool) -> None:
    """And nothing else: whoever only waited has lost no byte."""

    async def story(parts: Parts) -> None:
        parts.wiring.is_waiting = is_waiting
        if in_reading:
            parts.wiring.incoming.put_nowait(Interrupt())
            work = parts.wire.until(lambda: False, None, TimeoutError)
        else:
            parts.wiring.error = Interrupt()
            work = parts.wire.flush(None, TimeoutError)
        with pytest.raises(Interrupt):
            await work
        assert (parts.protocol.failure is None) is is_waiting
        assert parts.wire.is_stuck is (not in_reading and not is_waiting)

    tell(story)

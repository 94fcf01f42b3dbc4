"""One connection of the fast transport: bytes go out, one answer at a time comes in.

Rule 1: what fails is named by the phase it fails in, with the class httpx has for it.
Rule 2: nothing that came when no answer was due is ever part of an answer.
Rule 3: only a connection whose answer has come whole, and nothing besides, serves again.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any

from .answer import AnswerReader

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import ModuleType

    from .shapes import Message, ReadHead

__all__ = ["Wire"]


class Wire(AnswerReader, asyncio.Protocol):
    """A connection.

    Args:
        loop: The one it lives in.
        errors: The httpx module whose exceptions are raised.
        on_end: Told when it can no longer be used.
        read_head: See `parts.read_head`.
    """

    __slots__ = (
        "_below",
        "_deadline",
        "_errors",
        "_failure",
        "_flushed",
        "_has_ended",
        "_on_end",
        "_patience",
        "_poll",
        "_timer",
        "_waiter",
        "idle_since",
        "is_pooled",
        "key",
        "lost",
        "made_at",
        "transport",
    )
    is_reusable: bool

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        errors: ModuleType,
        on_end: Callable[[Wire], None],
        read_head: ReadHead,
    ) -> None:
        super().__init__(loop, read_head)
        self.key: Hashable = None
        self.transport: Any = None
        self.is_pooled: bool = False
        """Whether it stands idle in its pool."""
        self.idle_since: float = 0.0
        self.made_at: float = loop.time()
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the socket is closed."""
        self._errors = errors
        self._on_end = on_end
        self._below: tuple[Any, ...] = ()
        """The transports under that of TLS, the socket's first."""
        self._failure: tuple[str, str, BaseException | None] | None = None
        self._has_ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._flushed: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._patience: float | None = None
        self._poll: Any = None

    # What a pool asks.

    def is_closed(self) -> bool:
        """Whether it was closed, by either side."""
        is_closing: bool = self.transport.is_closing()
        return self._has_ended or is_closing

    def is_fresh(self) -> bool:
        """Whether the next request may go over it: the server has sent nothing since the answer."""
        if not self.is_reusable or self.is_closed():
            return False
        return self._poll is None or not self._poll.poll(0)

    def has_expired(self) -> bool:
        """Whether the server has closed it, or sent what nobody asked for."""
        return not self.is_fresh()

    def now(self) -> float:
        """Return the time of its loop, in seconds."""
        return self._loop.time()

    def has_spoken(self) -> bool:
        """Whether the server has sent anything that is not part of an answer, or closed it."""
        return self.has_begun() or self._failure is not None

    # What an exchange does.

    async def send(self, data: bytes, patience: float | None) -> bool:
        """Send bytes and wait until they have left; return whether the connection still stands.

        Raises:
            WriteTimeout: They have not left within `patience` seconds.
        """
        if not data:
            return True
        if patience is not None and patience <= 0:
            raise self._errors.WriteTimeout("there is no time to write")
        if self.is_closed():
            return False
        self.transport.write(data)
        if self._is_stuck():
            await self._flush(patience)
        return True

    async def head(self, patience: float | None) -> Message:
        """Wait for the head of the answer; `patience` is the longest silence, in seconds."""
        while self.message is None:
            await self._wait(patience)
        return self.message

    async def read(self, patience: float | None) -> bytes:
        """Return the next bytes of the body, b"" at its end."""
        while not self.has_piece():
            if self.is_idle():
                return b""
            await self._wait(patience)
        return self.take_piece()

    def drop(self) -> None:
        """Close it now, whatever is under way."""
        if not self._loop.is_closed():
            self.transport.abort()
        self._end("ReadError", "the connection was closed here")

    def drop_soon(self) -> None:
        """Close it from another thread; RuntimeError where the loop has ended."""
        self._loop.call_soon_threadsafe(self.drop)

    # What aiohttp's connector does.

    def close(self) -> None:
        """Do nothing: by this the connector lets go of it."""

    # What the event loop does.

    def begin_again(self, transport: asyncio.BaseTransport) -> None:
        """Continue over another transport: under TLS."""
        self._below = (*self._below, self.transport)
        self.connection_made(transport)
        self.start_over()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Set up the connection, which has just been made."""
        self.transport = transport
        # `pause_writing` is then called unless all has left. Under TLS a limit of 0 would pause
        # also where nothing waits, until something comes: there `_is_stuck` does it.
        self.transport.set_write_buffer_limits(high=1 if self._below else 0)
        if hasattr(select, "poll"):  # pragma: no branch - not on Windows
            self._poll = select.poll()
            self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Process what came."""
        self.take(data)
        if self._patience is not None:
            self._deadline = self._loop.time() + self._patience

    def eof_received(self) -> None:
        """End what is under way: nothing more comes, so no request would be answered."""
        self.take_end()
        self._end("RemoteProtocolError", self._what_is_missing())
        self.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way: the socket is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        name = "RemoteProtocolError" if exc is None else "ReadError"
        self._end(name, self._what_is_missing() if exc is None else str(exc), exc)
        self.resume_writing()
        self.lost.set_result(None)

    def pause_writing(self) -> None:
        """Remember that not all has left."""
        self._flushed = self._loop.create_future()

    def resume_writing(self) -> None:
        """Wake whoever waits until all has left: it has, or never will."""
        flushed, self._flushed = self._flushed, None
        if flushed is not None and not flushed.done():
            flushed.set_result(True)

    def _spoil(self) -> None:
        """Never use the connection again: something came that nobody had asked for."""
        self.is_reusable = False
        if self.is_pooled:
            self.drop()

    def _hold(self) -> None:
        self.transport.pause_reading()

    def _let_go_on(self) -> None:
        self.transport.resume_reading()

    # Failing.

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        """Close the connection: the server breaks the protocol."""
        self._end("RemoteProtocolError", text, cause)
        self.transport.abort()

    def _end(self, name: str, text: str, cause: BaseException | None = None) -> None:
        self._has_ended = True
        self.is_reusable = False
        if self._failure is None:
            self._failure = (name, text, cause)
            self._on_end(self)
        self._wake()

    def _what_is_missing(self) -> str:
        if self.message is None:
            return "Server disconnected without sending a response."
        return "the server closed the connection before the body was whole"

    # Waiting.

    def _is_stuck(self) -> bool:
        """Whether not all has left; `_flushed` is done when it is worth another look.

        TLS hands all it has to the socket's transport, and does not say when that is full.
        """
        if self._below and not self.is_closed():
            if not any(each.get_write_buffer_size() for each in (*self._below, self.transport)):
                return False
            for transport in (*self._below[1:], self.transport):
                # The first ends a pause where nothing waits in TLS itself. The second begins one,
                # which ends when the socket has taken all, or sooner.
                transport.set_write_buffer_limits(high=1)
                transport.set_write_buffer_limits(high=0)
        return self._flushed is not None

    async def _flush(self, patience: float | None) -> None:
        deadline = None if patience is None else self._loop.time() + patience
        while self._is_stuck() and self._flushed is not None:
            await self._until_flushed(self._flushed, deadline)
        if self._below and not self.is_closed():
            for transport in (*self._below[1:], self.transport):
                transport.set_write_buffer_limits(high=1)

    async def _until_flushed(self, flushed: asyncio.Future[bool], deadline: float | None) -> None:
        timer = None if deadline is None else self._loop.call_at(deadline, _give_up, flushed)
        try:
            has_left = await flushed
        finally:
            if timer is not None:
                timer.cancel()
        if not has_left:
            raise self._errors.WriteTimeout("the server does not read")

    async def _wait(self, patience: float | None) -> None:
        """Wait until something has come; raise where nothing more will."""
        if self._failure is not None:
            name, text, cause = self._failure
            raise getattr(self._errors, name)(text) from cause
        self._waiter = self._loop.create_future()
        self._patience = patience
        if patience is not None:
            self._arm(patience)
        try:
            await self._waiter
        finally:
            self._waiter = None
            self._patience = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _arm(self, patience: float) -> None:
        """Start the timer. It is left running after an answer: most come long before it rings."""
        self._deadline = self._loop.time() + patience
        timer = self._timer
        if timer is not None:
            if timer.when() <= self._deadline:
                return
            timer.cancel()
        self._timer = self._loop.call_at(self._deadline, self._ring)

    def _ring(self) -> None:
        timer, self._timer = self._timer, None
        if self._waiter is None:
            return
        if timer is not None and self._deadline > timer.when():
            self._timer = self._loop.call_at(self._deadline, self._ring)
            return
        self._end("ReadTimeout", "the server stays silent")
        self.transport.abort()


def _give_up(flushed: asyncio.Future[bool]) -> None:
    if not flushed.done():
        flushed.set_result(False)

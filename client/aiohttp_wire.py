"""One connection of the fast transport: bytes go out, one answer at a time comes in.

Rule 1: what fails is named by the phase it fails in, with the class httpx has for it.
Rule 2: nothing that came when no answer was due is ever part of an answer.
Rule 3: only a connection whose answer has come whole, and nothing besides, serves again.
"""

from __future__ import annotations

import asyncio
import select
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_HEAD_BYTES", "Wire"]

MOST_HEAD_BYTES: Final = 100 * 1024
"""The longest head of an answer, as in httpcore."""
_MOST_WAITING: Final = 256 * 1024
"""Bytes of a body that may wait for their reader before the server is made to wait."""
_INFORMATIONAL: Final = range(100, 200)
_SWITCHING: Final = 101
_SUCCESS: Final = range(200, 300)
_EMPTY: Final = frozenset({204, 304})

# What is due next.
_HEAD: Final = "head"
_SIZED: Final = "a number of bytes"
_CHUNKS: Final = "chunks"
_UNTIL_END: Final = "bytes until the server closes"
_NOTHING: Final = "nothing"


class Wire(asyncio.Protocol):
    """A connection.

    Args:
        loop: The one it lives in.
        errors: The httpx module whose exceptions are raised.
        on_end: Told when it can no longer be used.
        read_head: As in `aiohttp_parts`.
    """

    __slots__ = (
        "_arrived",
        "_below",
        "_chunks",
        "_deadline",
        "_due",
        "_errors",
        "_failure",
        "_flushed",
        "_has_ended",
        "_is_held",
        "_left",
        "_loop",
        "_method",
        "_on_end",
        "_parser",
        "_patience",
        "_payload",
        "_poll",
        "_read_head",
        "_timer",
        "_waiter",
        "_waiting_bytes",
        "idle_since",
        "is_pooled",
        "is_reusable",
        "key",
        "lost",
        "message",
        "transport",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        errors: Any,
        on_end: Callable[[Wire], None],
        read_head: Callable[..., Any],
    ) -> None:
        self.key: Any = None
        self.transport: Any = None
        self.message: Any = None
        """The head of the answer, once it has come."""
        self.is_reusable = True
        self.is_pooled = False
        """Whether it stands idle in its pool."""
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = loop.create_future()
        """Done when the socket is closed."""
        self._loop = loop
        self._errors = errors
        self._on_end = on_end
        self._read_head = read_head
        self._below: tuple[Any, ...] = ()
        """The transports under that of TLS, the socket's first."""
        self._arrived = b""
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._is_held = False
        self._due = _HEAD
        self._left = 0
        self._method = ""
        self._parser: Any = None
        self._payload: Any = None
        self._failure: tuple[str, str, BaseException | None] | None = None
        self._has_ended = False
        self._waiter: asyncio.Future[None] | None = None
        self._flushed: asyncio.Future[bool] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._patience: float | None = None
        self._poll: Any = None

    # What a pool asks.

    def is_idle(self) -> bool:
        """Tell whether no answer is under way, so that a request may be sent."""
        return self._due is _NOTHING

    def is_closed(self) -> bool:
        """Tell whether it was closed, from here or from there."""
        is_closing: bool = self.transport.is_closing()
        return self._has_ended or is_closing

    def is_fresh(self) -> bool:
        """Tell whether the next request may go over it: the server has said nothing since."""
        if not self.is_reusable or self.is_closed():
            return False
        return self._poll is None or not self._poll.poll(0)

    def has_expired(self) -> bool:
        """Tell whether the server has closed it, or said what nobody asked for."""
        return not self.is_fresh()

    def now(self) -> float:
        """Return the time of its loop, in seconds."""
        return self._loop.time()

    def has_spoken(self) -> bool:
        """Tell whether the server has said anything that is not part of an answer, or left."""
        is_begun = self._due is not _NOTHING and bool(self._arrived or self.message)
        return is_begun or self._failure is not None

    # What an exchange does.

    def expect(self, method: str) -> None:
        """Get ready for the answer to one request; before the request is written."""
        self._method = method
        if self._due is _NOTHING:
            self._due = _HEAD
            self.message = None
            self._chunks = []
            self._waiting_bytes = 0

    async def send(self, data: bytes, patience: float | None) -> bool:
        """Send bytes and wait until they have left; tell whether the connection still stands.

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

    async def head(self, patience: float | None) -> Any:
        """Wait for the head of the answer; `patience` is the longest silence, in seconds."""
        while self.message is None:
            await self._wait(patience)
        return self.message

    async def read(self, patience: float | None) -> bytes:
        """Return the next bytes of the body, b"" at its end."""
        while not self._chunks:
            if self._due is _NOTHING:
                return b""
            await self._wait(patience)
        chunk = self._chunks.pop(0)
        self._waiting_bytes -= len(chunk)
        if self._is_held and self._waiting_bytes < _MOST_WAITING:
            self._is_held = False
            self.transport.resume_reading()
        return chunk

    def take_whole(self) -> bytes | None:
        """Return the body where all of it has come, None otherwise."""
        if self._due is not _NOTHING:
            return None
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._waiting_bytes = 0
        return body

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
        """Go on over another transport: under TLS."""
        self._below = (*self._below, self.transport)
        self.connection_made(transport)
        self.is_reusable = True
        self.message = None
        self._due = _HEAD

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = transport
        # So that `pause_writing` is called unless all has left. TLS is paused by `_is_stuck`: with
        # a limit of 0 it would be so also where nothing waits, until something comes.
        self.transport.set_write_buffer_limits(high=1 if self._below else 0)
        if hasattr(select, "poll"):  # pragma: no branch - not on Windows
            self._poll = select.poll()
            self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        due = self._due
        if due is _HEAD:
            self._take_head(self._arrived + data if self._arrived else data)
        elif due is _SIZED:
            self._take_sized(data)
        elif due is _CHUNKS:
            self._take_chunks(data)
        elif due is _UNTIL_END:
            self._keep(data)
        else:
            self._spoil()
        if self._patience is not None:
            self._deadline = self._loop.time() + self._patience

    def eof_received(self) -> None:
        """Take the end of what comes; what is being sent would not be answered."""
        if self._due is _UNTIL_END:
            self._finish()
        self._end("RemoteProtocolError", self._what_is_missing())
        self.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take notice that the socket is closed."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        name = "RemoteProtocolError" if exc is None else "ReadError"
        self._end(name, self._what_is_missing() if exc is None else str(exc), exc)
        self.resume_writing()
        self.lost.set_result(None)

    def pause_writing(self) -> None:
        """Note that not all has left."""
        self._flushed = self._loop.create_future()

    def resume_writing(self) -> None:
        """Note that all has left, or never will."""
        flushed, self._flushed = self._flushed, None
        if flushed is not None and not flushed.done():
            flushed.set_result(True)

    # Reading.

    def _take_head(self, data: bytes) -> None:
        while True:
            size = _head_size(data)
            if not size:
                self._arrived = data
                if len(data) > MOST_HEAD_BYTES:
                    self._break("the head of the answer is too long")
                return
            self._arrived = b""
            try:
                message, self._parser, self._payload = self._read_head(
                    data[:size], self._loop, has_no_body=self._method == "HEAD"
                )
            except ValueError as error:
                self._break(str(error), error)
                return
            data = data[size:]
            if message.code not in _INFORMATIONAL or message.code == _SWITCHING:
                break
        self._begin_body(message)
        if self._failure is None:
            self.message = message
            if self._due is _NOTHING:
                self._finish()
                if data:
                    self.is_reusable = False
            elif data:
                self.data_received(data)
        self._wake()

    def _begin_body(self, message: Any) -> None:
        """Find out by RFC 9112, 6.3, how the end of the body will be known."""
        headers = message.headers
        if message.should_close:
            self.is_reusable = False
        code = message.code
        is_switched = code == _SWITCHING or (self._method == "CONNECT" and code in _SUCCESS)
        if is_switched or self._method == "HEAD" or code in _EMPTY:
            self._due = _NOTHING
            self.is_reusable &= not is_switched
            return
        if codings := headers.getall("Transfer-Encoding", ()):
            if len(codings) > 1 or codings[0].lower() != "chunked" or self._parser is None:
                self._break("Only Transfer-Encoding: chunked is supported")
                return
            self._due = _CHUNKS
        elif (length := headers.get("Content-Length")) is not None:
            self._left = int(length)
            self._due = _SIZED if self._left else _NOTHING
        else:
            self._due = _UNTIL_END

    def _take_sized(self, data: bytes) -> None:
        surplus = len(data) - self._left
        if surplus < 0:
            self._left = -surplus
            self._keep(data)
            return
        if surplus:
            self.is_reusable = False
            data = data[: self._left]
        self._left = 0
        self._finish()
        self._keep(data)

    def _take_chunks(self, data: bytes) -> None:
        error: Exception | None = None
        # The last byte by itself, because the parser keeps to itself what it has read behind the
        # end: whatever it says before that byte, with the end there already the byte is surplus.
        # Nothing but a line end can be the end.
        size = len(data) - data.endswith(b"\n")
        is_surplus = True
        try:
            if size:
                self._parser.feed_data(data[:size])
            if size < len(data) and not self._payload.is_eof():
                self._parser.feed_data(b"\n")
                is_surplus = False
        except Exception as raised:  # noqa: BLE001 - whatever the parser says
            error = raised
        # Taken out at once: how much may wait is decided here.
        body = self._payload.read_nowait(-1)
        if self._payload.is_eof():
            self.is_reusable &= not is_surplus
            self._finish()
        if body:
            self._keep(body)
        if error is not None and self._due is not _NOTHING:
            self._break(str(error), error)
        self._wake()

    def _keep(self, data: bytes) -> None:
        self._chunks.append(data)
        self._waiting_bytes += len(data)
        if self._waiting_bytes >= _MOST_WAITING and self._due is not _NOTHING:
            self._is_held = True
            self.transport.pause_reading()
        self._wake()

    def _finish(self) -> None:
        """Note that the answer has come whole."""
        if self._due is _UNTIL_END:
            self.is_reusable = False
        self._due = _NOTHING
        self._patience = None
        self._parser = self._payload = None

    def _spoil(self) -> None:
        """Note that something came that nobody had asked for."""
        self.is_reusable = False
        if self.is_pooled:
            self.drop()

    # Failing.

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        """Have nothing more to do with a server that breaks the protocol."""
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
        """Tell whether not all has left; then `_flushed` is done as soon as that may be otherwise.

        TLS hands all it has to the socket's transport, and pauses nobody for what waits there.
        """
        if self._below and not self.is_closed():
            if not any(each.get_write_buffer_size() for each in (*self._below, self.transport)):
                return False
            for transport in (*self._below[1:], self.transport):
                # The first takes a pause back where nothing waits in TLS itself, the second makes
                # one: it ends when the socket has taken all, or sooner.
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
        """Set the clock; it is left running after an answer, because most are much sooner."""
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


def _head_size(data: bytes) -> int:
    """Return where a head ends: by its first empty line, be it with or without CR; or 0."""
    end = data.find(b"\n\r\n")
    # What is found before that is sooner.
    bare = data.find(b"\n\n", 0, end + 1) if end >= 0 else data.find(b"\n\n")
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else 0

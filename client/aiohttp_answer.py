"""Reads the answers of one connection: where a head ends, and where its body.

aiohttp's parser, which is written in C, reads heads and chunks; what is due next, how much may wait
for its reader and whether anything came besides the answer is found out here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["MOST_HEAD_BYTES", "SUCCESS", "SWITCHING", "AnswerReader"]

MOST_HEAD_BYTES: Final = 100 * 1024
"""The longest head of an answer, as in httpcore."""
_MOST_WAITING: Final = 256 * 1024
"""Bytes of a body that may wait for their reader before the server is made to wait."""
_INFORMATIONAL: Final = range(100, 200)
SWITCHING: Final = 101
SUCCESS: Final = range(200, 300)
_EMPTY: Final = frozenset({204, 304})

# What is due next.
_HEAD: Final = "head"
_SIZED: Final = "a number of bytes"
_CHUNKS: Final = "chunks"
_UNTIL_END: Final = "bytes until the server closes"
_NOTHING: Final = "nothing"


class AnswerReader:
    """What a connection knows of the answer that is under way.

    A subclass is the connection: it says what becomes of a broken protocol, of too much at once and
    of what nobody asked for.

    Args:
        loop: The one it lives in.
        read_head: As in `aiohttp_parts`.
    """

    __slots__ = (
        "_arrived",
        "_chunks",
        "_due",
        "_is_held",
        "_left",
        "_loop",
        "_method",
        "_parser",
        "_payload",
        "_read_head",
        "_waiting_bytes",
        "is_reusable",
        "message",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, read_head: Callable[..., Any]) -> None:
        self.message: Any = None
        """The head of the answer, once it has come."""
        self.is_reusable = True
        self._loop = loop
        self._read_head = read_head
        self._arrived = b""
        self._chunks: list[bytes] = []
        self._waiting_bytes = 0
        self._is_held = False
        self._due = _HEAD
        self._left = 0
        self._method = ""
        self._parser: Any = None
        self._payload: Any = None

    def is_idle(self) -> bool:
        """Tell whether no answer is under way, so that a request may be sent."""
        return self._due is _NOTHING

    def expect(self, method: str) -> None:
        """Get ready for the answer to one request; before the request is written."""
        self._method = method
        if self._due is _NOTHING:
            self._due = _HEAD
            self.message = None
            self._chunks = []
            self._waiting_bytes = 0

    def take_whole(self) -> bytes | None:
        """Return the body where all of it has come, None otherwise."""
        if self._due is not _NOTHING:
            return None
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = []
        self._waiting_bytes = 0
        return body

    def has_begun(self) -> bool:
        """Tell whether some of an answer has come, and not all."""
        return self._due is not _NOTHING and bool(self._arrived or self.message)

    def has_piece(self) -> bool:
        """Tell whether some of its body waits for its reader."""
        return bool(self._chunks)

    def take_piece(self) -> bytes:
        """Return the first of what waits."""
        chunk = self._chunks.pop(0)
        self._waiting_bytes -= len(chunk)
        if self._is_held and self._waiting_bytes < _MOST_WAITING:
            self._is_held = False
            self._let_go_on()
        return chunk

    def start_over(self) -> None:
        """Be as new, for what comes under TLS from now on."""
        self.is_reusable = True
        self.message = None
        self._due = _HEAD

    def take(self, data: bytes) -> None:
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

    def take_end(self) -> None:
        """Take the end of what comes."""
        if self._due is _UNTIL_END:
            self._finish()

    # What the connection does.

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        """Have nothing more to do with a server that breaks the protocol."""

    def _hold(self) -> None:
        """Have the server wait: too much waits for its reader."""

    def _let_go_on(self) -> None:
        """Have it go on."""

    def _spoil(self) -> None:
        """Take notice that something came that nobody had asked for."""

    def _wake(self) -> None:
        """Wake whoever waits for the answer."""

    # Heads and bodies.

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
            if message.code not in _INFORMATIONAL or message.code == SWITCHING:
                break
        if not self._begin_body(message):
            self._break("Only Transfer-Encoding: chunked is supported")
            return
        self.message = message
        if self._due is _NOTHING:
            self._finish()
            if data:
                self.is_reusable = False
        elif data:
            self.take(data)
        self._wake()

    def _begin_body(self, message: Any) -> bool:
        """Find out by RFC 9112, 6.3, how the end of the body will be known; False if in no way."""
        headers = message.headers
        if message.should_close:
            self.is_reusable = False
        code = message.code
        is_switched = code == SWITCHING or (self._method == "CONNECT" and code in SUCCESS)
        if is_switched or self._method == "HEAD" or code in _EMPTY:
            self._due = _NOTHING
            self.is_reusable &= not is_switched
            return True
        if codings := headers.getall("Transfer-Encoding", ()):
            if len(codings) > 1 or codings[0].lower() != "chunked" or self._parser is None:
                return False
            self._due = _CHUNKS
        elif (length := headers.get("Content-Length")) is not None:
            self._left = int(length)
            self._due = _SIZED if self._left else _NOTHING
        else:
            self._due = _UNTIL_END
        return True

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
            self._hold()
        self._wake()

    def _finish(self) -> None:
        """Note that the answer has come whole."""
        if self._due is _UNTIL_END:
            self.is_reusable = False
        self._due = _NOTHING
        self._parser = self._payload = None


def _head_size(data: bytes) -> int:
    """Return where a head ends: by its first empty line, be it with or without CR; or 0."""
    end = data.find(b"\n\r\n")
    # What is found before that is sooner.
    bare = data.find(b"\n\n", 0, end + 1) if end >= 0 else data.find(b"\n\n")
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else 0

"""Reads the answers of one connection: where a head ends, and where its body.

aiohttp's parser, which is written in C, reads heads and chunks. What is due next, how much may wait
for its reader, and whether anything came besides the answer is decided here.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

    from .shapes import Message, ReadHead

__all__ = ["MOST_HEAD_BYTES", "SUCCESS", "SWITCHING", "AnswerReader"]

MOST_HEAD_BYTES: Final = 100 * 1024
"""The longest head of an answer, as in httpcore. The informational answers before one have the same
bound, all together, and so has what a chunked body holds between two of its bytes: extensions,
trailers, a size that does not end."""
_MOST_WAITING: Final = 256 * 1024
"""Bytes of a body that may wait for their reader before the server is made to wait."""
_MOST_PIECES: Final = 1024
"""Pieces that may: a single byte takes forty times its size."""
_INFORMATIONAL: Final = range(100, 200)
SWITCHING: Final = 101
SUCCESS: Final = range(200, 300)
_EMPTY: Final = frozenset({204, 304})
_TOO_LONG: Final = "the head of the answer is too long"

# What is due next.
_HEAD: Final = "head"
_SIZED: Final = "a number of bytes"
_CHUNKS: Final = "chunks"
_UNTIL_END: Final = "bytes until the server closes"
_NOTHING: Final = "nothing"


class AnswerReader:
    """What a connection knows of the answer that is under way.

    A subclass is the connection: it decides what follows where the protocol is broken, too much
    comes at once, or something comes that nobody asked for.

    Args:
        loop: The one it lives in.
        read_head: See `parts.read_head`.
    """

    __slots__ = (
        "_arrived",
        "_chunks",
        "_due",
        "_framing_bytes",
        "_informational_bytes",
        "_is_held",
        "_left",
        "_loop",
        "_method",
        "_parser",
        "_payload",
        "_read_head",
        "_searched",
        "_waiting_bytes",
        "is_reusable",
        "message",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, read_head: ReadHead) -> None:
        self.message: Message | None = None
        """The head of the answer, once it has come."""
        self.is_reusable: bool = True
        self._loop = loop
        self._read_head = read_head
        self._arrived = bytearray()  # of a head that is not whole
        self._searched = 0  # so many bytes of it, in vain, for its end
        self._informational_bytes = 0
        self._framing_bytes = 0  # since the last byte of the body
        self._chunks: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._is_held = False
        self._due = _HEAD
        self._left = 0
        self._method = ""
        self._parser: Any = None
        self._payload: Any = None

    def is_idle(self) -> bool:
        """Whether no answer is under way, so that a request may be sent."""
        return self._due is _NOTHING

    def expect(self, method: str) -> None:
        """Prepare for the answer to one request; called before the request is written."""
        self._method = method
        if self._due is _NOTHING:
            self._due = _HEAD
            self.message = None
            self._chunks = deque()
            self._waiting_bytes = 0

    def take_whole(self) -> bytes | None:
        """Return the body where all of it has come, None otherwise."""
        if self._due is not _NOTHING:
            return None
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self._chunks = deque()
        self._waiting_bytes = 0
        return body

    def has_begun(self) -> bool:
        """Whether some of an answer has come, and not all."""
        return self._due is not _NOTHING and bool(self._arrived or self.message)

    def has_piece(self) -> bool:
        """Whether some of its body waits for its reader."""
        return bool(self._chunks)

    def take_piece(self) -> bytes:
        """Return the first of what waits."""
        chunk = self._chunks.popleft()
        self._waiting_bytes -= len(chunk)
        if self._is_held and not self._is_full():
            self._is_held = False
            self._let_go_on()
        return chunk

    def start_over(self) -> None:
        """Forget what came before TLS."""
        self.is_reusable = True
        self.message = None
        self._due = _HEAD

    def take(self, data: bytes) -> None:
        """Process what came."""
        due = self._due
        if due is _HEAD:
            self._take_head(data)
        elif due is _SIZED:
            self._take_sized(data)
        elif due is _CHUNKS:
            self._take_chunks(data)
        elif due is _UNTIL_END:
            self._keep(data)
        else:
            self._spoil()

    def take_end(self) -> None:
        """Process the end of what comes."""
        if self._due is _UNTIL_END:
            self._finish()

    # What the connection does.

    def _break(self, text: str, cause: BaseException | None = None) -> None:
        """End the connection: the server breaks the protocol."""

    def _hold(self) -> None:
        """Stop reading: too much waits for its reader."""

    def _let_go_on(self) -> None:
        """Read on."""

    def _spoil(self) -> None:
        """Never use the connection again: something came that nobody had asked for."""

    def _wake(self) -> None:
        """Wake whoever waits for the answer."""

    # Heads and bodies.

    def _take_head(self, data: bytes) -> None:
        end = 0
        if self._arrived:
            self._arrived += data
            end = _head_end(self._arrived, self._searched)
            if not end:
                self._await_head()
                return
            data = bytes(self._arrived)
            self._arrived = bytearray()
        message, end = self._final_head(data, end)
        if message is None:
            return
        if not self._begin_body(message):
            self._break("Only Transfer-Encoding: chunked is supported")
            return
        self.message = message
        data = data[end:]
        if self._due is _NOTHING:
            self._finish()
            if data:
                self.is_reusable = False
        elif data:
            self.take(data)
        self._wake()

    def _final_head(self, data: bytes, end: int) -> tuple[Message | None, int]:
        """Read heads up to the one that is not informational; return it, and where it ends.

        Args:
            data: What came, from the beginning of a head.
            end: Where that ends, if it is known.

        Returns:
            No head where it is not whole yet, or broken.
        """
        start = 0
        while end := end or _head_end(data, start):
            if end - start > MOST_HEAD_BYTES:
                self._break(_TOO_LONG)
                return None, 0
            try:
                message, self._parser, self._payload = self._read_head(
                    data[start:end], self._loop, has_no_body=self._method == "HEAD"
                )
            except ValueError as error:
                self._break(str(error), error)
                return None, 0
            if message.code not in _INFORMATIONAL or message.code == SWITCHING:
                self._informational_bytes = 0
                return message, end
            self._informational_bytes += end - start
            if self._informational_bytes > MOST_HEAD_BYTES:
                self._break("the informational answers do not end")
                return None, 0
            start, end = end, 0
        self._arrived += data[start:]
        self._await_head()
        return None, 0

    def _await_head(self) -> None:
        """Remember how far a head was searched for its end, or break off where it is too long."""
        size = len(self._arrived)
        self._searched = max(size - 2, 0)  # its end may have begun
        if size > MOST_HEAD_BYTES:
            self._break(_TOO_LONG)

    def _begin_body(self, message: Message) -> bool:
        """Decide by RFC 9112, 6.3, where the body will end; False where that cannot be known."""
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
        if len(data) < self._left:
            self._left -= len(data)
            self._keep(data)
            return
        if trailing_bytes := data[self._left :]:
            self.is_reusable = False
            data = data[: -len(trailing_bytes)]
        self._left = 0
        self._finish()
        self._keep(data)

    def _take_chunks(self, data: bytes) -> None:
        error: Exception | None = None
        # The last byte is fed by itself, because the parser does not say what it has read behind
        # the end: where the end came before that byte, the byte is a trailing one. Only a line end
        # can be the end.
        size = len(data) - data.endswith(b"\n")
        has_trailing_bytes = True
        try:
            if size:
                self._parser.feed_data(data[:size])
            if size < len(data) and not self._payload.is_eof():
                self._parser.feed_data(b"\n")
                has_trailing_bytes = False
        except Exception as raised:  # noqa: BLE001 - whatever the parser says
            error = raised
        # Taken out at once: how much may wait is decided here.
        body = self._payload.read_nowait(-1)
        if self._payload.is_eof():
            self.is_reusable &= not has_trailing_bytes
            self._finish()
        if body:
            self._framing_bytes = 0
            self._keep(body)
        else:
            self._framing_bytes += len(data)
            if self._framing_bytes > MOST_HEAD_BYTES and error is None:
                error = ValueError("what frames the chunks of the body does not end")
        if error is not None and self._due is not _NOTHING:
            self._break(str(error), error)
        self._wake()

    def _keep(self, data: bytes) -> None:
        self._chunks.append(data)
        self._waiting_bytes += len(data)
        if self._is_full() and self._due is not _NOTHING:
            self._is_held = True
            self._hold()
        self._wake()

    def _is_full(self) -> bool:
        return self._waiting_bytes >= _MOST_WAITING or len(self._chunks) >= _MOST_PIECES

    def _finish(self) -> None:
        """Finish the answer, which has come whole."""
        if self._due is _UNTIL_END:
            self.is_reusable = False
        self._due = _NOTHING
        self._framing_bytes = 0
        self._parser = self._payload = None


def _head_end(data: bytes | bytearray, start: int) -> int:
    """Return where a head ends: behind its first empty line, be it with or without CR; or 0.

    Args:
        data: What came.
        start: Where to begin the search.
    """
    end = data.find(b"\n\r\n", start)
    # What is found before that is sooner.
    bare = data.find(b"\n\n", start, end + 1) if end >= 0 else data.find(b"\n\n", start)
    if bare >= 0:
        return bare + 2
    return end + 3 if end >= 0 else 0

"""Where messages begin and end in what passes: read along, never held back, never changed.

Plaintext HTTP/1.x is recognised by its first line. All else, TLS and HTTP/2 among it, is opaque:
there a message begins where the other side has spoken in between.
"""

import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from .chunked import BadChunkError, ChunkedBody

MAX_HEAD_BYTES = 1_048_576  # longer ones are opaque
MAX_PIPELINED = 1_000
_BY_LINE = re.IGNORECASE | re.MULTILINE
BLANK_LINE = re.compile(rb"\n\r?\n")
HTTP = b"HTTP/1."
PART_OF_REQUEST_LINE = re.compile(rb"[A-Z]{1,20}( [^ \r\n]*( H?T?T?P?/?1?\.?[01]?)?)?\r?\n?")
CONTENT_LENGTH = re.compile(rb"^content-length[ \t]*:[ \t]*([0-9]+)[ \t]*\r?$", _BY_LINE)
CHUNKED = re.compile(rb"^transfer-encoding[ \t]*:.*\bchunked[ \t]*\r?$", _BY_LINE)
NO_BODY = (204, 304)
SWITCHING_PROTOCOLS = 101


class Part(Enum):
    """What a piece is part of."""

    HEAD = auto()
    BODY = auto()
    OPAQUE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some bytes that belong together.

    Attributes:
        data: The bytes, one at least.
        part: What they are part of.
        offset: How many bytes of this head or body came before.
        begins: Whether a message begins with them.
        ends_line: Whether the first line of a head ends with them.
        ends_head: Whether a head ends with them.
        ends: Whether a message ends with them.
    """

    data: bytes
    part: Part
    offset: int = 0
    begins: bool = False
    ends_line: bool = False
    ends_head: bool = False
    ends: bool = False


class MessageReader:
    """Follows the messages of one direction of one connection.

    Args:
        methods: Of the requests that are not yet answered, filled by the reader of requests and
            emptied by that of answers.
        of_requests: Which of the two this is.
    """

    def __init__(self, methods: deque[bytes], *, of_requests: bool) -> None:
        self._methods = methods
        self._of_requests = of_requests
        self._head = bytearray()
        self._is_interim = False
        self._body: ChunkedBody | None = None
        self._left = 0.0  # of the body at hand, unless it is chunked
        self._offset = 0
        self.is_opaque: bool = False
        self.in_message: bool = False
        self.was_answered: bool = True  # the other side has spoken since

    def feed(self, data: bytes) -> Iterator[Piece]:
        """Cut into pieces what has arrived."""
        while data:
            piece = self._next(data)
            self.was_answered = False
            data = data[len(piece.data) :]
            self.in_message = not (piece.ends or self.is_opaque)
            yield piece

    @property
    def ends_with_connection(self) -> bool:
        """Whether the message at hand has no other end."""
        return self.in_message and self._left == math.inf

    def _next(self, data: bytes) -> Piece:
        if self.is_opaque:
            return Piece(data=data, part=Part.OPAQUE, begins=self.was_answered)
        if self._body is not None or self._left:
            return self._next_of_body(data)
        return self._next_of_head(data)

    def _next_of_head(self, data: bytes) -> Piece:
        seen = len(self._head)
        begins = not (seen or self._is_interim)
        is_line = b"\n" not in self._head
        self._head += data
        if not self._can_be_head():
            return self._turn_opaque(data, begins=begins or self.was_answered)
        line_end = self._head.find(b"\n", seen) + 1 if is_line else 0
        if line_end:
            self._see_line(bytes(self._head[:line_end]))
            del self._head[line_end:]
            taken = data[: line_end - seen]
            return Piece(data=taken, part=Part.HEAD, offset=seen, begins=begins, ends_line=True)
        blank = BLANK_LINE.search(self._head, max(0, seen - 3))
        if blank is None:
            return Piece(data=data, part=Part.HEAD, offset=seen, begins=begins)
        head = bytes(self._head[: blank.end()])
        self._head.clear()
        ends_head = not self._begin_body(head)
        return Piece(
            data=data[: blank.end() - seen],
            part=Part.HEAD,
            offset=seen,
            begins=begins,
            ends_head=ends_head,
            ends=ends_head and self._body is None and not self._left and not self.is_opaque,
        )

    def _next_of_body(self, data: bytes) -> Piece:
        if self._body is None:
            taken = len(data) if self._left == math.inf else min(len(data), int(self._left))
            self._left -= taken
            ends = not self._left
        else:
            try:
                taken, ends = self._body.take(data)
            except BadChunkError:
                return self._turn_opaque(data, begins=False)
        offset = self._offset
        self._offset += taken
        if ends:
            self._body, self._offset = None, 0
        return Piece(data=data[:taken], part=Part.BODY, offset=offset, ends=ends)

    def _can_be_head(self) -> bool:
        if len(self._head) > MAX_HEAD_BYTES:
            return False
        if not self._of_requests:
            return HTTP.startswith(self._head[: len(HTTP)])
        line = self._head[: self._head.find(b"\n") + 1 or len(self._head)]
        return PART_OF_REQUEST_LINE.fullmatch(line) is not None

    def _turn_opaque(self, data: bytes, *, begins: bool) -> Piece:
        self.is_opaque = True
        self._head.clear()
        return Piece(data=data, part=Part.OPAQUE, begins=begins)

    def _see_line(self, line: bytes) -> None:
        if self._of_requests:
            self._methods.append(line.partition(b" ")[0])

    def _begin_body(self, head: bytes) -> bool:
        """Learn from a head what follows it, and return whether that is another head."""
        status = 0 if self._of_requests else _status(head)
        self._is_interim = status // 100 == 1 and status != SWITCHING_PROTOCOLS
        if self._is_interim:
            return True
        method = b"" if self._of_requests or not self._methods else self._methods.popleft()
        if status == SWITCHING_PROTOCOLS or (method == b"CONNECT" and status // 100 == 2):  # noqa: PLR2004 - any 2xx
            self.is_opaque = True
        elif method != b"HEAD" and status not in NO_BODY:
            self._expect_body(head)
        return False

    def _expect_body(self, head: bytes) -> None:
        lengths = CONTENT_LENGTH.findall(head)
        if CHUNKED.search(head):
            self._body = ChunkedBody()
        elif lengths:
            self._left = float(lengths[-1][:15])
        elif not self._of_requests:
            self._left = math.inf


def _status(head: bytes) -> int:
    word = head[:16].split(b" ", 2)[1:2]
    return int(word[0][:3]) if word and word[0][:3].isdigit() else 0

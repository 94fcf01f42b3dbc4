"""Takes the GOAWAY frames out of what a server sends, so that h2 never sees one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .headers import Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GoawayFilter"]

_FRAME_HEAD: Final = 9
_GOAWAY: Final = 7
_HEADERS: Final = frozenset({1, 5, 9})
"""The kinds of frames that hold headers: HEADERS, PUSH_PROMISE, CONTINUATION."""
_END_HEADERS: Final = 4
_NEEDS: Final = 8
"""Bytes: the last stream and the reason. A text may follow, of any length."""
_STREAM_NUMBER: Final = 2**31 - 1


class GoawayFilter:
    """Reads frames (RFC 9113, 4.1 and 6.8), however they are cut on their way.

    Args:
        on_goaway: Called at the end of each such frame with the last stream that the server takes
            on.
        on_rest: Called with all else, in the order in which it came: an answer that stands before
            a GOAWAY has begun by then.
    """

    def __init__(self, on_goaway: Callable[[int], None], on_rest: Callable[[bytes], None]) -> None:
        self._on_goaway = on_goaway
        self._on_rest = on_rest
        self._rest = bytearray()
        self._begun = b""
        """The beginning of a frame's head, where that is not whole."""
        self._left = 0
        """Bytes that are missing of the frame under way."""
        self._goaway: bytearray | None = None
        """What has come of it, where it is such a frame."""
        self._is_within_headers = False
        """Whether the next frame has to go on with the headers of the one before."""

    def read(self, data: bytes, longest: int) -> None:
        """Hand some data on.

        Raises:
            Malformed: A frame is longer than `longest` bytes, or such a frame is too short or
                stands where none may.
        """
        data = self._begun + data
        at = 0
        while at < len(data):
            piece = data[at : at + (self._left or _FRAME_HEAD)]
            if self._left:
                self._go_on(piece)
            elif len(piece) == _FRAME_HEAD:
                self._begin(piece, longest)
            else:
                break
            at += len(piece)
        self._begun = data[at:]
        self._hand_on()

    def _begin(self, head: bytes, longest: int) -> None:
        self._left = int.from_bytes(head[:3], "big")
        if self._left > longest:
            raise Malformed("frame is too long")  # h2 would wait for all of it first
        if head[3] == _GOAWAY:
            self._begin_goaway(head)
            return
        self._rest += head
        if head[3] in _HEADERS:
            self._is_within_headers = not head[4] & _END_HEADERS

    def _begin_goaway(self, head: bytes) -> None:
        if self._is_within_headers or int.from_bytes(head[5:], "big") & _STREAM_NUMBER:
            raise Malformed("GOAWAY stands where none may")  # h2 would say so, did it see it
        self._goaway = bytearray()
        self._go_on(b"")

    def _go_on(self, piece: bytes) -> None:
        self._left -= len(piece)
        if self._goaway is None:
            self._rest += piece
            return
        self._goaway += piece[: _NEEDS - len(self._goaway)]
        if not self._left:
            self._end(bytes(self._goaway))
            self._goaway = None

    def _end(self, payload: bytes) -> None:
        if len(payload) < _NEEDS:
            raise Malformed("GOAWAY is too short")
        self._hand_on()
        self._on_goaway(int.from_bytes(payload[:4], "big") & _STREAM_NUMBER)

    def _hand_on(self) -> None:
        if self._rest:
            rest = bytes(self._rest)
            self._rest.clear()
            self._on_rest(rest)

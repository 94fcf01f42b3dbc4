"""zstd, by the package zstandard for httpx, and as Python has it for httpx2."""

from __future__ import annotations

from functools import cache, partial
from importlib import import_module
from importlib.util import find_spec
from secrets import token_bytes
from typing import TYPE_CHECKING, Any, Final

from .decoder import PIECE, STEP, BrokenError, CutShortError, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BuiltInZstandard", "Zstandard"]

_LARGEST_WINDOW: Final = 2**23
"""Bytes that a zstd frame may have its reader remember (RFC 9659)."""


class _NothingLeftError(Exception):
    """Raised to a reader that asks for data which has not come yet."""


class _Inbox:
    """Data as it comes, for a reader that fetches it."""

    def __init__(self) -> None:
        self.data = b""

    def read(self, size: int = -1) -> bytes:
        """Hand out what is there."""
        if not self.data:
            raise _NothingLeftError
        data, self.data = self.data[:size], self.data[size:]
        return data


class Zstandard:
    """zstd (RFC 8878), one frame or several, by the package zstandard.

    Of its ways to decompress only a reader can be asked for a bounded number of bytes. It fetches
    its data; where there is none yet, the fetching raises, and the next read goes on from there.
    """

    def __init__(self) -> None:
        self._library: Any = import_module("zstandard")
        self._inbox = _Inbox()
        decompressor = self._library.ZstdDecompressor(max_window_size=_LARGEST_WINDOW)
        self._reader = decompressor.stream_reader(
            self._inbox, read_size=STEP, read_across_frames=True
        )
        self.has_begun: bool = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for."""
        self.has_begun |= bool(data)
        self._inbox.data = data
        try:
            while True:
                yield self._reader.read1(PIECE)
        except _NothingLeftError:
            return
        except self._library.ZstdError as error:
            raise BrokenError(str(error)) from error

    def finish(self) -> None:
        """Accept the end of the data.

        The reader does not tell whether it is between two frames. If it is, another frame gives
        what was put into it; anywhere else it passes for the inside of the one that is cut short.
        """
        if not self.has_begun:
            return
        token = token_bytes(16)
        frame = self._library.compress(token)
        # Byte by byte: given whole, it would be read by itself even behind half a header.
        pieces = (piece for at in range(len(frame)) for piece in self.decode(frame[at : at + 1]))
        try:
            is_whole = b"".join(pieces) == token
        except BrokenError:
            is_whole = False
        if not is_whole:
            raise CutShortError


class BuiltInZstandard:
    """zstd as Python 3.14 has it, and `backports.zstd` before."""

    def __init__(self) -> None:
        self._library: Any = import_module(_built_in_zstd())
        self._new: Callable[[], Any] = partial(
            self._library.ZstdDecompressor,
            options={
                self._library.DecompressionParameter.window_log_max: (
                    _LARGEST_WINDOW.bit_length() - 1
                )
            },
        )
        self._frame = self._new()
        self.has_begun: bool = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for."""
        self.has_begun |= bool(data)
        for step in steps(data):
            rest = step
            while rest:
                if self._frame.eof:
                    self._frame = self._new()
                yield from self._of_frame(rest)
                rest = self._frame.unused_data

    def finish(self) -> None:
        """Accept the end of the data."""
        if self.has_begun and not self._frame.eof:
            raise CutShortError

    def _of_frame(self, data: bytes) -> Iterator[bytes]:
        try:
            while True:
                piece = self._frame.decompress(data, PIECE)
                data = b""
                if piece:
                    yield piece
                if self._frame.eof or self._frame.needs_input:
                    return
        except self._library.ZstdError as error:
            raise BrokenError(str(error)) from error


@cache
def _built_in_zstd() -> str:
    return "compression.zstd" if find_spec("compression") else "backports.zstd"

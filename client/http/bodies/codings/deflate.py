"""gzip and deflate, by zlib."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from .decoder import PIECE, BrokenError, CutShortError, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Deflate", "Gzip"]

_NEXT_MEMBER: Final = 1024
"""The most that zlib is first given of a further member. It copies all that stands behind one, and
there may be thousands."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_WBITS: Final = zlib.MAX_WBITS | 16
_ZLIB_METHOD: Final = 8


class _Inflater:
    """What gzip and deflate have in common: zlib, asked for a bounded number of bytes."""

    def __init__(self, wbits: int) -> None:
        self._wbits = wbits
        self._zlib = zlib.decompressobj(wbits)
        self.has_begun: bool = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for."""
        self.has_begun |= bool(data)
        for step in steps(data):
            yield from self._inflate(step)

    def finish(self) -> None:
        """Accept the end of the data."""
        if self.has_begun and not self._zlib.eof:
            raise CutShortError

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        """Yield the bytes of one stream; what stands behind it is nothing to us."""
        while not self._zlib.eof:
            try:
                piece = self._zlib.decompress(data, PIECE)
            except zlib.error as error:
                raise BrokenError(str(error)) from error
            data = self._zlib.unconsumed_tail
            yield piece
            if not data and len(piece) < PIECE:
                return


class Gzip(_Inflater):
    """gzip (RFC 1952): one member or several.

    Zeros behind a member are padding; what else stands there, and does not begin like a member,
    is ignored with all that follows.
    """

    def __init__(self) -> None:
        super().__init__(_GZIP_WBITS)
        self._behind: bytes | None = b""
        """What came behind a member and is too short to tell; None once nothing can come of it."""

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        position, size = 0, len(data)
        while position < len(data):
            part = data[position : position + size]
            position += len(part)
            if self._zlib.eof:
                part = self._begin(part)
                yield b""
            if not part:
                continue
            yield from super()._inflate(part)
            size = len(data)
            if self._zlib.eof:
                position -= len(self._zlib.unused_data)
                size = _NEXT_MEMBER

    def _begin(self, data: bytes) -> bytes:
        """Look for the next member behind one that has ended; return what there is of it."""
        if self._behind is None:
            return b""
        found = (self._behind + data).lstrip(b"\0")
        if found.startswith(_GZIP_MAGIC):
            self._zlib, self._behind = zlib.decompressobj(self._wbits), b""
            return found
        self._behind = found if _GZIP_MAGIC.startswith(found) else None
        return b""

    def finish(self) -> None:
        """Accept the end of the data; half the beginning of a member is one."""
        super().finish()
        if self._behind:
            raise CutShortError


class Deflate(_Inflater):
    """deflate: zlib's format (RFC 1950), or the bare one (RFC 1951) that some servers send."""

    def __init__(self) -> None:
        super().__init__(zlib.MAX_WBITS)
        self._head: bytes | None = b""

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < 2:  # noqa: PLR2004 - zlib's header has two bytes
                self._head = data
                return
            self._head = None
            if not _is_zlib(data):
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        yield from super()._inflate(data)


def _is_zlib(data: bytes) -> bool:
    """Whether data begins with a header of zlib's (RFC 1950, 2.2)."""
    method, check = data[0], data[0] * 256 + data[1]
    return method & 15 == _ZLIB_METHOD and check % 31 == 0

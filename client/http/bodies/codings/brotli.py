"""br, by brotli or brotlicffi."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .decoder import PIECE, STEP, BrokenError, CutShortError, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Brotli"]


class Brotli:
    """br (RFC 7932), by brotli or brotlicffi."""

    def __init__(self) -> None:
        library: Any = import_module(_brotli())
        self._error: type[Exception] = library.error
        self._decompressor = library.Decompressor()
        process = getattr(self._decompressor, "process", None)  # brotlicffi has the other one
        self._process: Callable[..., bytes] = process or self._decompressor.decompress
        self._bound: dict[str, int] = {"output_buffer_limit": PIECE // 2}
        self._step = STEP
        self.has_begun: bool = False
        try:
            self._process(b"", **self._bound)
        except TypeError:
            # Before 1.2 it knew no bound. A byte at a time makes 16 MiB at most.
            self._bound, self._step = {}, 1

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what some data stands for."""
        self.has_begun |= bool(data)
        for step in steps(data, self._step):
            piece = self._make(step)
            yield b""
            while piece:
                yield from steps(piece, PIECE)  # it makes up to twice the bound
                piece = self._make(b"")

    def finish(self) -> None:
        """Accept the end of the data."""
        if self.has_begun and not self._decompressor.is_finished():
            raise CutShortError

    def _make(self, data: bytes) -> bytes:
        try:
            return self._process(data, **self._bound)
        except self._error as error:
            raise BrokenError(str(error)) from error


@cache
def _brotli() -> str:
    return "brotli" if find_spec("brotli") else "brotlicffi"

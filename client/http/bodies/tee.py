"""Writes down the body of an answer, as it comes from the wire, while somebody reads it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from ...runtime.coroutines import run_to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
    from types import ModuleType

    from ..family import Family
    from ..shapes import Response

    Ended = Callable[["Recording"], Coroutine[object, None, object]]

__all__ = ["Recording", "record", "recording_of"]


class Recording:
    """What has been read of a body so far, as long as that is not too much.

    Args:
        most: Bytes that are kept of a body; of a longer one nothing is.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._pieces: list[bytes] | None = []
        self._size = 0
        self._is_whole = False

    def add(self, piece: bytes) -> None:
        """Take note of a piece."""
        if self._pieces is None:
            return
        self._size += len(piece)
        if self._size > self._most:
            self._pieces = None
        else:
            self._pieces.append(piece)

    def end(self) -> None:
        """Take note that nothing comes after it."""
        self._is_whole = True

    @property
    def body(self) -> bytes | None:
        """All of the body; None where it was not read to its end, or is too long."""
        return b"".join(self._pieces) if self._is_whole and self._pieces is not None else None


def record(response: Response, family: Family, most: int, ended: Ended | None = None) -> None:
    """Write down the body of an answer that nobody has begun to read.

    Args:
        response: The answer.
        family: Its family.
        most: Bytes that are kept.
        ended: Called once the body has been read to its end, before its reader is told so.
    """
    answer: Any = response
    answer.stream = _kind(family.module)(answer.stream, Recording(most), ended)


def recording_of(response: object) -> Recording | None:
    """Return what was written down of an answer, or None where nothing is."""
    stream = getattr(response, "stream", None)
    return stream.recording if isinstance(stream, _Tee) else None


class _Tee:
    """Stands for the stream of an answer; of either world, as the one that it stands for."""

    def __init__(self, stream: Any, recording: Recording, ended: Ended | None) -> None:
        self._stream = stream
        self.recording = recording
        self._ended = ended

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self.recording.add(piece)
            yield piece
        self.recording.end()
        if self._ended is not None:
            run_to_end(self._ended(self.recording))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Pieces(aiter(self._stream), self.recording, self._ended)

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Pieces:
    """The pieces of a body; no generator, which would have to be closed: see `ClosedAfter`."""

    def __init__(
        self, pieces: AsyncIterator[bytes], recording: Recording, ended: Ended | None
    ) -> None:
        self._pieces = pieces
        self._recording = recording
        self._ended = ended

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._recording.end()
            if self._ended is not None:
                await self._ended(self._recording)
            raise
        self._recording.add(piece)
        return piece

    async def aclose(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()


@cache
def _kind(module: ModuleType) -> type[Any]:
    """Return the class of a family, which looks at what a stream is an instance of."""
    return type("Tee", (_Tee, module.SyncByteStream, module.AsyncByteStream), {})

"""Guards the body of an answer while it is read: its size, its deadline, what its errors mean.

httpx reads every body through a response's `iter_raw` and `iter_bytes` (or their async forms), so
the guard stands in front of these, on the one response it guards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from client.classify import Refused, Verdict
from client.exceptions import ResponseError
from client.ports import run_to_end

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    Read = Callable[..., Iterator[bytes]]
    ReadAsync = Callable[..., AsyncIterator[bytes]]
    Fetch = Callable[[], Awaitable[bytes]]
    Watch = Callable[[Fetch], Coroutine[Any, Any, bytes]]

__all__ = ["END", "BodyGuard", "BodyLimit"]

END: Final[Any] = object()
"""What a read returns when there is nothing left."""

_READS: Final = ("iter_raw", "iter_bytes", "aiter_raw", "aiter_bytes")
_PIECE: Final = 4 * 1024
"""Compressed bytes decoded at a time under a limit: gzip makes at most 4 MiB of them."""


def _leave(response: Any) -> None:
    """Take what stands in front away once the body has been read: it could not be pickled."""
    for name in _READS:
        response.__dict__.pop(name, None)


class BodyLimit:
    """Cuts a body off that grows, decoded, beyond a number of bytes."""

    def __init__(self, most: int) -> None:
        self._most = most

    def install(self, response: Any) -> None:
        """Watch over a response; httpx calls this hook before the body is read."""
        response.iter_raw = _in_pieces(response.iter_raw)
        response.iter_bytes = self._counted(response, response.iter_bytes)
        response.aiter_raw = _in_pieces_async(response.aiter_raw)
        response.aiter_bytes = self._counted_async(response, response.aiter_bytes)

    async def install_async(self, response: Any) -> None:
        """Watch over a response of an async client."""
        self.install(response)

    def _counted(self, response: Any, read: Read) -> Read:
        def counted(chunk_size: int | None = None) -> Iterator[bytes]:
            left = self._most
            for chunk in read(chunk_size):
                left = self._spend(left, chunk)
                yield chunk
            _leave(response)

        return counted

    def _counted_async(self, response: Any, read: ReadAsync) -> ReadAsync:
        async def counted(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            left = self._most
            async for chunk in read(chunk_size):
                left = self._spend(left, chunk)
                yield chunk
            _leave(response)

        return counted

    def _spend(self, left: int, chunk: bytes) -> int:
        if len(chunk) > left:
            reason = f"its body is larger than max_body_bytes, {self._most}"
            raise Refused(Verdict(ResponseError, request_sent=True, reason=reason))
        return left - len(chunk)


def _in_pieces(read: Read) -> Read:
    def pieces(chunk_size: int | None = None) -> Iterator[bytes]:
        for chunk in read(chunk_size):
            yield from _split(chunk)

    return pieces


def _in_pieces_async(read: ReadAsync) -> ReadAsync:
    async def pieces(chunk_size: int | None = None) -> AsyncIterator[bytes]:
        async for chunk in read(chunk_size):
            for piece in _split(chunk):
                yield piece

    return pieces


def _split(chunk: bytes) -> Iterator[bytes]:
    return (chunk[start : start + _PIECE] for start in range(0, len(chunk), _PIECE))


class BodyGuard:
    """Stands in front of the ways to read a streamed answer.

    Args:
        watch: Awaits one read of the body: bounds it, and translates what it raises.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def install(self, response: Any) -> None:
        """Watch over a response before the caller has it."""
        response.iter_raw = self._guarded(response, response.iter_raw)
        response.iter_bytes = self._guarded(response, response.iter_bytes)
        response.aiter_raw = self._guarded_async(response, response.aiter_raw)
        response.aiter_bytes = self._guarded_async(response, response.aiter_bytes)

    def _guarded(self, response: Any, read: Read) -> Read:
        def guarded(chunk_size: int | None = None) -> Iterator[bytes]:
            body = iter(read(chunk_size))

            async def fetch() -> bytes:
                return next(body, END)

            while (chunk := run_to_end(self._watch(fetch))) is not END:
                yield chunk
            _leave(response)

        return guarded

    def _guarded_async(self, response: Any, read: ReadAsync) -> ReadAsync:
        async def guarded(chunk_size: int | None = None) -> AsyncIterator[bytes]:
            body = aiter(read(chunk_size))

            async def fetch() -> bytes:
                return await anext(body, END)

            while (chunk := await self._watch(fetch)) is not END:
                yield chunk
            _leave(response)

        return guarded

"""Guards the body of an answer while it is read: its size, its deadline, what its errors mean.

httpx reads every body through a response's `iter_raw` and `iter_bytes` (or their async forms), so
the guard stands in front of these, on the one response it guards.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ...errors.httpx_names import READ_BODY, READ_TEXT
from ...exceptions import ResponseError
from ...runtime.coroutines import run_to_end
from ..verdicts import Refused, Verdict

if TYPE_CHECKING:
    from collections.abc import (
        AsyncGenerator,
        AsyncIterator,
        Awaitable,
        Callable,
        Coroutine,
        Generator,
        Iterator,
    )

    from ..shapes import Response

    Read = Callable[..., Iterator[bytes]]
    ReadAsync = Callable[..., AsyncIterator[bytes]]
    Fetch = Callable[[], Awaitable[bytes]]
    Watch = Callable[[Fetch], Coroutine[object, None, bytes]]

T = TypeVar("T")

__all__ = [
    "END",
    "MOST_KEPT",
    "BodyCut",
    "BodyGuard",
    "BodyLimit",
    "BodyPause",
    "ClosedAfter",
    "RedirectCut",
    "was_read",
]

MOST_KEPT: Final = 1024 * 1024
"""The largest body that an error carries, in decoded bytes."""

END: Final[Any] = object()
"""What a read returns when there is nothing left."""

_FRAMING: Final = 64 * 1024
_READS: Final = ("iter_raw", "iter_bytes", "aiter_raw", "aiter_bytes")


def _leave(response: Response) -> None:
    """Remove what stands in front once the body has been read: it could not be pickled."""
    for name in _READS:
        response.__dict__.pop(name, None)


def was_read(response: object) -> bool:
    """Whether a body is there already, as that of a mock's answer: nothing of it will be read."""
    return hasattr(response, READ_BODY)


class ClosedAfter:
    """Closes an iterator that can be closed, rather than leave that to the garbage collector.

    A class, and no generator: where a body is left half read, the collector would close that one
    as well, in any order, and the event loop would complain.

    Args:
        body: The iterator; the block is given it.
    """

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body

    async def __aenter__(self) -> AsyncIterator[bytes]:
        return self._body

    async def __aexit__(self, *_: object) -> None:
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()


class _Bound(ABC):
    """Stands in front of the ways to read a body, and counts what comes.

    Args:
        most: Bytes of a body, decoded.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    @abstractmethod
    def _spend(self, response: Response, chunk: bytes, left: int) -> tuple[bytes, int | None]:
        """Return what is handed on of a piece, and how much is left: None where the body ends."""

    def _bounded(self, response: Response, read: Read, most: int) -> Read:
        def bounded(chunk_size: int | None = None) -> Iterator[bytes]:
            left = most
            for chunk in read(chunk_size):
                piece, rest = self._spend(response, chunk, left)
                yield piece
                if rest is None:
                    response.close()
                    break
                left = rest
            _leave(response)

        return bounded

    def _bounded_async(self, response: Response, read: ReadAsync, most: int) -> ReadAsync:
        async def bounded(chunk_size: int | None = None) -> AsyncGenerator[bytes]:
            left = most
            async with ClosedAfter(read(chunk_size)) as body:
                async for chunk in body:
                    piece, rest = self._spend(response, chunk, left)
                    yield piece
                    if rest is None:
                        await response.aclose()
                        break
                    left = rest
            _leave(response)

        return bounded


class BodyLimit(_Bound):
    """Cuts a body off that grows, decoded, beyond a number of bytes."""

    def install(self, response: Response) -> None:
        """Watch over a response; httpx calls this hook before the body is read."""
        if was_read(response):
            return
        most = self._most
        # Packing makes a body longer where there is nothing to gain, above all by many flushes.
        raw = 2 * most + _FRAMING if "content-encoding" in response.headers else most
        response.__dict__.update(
            iter_raw=self._bounded(response, response.iter_raw, raw),
            aiter_raw=self._bounded_async(response, response.aiter_raw, raw),
            iter_bytes=self._bounded(response, response.iter_bytes, most),
            aiter_bytes=self._bounded_async(response, response.aiter_bytes, most),
        )

    def check(self, response: Response) -> None:
        """Watch over a response, or judge it now where it came with its body read.

        Raises:
            Refused: That is larger.
        """
        self.install(response)
        if was_read(response):
            self._spend(response, response.content, self._most)

    def _spend(self, response: Response, chunk: bytes, left: int) -> tuple[bytes, int | None]:
        del response
        if len(chunk) > left:
            reason = f"its body is larger than max_body_bytes, {self._most}"
            raise Refused(Verdict(ResponseError, request_sent=True, reason=reason))
        return chunk, left - len(chunk)


class BodyCut(_Bound):
    """Ends a body that grows, decoded, beyond a number of bytes, as if it ended there."""

    def install(self, response: Response) -> None:
        """Watch over a response before its body is read."""
        if was_read(response):
            return
        response.__dict__.update(
            iter_bytes=self._bounded(response, response.iter_bytes, self._most),
            aiter_bytes=self._bounded_async(response, response.aiter_bytes, self._most),
        )

    def _spend(self, response: Response, chunk: bytes, left: int) -> tuple[bytes, int | None]:
        del response
        return chunk[:left], left - len(chunk) if len(chunk) < left else None


class RedirectCut(BodyCut):
    """Ends the body of a redirect that httpx follows: it reads it only to be rid of it."""

    def _spend(self, response: Response, chunk: bytes, left: int) -> tuple[bytes, int | None]:
        # httpx sets this where it hands the redirect over: somebody wants all of it.
        if response.next_request is not None:
            return chunk, left
        return super()._spend(response, chunk, left)


class BodyPause:
    """Lets the body of an answer that may be replaced end where it gets large, for now.

    Who turns out to want it after all reads on from there, on the same connection.
    """

    def __init__(self, response: Response, most: int) -> None:
        self.response = response
        self.is_paused = False
        self._most = most
        self._body: Any = None
        response.__dict__.update(
            iter_bytes=self._first(response.iter_bytes),
            aiter_bytes=self._first_async(response.aiter_bytes),
        )

    def go_on(self) -> None:
        """Make the next reading of the answer return all of its body."""
        state = vars(self.response)
        first = state.pop(READ_BODY)
        state.pop(READ_TEXT, None)  # of the first part, if somebody looked at it
        state["iter_bytes"] = partial(self._whole, first)
        state["aiter_bytes"] = partial(self._whole_async, first)

    def _first(self, read: Read) -> Read:
        def first(chunk_size: int | None = None) -> Iterator[bytes]:
            left, self._body = self._most, read(chunk_size)
            for chunk in self._body:
                yield chunk
                left -= len(chunk)
                if left <= 0:
                    self.is_paused = True
                    return
            _leave(self.response)

        return first

    def _first_async(self, read: ReadAsync) -> ReadAsync:
        async def first(chunk_size: int | None = None) -> AsyncGenerator[bytes]:
            left, self._body = self._most, read(chunk_size)
            async for chunk in self._body:
                yield chunk
                left -= len(chunk)
                if left <= 0:
                    self.is_paused = True
                    return
            _leave(self.response)

        return first

    def _whole(self, first: bytes) -> Iterator[bytes]:
        yield first
        yield from self._body
        _leave(self.response)

    async def _whole_async(self, first: bytes) -> AsyncGenerator[bytes]:
        yield first
        async for chunk in self._body:
            yield chunk
        _leave(self.response)


class BodyGuard:
    """Stands in front of the ways to read a streamed answer.

    Args:
        watch: Awaits one read of the body: bounds it, and translates what it raises.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._is_reading = False
        """Whether httpx asks, for a read that is watched already."""

    def install(self, response: Response) -> None:
        """Watch over a response before the caller has it."""
        if was_read(response):
            return
        response.__dict__.update(
            iter_raw=self._guarded(response, response.iter_raw),
            iter_bytes=self._guarded(response, response.iter_bytes),
            aiter_raw=self._guarded_async(response, response.aiter_raw),
            aiter_bytes=self._guarded_async(response, response.aiter_bytes),
        )

    def _guarded(self, response: Response, read: Read) -> Read:
        def guarded(chunk_size: int | None = None) -> Iterator[bytes]:
            body = iter(read(chunk_size))

            async def fetch() -> bytes:
                with self._reading():
                    return next(body, END)

            while (chunk := run_to_end(self._watch(fetch))) is not END:
                yield chunk
            _leave(response)

        return self._once(guarded, read)

    def _guarded_async(self, response: Response, read: ReadAsync) -> ReadAsync:
        async def guarded(chunk_size: int | None = None) -> AsyncGenerator[bytes]:
            async with ClosedAfter(read(chunk_size)) as body:

                async def fetch() -> bytes:
                    with self._reading():
                        return await anext(body, END)

                while (chunk := await self._watch(fetch)) is not END:
                    yield chunk
            _leave(response)

        return self._once(guarded, read)

    @contextmanager
    def _reading(self) -> Generator[None]:
        self._is_reading = True
        try:
            yield
        finally:
            self._is_reading = False

    def _once(self, guarded: Callable[..., T], read: Callable[..., T]) -> Callable[..., T]:
        """Return a way to read that is guarded where the caller takes it, not where httpx does."""

        def chosen(chunk_size: int | None = None) -> T:
            return (read if self._is_reading else guarded)(chunk_size)

        return chosen
